"""The classifiers: features [N, D] to logits [N, C].

All compute scale * n . row_i + bias_i, where n is the feature, possibly normalised, and row_i made of class i's weights.
The Total Direct Effect (Tang, Huang, Zhang, NeurIPS 2020) takes alpha times its part along the direction d out of n, in
each of `num_head` contiguous heads: n_k - alpha * (n_k . d_k) * d_k, d_k of length 1. d is the moving average of training
features.

Parameter names and shapes are those of the published checkpoints, from which rarebit-convert also knows the classifier.
"""

import torch
from torch import nn
from torch.nn import functional as F


def without_direction(vectors, direction, alpha, num_head):
    """`vectors` [N, D] without alpha times their part along `direction` [D], head by head."""
    heads = vectors.unflatten(1, (num_head, -1))
    d = F.normalize(direction[None].unflatten(1, (num_head, -1)), dim=2)
    return (heads - alpha * (heads * d).sum(dim=2, keepdim=True) * d).flatten(1)


class Classifier(nn.Module):
    """`PARAMETERS`: what it takes beside feat_dim, num_classes and num_head."""

    PARAMETERS = ()
    # Whether the weights are those of a linear layer, which a second stage can start from.
    IS_LINEAR = False

    def __init__(self, num_head=1):
        super().__init__()
        self.num_head, self.scale = num_head, 1.0

    def forward(self, features, direction=None, alpha=0.0):
        """Without `direction`, or with alpha 0, TDE is off."""
        n = self.normalised(features)
        if direction is not None and alpha != 0:
            n = without_direction(n, direction, alpha, self.num_head)
        logits = self.scale * (n @ self.rows().T)
        bias = self.bias()
        return logits if bias is None else logits + bias

    def normalised(self, features):
        return features

    def rows(self):
        raise NotImplementedError

    def bias(self):
        return None

    def fit(self, features, labels):
        """For classifiers that are computed from features [N, D] of training images, not trained."""

    def _heads(self, rows):
        return rows.unflatten(1, (self.num_head, -1))


def _weight(rows, columns, feat_dim):
    weight = nn.Parameter(torch.empty(rows, columns))
    nn.init.uniform_(weight, -(feat_dim**-0.5), feat_dim**-0.5)
    return weight


class CausalNormClassifier(Classifier):
    """tau / num_head * the sum over heads of x_k / |x_k| . w_ki / (|w_ki| + gamma): De-confound."""

    PARAMETERS = ("tau", "gamma")

    def __init__(self, feat_dim, num_classes, num_head, tau, gamma):
        super().__init__(num_head)
        self.gamma, self.scale = gamma, tau / num_head
        self.weight = _weight(num_classes, feat_dim, feat_dim)

    def normalised(self, features):
        # normalize() leaves a head of zeros at zero: such a head contributes nothing.
        return F.normalize(self._heads(features), dim=2).flatten(1)

    def rows(self):
        w = self._heads(self.weight)
        return (w / (w.norm(dim=2, keepdim=True) + self.gamma)).flatten(1)

    def by_head(self, features):
        """The logits [K, N, C] of each head by itself, whose mean are those of all."""
        n, w = self._heads(self.normalised(features)), self._heads(self.rows())
        return self.num_head * self.scale * torch.einsum("nkd,ckd->knc", n, w)


class CosineClassifier(CausalNormClassifier):
    """tau / num_head * the sum over heads of x_k / |x_k| . w_ki / |w_ki|."""

    PARAMETERS = ("tau",)

    def __init__(self, feat_dim, num_classes, num_head, tau):
        super().__init__(feat_dim, num_classes, num_head, tau, gamma=0.0)


class CapsuleClassifier(Classifier):
    """tau * x / (1 + |x|) . w_i / |w_i|."""

    PARAMETERS = ("tau",)

    def __init__(self, feat_dim, num_classes, num_head, tau):
        super().__init__(num_head)
        self.scale = tau
        self.weight = _weight(num_classes, feat_dim, feat_dim)

    def normalised(self, features):
        return features / (1 + features.norm(dim=1, keepdim=True))

    def rows(self):
        return F.normalize(self.weight, dim=1)


class LDAMClassifier(Classifier):
    """tau * the cosine; the margins are the loss's. The weight is stored [D, C]."""

    PARAMETERS = ("tau",)

    def __init__(self, feat_dim, num_classes, num_head, tau):
        super().__init__(num_head)
        self.scale = tau / num_head
        self.weight = _weight(feat_dim, num_classes, feat_dim)

    def normalised(self, features):
        return F.normalize(self._heads(features), dim=2).flatten(1)

    def rows(self):
        return F.normalize(self._heads(self.weight.T), dim=2).flatten(1)


class DotProductClassifier(Classifier):
    """w_i . x + b_i."""

    IS_LINEAR = True

    def __init__(self, feat_dim, num_classes, num_head):
        super().__init__(num_head)
        self.fc = nn.Linear(feat_dim, num_classes)

    def rows(self):
        return self.fc.weight

    def bias(self):
        return self.fc.bias


class CRTClassifier(DotProductClassifier):
    """A linear layer trained anew on a fixed backbone (Kang et al., ICLR 2020, as are the next two)."""


class LWSClassifier(DotProductClassifier):
    """s_i * (w_i . x + b_i): only the scales are trained."""

    def __init__(self, feat_dim, num_classes, num_head):
        super().__init__(feat_dim, num_classes, num_head)
        self.fc.requires_grad_(False)
        self.scales = nn.Parameter(torch.ones(num_classes))

    def rows(self):
        return self.scales[:, None] * self.fc.weight

    def bias(self):
        return self.scales * self.fc.bias


class TauNormClassifier(DotProductClassifier):
    """w_i / |w_i|^power . x: a linear layer's rows without what their norm says of the class's frequency."""

    PARAMETERS = ("power",)

    def __init__(self, feat_dim, num_classes, num_head, power):
        super().__init__(feat_dim, num_classes, num_head)
        self.power = power

    def rows(self):
        return self.fc.weight / self.fc.weight.norm(dim=1, keepdim=True) ** self.power

    def bias(self):
        return None


class NCMClassifier(Classifier):
    """-tau * |n - m_i|^2 but for what all classes share, with n = (x - mean) / |x - mean| and m_i the mean n of class i."""

    PARAMETERS = ("tau",)

    def __init__(self, feat_dim, num_classes, num_head, tau):
        super().__init__(num_head)
        self.tau = tau
        self.register_buffer("mean", torch.zeros(feat_dim))
        self.register_buffer("means", torch.zeros(num_classes, feat_dim))

    def normalised(self, features):
        return F.normalize(features - self.mean, dim=1)

    def rows(self):
        return 2 * self.tau * self.means

    def bias(self):
        return -self.tau * self.means.square().sum(dim=1)

    def fit(self, features, labels):
        self.mean.copy_(features.mean(dim=0))
        n = self.normalised(features)
        self.means.copy_(torch.stack([n[labels == label].mean(dim=0) for label in range(len(self.means))]))


# The names that networks.classifier.def_file may give.
CLASSIFIERS = {
    classifier.__name__: classifier
    for classifier in (
        CausalNormClassifier,
        CosineClassifier,
        CapsuleClassifier,
        LDAMClassifier,
        DotProductClassifier,
        CRTClassifier,
        LWSClassifier,
        TauNormClassifier,
        NCMClassifier,
    )
}
