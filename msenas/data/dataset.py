"""A data set that is ready for training: all samples in one array, and three splits that index it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from msenas.data.splits import balanced
from msenas.errors import DataError

Kind = Literal["image", "events"]
Counts = NDArray[Any]
"""Unsigned integers: images uint8 [N, C, H, W] or event counts [N, T, 2, H, W]."""

WHITE = 255
"""The largest value of an image; `Split.batch` divides by it."""


@dataclass(frozen=True, eq=False)
class Samples:
    """The array of all samples, in memory or memory-mapped from a .npy file.

    A mapped array is pickled as its path, so that worker processes share the pages of one file.
    """

    array: Counts
    path: Path | None = None

    @classmethod
    def open(cls, path: Path) -> Samples:
        """Map the .npy file at `path`.

        Raises:
            DataError: the file is missing or damaged.
        """
        try:
            return cls(np.load(path, mmap_mode="r", allow_pickle=False), path)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"cannot read the cached samples {path}: {error}; delete its folder") from error

    def __reduce__(self) -> tuple[Callable[..., Samples], tuple[Any, ...]]:
        if self.path is None:
            return Samples, (self.array,)
        return Samples.open, (self.path,)


@dataclass(frozen=True, eq=False)
class Split:
    """Some of the samples, in order of their rows.

    Attributes:
        samples: the array of all samples of the data set.
        rows: int64 [N], the row of each sample of this split.
        labels: int64 [N], the class of each sample.
    """

    samples: Samples
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.labels)

    def some(self, count: int, rng: np.random.Generator) -> Split:
        """At most so many of the samples, as equal a number of each class as the classes allow."""
        places = np.sort(balanced(self.labels, count, rng))
        return Split(self.samples, self.rows[places], self.labels[places])

    @property
    def inputs(self) -> Counts:
        """The stored integers of this split, [N, C, H, W] or [N, T, 2, H, W]; a copy."""
        return np.asarray(self.samples.array[self.rows])

    def batch(self, indices: ArrayLike) -> NDArray[np.float32]:
        """Samples by their place in this split (0..N-1), as float32.

        Returns:
            Images in 0..1, [n, C, H, W]; event counts, [n, T, 2, H, W].
        """
        stored = self.samples.array[self.rows[np.asarray(indices, dtype=np.int64)]]
        batch = np.asarray(stored).astype(np.float32)
        if batch.ndim == 4:
            batch /= WHITE
        return batch


@dataclass(frozen=True, eq=False)
class Dataset:
    """Samples, classes and splits of one data set.

    Attributes:
        name: its name in `msenas.data.DATASETS`.
        kind: "image" or "events".
        samples: all samples; `inputs` is their array.
        classes: class names, by label.
        train: samples to fit weights on.
        val: samples to choose architectures on.
        test: samples to report on.
        mean: per channel, over the train split; images as values 0..1, events as counts.
        std: per channel, over the train split.
        provenance: JSON-able record of where the samples came from and how they were split.
    """

    name: str
    kind: Kind
    samples: Samples
    classes: tuple[str, ...]
    train: Split
    val: Split
    test: Split
    mean: tuple[float, ...]
    std: tuple[float, ...]
    provenance: dict[str, object]

    @property
    def notes(self) -> list[str]:
        """What a user should know about this copy, such as how much of the data set it lacks."""
        return cast(list[str], self.provenance.get("notes", []))

    @property
    def inputs(self) -> Counts:
        """All samples: images uint8 [N, C, H, W], or event counts [N, T, 2, H, W]."""
        return self.samples.array

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one frame."""
        channels, height, width = self.samples.array.shape[-3:]
        return channels, height, width

    @property
    def steps(self) -> int | None:
        """Time bins T of an event sample; None for images."""
        return self.samples.array.shape[1] if self.kind == "events" else None
