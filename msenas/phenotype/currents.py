"""Currents of populations as tensors: their layouts, and how they add up.

Everything is in channels-last order. A folded current is [T*B, C, H, W]; one that is the same in every step has only
the first B entries.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

VECTOR_ROW = 128
"""Numbers in a row of the neurons' arrays, as far as the shapes allow."""


@dataclass(frozen=True)
class Current:
    """What drives neurons: drive * scale + shift + inhibition.

    Attributes:
        drive: frames of the time steps one after the other, or a single frame that stays the same.
        affine: scale and shift; None leaves the drive as it is.
        inhibition: frames as those of the drive; None for none.
    """

    drive: Tensor
    affine: Tensor | None = None
    inhibition: Tensor | None = None

    @property
    def form(self) -> tuple[bool, ...]:
        """Which of the tensors there are, and which of them stay the same."""
        return (
            self.drive.shape[0] == 1,
            self.affine is None,
            self.inhibition is None,
            self.inhibition is not None and self.inhibition.shape[0] == 1,
        )

    def at(self, t: int, steps: int, dtype: torch.dtype) -> Tensor:
        """What arrives in step t of `steps`."""
        total = _frame(self.drive, t, steps).to(dtype)
        if self.affine is not None:
            total = total * self.affine[0] + self.affine[1]
        if self.inhibition is not None:
            total = total + _frame(self.inhibition, t, steps).to(dtype)
        return total

    def part(self, first: int, count: int) -> Current:
        """The current of `count` steps from step `first` on."""
        drive, inhibition = (
            x if x is None or x.shape[0] == 1 else x[first : first + count] for x in (self.drive, self.inhibition)
        )
        assert drive is not None
        return Current(drive, self.affine, inhibition)

    def summed(self, dtype: torch.dtype) -> Tensor:
        """All in one tensor, computed in `dtype`."""
        if self.affine is None and self.inhibition is None:
            return self.drive
        steps = max(self.drive.shape[0], 1 if self.inhibition is None else self.inhibition.shape[0])
        return torch.stack([self.at(t, steps, dtype) for t in range(steps)]).to(self.drive.dtype)


def _frame(frames: Tensor, t: int, steps: int) -> Tensor:
    # Expanding tells the compiler that there are 1 or `steps` frames; a remainder would cost a division per number.
    return frames.expand(steps, *frames.shape[1:])[t]


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


def in_rows(current: Current, batch: int) -> Current:
    """A current [T*B or B, C, H, W] with affine [2, C] as [T or 1, rows, side * C] with [2, side * C]."""
    _, channels, height, width = current.drive.shape
    side = positions_side_by_side(batch * height * width, channels)
    drive, inhibition = (
        None if x is None else x.permute(0, 2, 3, 1).reshape(len(x) // batch, -1, side * channels)
        for x in (current.drive, current.inhibition)
    )
    assert drive is not None
    return Current(drive, None if current.affine is None else current.affine.repeat(1, side), inhibition)
