"""What a user can choose about a data set."""

from __future__ import annotations

from dataclasses import dataclass

from msenas.errors import DataError

MOST_STEPS = 1024
MOST_SIZE = 1024


@dataclass(frozen=True)
class DataSpec:
    """One data set and everything that shapes its samples.

    Attributes:
        name: a name of `msenas.data.DATASETS`.
        path: the data set's folder, its parent, or (npz) its file; None looks into the usual places.
        steps: time bins T of an event sample; images do not use it.
        window_ms: length in ms of the samples that event recordings are cut into; None keeps them whole.
        size: side in pixels that event coordinates (or the images of an image folder) are mapped to.
        seed: of the split into train, validation and, where none is given, test.

    Raises:
        DataError: a number is out of its range.
    """

    name: str = "digits"
    path: str | None = None
    steps: int = 4
    window_ms: float | None = None
    size: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= MOST_STEPS:
            raise DataError(f"steps is {self.steps}; it must be in 1..{MOST_STEPS}")
        if self.window_ms is not None and not 0.001 <= self.window_ms <= 3_600_000:
            raise DataError(f"window is {self.window_ms} ms; it must be in 0.001..3600000 ms")
        if self.size is not None and not 4 <= self.size <= MOST_SIZE:
            raise DataError(f"size is {self.size}; it must be in 4..{MOST_SIZE} (pixels)")
        if self.seed < 0:
            raise DataError(f"seed is {self.seed}; it must be 0 or more")
