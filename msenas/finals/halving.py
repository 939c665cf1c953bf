"""Successive halving (Jamieson and Talwalkar 2016): all are trained a little, the better half of them goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rung:
    """One comparison.

    Attributes:
        entrants: networks that take part.
        epochs: for which each of them has been trained in all when they are compared.
        go_on: how many take part in the next one; the best of the last is the winner.
    """

    entrants: int
    epochs: int
    go_on: int


def course(entrants: int, epochs: int) -> tuple[Rung, ...]:
    """The rungs: entrants are halved (rounded up) from one to the next while epochs double, up to `epochs` in the last.

    So 8 networks and 8 epochs make (8 networks, 2 epochs), (4, 4), (2, 8): 16 + 8 + 8 epochs in all. A single network
    has no rival, and no rung.
    """
    count = (entrants - 1).bit_length()
    sizes = [-(-entrants // 2**i) for i in range(count + 1)]
    return tuple(Rung(sizes[i], -(-epochs // 2 ** (count - 1 - i)), sizes[i + 1]) for i in range(count))


def epochs_in_all(rungs: Sequence[Rung]) -> int:
    """Epochs of all networks together."""
    before = (0, *(rung.epochs for rung in rungs))
    return sum(rung.entrants * (rung.epochs - start) for rung, start in zip(rungs, before, strict=False))
