"""The two-branch ResNet-32 and the Causal Norm classifier (Tang, Huang, Zhang, NeurIPS 2020).

Parameter names and shapes are those of the published checkpoints, so that their files load here and ours load there.
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


class ResNet32Feature(nn.Module):
    """ResNet-32 whose last block exists twice, side by side: 3x32x32 images to 64 + 64 = 128 features."""

    feat_dim = 128

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(5, 16, 16, stride=1)
        self.layer2 = _stage(5, 16, 32, stride=2)
        self.layer3 = _stage(4, 32, 64, stride=2)
        self.cb_block = BasicBlock(64, 64)
        self.rb_block = BasicBlock(64, 64)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = torch.cat([self.cb_block(x), self.rb_block(x)], dim=1)
        return x.mean(dim=(2, 3))


class CausalNormClassifier(nn.Module):
    """Cosine-like classifier in `num_head` heads, with the TDE adjustment at inference.

    With n_k, d_k the normalised features and direction of head k and v_ki its normalised class rows:
    y_i = tau / num_head * sum_k (n_k . v_ki - alpha * (n_k . d_k) * (d_k . v_ki)).
    """

    def __init__(self, feat_dim, num_classes, num_head, tau, gamma):
        super().__init__()
        self.num_head, self.tau, self.gamma = num_head, tau, gamma
        self.weight = nn.Parameter(torch.empty(num_classes, feat_dim))
        nn.init.uniform_(self.weight, -(feat_dim**-0.5), feat_dim**-0.5)

    def forward(self, features, direction=None, alpha=0.0):
        """`direction`: the moving average of training features. Without it, or with alpha 0, TDE is off."""
        # normalize() leaves a head of zeros at zero: such a head contributes nothing.
        n = F.normalize(self._heads(features), dim=2)
        if direction is not None and alpha != 0:
            d = F.normalize(self._heads(direction[None]), dim=2)
            # Taking alpha times the part along d out of n is the formula above, with v factored out.
            n = n - alpha * (n * d).sum(dim=2, keepdim=True) * d
        w = self._heads(self.weight)
        v = w / (w.norm(dim=2, keepdim=True) + self.gamma)
        return self.tau / self.num_head * (n.flatten(1) @ v.flatten(1).T)

    def _heads(self, rows):
        return rows.unflatten(1, (self.num_head, -1))


# The names that `def_file` of a configuration may give.
FEATURE_MODELS = {"ResNet32Feature": ResNet32Feature}
CLASSIFIERS = {"CausalNormClassifier": CausalNormClassifier}


def build(config):
    """The feature model and the classifier that a configuration describes, freshly initialised."""
    feat = config["networks"]["feat_model"]
    head = config["networks"]["classifier"]
    # alpha is chosen after training and belongs to inference, not to the module.
    params = {name: value for name, value in head["params"].items() if name != "alpha"}
    return FEATURE_MODELS[feat["def_file"]](), CLASSIFIERS[head["def_file"]](**params)
