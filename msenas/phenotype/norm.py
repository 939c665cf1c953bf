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

from msenas.phenotype.compiler import compiled

PIECE = 64
"""Rows that are summed in float32."""
LANES = 16
"""Narrow maps are laid side by side up to this many columns, for the sake of vector units."""


def affine(norm: nn.BatchNorm2d, current: Tensor) -> Tensor:
    """Scale and shift [2, C] that normalise a current [B, C, H, W] (channels-last order).

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
    return torch.stack([scale, norm.bias - mean * scale])


def _next_share(norm: nn.BatchNorm2d) -> float:
    """Weight of this batch in the mean over all batches so far."""
    tracked = norm.num_batches_tracked
    assert tracked is not None
    tracked.add_(1)
    return 1.0 / float(tracked)


def moments(current: Tensor) -> Tensor:
    """Mean and (biased) variance per channel [2, C] of a current [B, C, H, W] in channels-last order."""
    channels = current.shape[1]
    rows = current.permute(0, 2, 3, 1).reshape(-1, channels)
    count = rows.shape[0]
    if channels < LANES and count % (side := LANES // channels) == 0:
        rows = rows.view(-1, channels * side)
    whole = len(rows) // PIECE * PIECE
    pieces = rows[:whole].view(whole // PIECE, PIECE, rows.shape[1]), rows[None, whole:]
    first, *others = (_sums()(piece).sum(1, dtype=torch.float64) for piece in pieces if piece.numel())
    mean, square = sum(others, start=first).view(2, -1, channels).sum(1) / count
    return torch.stack([mean, (square - mean * mean).clamp_min_(0)]).float()


@lru_cache(maxsize=1)
def _sums() -> Any:  # noqa: ANN401
    def sums(pieces: Tensor) -> Tensor:
        pieces = pieces.float()
        return torch.stack([pieces.sum(1), (pieces * pieces).sum(1)])

    return compiled(cast(FunctionType, sums))
