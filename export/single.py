"""Rounding to float32, in which all formats hold their numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.graph import Floats
from msenas.errors import InputError


def single(values: NDArray[Any], problem: str) -> Floats:
    """The values in float32.

    Raises:
        InputError: One is too large for it; `problem` is the message.
    """
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    if not np.isfinite(rounded).all():
        raise InputError(problem)
    return rounded
