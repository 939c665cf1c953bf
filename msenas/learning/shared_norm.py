"""Batch norms whose moments in training are those of the samples of all processes of a group."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn

from msenas.learning.parallel import Group

Moments = tuple[Tensor, Tensor, float]
"""Mean and 1 / standard deviation of each channel [C], and how many numbers they are of."""


def share_moments(norms: nn.ModuleDict, group: Group) -> None:
    """Let batch norms take the moments of the samples of all processes; their parameters stay the same objects."""
    if group.size > 1:
        for name, norm in norms.items():
            norms[name] = SharedNorm(cast(nn.BatchNorm2d, norm), group)


class SharedNorm(nn.BatchNorm2d):
    """A batch norm whose moments in training are those of the samples of all processes.

    It does on any device what `nn.SyncBatchNorm` does on GPUs, with one exchange forward and one backward.
    """

    def __init__(self, norm: nn.BatchNorm2d, group: Group) -> None:
        super().__init__(norm.num_features, norm.eps, norm.momentum)
        self.weight, self.bias, self.group = norm.weight, norm.bias, group
        self.load_state_dict(norm.state_dict())

    def forward(self, drive: Tensor) -> Tensor:
        """Normalise [B, C, H, W]; B may differ between processes."""
        if not self.training:
            return super().forward(drive)
        mean, variance, count = _moments(drive.detach(), self.group)
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        with torch.no_grad():
            self.num_batches_tracked.add_(1)
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1.0, 1.0)), self.momentum)
        scale = torch.rsqrt(variance + self.eps)
        return cast(
            Tensor, cast(Any, _Normalise).apply(drive, self.weight, self.bias, (mean, scale, count), self.group)
        )


def _moments(drive: Tensor, group: Group) -> tuple[Tensor, Tensor, float]:
    """Mean and (biased) variance per channel [C] over all processes, and how many numbers they are of."""
    # Sums of squares of each process about its own mean lose no digits, unlike those about 0.
    variance, mean = torch.var_mean(drive.float(), (0, 2, 3), correction=0)
    count = drive.numel() // drive.shape[1]
    table = torch.zeros(group.size, 3, len(mean), dtype=torch.float64, device=drive.device)
    table[group.rank] = torch.stack([mean, variance, torch.full_like(mean, count)])
    means, variances, counts = group.total(table).unbind(1)
    whole = counts.sum(0)
    mean = (counts * means).sum(0) / whole
    variance = (counts * (variances + (means - mean) ** 2)).sum(0) / whole
    return mean.float(), variance.float(), float(whole[0])


class _Normalise(torch.autograd.Function):
    """Normalisation by moments of all processes, whose gradients reach the samples of all (Ioffe and Szegedy 2015)."""

    @staticmethod
    def forward(ctx: Any, drive: Tensor, weight: Tensor, bias: Tensor, moments: Moments, group: Group) -> Tensor:  # noqa: ANN401
        mean, scale, ctx.count = moments
        ctx.save_for_backward(drive, weight, mean, scale)
        ctx.group = group
        gain = weight * scale
        return (drive * _column(gain) + _column(bias - mean * gain)).to(drive.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        drive, weight, mean, scale = ctx.saved_tensors
        gradient = gradient.float()
        normal = (drive - _column(mean)) * _column(scale)
        own = torch.stack([gradient.sum((0, 2, 3)), (gradient * normal).sum((0, 2, 3))])
        shift, slope = ctx.group.total(own) / ctx.count
        inner = _column(weight * scale) * (gradient - _column(shift) - normal * _column(slope))
        return inner.to(drive.dtype), own[1], own[0], None, None


def _column(values: Tensor) -> Tensor:
    """Values [C] as [C, 1, 1]."""
    return values.view(-1, 1, 1)
