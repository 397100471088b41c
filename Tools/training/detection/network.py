"""Faster, Cascade and Mask R-CNN with a feature pyramid. Names of parameters are mmdet's, those of the backbone torchvision's."""

from dataclasses import dataclass

import torch
from torch import nn

from detection import boxes as box
from detection import scoring
from detection.backbones import BACKBONES
from detection.box_head import CLASSIFIERS, BoxHead
from detection.mask_head import MaskHead
from detection.proposals import ProposalNetwork
from detection.pyramid import FeaturePyramid

# Of each stage: what deltas are divided by, the overlap that makes a region an object, and the weight of its loss.
STAGES = (
    ((0.1, 0.1, 0.2, 0.2), 0.5, 1.0),
    ((0.05, 0.05, 0.1, 0.1), 0.6, 0.5),
    ((0.033, 0.033, 0.067, 0.067), 0.7, 0.25),
)


@dataclass
class Regions:
    """Of one picture: boxes [N, 4] as the last stage has them, and of every stage the features [N, hidden]."""

    boxes: torch.Tensor
    features: list[torch.Tensor]


class Detector(nn.Module):
    """Images [B, 3, H, W] to regions, by the fields of a configuration's `networks`; `classes` without the background."""

    def __init__(self, networks, classes):
        super().__init__()
        feat, head, options = networks["feat_model"], networks["classifier"], networks["detector"]
        self.frozen, self.first = feat["frozen_stages"], options["first_level"] - 2
        self.options = options
        self.backbone = BACKBONES[feat["def_file"]]()
        widths = self.backbone.channels[self.first :]
        self.strides = [4 << level for level in range(self.first, 5)]
        self.neck = FeaturePyramid(widths, options["channels"])
        self.rpn_head = ProposalNetwork(options["channels"], options["rpn_channels"], self.strides, options["anchor_scale"])
        kind, params = CLASSIFIERS[head["def_file"]], head["params"]
        stages = []
        for deviations, overlap, _ in STAGES[: options["stages"]]:
            given = {name: params[name] for name in ("num_head", *kind.PARAMETERS)}
            classifier = kind(feat_dim=options["hidden"], num_classes=classes + 1, **given)
            stages.append(BoxHead(options["channels"], options["hidden"], classifier, deviations, overlap))
        self.roi_head = nn.Module()
        self.roi_head.bbox_head = alone_or_numbered(stages)
        if options["masks"]:
            self.roi_head.mask_head = alone_or_numbered([MaskHead(options["channels"], classes) for _ in stages])
        for number in range(self.frozen):
            for part in self.backbone.parts(number):
                part.requires_grad_(False)

    @property
    def stages(self):
        return listed(self.roi_head.bbox_head)

    @property
    def mask_heads(self):
        return listed(self.roi_head.mask_head) if self.options["masks"] else []

    def train(self, mode=True):
        super().train(mode)
        # Batch normalisation's statistics are frozen.
        self.backbone.eval()
        return self

    @torch.no_grad()
    def prefix(self, images):
        """What the frozen stages make of images, as far as later layers read it: a list of maps, or the images where none is frozen."""
        maps = []
        x = images
        for number in range(self.frozen):
            x = self.backbone.stage(number, x)
            if number >= self.first or number == self.frozen - 1:
                maps.append(x)
        return maps or [images]

    def levels(self, prefix):
        """The pyramid's maps from what `prefix` made."""
        maps, x = list(prefix), prefix[-1]
        if self.frozen <= self.first:
            # Nothing of it is a level yet.
            maps = []
        for number in range(self.frozen, 4):
            x = self.backbone.stage(number, x)
            if number >= self.first:
                maps.append(x)
        return self.neck(maps)

    def losses(self, prefix, size, truths, masks, generator):
        """Name to loss. `size`: width and height of the images; `truths`: of each picture boxes [M, 4] and classes [M]; `masks`: of
        each [M, H, W], or None for a network without masks."""
        maps = self.levels(prefix)
        found = self.rpn_head(maps)
        options, result = self.options, {}
        result["objectness"], result["proposal"] = self.rpn_head.losses(found, [boxes for boxes, _ in truths], generator)
        chosen = self.rpn_head.proposals(found, *size, options["proposals_a_level"], options["proposals_in_training"])
        proposals = [boxes for boxes, _ in chosen]
        levels, strides = maps[:-1], self.strides[:-1]
        for number, (stage, (_, _, weight)) in enumerate(zip(self.stages, STAGES), 1):
            samples = stage.drawn(proposals, truths, options["regions_in_training"], generator)
            wrong, apart, proposals = stage.losses(levels, strides, size, samples)
            result[f"class_{number}"], result[f"box_{number}"] = weight * wrong, weight * apart
            if options["masks"]:
                result[f"mask_{number}"] = weight * self.mask_heads[number - 1].loss(levels, strides, samples, masks)
        return result

    @torch.no_grad()
    def regions(self, prefix, size):
        """For each picture its Regions."""
        maps = self.levels(prefix)
        found = self.rpn_head.proposals(self.rpn_head(maps), *size, self.options["proposals_a_level"], self.options["proposals"])
        boxes = torch.cat([part for part, _ in found])
        counts = [len(part) for part, _ in found]
        pictures = torch.arange(len(found), device=boxes.device).repeat_interleave(torch.tensor(counts, device=boxes.device))
        features = []
        for stage in self.stages:
            x, deltas = stage(maps[:-1], self.strides[:-1], boxes, pictures)
            boxes = box.decoded(deltas, boxes, stage.deviations, *size)
            features.append(x)
        split = [x.split(counts) for x in features]
        return [Regions(part, list(stages)) for part, *stages in zip(boxes.split(counts), *split)]

    @torch.no_grad()
    def probabilities(self, features, adjustment):
        """[N, C + 1] of one picture's regions, the mean of the stages. `adjustment`: of the plain logits and of those at any
        alpha, made by `logits_at`, the probabilities."""
        each = []
        for stage, x in zip(self.stages, features):
            each.append(adjustment(lambda alpha, stage=stage, x=x: stage.fc_cls(x, stage.causal_embed[0], alpha)))
        return torch.stack(each).mean(dim=0)

    @torch.no_grad()
    def masks(self, prefix, boxes, classes):
        """Of one picture's detections, boxes [M, 4] of `classes` [M], the probabilities [M, 28, 28], the mean of the stages."""
        maps = self.levels(prefix)
        pictures = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
        each = [head(maps[:-1], self.strides[:-1], boxes, pictures)[torch.arange(len(boxes)), classes] for head in self.mask_heads]
        return torch.stack(each).sigmoid().mean(dim=0)


def alone_or_numbered(heads):
    """A single stage's head stands by itself, as in Faster R-CNN; several are numbered."""
    return heads[0] if len(heads) == 1 else nn.ModuleList(heads)


def listed(heads):
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]
