"""The feature pyramid (Lin et al., 2017): maps of every stride with the meaning of the deepest ones, all of equal width."""

from torch import nn
from torch.nn import functional as F


class Layer(nn.Module):
    """A convolution with bias under the name that mmdet gives it: NAME.conv.weight."""

    def __init__(self, channels_in, channels_out, kernel):
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, padding=kernel // 2)
        nn.init.xavier_uniform_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)

    def forward(self, x):
        return self.conv(x)


class FeaturePyramid(nn.Module):
    """Backbone maps, finest first, to as many of `channels`, and a last one of every second pixel of the deepest."""

    def __init__(self, channels_in, channels):
        super().__init__()
        self.lateral_convs = nn.ModuleList(Layer(width, channels, 1) for width in channels_in)
        self.fpn_convs = nn.ModuleList(Layer(channels, channels, 3) for _ in channels_in)

    def forward(self, maps):
        laterals = [layer(level) for layer, level in zip(self.lateral_convs, maps)]
        for finer in range(len(laterals) - 2, -1, -1):
            laterals[finer] = laterals[finer] + doubled(laterals[finer + 1], *laterals[finer].shape[2:])
        levels = [layer(level) for layer, level in zip(self.fpn_convs, laterals)]
        return [*levels, levels[-1][:, :, ::2, ::2]]


def doubled(maps, height, width):
    """Every pixel twice along each side, cut to `height` x `width`: an odd side was halved upwards."""
    return F.interpolate(maps, scale_factor=2, mode="nearest")[:, :, :height, :width]
