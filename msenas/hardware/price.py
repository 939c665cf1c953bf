"""What a price is: the kinds of price, their units, and how good a figure is.

A figure that nobody published is None and graded "unknown"; it is never 0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

Unit = Literal["joule", "watt"]
Scope = Literal["per-term", "all-in", "included"]
Grade = Literal["measured", "derived", "simulated", "vendor", "assumed", "unknown"]
GRADES: tuple[Grade, ...] = ("measured", "derived", "simulated", "vendor", "assumed", "unknown")
"""Evidence grades from the strongest to the weakest."""
SCOPES: tuple[Scope, ...] = ("per-term", "all-in", "included")
"""What a figure contains: one piece; all of a run; nothing that another price does not contain."""
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
"""Prose of a profile."""


@dataclass(frozen=True)
class Kind:
    """What a price is paid for.

    Attributes:
        unit: joule for one piece, or watt.
        meaning: what one piece is.
        all_in: whether it is an average over a run, which contains the other kinds; its scope is then "all-in".
        besides: kinds that such an average does not contain, so that they may be added.
    """

    unit: Unit
    meaning: str
    all_in: bool = False
    besides: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "synop": Kind("joule", "one spike delivered to one target neuron, weight and state memory included"),
    "ac": Kind("joule", "one addition"),
    "mac": Kind("joule", "one multiplication with addition"),
    "update": Kind("joule", "one neuron and time step, whether it fires or not"),
    "update_active": Kind("joule", "one neuron and time step in which it has something to integrate"),
    "update_idle": Kind("joule", "one neuron and time step in which it has nothing to integrate"),
    "spike_out": Kind("joule", "one spike leaving its neuron"),
    "message": Kind("joule", "one spike sent to one destination core"),
    "hop": Kind("joule", "one message passing one router, in any direction"),
    "hop_ew": Kind("joule", "one message passing one router, east-west"),
    "hop_ns": Kind("joule", "one message passing one router, north-south"),
    "chip_crossing": Kind("joule", "one message passing from chip to chip"),
    "clock_cycle": Kind("joule", "one cycle of the clock, whatever the chip does in it"),
    "barrier": Kind("joule", "one synchronisation of all cores at the end of a time step"),
    "io_step": Kind("joule", "input and output of one time step"),
    "sram_8k_64b": Kind("joule", "one access of 64 bits to a static memory of 8 kB"),
    "sram_32k_64b": Kind("joule", "one access of 64 bits to a static memory of 32 kB"),
    "sram_1m_64b": Kind("joule", "one access of 64 bits to a static memory of 1 MB"),
    "dram_64b": Kind("joule", "one access of 64 bits to dynamic memory outside the chip"),
    "static_chip": Kind("watt", "one chip that is switched on"),
    "all_in_synop": Kind("joule", "energy of a whole run divided by its synaptic operations", all_in=True),
    "all_in_spike": Kind(
        "joule", "energy of a run above the idle power divided by its spikes", all_in=True, besides=("static_chip",)
    ),
    "all_in_mac": Kind("joule", "energy of a whole run divided by its multiply-accumulates", all_in=True),
}
"""Every price that a profile can give. A new kind of price is a new row."""


@dataclass(frozen=True)
class Band:
    """A number with its bounds; a bound that nobody published is None."""

    low: float | None
    nominal: float
    high: float | None

    def times(self, factor: float) -> Band:
        """The band of `factor` pieces; nothing of a piece without bounds is exactly 0."""
        if factor == 0:
            return Band(0.0, 0.0, 0.0)
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return Band(low, self.nominal * factor, high)

    def product(self, other: Band) -> Band:
        """The band of the products of numbers that are not negative; nothing of anything is exactly 0."""
        if self.nominal == 0 or other.nominal == 0:
            return Band(0.0, 0.0, 0.0)
        low = None if self.low is None or other.low is None else self.low * other.low
        high = None if self.high is None or other.high is None else self.high * other.high
        return Band(low, self.nominal * other.nominal, high)

    @staticmethod
    def total(bands: Iterable[Band]) -> Band:
        """The sum; parts are not negative, so one without a lower bound adds 0 to that of the sum.

        The sum has no upper bound when one of its parts has none.
        """
        parts = tuple(bands)
        highs = [b.high for b in parts if b.high is not None]
        return Band(
            math.fsum(b.low or 0.0 for b in parts),
            math.fsum(b.nominal for b in parts),
            math.fsum(highs) if len(highs) == len(parts) else None,
        )


@dataclass(frozen=True)
class Price:
    """What one piece of a kind costs.

    Attributes:
        kind: key of KINDS, which also gives the unit.
        scope: "per-term" prices add up; an "all-in" price is the average of a whole run and contains all
            others; an "included" one is already contained in another price of the profile.
        grade: how good the evidence is, see GRADES.
        source: where the figure was published.
        low: least figure, in the unit of the kind; None where none was published.
        nominal: the figure to use; None exactly when the grade is "unknown".
        high: greatest figure; None where none was published.
    """

    kind: str
    scope: Scope
    grade: Grade
    source: Text
    low: float | None = None
    nominal: float | None = None
    high: float | None = None

    @property
    def band(self) -> Band | None:
        """The figure with its bounds, or None when it is unknown."""
        return None if self.nominal is None else Band(self.low, self.nominal, self.high)


def sum_conflicts(prices: Iterable[Price]) -> list[tuple[str, str]]:
    """Pairs of an average and a kind that it contains, both with figures to be summed; a sum must have none."""
    summed = [price.kind for price in prices if price.scope != "included" and price.band is not None]
    averages = [kind for kind in summed if KINDS[kind].all_in]
    return [(a, kind) for a in averages for kind in summed if kind != a and kind not in KINDS[a].besides]
