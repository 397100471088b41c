"""The backbones: images [N, 3, H, W] to features [N, D].

Parameter names and shapes are those of the published checkpoints, so that their files load here and ours load there.
Each class has `feat_dim`, which is D, and `maps(images)` [N, D, h, w], whose mean over the positions is the feature.
"""

import torch
from torch import nn
from torch.nn import functional as F


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters ("option A" of the ResNet paper)."""

    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        self.stride = stride
        self.new_channels = channels_out - channels_in

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.stride != 1 or self.new_channels:
            # Take every second pixel and put half of the new channels, all zero, on each side.
            half = self.new_channels // 2
            x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, half, half))
        return F.relu(y + x)


def _stage(blocks, channels_in, channels_out, stride):
    later = [BasicBlock(channels_out, channels_out) for _ in range(blocks - 1)]
    return nn.Sequential(BasicBlock(channels_in, channels_out, stride), *later)


class Backbone(nn.Module):
    def forward(self, images):
        return self.maps(images).mean(dim=(2, 3))

    def _initialise(self):
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)


class CIFARBackbone(Backbone):
    """Three stages of a ResNet for small pictures, the last of so many blocks: 64 maps of a quarter of the side."""

    def __init__(self, last_blocks):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(5, 16, 16, stride=1)
        self.layer2 = _stage(5, 16, 32, stride=2)
        self.layer3 = _stage(last_blocks, 32, 64, stride=2)

    def maps(self, images):
        x = F.relu(self.bn1(self.conv1(images)))
        return self.layer3(self.layer2(self.layer1(x)))


class ResNet32Feature(CIFARBackbone):
    """ResNet-32 whose last block exists twice, side by side: 3x32x32 images to 64 + 64 = 128 features."""

    feat_dim = 128

    def __init__(self):
        super().__init__(last_blocks=4)
        self.cb_block = BasicBlock(64, 64)
        self.rb_block = BasicBlock(64, 64)
        self._initialise()

    def maps(self, images):
        x = super().maps(images)
        return torch.cat([self.cb_block(x), self.rb_block(x)], dim=1)


class PlainResNet32Feature(CIFARBackbone):
    """ResNet-32 as its paper has it for CIFAR (He et al., 2016): 64 features."""

    feat_dim = 64

    def __init__(self):
        super().__init__(last_blocks=5)
        self._initialise()


class ProjectedBlock(nn.Module):
    """Two 3x3 convolutions; where the shape changes, the shortcut is a 1x1 convolution ("option B")."""

    def __init__(self, channels_in, planes, stride, groups):
        super().__init__()
        assert groups == 1
        self.conv1 = nn.Conv2d(channels_in, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = _projection(channels_in, planes, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.downsample(x))


class Bottleneck(nn.Module):
    """1x1, 3x3 with the stride, 1x1 to 4 * planes. With 32 groups (ResNeXt) the 3x3 has 4 channels a group in the first stage."""

    def __init__(self, channels_in, planes, stride, groups):
        super().__init__()
        inner = planes if groups == 1 else planes * 4 // 64 * groups
        self.conv1 = nn.Conv2d(channels_in, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.downsample = _projection(channels_in, 4 * planes, stride)

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = F.relu(self.bn2(self.conv2(y)))
        return F.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def _projection(channels_in, channels_out, stride):
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    return nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride, bias=False), nn.BatchNorm2d(channels_out))


class ResNetFeature(Backbone):
    """The ResNets for large images: 7x7 stem and maximum pooling, four stages of `blocks`."""

    def __init__(self, block, blocks, groups=1):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for stage, count in enumerate(blocks):
            planes = 64 << stage
            layers = []
            for place in range(count):
                layers.append(block(channels, planes, 2 if stage > 0 and place == 0 else 1, groups))
                channels = planes if block is ProjectedBlock else 4 * planes
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self._initialise()

    def maps(self, images):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class ResNet10Feature(ResNetFeature):
    feat_dim = 512

    def __init__(self):
        super().__init__(ProjectedBlock, (1, 1, 1, 1))


class ResNet50Feature(ResNetFeature):
    feat_dim = 2048

    def __init__(self):
        super().__init__(Bottleneck, (3, 4, 6, 3))


class ResNext50Feature(ResNetFeature):
    """ResNeXt-50 32x4d."""

    feat_dim = 2048

    def __init__(self):
        super().__init__(Bottleneck, (3, 4, 6, 3), groups=32)


# The names that networks.feat_model.def_file may give.
BACKBONES = {
    backbone.__name__: backbone
    for backbone in (ResNet32Feature, PlainResNet32Feature, ResNet10Feature, ResNet50Feature, ResNext50Feature)
}
