"""RoIAlign over the levels of a feature pyramid (He et al., 2017), half-pixel aligned, in tensor operations.

Bilinear interpolation is separable, and so is a mean over samples: a bin's value is a row vector times the map times a column
vector. So the regions of a level are two matrix products, the same on every device and as deterministic.
"""

import torch

# Samples along each side of a bin.
SAMPLES = 2
# The root of a region's area from which on it is pooled from the first level; twice as much, from the second.
FINEST = 56


def levels_of(boxes, count):
    """Which of `count` levels each of `boxes` [N, 4] is pooled from: each doubling of the root of the area is one level on."""
    roots = ((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).clamp(min=0).sqrt()
    return torch.log2(roots / FINEST + 1e-6).floor().clamp(0, count - 1).long()


def pooled(maps, strides, boxes, pictures, size):
    """Regions [N, C, size, size] of `maps`, one [B, C, h, w] a level, under `boxes` [N, 4] of the pictures `pictures` [N]."""
    result = maps[0].new_zeros(len(boxes), maps[0].shape[1], size, size)
    levels = levels_of(boxes, len(maps))
    for level, (level_maps, stride) in enumerate(zip(maps, strides)):
        for picture in range(len(level_maps)):
            chosen = torch.nonzero((levels == level) & (pictures == picture)).flatten()
            if len(chosen):
                result = result.index_copy(0, chosen, aligned(level_maps[picture], boxes[chosen] / stride, size))
    return result


def aligned(feature_map, boxes, size):
    """Regions [N, C, size, size] of one map [C, h, w]; `boxes` [N, 4] in its pixels, the middle of the first one at 0.5."""
    channels, height, width = feature_map.shape
    across = _weights(boxes[:, 0], boxes[:, 2], width, size)
    down = _weights(boxes[:, 1], boxes[:, 3], height, size)
    # [C * h, w] x [w, N * size], then for each region [size, h] x [h, C * size].
    rows = feature_map.reshape(channels * height, width) @ across.reshape(-1, width).T
    rows = rows.view(channels, height, len(boxes), size).permute(2, 1, 0, 3)
    bins = down @ rows.reshape(len(boxes), height, channels * size)
    return bins.view(len(boxes), size, channels, size).transpose(1, 2)


def _weights(first, last, length, size):
    """[N, size, length]: how much each pixel along a side counts in each bin of a region from `first` to `last`, both [N]."""
    offsets = (torch.arange(size * SAMPLES, device=first.device) + 0.5) / (size * SAMPLES)
    places = first[:, None] - 0.5 + (last - first)[:, None] * offsets
    # A sample beyond the first or last pixel's middle takes that pixel; more than a pixel beyond, nothing.
    inside = (places >= -1) & (places <= length)
    places = places.clamp(0, length - 1)
    pixels = torch.arange(length, device=first.device)
    weights = (1 - (places[:, :, None] - pixels).abs()).clamp(min=0) * inside[:, :, None]
    return weights.unflatten(1, (size, SAMPLES)).mean(dim=2)
