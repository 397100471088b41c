"""Boxes as float tensors [N, 4]: left, top, right, bottom, in pixels of the canvas."""

import math

import torch

# A side is at most multiplied by 1000 / 16 (mmdet's and torchvision's bound): an untrained head must not overflow.
LARGEST_LOG_RATIO = math.log(1000 / 16)


def areas(boxes):
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def overlaps(a, b):
    """Intersection over union of each of `a` [N, 4] with each of `b` [M, 4]: [N, M], 0 where a union is empty."""
    left_top = torch.maximum(a[:, None, :2], b[None, :, :2])
    right_bottom = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    intersection = (right_bottom - left_top).clamp(min=0).prod(dim=2)
    union = areas(a)[:, None] + areas(b)[None, :] - intersection
    return torch.where(union > 0, intersection / union, torch.zeros_like(union))


def deltas_to(targets, boxes, deviations):
    """What `decoded` needs to make `targets` [N, 4] of `boxes` [N, 4]. `deviations`: four numbers that deltas are divided by."""
    (target_centres, target_sizes), (centres, sizes) = _centres_and_sizes(targets), _centres_and_sizes(boxes)
    deltas = torch.cat([(target_centres - centres) / sizes, (target_sizes / sizes).log()], dim=1)
    return deltas / deltas.new_tensor(deviations)


def decoded(deltas, boxes, deviations, width, height):
    """`boxes` [N, 4] moved and stretched by `deltas` [N, 4], cut to a picture of `width` x `height`."""
    deltas = deltas * deltas.new_tensor(deviations)
    centres, sizes = _centres_and_sizes(boxes)
    centres = centres + deltas[:, :2] * sizes
    sizes = sizes * deltas[:, 2:].clamp(-LARGEST_LOG_RATIO, LARGEST_LOG_RATIO).exp()
    return clipped(torch.cat([centres - sizes / 2, centres + sizes / 2], dim=1), width, height)


def clipped(boxes, width, height):
    return torch.minimum(boxes.clamp(min=0), boxes.new_tensor([width, height, width, height]))


def suppressed(boxes, scores, groups, threshold):
    """Non-maximum suppression: the indices of the boxes that stay, best score first, of equal scores the lower index first.

    A box goes where a better one that stays, of the same one of `groups` (integers [N]), overlaps it by more than `threshold`.
    """
    order = torch.sort(scores, descending=True, stable=True).indices
    boxes, groups = boxes[order], groups[order]
    rivals = (overlaps(boxes, boxes) > threshold) & (groups[:, None] == groups[None, :])
    rivals = rivals.triu(diagonal=1).float()
    # Box i is settled after i rounds at the latest, and what all are settled at does not change any more: the greedy answer.
    stay = torch.ones(len(boxes), device=boxes.device)
    while True:
        settled = (stay @ rivals == 0).float()
        if torch.equal(settled, stay):
            return order[stay > 0]
        stay = settled


def _centres_and_sizes(boxes):
    return (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
