"""Batch normalisation as an affine map, so that it can be applied inside the neurons' loop.

`nn.BatchNorm2d` holds the parameters and running statistics; in inference the map current * scale + shift is computed
here and nothing normalised is ever stored. Moments are summed in float32 over short pieces and in float64 across them.
"""

from __future__ import annotations

from functools import lru_cache
from types import FunctionType
from typing import Any, cast

import torch
from torch import Tensor, nn

from msenas.phenotype.lif import compiled

PIECE = 64
"""Rows that are summed in float32."""
LANES = 16
"""Narrow maps are laid side by side up to this many columns, for the sake of vector units."""


def affine(norm: nn.BatchNorm2d, current: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and shift [C] that normalise a current [B, C, H, W] (channels-last order).

    In training mode they come from the moments of the current, and the running statistics are updated as
    `nn.BatchNorm2d` does (without momentum: their mean over all batches); otherwise from the running statistics.
    """
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    if norm.training:
        count = current.numel() // current.shape[1]
        batch_mean, batch_variance = moments(current)
        momentum = norm.momentum if norm.momentum is not None else _next_share(norm)
        mean.lerp_(batch_mean, momentum)
        variance.lerp_(batch_variance * (count / max(count - 1, 1)), momentum)
        mean, variance = batch_mean, batch_variance
    scale = norm.weight / torch.sqrt(variance + norm.eps)
    return scale, norm.bias - mean * scale


def _next_share(norm: nn.BatchNorm2d) -> float:
    """Weight of this batch in the mean over all batches so far."""
    tracked = norm.num_batches_tracked
    assert tracked is not None
    tracked.add_(1)
    return 1.0 / float(tracked)


def moments(current: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance per channel [C] of a current [B, C, H, W] in channels-last order."""
    channels = current.shape[1]
    rows = current.permute(0, 2, 3, 1).reshape(-1, channels)
    count = rows.shape[0]
    if channels < LANES and count % (side := LANES // channels) == 0:
        rows = rows.view(-1, channels * side)
    whole = len(rows) // PIECE * PIECE
    pieces = [rows[:whole].view(-1, PIECE, rows.shape[1]), rows[None, whole:]]
    sums = torch.zeros(2, channels, dtype=torch.float64, device=current.device)
    for piece in pieces:
        if piece.numel():
            first, second = _sums()(piece.float())
            sums += torch.stack([first, second]).double().sum(1).view(2, -1, channels).sum(1)
    mean, square = sums / count
    return mean.float(), (square - mean * mean).clamp_min_(0).float()


@lru_cache(maxsize=1)
def _sums() -> Any:  # noqa: ANN401
    def sums(pieces: Tensor) -> tuple[Tensor, Tensor]:
        return pieces.sum(1), (pieces * pieces).sum(1)

    return compiled(cast(FunctionType, sums))
