"""Multi-expert backbones: stem and first stages are shared, every expert has later ones of its own, and the features of all stand
one after the other, a head for each (RIDE: Wang et al., ICLR 2021).

Parameter names are those of the published checkpoints: the second stage of expert 0 is `layer2s.0`. A CosineClassifier with as
many heads as experts gives the mean of the experts' logits.
"""

import torch
from torch import nn
from torch.nn import functional as F

from backbones import Backbone, BasicBlock, Bottleneck, stage


class ExpertBackbone(Backbone):
    """`expert_dim`: the features of one expert. `_shared(images)` and `_own(maps, expert)` are its two parts."""

    @property
    def feat_dim(self):
        return self.experts * self.expert_dim

    def maps(self, images):
        shared = self._shared(images)
        return torch.cat([self._own(shared, expert) for expert in range(self.experts)], dim=1)


class ExpertResNet32Feature(ExpertBackbone):
    """ResNet-32 for 3x32x32 images; experts of 24 and 48 channels, not 32 and 64."""

    expert_dim = 48

    def __init__(self, experts):
        super().__init__()
        self.experts = experts
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = stage(BasicBlock, 5, 16, 16)
        self.layer2s = nn.ModuleList([stage(BasicBlock, 5, 16, 24, stride=2) for _ in range(experts)])
        self.layer3s = nn.ModuleList([stage(BasicBlock, 5, 24, 48, stride=2) for _ in range(experts)])
        self._initialise()

    def _shared(self, images):
        return self.layer1(F.relu(self.bn1(self.conv1(images))))

    def _own(self, maps, expert):
        return self.layer3s[expert](self.layer2s[expert](maps))


class ExpertResNetFeature(ExpertBackbone):
    """The ResNets of bottlenecks for large images; experts of 192 and 384 channels, four times as many behind a bottleneck."""

    expert_dim = 4 * 384

    def __init__(self, experts, blocks, groups):
        super().__init__()
        self.experts = experts
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        options = {"groups": groups}
        self.layer1 = stage(Bottleneck, blocks[0], 64, 64, **options)
        self.layer2 = stage(Bottleneck, blocks[1], 256, 128, stride=2, **options)
        self.layer3s = nn.ModuleList([stage(Bottleneck, blocks[2], 512, 192, stride=2, **options) for _ in range(experts)])
        self.layer4s = nn.ModuleList([stage(Bottleneck, blocks[3], 768, 384, stride=2, **options) for _ in range(experts)])
        self._initialise()

    def _shared(self, images):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, padding=1)
        return self.layer2(self.layer1(x))

    def _own(self, maps, expert):
        return self.layer4s[expert](self.layer3s[expert](maps))


class ExpertResNet50Feature(ExpertResNetFeature):
    def __init__(self, experts):
        super().__init__(experts, (3, 4, 6, 3), groups=1)


class ExpertResNext50Feature(ExpertResNetFeature):
    """ResNeXt-50 32x4d."""

    def __init__(self, experts):
        super().__init__(experts, (3, 4, 6, 3), groups=32)


EXPERT_BACKBONES = {
    backbone.__name__: backbone for backbone in (ExpertResNet32Feature, ExpertResNet50Feature, ExpertResNext50Feature)
}
