"""How far a network's probabilities are to be believed, and the one temperature that mends most of it (Guo et al., ICML 2017).

Probabilities are softmax(logits / T). T is chosen on images held out from training, whose classes are weighed alike: the shares that
they have say nothing of where the network will look.
"""

import math

import torch
from torch.nn import functional as F

BINS = 15
# The golden section search for ln T: from e^-3 to e^3, to a thousandth.
REACH, CLOSE_ENOUGH = 3.0, 1e-3


def temperature(logits, labels):
    """The T above 0 with the smallest mean over classes of the cross-entropy of softmax(logits / T). `logits` [N, C], `labels` [N]."""
    counts = torch.bincount(labels, minlength=logits.shape[1])
    weights = 1 / counts[labels]
    weights = weights / weights.sum()

    def loss(place):
        return (weights * F.cross_entropy(logits / math.exp(place), labels, reduction="none")).sum().item()

    low, high = -REACH, REACH
    golden = (math.sqrt(5) - 1) / 2
    while high - low > CLOSE_ENOUGH:
        first, second = high - golden * (high - low), low + golden * (high - low)
        # The loss is convex in 1 / T, so it has one smallest value in ln T too.
        low, high = (low, second) if loss(first) < loss(second) else (first, high)
    return math.exp((low + high) / 2)


def reliability(logits, labels, by):
    """Of each of BINS equal parts of the confidences: images, mean confidence, share of right answers. And the expected calibration
    error: the mean over images of how far confidence and share are apart in their part. `by`: the temperature."""
    confidence, answer = F.softmax(logits / by, dim=1).max(dim=1)
    right = (answer == labels).float()
    place = (confidence * BINS).long().clamp(max=BINS - 1)
    rows = []
    for part in range(BINS):
        inside = place == part
        count = int(inside.sum())
        means = (confidence[inside].mean().item(), right[inside].mean().item()) if count else (0.0, 0.0)
        rows.append((count, *means))
    return rows, sum(count * abs(mean - share) for count, mean, share in rows) / len(labels)
