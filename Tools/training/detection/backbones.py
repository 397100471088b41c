"""Backbones as detectors use them: images [N, 3, H, W] to the maps of four stages, at strides 4, 8, 16 and 32.

Parameter names are torchvision's, which the published weights have. Batch normalisation keeps its statistics: a detector's few
images a step have none worth learning.
"""

import torch
from torch import nn
from torch.nn import functional as F

import backbones
import checkpoint
from config import UserError


class ResNetStages(backbones.ResNetFeature):
    """Those of the classifiers, stopped at every stage."""

    def __init__(self, block, blocks):
        super().__init__(block, blocks)
        grown = 1 if block is backbones.ProjectedBlock else 4
        self.channels = [planes * grown for planes in (64, 128, 256, 512)]

    def stage(self, number, x):
        if number == 0:
            x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, padding=1)
        return getattr(self, f"layer{number + 1}")(x)

    def parts(self, number):
        return [*([self.conv1, self.bn1] if number == 0 else []), getattr(self, f"layer{number + 1}")]


class ResNet10(ResNetStages):
    def __init__(self):
        super().__init__(backbones.ProjectedBlock, (1, 1, 1, 1))


class ResNet18(ResNetStages):
    def __init__(self):
        super().__init__(backbones.ProjectedBlock, (2, 2, 2, 2))


class ResNet50(ResNetStages):
    def __init__(self):
        super().__init__(backbones.Bottleneck, (3, 4, 6, 3))


class InvertedResidual(nn.Module):
    """1x1 to `expansion` times the channels, 3x3 of each channel by itself, 1x1 without activation (Sandler et al., 2018)."""

    def __init__(self, channels_in, channels_out, stride, expansion):
        super().__init__()
        inner = channels_in * expansion
        layers = [] if expansion == 1 else [normalised(channels_in, inner, 1)]
        layers += [normalised(inner, inner, 3, stride, groups=inner)]
        layers += [nn.Conv2d(inner, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out)]
        self.conv = nn.Sequential(*layers)
        self.adds = stride == 1 and channels_in == channels_out

    def forward(self, x):
        return x + self.conv(x) if self.adds else self.conv(x)


def normalised(channels_in, channels_out, kernel, stride=1, groups=1):
    convolution = nn.Conv2d(channels_in, channels_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU6())


class MobileNetV2(nn.Module):
    """The last stage ends with the 1x1 convolution to 1280 channels, which the classifier of the published weights stood on."""

    channels = [24, 32, 96, 1280]
    # expansion, channels, blocks, stride of the first
    BLOCKS = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    # The layers of `features` that each stage ends before.
    ENDS = (4, 7, 14, 19)

    def __init__(self):
        super().__init__()
        layers, width = [normalised(3, 32, 3, 2)], 32
        for expansion, channels, count, stride in self.BLOCKS:
            for place in range(count):
                layers.append(InvertedResidual(width, channels, stride if place == 0 else 1, expansion))
                width = channels
        self.features = nn.Sequential(*layers, normalised(width, 1280, 1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")

    def stage(self, number, x):
        for layer in self.parts(number):
            x = layer(x)
        return x

    def parts(self, number):
        return self.features[self.ENDS[number - 1] if number else 0 : self.ENDS[number]]


# The names that networks.feat_model.def_file may give a detector.
BACKBONES = {backbone.__name__: backbone for backbone in (MobileNetV2, ResNet10, ResNet18, ResNet50)}


def initialise(backbone, path):
    """From a file of published weights, or from a checkpoint that train.py wrote; a classifier's own layers are left out."""
    contents = checkpoint.load(path)
    if "state_dict_best" in contents or "state_dict" in contents:
        contents = checkpoint.weights_of(contents)
        contents = contents.get("feat_model", contents)
    names = backbone.state_dict().keys()
    weights = {name: value for name, value in contents.items() if name in names}
    # How many batches a layer has seen plays no part, and old files do not say it.
    missing = [name for name in names if name not in weights and not name.endswith("num_batches_tracked")]
    if missing:
        raise UserError(
            f"{path}: lacks {len(missing)} of the {len(names)} tensors of {type(backbone).__name__}, {missing[0]} among them:"
            " name weights of that network"
        )
    try:
        backbone.load_state_dict(weights, strict=False)
    except RuntimeError:
        raise UserError(f"{path}: has tensors of other shapes than {type(backbone).__name__}: name weights of that network") from None
