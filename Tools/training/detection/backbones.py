"""Backbones as detectors use them: images [N, 3, H, W] to the maps of four stages, at strides 4, 8, 16 and 32.

Parameter names are torchvision's, which the published weights have. Batch normalisation keeps its statistics: a detector's few
images a step have none worth learning.
"""

from torch.nn import functional as F

import backbones


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


class MobileNetV2(backbones.MobileNetV2Feature):
    """The last stage ends with the 1x1 convolution to 1280 channels, which the classifier of the published weights stood on."""

    channels = [24, 32, 96, 1280]
    # The layers of `features` that each stage ends before.
    ENDS = (4, 7, 14, 19)

    def stage(self, number, x):
        for layer in self.parts(number):
            x = layer(x)
        return x

    def parts(self, number):
        return self.features[self.ENDS[number - 1] if number else 0 : self.ENDS[number]]


# The names that networks.feat_model.def_file may give a detector.
BACKBONES = {backbone.__name__: backbone for backbone in (MobileNetV2, ResNet10, ResNet18, ResNet50)}

