"""From logits to detections: the adjustments of long-tailed scores, each with the background exempted, and what is kept.

Logits are [N, C + 1], the background last.
"""

import torch

from detection import boxes as box

# Of one class, a box that overlaps a better one by more than this is the same object.
OVERLAP = 0.5


def exempted(plain, adjusted):
    """The background keeps its plain probability; the classes share the rest by their adjusted logits.

    p_bg = softmax(plain)_bg,  p_i = (1 - p_bg) softmax over the classes of adjusted_i: `adjusted`'s background is not read.
    """
    background = plain.softmax(dim=1)[:, -1:]
    # 1 - p_bg in a way that keeps its digits where it is small.
    foreground = (plain[:, :-1].logsumexp(dim=1, keepdim=True) - plain.logsumexp(dim=1, keepdim=True)).exp()
    return torch.cat([foreground * adjusted[:, :-1].softmax(dim=1), background], dim=1)


def norcal(plain, counts, power):
    """exp(y_i) / n_i^power for the classes, exp(y_bg) for the background, over their sum (Pan et al., NeurIPS 2021)."""
    return torch.cat([plain[:, :-1] - power * counts.log(), plain[:, -1:]], dim=1).softmax(dim=1)


def logit_adjusted(plain, counts, strength):
    """y_i less strength * ln(n_i / n) among the classes (Menon et al., ICLR 2021), the background exempted."""
    shifted = plain[:, :-1] - strength * (counts / counts.sum()).log()
    return exempted(plain, torch.cat([shifted, plain[:, -1:]], dim=1))


def detections(probabilities, boxes, threshold, count):
    """At most `count` boxes [M, 4], best first, with their classes [M] and probabilities [M], of one picture's regions.

    Every class of a region above `threshold` is a detection of its own; the same class is suppressed by overlap.
    """
    regions, classes = torch.nonzero(probabilities[:, :-1] > threshold, as_tuple=True)
    scores = probabilities[regions, classes]
    kept = box.suppressed(boxes[regions], scores, classes, OVERLAP)[:count]
    return boxes[regions[kept]], classes[kept], scores[kept]


class Adjustment:
    """How probabilities are made of a stage's logits: `kind` and its one number."""

    # Each with what its number is called.
    KINDS = {"none": None, "tde": "alpha", "norcal": "power", "logit-adjustment": "strength", "tde-without-exemption": "alpha"}

    def __init__(self, kind, amount, counts):
        """`counts`: training images [C] of each class, which only norcal and logit-adjustment read."""
        self.kind, self.amount, self.counts = kind, amount, counts

    def __call__(self, logits_at):
        """`logits_at`: a function of alpha that gives logits [N, C + 1]."""
        plain = logits_at(0.0)
        match self.kind:
            case "none":
                return plain.softmax(dim=1)
            case "tde":
                return exempted(plain, logits_at(self.amount))
            case "tde-without-exemption":
                return logits_at(self.amount).softmax(dim=1)
            case "norcal":
                return norcal(plain, self.counts, self.amount)
            case "logit-adjustment":
                return logit_adjusted(plain, self.counts, self.amount)
        raise ValueError(self.kind)
