"""Which pixels of a detection's box are the object's (He et al., 2017): the mask head, what it is trained towards, and pasting."""

import numpy as np
import torch
from pycocotools import mask as coco_masks
from torch import nn
from torch.nn import functional as F

from detection import regions
from detection.pyramid import Layer

# Bins of a region, and the mask's, twice as many.
BINS, SIDE = 14, 28


class MaskHead(nn.Module):
    """Four 3x3 convolutions over a region's bins, a transposed one to twice as many, and one mask for each class."""

    def __init__(self, channels, classes):
        super().__init__()
        self.convs = nn.ModuleList(Layer(channels, channels, 3) for _ in range(4))
        self.upsample = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.conv_logits = nn.Conv2d(channels, classes, 1)
        for layer in (*(layer.conv for layer in self.convs), self.upsample, self.conv_logits):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, maps, strides, boxes, pictures):
        """Logits [N, classes, 28, 28] of `boxes` [N, 4] on the pictures `pictures` [N]."""
        x = regions.pooled(maps, strides, boxes, pictures, BINS)
        for layer in self.convs:
            x = F.relu(layer(x))
        return self.conv_logits(F.relu(self.upsample(x)))

    def loss(self, maps, strides, samples, masks):
        """Mean cross entropy of the pixels of the regions that hold an object, of its class's mask alone.

        `samples`: of each picture what its box head is trained on; `masks`: of each its true ones [M, H, W], bool.
        """
        boxes, pictures, classes, wanted = [], [], [], []
        for picture, (sample, truth) in enumerate(zip(samples, masks)):
            chosen = torch.nonzero(sample.truth >= 0).flatten()
            boxes.append(sample.boxes[chosen])
            classes.append(sample.labels[chosen])
            pictures.append(torch.full_like(chosen, picture))
            wanted += [target(truth[index], box) for index, box in zip(sample.truth[chosen].tolist(), sample.boxes[chosen])]
        boxes, pictures, classes = torch.cat(boxes), torch.cat(pictures), torch.cat(classes)
        if len(boxes) == 0:
            return maps[0].sum() * 0
        logits = self(maps, strides, boxes, pictures)
        return F.binary_cross_entropy_with_logits(logits[torch.arange(len(classes)), classes], torch.stack(wanted))


def target(mask, box):
    """Of a true mask [H, W] the part under `box` [4] as 28x28 of 0 and 1."""
    return (regions.aligned(mask[None].float(), box[None], SIDE)[0, 0] >= 0.5).float()


def pasted(probabilities, boxes, width, height):
    """Masks [N, height, width] of bool, from `probabilities` [N, 28, 28] of the pixels under `boxes` [N, 4].

    Bilinear between the middles of the 28x28, with nothing around them; a pixel is the object's from 0.5 on.
    """
    across = _weights(boxes[:, 0], boxes[:, 2], width)
    down = _weights(boxes[:, 1], boxes[:, 3], height)
    return down @ probabilities @ across.transpose(1, 2) >= 0.5


def _weights(first, last, length):
    """[N, length, 28]: what each of the 28 counts for each pixel along a side, of masks from `first` to `last`, both [N]."""
    pixels = torch.arange(length, device=first.device) + 0.5
    places = (pixels - first[:, None]) / (last - first).clamp(min=1e-3)[:, None] * SIDE - 0.5
    return (1 - (places[:, :, None] - torch.arange(SIDE, device=first.device)).abs()).clamp(min=0)


def decoded(segmentation, width, height):
    """A mask [height, width] of bool, from any of COCO's forms: polygons, run lengths, compressed run lengths."""
    if isinstance(segmentation, list):
        runs = coco_masks.merge(coco_masks.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        runs = coco_masks.frPyObjects(segmentation, height, width)
    else:
        runs = segmentation
    return torch.from_numpy(coco_masks.decode(runs).astype(bool))


def is_sound(segmentation, width, height):
    """Whether `decoded` may be asked: pycocotools writes where it should not if runs are longer than their picture."""
    if isinstance(segmentation, list):
        return len(segmentation) > 0 and all(_is_polygon(points, width, height) for points in segmentation)
    if not isinstance(segmentation, dict) or segmentation.get("size") != [height, width]:
        return False
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = _runs_of(counts)
    return isinstance(counts, list) and all(type(run) is int and run >= 0 for run in counts) and sum(counts) == width * height


def _is_polygon(points, width, height):
    if not isinstance(points, list) or len(points) < 6 or len(points) % 2:
        return False
    if not all(isinstance(number, (int, float)) and np.isfinite(number) for number in points):
        return False
    # As with boxes, a pixel more is rounding.
    return all(-1 <= x <= width + 1 and -1 <= y <= height + 1 for x, y in zip(points[::2], points[1::2]))


def _runs_of(text):
    """COCO's compressed run lengths: digits of 5 bits from the lowest on, bit 5 where one more follows, the last one's bit 4 the sign;
    from the fourth run on, what is more than the run before the last. None where a character or the end is out of place."""
    runs, value, shift = [], 0, 0
    for character in text:
        digit = ord(character) - 48
        if not 0 <= digit < 64 or shift > 60:
            return None
        value |= (digit & 31) << shift
        shift += 5
        if digit & 32:
            continue
        if digit & 16:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value, shift = 0, 0
    return None if shift else runs


def encoded(mask):
    """COCO's compressed run lengths of a mask [H, W] of bool."""
    runs = coco_masks.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))
    return runs | {"counts": runs["counts"].decode()}
