"""The region proposal network (Ren et al., 2015): which boxes of a regular grid, moved, may hold an object."""

import torch
from torch import nn
from torch.nn import functional as F

from detection import boxes as box
from detection import matching

RATIOS = (0.5, 1.0, 2.0)
DEVIATIONS = (1.0, 1.0, 1.0, 1.0)
POSITIVE, NEGATIVE, EVERY_TRUTH = 0.7, 0.3, 0.3
SAMPLE, SHARE = 256, 0.5
OVERLAP = 0.7


def anchors_of(height, width, stride, scale, device=None):
    """Boxes [height * width * 3, 4] centred on stride * index: by rows, columns, then ratios of height to width."""
    ratios = torch.tensor(RATIOS, device=device).sqrt()
    sides = torch.stack([stride * scale / ratios, stride * scale * ratios], dim=1)
    shapes = torch.cat([-sides / 2, sides / 2], dim=1)
    y, x = torch.meshgrid(torch.arange(height, device=device), torch.arange(width, device=device), indexing="ij")
    centres = stride * torch.stack([x, y, x, y], dim=2).float()
    return (centres[:, :, None] + shapes).reshape(-1, 4)


class ProposalNetwork(nn.Module):
    """Objectness and deltas of three anchors at each place of each level, by convolutions that the levels share."""

    def __init__(self, channels, inner, strides, scale):
        super().__init__()
        self.strides, self.scale = strides, scale
        self.rpn_conv = nn.Conv2d(channels, inner, 3, padding=1)
        self.rpn_cls = nn.Conv2d(inner, len(RATIOS), 1)
        self.rpn_reg = nn.Conv2d(inner, 4 * len(RATIOS), 1)
        for layer in (self.rpn_conv, self.rpn_cls, self.rpn_reg):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, maps):
        """For each level logits [B, N], deltas [B, N, 4] and anchors [N, 4]."""
        levels = []
        for level_maps, stride in zip(maps, self.strides):
            inner = F.relu(self.rpn_conv(level_maps))
            logits = self.rpn_cls(inner).permute(0, 2, 3, 1).flatten(1)
            deltas = self.rpn_reg(inner).permute(0, 2, 3, 1).reshape(len(logits), -1, 4)
            levels.append((logits, deltas, anchors_of(*level_maps.shape[2:], stride, self.scale, logits.device)))
        return levels

    def losses(self, levels, truths, generator):
        """`truths`: boxes [M, 4] of each picture. Mean cross entropy of the sampled anchors, and L1 of the deltas of those matched."""
        anchors = torch.cat([level[2] for level in levels])
        logits = torch.cat([level[0] for level in levels], dim=1)
        deltas = torch.cat([level[1] for level in levels], dim=1)
        wrong, apart, count = 0.0, 0.0, 0
        for picture, truth in enumerate(truths):
            matches = matching.matched(anchors, truth, POSITIVE, NEGATIVE, EVERY_TRUTH)
            chosen = matching.sampled(matches, SAMPLE, SHARE, generator)
            is_object = (matches[chosen] >= 0).float()
            wrong = wrong + F.binary_cross_entropy_with_logits(logits[picture, chosen], is_object, reduction="sum")
            found = chosen[matches[chosen] >= 0]
            wanted = box.deltas_to(truth[matches[found]], anchors[found], DEVIATIONS)
            apart = apart + F.l1_loss(deltas[picture, found], wanted, reduction="sum")
            count += len(chosen)
        return wrong / count, apart / count

    @torch.no_grad()
    def proposals(self, levels, width, height, per_level, count):
        """For each picture at most `count` boxes [N, 4], best first, of the `per_level` best of each level, and their scores [N]."""
        return [self._of_picture(levels, picture, width, height, per_level, count) for picture in range(len(levels[0][0]))]

    def _of_picture(self, levels, picture, width, height, per_level, count):
        boxes, scores, numbers = [], [], []
        for number, (logits, deltas, anchors) in enumerate(levels):
            order = torch.sort(logits[picture], descending=True, stable=True).indices[:per_level]
            boxes.append(box.decoded(deltas[picture, order], anchors[order], DEVIATIONS, width, height))
            scores.append(logits[picture, order].sigmoid())
            numbers.append(torch.full_like(order, number))
        boxes, scores, numbers = torch.cat(boxes), torch.cat(scores), torch.cat(numbers)
        real = torch.nonzero(box.areas(boxes) > 0).flatten()
        boxes, scores, numbers = boxes[real], scores[real], numbers[real]
        kept = box.suppressed(boxes, scores, numbers, OVERLAP)[:count]
        return boxes[kept], scores[kept]
