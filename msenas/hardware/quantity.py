"""Energies and times with a readable unit."""

from __future__ import annotations

PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p"))


def prefix(value: float) -> tuple[float, str]:
    """The largest prefix that leaves a number of at least 1 in three digits, and its factor; pico for all below."""
    shown = float(f"{value:.3g}")
    return next((found for found in PREFIXES if shown >= found[0]), PREFIXES[-1])


def joules(value: float) -> str:
    """2.19e-7 J is "219 nJ"."""
    factor, name = prefix(value)
    return f"{value / factor:.3g} {name}J"


def seconds(value: float) -> str:
    """5.3e-4 s is "530 us"."""
    factor, name = prefix(value)
    return f"{value / factor:.3g} {name}s"
