"""Currents of populations as tensors: their layouts, and how they add up.

Everything is in channels-last order. A folded current is [T*B, C, H, W]; one that is the same in every step has only
the first B entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from msenas.phenotype.lif import Affine

VECTOR_ROW = 128
"""Numbers in a row of the neurons' arrays, as far as the shapes allow."""


@dataclass(frozen=True)
class Current:
    """What drives a population: drive * scale + shift + inhibition; tensors [T*B or B, C, H, W], affine [C]."""

    drive: Tensor
    affine: Affine | None
    inhibition: Tensor | None


def add(a: Tensor, b: Tensor) -> Tensor:
    """Add fresh currents of which one may be static ([B, ...] against [T*B, ...]); without gradients, in place."""
    if a.shape[0] == b.shape[0]:
        return a + b if torch.is_grad_enabled() else a.add_(b)
    small, large = (a, b) if a.shape[0] < b.shape[0] else (b, a)
    return (by_step(large, large.shape[0] // small.shape[0]) + small).flatten(0, 1)


def by_step(folded: Tensor, steps: int) -> Tensor:
    """[T*B, C, H, W] as [T, B, C, H, W], without a copy."""
    return folded.view(steps, -1, *folded.shape[1:])


def at_step(folded: Tensor | None, t: int, batch: int) -> Tensor | None:
    """Time step t of a folded current, or of a static one."""
    if folded is None:
        return None
    return folded if folded.shape[0] == batch else folded[t * batch : (t + 1) * batch]


def positions_side_by_side(rows: int, channels: int) -> int:
    """How many positions are laid side by side, so that the channels of narrow maps fill the vector units."""
    side = 1
    while channels * side < VECTOR_ROW and rows % (2 * side) == 0:
        side *= 2
    return side


def as_rows(current: Tensor, batch: int, side: int) -> Tensor:
    """A current [T*B or B, C, H, W] as [T or 1, rows, side * C], without a copy."""
    count, channels = current.shape[:2]
    return current.permute(0, 2, 3, 1).reshape(count // batch, -1, side * channels)
