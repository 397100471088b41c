"""One run in several processes, as torchrun starts them, on one machine or many: each computes its share of every batch.

The result is that of one process, but for rounding: batch normalisation takes its statistics from the whole batch; every process
gets the features of the whole batch, from which it computes the same loss and moves the same direction; and
DistributedDataParallel makes one of the backbones' gradients.
"""

import datetime
import os

import torch
from torch import distributed, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

# One process tests and saves while the others wait.
PATIENCE = datetime.timedelta(days=1)


class Processes:
    """All that train together, and this one's number `rank` among the `count` of them."""

    def __init__(self, device_type):
        """By what torchrun puts into the environment; without it, one process alone."""
        self.count, self.rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
        if self.count > 1:
            distributed.init_process_group("nccl" if device_type == "cuda" else "gloo", timeout=PATIENCE)

    @property
    def is_first(self):
        """Of the processes, the one that prints, tests and writes files."""
        return self.rank == 0

    def device(self, device_type):
        return torch.device(device_type, int(os.environ.get("LOCAL_RANK", 0))) if device_type == "cuda" else torch.device("cpu")

    def wrapped(self, feat_model):
        """The backbone as it is to be called in training. Its own parameters are those that are trained."""
        if self.count == 1:
            return feat_model
        for module in feat_model.modules():
            if type(module) is nn.BatchNorm2d:
                module.__class__ = JointBatchNorm2d
        return DistributedDataParallel(feat_model, forward_sync_buffers=False)

    def share(self, images):
        """Which of a batch's `images` images are this process's."""
        return torch.arange(self.rank, images, self.count)

    def joined(self, features, images):
        """The features [images, D] of the whole batch, in its order, from every process's share of them."""
        if self.count == 1:
            return features
        shares = [torch.arange(rank, images, self.count) for rank in range(self.count)]
        return _Joined.apply(features, shares, self.rank)

    def wait(self):
        if self.count > 1:
            distributed.barrier()

    def end(self):
        if self.count > 1:
            distributed.destroy_process_group()


class _Joined(torch.autograd.Function):
    """Every process computes the same of the whole, so its own part of the gradient is at hand: nothing is sent back. It is
    multiplied by the number of processes because DistributedDataParallel takes the mean."""

    @staticmethod
    def forward(context, features, shares, rank):
        most = max(len(share) for share in shares)
        padded = F.pad(features.detach(), (0, 0, 0, most - len(features)))
        parts = [torch.empty_like(padded) for _ in shares]
        distributed.all_gather(parts, padded.contiguous())
        whole = features.new_empty(sum(len(share) for share in shares), features.shape[1])
        for share, part in zip(shares, parts):
            whole[share.to(whole.device)] = part[: len(share)]
        context.share, context.count = shares[rank], len(shares)
        return whole

    @staticmethod
    def backward(context, gradient):
        return context.count * gradient[context.share.to(gradient.device)], None, None


class _Summed(torch.autograd.Function):
    """The sum over all processes, and of its gradients."""

    @staticmethod
    def forward(context, values):
        total = values.detach().clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(context, gradient):
        total = gradient.contiguous().clone()
        distributed.all_reduce(total)
        return total


class JointBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation with the statistics of all processes' images; PyTorch's own is for CUDA alone."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        numbers = x.to(self.weight.dtype)
        count = numbers.new_tensor([numbers.numel() / numbers.shape[1]])
        distributed.all_reduce(count)
        mean = _Summed.apply(numbers.sum(dim=(0, 2, 3))) / count
        centred = numbers - mean[:, None, None]
        variance = _Summed.apply(centred.square().sum(dim=(0, 2, 3))) / count
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return (centred * scale[:, None, None] + self.bias[:, None, None]).to(x.dtype)
