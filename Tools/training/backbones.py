"""The backbones: images [N, 3, H, W] to features [N, D].

Parameter names and shapes are those of the published checkpoints, so that their files load here and ours load there.
Each class has `feat_dim`, which is D, and `maps(images)` [N, D, h, w], whose mean over the positions is the feature.
"""

import torch
from torch import nn
from torch.nn import functional as F


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters ("option A" of the ResNet paper)."""

    expansion = 1

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


def stage(block, blocks, channels_in, planes, stride=1, **options):
    """`blocks` of a kind one after the other, the first with the stride."""
    channels_out = block.expansion * planes
    later = [block(channels_out, planes, **options) for _ in range(blocks - 1)]
    return nn.Sequential(block(channels_in, planes, stride, **options), *later)


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
        self.layer1 = stage(BasicBlock, 5, 16, 16)
        self.layer2 = stage(BasicBlock, 5, 16, 32, stride=2)
        self.layer3 = stage(BasicBlock, last_blocks, 32, 64, stride=2)

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

    expansion = 1

    def __init__(self, channels_in, planes, stride=1):
        super().__init__()
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

    expansion = 4

    def __init__(self, channels_in, planes, stride=1, groups=1):
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

    def __init__(self, block, blocks, **options):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        channels = 64
        for number, count in enumerate(blocks):
            planes = 64 << number
            setattr(self, f"layer{number + 1}", stage(block, count, channels, planes, 2 if number > 0 else 1, **options))
            channels = block.expansion * planes
        self._initialise()

    def maps(self, images):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(images))), 3, 2, padding=1)
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))


class ResNet10Feature(ResNetFeature):
    feat_dim = 512

    def __init__(self):
        super().__init__(ProjectedBlock, (1, 1, 1, 1))


class ResNet18Feature(ResNetFeature):
    feat_dim = 512

    def __init__(self):
        super().__init__(ProjectedBlock, (2, 2, 2, 2))


class ResNet34Feature(ResNetFeature):
    feat_dim = 512

    def __init__(self):
        super().__init__(ProjectedBlock, (3, 4, 6, 3))


class ResNet50Feature(ResNetFeature):
    feat_dim = 2048

    def __init__(self):
        super().__init__(Bottleneck, (3, 4, 6, 3))


class ResNext50Feature(ResNetFeature):
    """ResNeXt-50 32x4d."""

    feat_dim = 2048

    def __init__(self):
        super().__init__(Bottleneck, (3, 4, 6, 3), groups=32)


class InvertedResidual(nn.Module):
    """1x1 to `expansion` times the channels, depthwise 3x3, 1x1 without activation; added to the input where shapes allow."""

    def __init__(self, channels_in, channels_out, stride, expansion):
        super().__init__()
        inner = channels_in * expansion
        widening = [_with_relu6(channels_in, inner, 1)] if expansion > 1 else []
        narrowing = [nn.Conv2d(inner, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out)]
        self.conv = nn.Sequential(*widening, _with_relu6(inner, inner, 3, stride, groups=inner), *narrowing)
        self.is_residual = stride == 1 and channels_in == channels_out

    def forward(self, x):
        return x + self.conv(x) if self.is_residual else self.conv(x)


def _with_relu6(channels_in, channels_out, size, stride=1, groups=1):
    convolution = nn.Conv2d(channels_in, channels_out, size, stride, padding=size // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU6())


class MobileNetV2Feature(Backbone):
    """MobileNetV2 of width 1 (Sandler et al., CVPR 2018, table 2) under torchvision's names."""

    feat_dim = 1280
    # Expansion, channels, blocks, stride of the first.
    STAGES = (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    )

    def __init__(self):
        super().__init__()
        layers, channels = [_with_relu6(3, 32, 3, stride=2)], 32
        for expansion, channels_out, blocks, stride in self.STAGES:
            for place in range(blocks):
                layers.append(InvertedResidual(channels, channels_out, stride if place == 0 else 1, expansion))
                channels = channels_out
        self.features = nn.Sequential(*layers, _with_relu6(channels, self.feat_dim, 1))
        self._initialise()

    def maps(self, images):
        return self.features(images)


# The names that networks.feat_model.def_file may give.
BACKBONES = {
    backbone.__name__: backbone
    for backbone in (
        ResNet32Feature,
        PlainResNet32Feature,
        ResNet10Feature,
        ResNet18Feature,
        ResNet34Feature,
        ResNet50Feature,
        ResNext50Feature,
        MobileNetV2Feature,
    )
}
