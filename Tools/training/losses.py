"""The losses: logits [N, C], or of experts [K, N, C], and labels [N] to one number.

Each is made from the classes' image counts [C], the scale that the classifier's logits have, and its loss_params.
"""

import torch
from torch import nn
from torch.nn import functional as F


class Loss(nn.Module):
    """`PARAMETERS`: the names of loss_params, each with its type. `IS_OF_EXPERTS`: takes the logits of each head, [K, N, C]."""

    PARAMETERS = {}
    IS_OF_EXPERTS = False

    def begin(self, epoch):
        """Is called before epoch 0, 1, ..."""


class SoftmaxLoss(Loss):
    """Cross-entropy."""

    def __init__(self, counts, scale):
        super().__init__()

    def forward(self, logits, labels):
        return F.cross_entropy(logits, labels)


class FocalLoss(Loss):
    """Cross-entropy times (1 - p)^gamma, p the label's probability (Lin et al., ICCV 2017)."""

    PARAMETERS = {"gamma": (int, float)}

    def __init__(self, counts, scale, gamma):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, labels):
        losses = F.cross_entropy(logits, labels, reduction="none")
        return ((1 - torch.exp(-losses)) ** self.gamma * losses).mean()


class BalancedSoftmaxLoss(Loss):
    """Cross-entropy of the logits plus the logarithm of each class's images (Ren et al., NeurIPS 2020)."""

    def __init__(self, counts, scale):
        super().__init__()
        self.register_buffer("shift", counts.log())

    def forward(self, logits, labels):
        return F.cross_entropy(logits + self.shift, labels)


def effective_number_weights(counts, beta=0.9999):
    """Of mean 1: one over the effective number of a class's images, (1 - beta^n) / (1 - beta) (Cui et al., CVPR 2019)."""
    weights = (1 - beta) / (1 - beta**counts)
    return weights / weights.mean()


class ClassBalancedLoss(Loss):
    """Cross-entropy with classes weighted by their effective number of images."""

    def __init__(self, counts, scale):
        super().__init__()
        self.register_buffer("weights", effective_number_weights(counts))

    def forward(self, logits, labels):
        # The mean over the images, as the paper has it, not over their weights.
        return (F.cross_entropy(logits, labels, reduction="none") * self.weights[labels]).mean()


class LDAMLoss(Loss):
    """Cross-entropy with the label's logit lowered by scale * margin, margins falling with the fourth root of the class's images.

    From epoch `drw_epoch` on, 0 for never, classes are weighted by their effective number of images (Cao et al., NeurIPS
    2019).
    """

    PARAMETERS = {"max_margin": (int, float), "drw_epoch": int}

    def __init__(self, counts, scale, max_margin, drw_epoch):
        super().__init__()
        margins = counts**-0.25
        self.register_buffer("drop", scale * margins * (max_margin / margins.max()))
        self.register_buffer("weights", effective_number_weights(counts))
        self.drw_epoch, self.is_weighted = drw_epoch, False

    def begin(self, epoch):
        self.is_weighted = 0 < self.drw_epoch <= epoch

    def forward(self, logits, labels):
        lowered = logits - F.one_hot(labels, logits.shape[1]) * self.drop
        return F.cross_entropy(lowered, labels, weight=self.weights if self.is_weighted else None)


class RIDELoss(LDAMLoss):
    """LDAM-DRW of each expert, less `diversity` times how far its answers are from the other experts' (Wang et al., ICLR 2021).

    That is the mean of KL(p_i, p_j) over the others j, at a temperature for each class that is lower the rarer the class is.
    """

    PARAMETERS = LDAMLoss.PARAMETERS | {"diversity": (int, float), "spread": (int, float)}
    IS_OF_EXPERTS = True

    def __init__(self, counts, scale, max_margin, drw_epoch, diversity, spread):
        super().__init__(counts, scale, max_margin, drw_epoch)
        share = spread * counts / counts.mean() + 1 - spread
        self.register_buffer("temperature", share + 1 - share.max())
        self.diversity = diversity

    def forward(self, logits, labels):
        total = 0.0
        for expert in logits:
            total = total + super().forward(expert, labels)
        answers = F.log_softmax(logits / self.temperature, dim=2)
        others = len(logits) - 1
        for i, own in enumerate(answers):
            for j, other in enumerate(answers):
                if i != j:
                    distance = F.kl_div(other, own, reduction="batchmean", log_target=True)
                    total = total - self.diversity / others * distance
        return total


class SADELoss(Loss):
    """Three experts for three distributions of classes: training's, a uniform one, the opposite of training's.

    Of Zhang et al., NeurIPS 2022: cross-entropy of v_1, of v_2 + ln p and of v_3 + ln p - `inverse` * ln q; p the classes' shares, q those of the opposite order.
    """

    PARAMETERS = {"inverse": (int, float)}
    IS_OF_EXPERTS = True

    def __init__(self, counts, scale, inverse):
        super().__init__()
        shares = counts / counts.sum()
        order = shares.argsort()
        opposite = torch.empty_like(shares)
        opposite[order] = shares[order.flip(0)]
        shifts = (torch.zeros_like(shares), shares.log(), shares.log() - inverse * opposite.log())
        self.register_buffer("shifts", torch.stack(shifts)[:, None])

    def forward(self, logits, labels):
        return sum(F.cross_entropy(expert, labels) for expert in logits + self.shifts)


class BalPoELoss(Loss):
    """The mean over experts of cross-entropy of v_e + strength_e * ln p, p the classes' shares (Aimar et al., CVPR 2023)."""

    PARAMETERS = {"strengths": [(int, float)]}
    IS_OF_EXPERTS = True

    def __init__(self, counts, scale, strengths):
        super().__init__()
        shares = counts / counts.sum()
        self.register_buffer("shifts", torch.tensor(strengths)[:, None, None] * shares.log())

    def forward(self, logits, labels):
        return sum(F.cross_entropy(expert, labels) for expert in logits + self.shifts) / len(logits)


# The names that criterions.PerformanceLoss.def_file may give.
LOSSES = {
    loss.__name__: loss
    for loss in (
        SoftmaxLoss,
        FocalLoss,
        BalancedSoftmaxLoss,
        ClassBalancedLoss,
        LDAMLoss,
        RIDELoss,
        SADELoss,
        BalPoELoss,
    )
}
