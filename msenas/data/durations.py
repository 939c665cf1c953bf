"""Durations as people write them."""

from __future__ import annotations

import re

from msenas.errors import InputError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(duration: str) -> float:
    """Read a duration such as `200ms`, `90s`, `10m` or `1.5h`.

    Raises:
        InputError: It is not a number with one of these units, or is zero.
    """
    match = _DURATION.fullmatch(duration.strip())
    value = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if value <= 0:
        raise InputError(f"{duration!r} is no duration; write a number and ms, s, m or h, such as 200ms")
    return value
