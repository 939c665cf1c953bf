"""What a rule says about a node of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from export.targets.view import View

Level = Literal["exact", "approximated", "error"]
LEVELS: tuple[Level, ...] = ("exact", "approximated", "error")
"""`approximated`: the target runs the node, but not with the same spikes. `error`: it refuses it or gets it wrong."""
WHOLE = ""
"""The node of a finding that is about the graph as a whole."""


@dataclass(frozen=True)
class Finding:
    """One remark of a rule.

    Attributes:
        node: name of the node, or WHOLE.
        level: how well the target reads it.
        reason: what the target does.
        fix: what to change, or what to mind when loading; empty where there is nothing.
    """

    node: str
    level: Level
    reason: str
    fix: str = ""


Rule = Callable[[View], Iterable[Finding]]
"""Looks at a graph and yields what a user of the target must know; nothing for what is read exactly."""


def worst(levels: Iterable[Level]) -> Level:
    """The worst of some levels; "exact" if there are none."""
    return max(levels, key=LEVELS.index, default="exact")


def above(node: str, what: str, figure: int, limit: int, fix: str) -> Iterator[Finding]:
    """An error if a number is above what a chip has."""
    if figure > limit:
        yield Finding(node, "error", f"{figure:,} {what}; the chip has {limit:,}", fix)
