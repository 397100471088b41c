"""networks.py [NETWORK]...: makes the networks, with the same random weights for every runtime.

Of each, in its folder: network.onnx with BatchNorms folded, state.pth with the tensors as public checkpoints name them,
logits.npy of the test pictures in float32, and network.json with its multiply-adds.
"""

import json
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

import pictures


class Convolution(nn.Module):
    """With its BatchNorm and its activation."""

    def __init__(self, inputs, outputs, kernel, stride=1, groups=1, activation=nn.Identity):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)
        self.activation = activation()

    def forward(self, x):
        return self.activation(self.bn(self.conv(x)))


class OptionA(nn.Module):
    """The shortcut without parameters of CIFAR's ResNets: every second pixel, and channels of zeros."""

    as_pooling = False  # the same by a 1x1 max pooling, for runtimes that cannot take every second pixel

    def __init__(self, inputs, outputs):
        super().__init__()
        self.padding = (outputs - inputs) // 2

    def forward(self, x):
        x = F.max_pool2d(x, 1, 2) if self.as_pooling else x[:, :, ::2, ::2]
        return F.pad(x, (0, 0, 0, 0, self.padding, self.padding))


class Basic(nn.Module):
    expansion = 1

    def __init__(self, inputs, width, stride, shortcut, groups, base):
        super().__init__()
        self.convolutions = nn.Sequential(
            Convolution(inputs, width, 3, stride, activation=nn.ReLU), Convolution(width, width, 3))
        self.shortcut = shortcut

    def forward(self, x):
        return F.relu(self.convolutions(x) + self.shortcut(x))


class Bottleneck(Basic):
    expansion = 4

    def __init__(self, inputs, width, stride, shortcut, groups, base):
        nn.Module.__init__(self)
        middle = width * base // 64 * groups
        self.convolutions = nn.Sequential(
            Convolution(inputs, middle, 1, activation=nn.ReLU),
            Convolution(middle, middle, 3, stride, groups, nn.ReLU), Convolution(middle, 4 * width, 1))
        self.shortcut = shortcut


class ResNet(nn.Module):
    def __init__(self, block, counts, classes, groups=1, base=64, for_cifar=False):
        super().__init__()
        widths = (16, 32, 64) if for_cifar else (64, 128, 256, 512)
        channels = widths[0]
        stem = [Convolution(3, channels, 3 if for_cifar else 7, 1 if for_cifar else 2, activation=nn.ReLU)]
        self.stem = nn.Sequential(*stem, *([] if for_cifar else [nn.MaxPool2d(3, 2, 1)]))
        self.layers = nn.ModuleList()
        for level, (count, width) in enumerate(zip(counts, widths)):
            blocks = []
            for index in range(count):
                stride, outputs = 2 if level and not index else 1, width * block.expansion
                shortcut = nn.Identity()
                if stride != 1 or channels != outputs:
                    shortcut = OptionA(channels, outputs) if for_cifar else Convolution(channels, outputs, 1, stride)
                blocks.append(block(channels, width, stride, shortcut, groups, base))
                channels = outputs
            self.layers.append(nn.Sequential(*blocks))
        self.linear_name = "linear" if for_cifar else "fc"
        self.pool, self.linear = nn.AdaptiveAvgPool2d(1), nn.Linear(channels, classes)

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = layer(x)
        return self.linear(self.pool(x).flatten(1))

    def named_convolutions(self):
        """(name of the convolution, name of its BatchNorm, module), as torchvision names them."""
        yield "conv1", "bn1", self.stem[0]
        for level, layer in enumerate(self.layers, 1):
            for index, block in enumerate(layer):
                place = f"layer{level}.{index}"
                for number, module in enumerate(block.convolutions, 1):
                    yield f"{place}.conv{number}", f"{place}.bn{number}", module
                if isinstance(block.shortcut, Convolution):
                    yield f"{place}.downsample.0", f"{place}.downsample.1", block.shortcut


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        middle = inputs * expansion
        first = [Convolution(inputs, middle, 1, activation=nn.ReLU6)] if expansion > 1 else []
        self.convolutions = nn.Sequential(
            *first, Convolution(middle, middle, 3, stride, middle, nn.ReLU6), Convolution(middle, outputs, 1))
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.convolutions(x) if self.is_residual else self.convolutions(x)


