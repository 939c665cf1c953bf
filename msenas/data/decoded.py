"""What every reader of a layout takes and gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msenas.data.spec import DataSpec
from msenas.errors import DataError

Sink = Callable[[NDArray[Any]], None]
"""Takes decoded samples, unsigned [n, ...], a few at a time and in order."""
Tick = Callable[[int, int], None]
"""Told how many files of how many are done."""


@dataclass(frozen=True)
class Decoded:
    """What belongs to the samples that a reader has put into its sink, row by row.

    Attributes:
        labels: int64 [N].
        classes: class names, by label.
        is_test: bool [N], or None if the source gives no test split.
        recordings: int64 [N], the recording that each row was cut from, or None if each is its own.
        notes: what a user should know, such as "1,000 of 60,000 recordings".
    """

    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    is_test: NDArray[np.bool_] | None = None
    recordings: NDArray[np.int64] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Layout:
    """One way in which a data set lies on disk.

    Attributes:
        name: short name, for the record.
        tree: the files it consists of, in words.
        find: the files of this layout in a folder, sorted; empty if it is not there.
        read: decodes those files, of the folder that they were found in, into the sink.
    """

    name: str
    tree: str
    find: Callable[[Path], tuple[Path, ...]]
    read: Callable[[Path, tuple[Path, ...], DataSpec, Sink, Tick], Decoded]


def check_labels(labels: NDArray[Any], classes: int, where: Path | str) -> NDArray[np.int64]:
    """Labels as int64.

    Raises:
        DataError: a label is not an integer in 0..classes-1.
    """
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        raise DataError(f"{where}: labels are {labels.dtype} {list(labels.shape)}; integers [N] are needed")
    wide = labels.astype(np.int64)
    if len(wide) and (wide.min() < 0 or wide.max() >= classes):
        raise DataError(f"{where}: labels run from {wide.min()} to {wide.max()}; allowed: 0..{classes - 1}")
    return wide


def shortfall(what: str, found: int, full: int) -> tuple[str, ...]:
    """A note if a copy is not complete."""
    return () if found == full else (f"{found:,} of {full:,} {what}",)
