"""What a run of an exported network gives, whoever ran it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Trace:
    """Outputs and spikes of one run.

    Attributes:
        outputs: what the output gives in each time step [T, B, ...].
        spikes: of each node that spikes [T, B, ...], 0 or 1.
    """

    outputs: NDArray[Any]
    spikes: dict[str, NDArray[np.uint8]]