class MobileNetV2(nn.Module):
    linear_name = "classifier.1"
    # Expansion, channels, blocks, stride of the first.
    STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))

    def __init__(self, classes):
        super().__init__()
        channels, blocks = 32, [Convolution(3, 32, 3, 2, activation=nn.ReLU6)]
        for expansion, outputs, count, stride in self.STAGES:
            for index in range(count):
                blocks.append(Inverted(channels, outputs, 1 if index else stride, expansion))
                channels = outputs
        self.features = nn.Sequential(*blocks, Convolution(channels, 1280, 1, activation=nn.ReLU6))
        self.pool, self.linear = nn.AdaptiveAvgPool2d(1), nn.Linear(1280, classes)

    def forward(self, x):
        return self.linear(self.pool(self.features(x)).flatten(1))

    def named_convolutions(self):
        for index, block in enumerate(self.features):
            place = f"features.{index}"
            if isinstance(block, Convolution):
                yield f"{place}.0", f"{place}.1", block
                continue
            *inner, last = block.convolutions
            for number, module in enumerate(inner):
                yield f"{place}.conv.{number}.0", f"{place}.conv.{number}.1", module
            yield f"{place}.conv.{len(inner)}", f"{place}.conv.{len(inner) + 1}", last


def bare(name):
    classes = pictures.NETWORKS[name][1]
    return {
        "resnet32": lambda: ResNet(Basic, (5, 5, 5), classes, for_cifar=True),
        "resnet10": lambda: ResNet(Basic, (1, 1, 1, 1), classes),
        "resnet50": lambda: ResNet(Bottleneck, (3, 4, 6, 3), classes),
        "resnext50": lambda: ResNet(Bottleneck, (3, 4, 6, 3), classes, groups=32, base=4),
        "mobilenetv2": lambda: MobileNetV2(classes),
    }[name]()


def made(name, folded=True):
    """The network, evaluating: random weights, and BatchNorms settled on the calibration pictures and then shaken."""
    torch.manual_seed(1234)
    network, generator = bare(name), torch.Generator().manual_seed(4321)

    def uniform(like, low, high):
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
    for norm in norms:
        norm.weight.data, norm.bias.data = uniform(norm.weight, 0.6, 1.4), uniform(norm.bias, -0.3, 0.3)
        norm.momentum = None  # a mean over all batches
    with torch.no_grad():
        network.train()(torch.from_numpy(pictures.calibration(name)[:16]))
    for norm in norms:
        norm.running_mean += norm.running_var.sqrt() * uniform(norm.bias, -0.1, 0.1)
        norm.running_var *= uniform(norm.bias, 0.8, 1.25)
    network.eval().requires_grad_(False)
    if folded:
        for module in list(network.modules()):
            if isinstance(module, Convolution):
                module.conv, module.bn = fuse_conv_bn_eval(module.conv, module.bn), nn.Identity()
    return network


def state(network):
    tensors = {}
    for name, norm, module in network.named_convolutions():
        tensors[f"{name}.weight"] = module.conv.weight
        tensors.update({f"{norm}.{key}": value for key, value in module.bn.state_dict().items()})
    tensors[f"{network.linear_name}.weight"] = network.linear.weight
    tensors[f"{network.linear_name}.bias"] = network.linear.bias
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def multiply_adds(network, picture):
    total = 0

    def count(module, _, output):
        nonlocal total
        total += output[0].numel() * module.weight[0].numel()

    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    network(picture)
    for hook in hooks:
        hook.remove()
    return total


def main(names):
    for name in names:
        place = pictures.folder(name)
        torch.save(state(made(name, folded=False)), place / "state.pth")
        network, tests = made(name), torch.from_numpy(pictures.test(name))
        with torch.no_grad():
            np.save(place / "logits.npy", network(tests).numpy())
            macs = multiply_adds(network, tests[:1])
        torch.onnx.export(
            network, (tests[:1],), place / "network.onnx", opset_version=17, dynamo=False, input_names=["input"],
            output_names=["output"])
        (place / "network.json").write_text(json.dumps({"multiply_adds": macs}))
        print(f"{name}: {macs / 1e6:.1f} million multiply-adds", flush=True)


if __name__ == "__main__":
    if not {*sys.argv[1:]} <= {*pictures.NETWORKS}:
        sys.exit(__doc__)
    main(sys.argv[1:] or list(pictures.NETWORKS))
