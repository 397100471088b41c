"""What is in a region, and where exactly: the second half of a two-stage detector.

The classifier has one row for each class and a last one for the background. De-confounded (Tang, Huang, Zhang, NeurIPS 2020),
it comes with the direction of foreground features, which `scoring` adjusts by.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

import classifiers
from detection import boxes as box
from detection import matching, regions

# Of the moving sum of foreground features.
MOMENTUM = 0.9998
# A region is pooled to so many bins a side.
BINS = 7
# Of the regions that a stage is trained with at most this share holds an object.
SHARE = 0.25


@dataclass
class Sample:
    """Regions of a picture that are trained on: `boxes` [N, 4], `labels` [N], the boxes `wanted` [N, 4], and of each which true box
    that is, `truth` [N]; below 0 for the background, whose wanted box says nothing."""

    boxes: torch.Tensor
    labels: torch.Tensor
    wanted: torch.Tensor
    truth: torch.Tensor


class LinearClassifier(nn.Linear):
    """w_i . x + b_i, under mmdet's names: weight and bias. Given a direction, TDE takes it out of the feature."""

    PARAMETERS = ()

    def __init__(self, feat_dim, num_classes, num_head):
        super().__init__(feat_dim, num_classes)
        self.num_head = num_head
        nn.init.normal_(self.weight, std=0.01)
        nn.init.zeros_(self.bias)

    def forward(self, features, direction=None, alpha=0.0):
        if direction is not None and alpha != 0:
            features = classifiers.without_direction(features, direction, alpha, self.num_head)
        return super().forward(features)


# The names that networks.classifier.def_file may give a detector.
CLASSIFIERS = {
    kind.__name__: kind for kind in (classifiers.CausalNormClassifier, classifiers.CosineClassifier, LinearClassifier)
}


class BoxHead(nn.Module):
    """Two fully connected layers over a region's bins, then the classifier and deltas that all classes share.

    `deviations`: four numbers that deltas are divided by. `overlap`: from how much on a region is trained towards a box.
    """

    def __init__(self, channels, hidden, classifier, deviations, overlap):
        super().__init__()
        self.deviations, self.overlap = deviations, overlap
        self.shared_fcs = nn.ModuleList([nn.Linear(channels * BINS * BINS, hidden), nn.Linear(hidden, hidden)])
        for layer in self.shared_fcs:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.fc_cls = classifier
        self.fc_reg = nn.Linear(hidden, 4)
        nn.init.normal_(self.fc_reg.weight, std=0.001)
        nn.init.zeros_(self.fc_reg.bias)
        self.register_buffer("causal_embed", torch.zeros(1, hidden))

    def forward(self, maps, strides, boxes, pictures):
        """Features [N, hidden] and deltas [N, 4] of `boxes` [N, 4] on the pictures `pictures` [N]."""
        x = regions.pooled(maps, strides, boxes, pictures, BINS).flatten(1)
        for layer in self.shared_fcs:
            x = F.relu(layer(x))
        return x, self.fc_reg(x)

    def drawn(self, proposals, truths, count, generator):
        """Of each picture a Sample of at most `count`. `proposals`: boxes [N, 4] of each; `truths`: of each its boxes [M, 4] and
        their classes [M]."""
        return [self._drawn(*pair, count, generator) for pair in zip(proposals, truths)]

    def losses(self, maps, strides, size, samples):
        """Mean cross entropy of the samples' regions, mean L1 of the deltas, and for each picture of `size` the boxes that the
        regions became: what a further stage is trained on."""
        boxes, labels, wanted = (torch.cat([getattr(one, name) for one in samples]) for name in ("boxes", "labels", "wanted"))
        pictures = torch.cat([torch.full_like(one.labels, number) for number, one in enumerate(samples)])
        features, deltas = self(maps, strides, boxes, pictures)
        is_object = labels < self.background
        if self.training:
            self.move_direction(features.detach()[is_object])
        wrong = F.cross_entropy(self.fc_cls(features), labels)
        targets = box.deltas_to(wanted[is_object], boxes[is_object], self.deviations)
        apart = F.l1_loss(deltas[is_object], targets, reduction="sum") / len(labels)
        refined = box.decoded(deltas.detach(), boxes, self.deviations, *size)
        return wrong, apart, refined.split([len(one.boxes) for one in samples])

    @property
    def background(self):
        """The label of a region without an object: the classifier's last row."""
        return self.fc_cls.weight.shape[0] - 1

    def move_direction(self, features):
        """e <- 0.9998 e + the mean of the foreground's features [N, hidden], where there is a foreground."""
        if len(features):
            self.causal_embed.mul_(MOMENTUM).add_(features.mean(dim=0))

    def _drawn(self, proposals, truth, count, generator):
        boxes, classes = truth
        # The true boxes are regions too: at the beginning no proposal overlaps them enough.
        candidates = torch.cat([proposals, boxes])
        matches = matching.matched(candidates, boxes, self.overlap, self.overlap)
        chosen = matching.sampled(matches, count, SHARE, generator)
        matches, candidates = matches[chosen], candidates[chosen]
        if len(boxes) == 0:
            return Sample(candidates, torch.full_like(matches, self.background), candidates, matches)
        labels = torch.where(matches >= 0, classes[matches.clamp(min=0)], self.background)
        return Sample(candidates, labels, boxes[matches.clamp(min=0)], matches)
