"""Writes what PyTorch computes with each known backbone: Tests/Fixtures/architectures.json.

The networks are torchvision's and timm's own, but for the CIFAR ResNets, which those lack. Their weights would be hundreds of
megabytes, so every tensor is made from its name alone, here and in Tests/SampleNetworks: see `sample`. The file holds, for
each network by its name on rarebit-convert's command line, the side of the square picture and the 10 logits.

Needs, beside requirements.txt: torchvision==0.28.0 and timm==1.0.31, both installed with --no-deps, and for timm also
huggingface_hub and safetensors.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# torchvision describes its compiled operators to PyTorch when it is imported, and its compiled part may be of another build
# than this PyTorch. The classification networks use none of them.
for operator in ("nms", "qnms"):
    torch.library.define(f"torchvision::{operator}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")

import timm  # noqa: E402
from torchvision.models import mobilenetv2, resnet  # noqa: E402

import backbones  # noqa: E402

OUTPUT = Path(__file__).resolve().parents[2] / "Tests" / "Fixtures" / "architectures.json"
CLASSES = 10
MASK = 2**64 - 1


def main():
    results = {}
    for name, (make, side) in networks().items():
        model = make().eval()
        # Counts of batches are whole numbers, and nothing reads them.
        state = {key: sample(key, value.shape) for key, value in model.state_dict().items() if value.dim() > 0}
        model.load_state_dict(state, strict=False)
        with torch.no_grad():
            logits = model(uniform("image", (1, 3, side, side), -2, 2))[0]
        results[name] = {"side": side, "logits": [float(value) for value in logits]}
        print(name, *(f"{value:.4g}" for value in logits[:4]))
    OUTPUT.write_text(json.dumps(results, indent=1) + "\n")


def networks():
    result = {}
    for depth in (20, 32, 44, 56, 110):
        result[f"cifar-resnet{depth}"] = (lambda n=(depth - 2) // 6: CIFARResNet(n, projection=False), 32)
    result["cifar-resnet20 option B"] = (lambda: CIFARResNet(3, projection=True), 32)
    for depth, blocks in ((10, (1, 1, 1, 1)), (18, (2, 2, 2, 2)), (34, (3, 4, 6, 3))):
        result[f"resnet{depth}"] = (lambda b=blocks: resnet.ResNet(resnet.BasicBlock, list(b), num_classes=CLASSES), 64)
    deep = ((50, (3, 4, 6, 3)), (101, (3, 4, 23, 3)), (152, (3, 8, 36, 3)))
    for depth, blocks in deep:
        result[f"resnet{depth}"] = (lambda b=blocks: resnet.ResNet(resnet.Bottleneck, list(b), num_classes=CLASSES), 64)
        result[f"resnext{depth}-32x4d"] = (lambda b=blocks: resnext(b), 64)
    result["resnext50-32x4d-no-last-relu"] = (lambda: without_last_relu(resnext((3, 4, 6, 3))), 64)
    result["mobilenetv2"] = (lambda: mobilenetv2.MobileNetV2(num_classes=CLASSES), 64)
    result["efficientnet-lite0"] = (lambda: timm.create_model("efficientnet_lite0", num_classes=CLASSES), 64)
    # An odd side pads unevenly in every stage.
    result["tf-efficientnet-lite0"] = (lambda: timm.create_model("tf_efficientnet_lite0", num_classes=CLASSES), 75)
    return result


def resnext(blocks):
    return resnet.ResNet(resnet.Bottleneck, list(blocks), num_classes=CLASSES, groups=32, width_per_group=4)


def without_last_relu(model):
    class Block(resnet.Bottleneck):
        def forward(self, x):
            y = self.relu(self.bn1(self.conv1(x)))
            y = self.relu(self.bn2(self.conv2(y)))
            return self.bn3(self.conv3(y)) + x

    model.layer4[-1].__class__ = Block
    return model


class CIFARResNet(nn.Module):
    """6n + 2 layers (He et al., section 4.2), with 1x1 projections or without parameters where the shape changes."""

    def __init__(self, blocks, projection):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        block = ProjectedBlock if projection else backbones.BasicBlock
        for stage, (channels_in, channels) in enumerate(((16, 16), (16, 32), (32, 64)), 1):
            first = block(channels_in, channels, 1 if stage == 1 else 2)
            setattr(self, f"layer{stage}", nn.Sequential(first, *(block(channels, channels) for _ in range(blocks - 1))))
        self.linear = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean(dim=(2, 3)))


class ProjectedBlock(backbones.BasicBlock):
    def __init__(self, channels_in, channels_out, stride=1):
        super().__init__(channels_in, channels_out, stride)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels_in != channels_out:
            convolution = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(channels_out))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


def sample(name, shape):
    """A parameter or statistic by its name and shape, of the size that keeps activations near 1."""
    if len(shape) > 1:
        reach = math.sqrt(6 / math.prod(shape[1:]))
        return uniform(name, shape, -reach, reach)
    if name.endswith(".weight") or name.endswith(".running_var"):
        return uniform(name, shape, 0.5, 1.5)
    return uniform(name, shape, -0.2, 0.2)


def uniform(name, shape, low, high):
    """Value i comes from the top 24 bits of SplitMix64's output for the state FNV-1a(name) + (i + 1) * its constant."""
    state = 0xCBF29CE484222325
    for byte in name.encode():
        state = (state ^ byte) * 0x100000001B3 & MASK
    index = np.arange(1, math.prod(shape) + 1, dtype=np.uint64)
    z = np.uint64(state) + index * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    fraction = (z >> np.uint64(40)).astype(np.float64) / 2**24
    return torch.from_numpy((low + (high - low) * fraction).astype(np.float32)).reshape(shape)


if __name__ == "__main__":
    main()
