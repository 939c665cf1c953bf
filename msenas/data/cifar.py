"""CIFAR-10 and CIFAR-100 in their two official layouts, binary and pickled.

A binary record is one label byte (CIFAR-100: a coarse and a fine one) and 3,072 pixel bytes: the red, green
and blue planes, row by row. A pickled batch is a dict with `data`, uint8 [n, 3072] of the same order, and
`labels` (CIFAR-100: `fine_labels`). Source: https://www.cs.toronto.edu/~kriz/cifar.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msenas.data.decoded import Decoded, Layout, Sink, Tick, check_labels, shortfall
from msenas.data.restricted_pickle import load_plain
from msenas.data.spec import DataSpec
from msenas.errors import DataError

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32
TRAIN, TEST = 50_000, 10_000
CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

Batch = tuple[NDArray[np.uint8], NDArray[np.int64]]
"""Images [n, 3, 32, 32] and labels [n]."""


@dataclass(frozen=True)
class Names:
    """What the files of one data set are called and how its records are made.

    Attributes:
        train: training files, any of which may be missing.
        test: the test file.
        classes: number of classes.
        meta: the file of class names.
        label_bytes: label bytes of a binary record, of which the last counts.
        label_key: key of the labels in a pickled batch.
        names_key: key of the class names in the pickled meta file.
    """

    train: tuple[str, ...]
    test: str
    classes: int
    meta: str
    label_bytes: int = 1
    label_key: bytes = b"labels"
    names_key: bytes = b"label_names"


def read_binary(file: Path, names: Names) -> Batch:
    """One binary file.

    Raises:
        DataError: the file is empty, cut short, or has labels out of range.
    """
    record = names.label_bytes + PIXELS
    size = file.stat().st_size
    if size == 0 or size % record:
        raise DataError(f"{file}: {size:,} bytes; a multiple of {record:,} (one record) is needed")
    data = np.fromfile(file, np.uint8).reshape(-1, record)
    labels = check_labels(data[:, names.label_bytes - 1], names.classes, file)
    return data[:, names.label_bytes :].reshape(-1, *SHAPE), labels


def read_pickled(file: Path, names: Names) -> Batch:
    """One pickled file.

    Raises:
        DataError: the file is damaged, wants forbidden objects, or holds another shape or other labels.
    """
    batch = load_plain(file)
    if not isinstance(batch, dict) or not {b"data", names.label_key} <= batch.keys():
        raise DataError(f"{file}: no dict with the keys 'data' and {names.label_key.decode()!r}")
    data, listed = batch[b"data"], batch[names.label_key]
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (PIXELS,):
        shape = f"{data.dtype} {list(data.shape)}" if isinstance(data, np.ndarray) else type(data).__name__
        raise DataError(f"{file}: data is {shape}; uint8 [n, {PIXELS}] is needed")
    if not isinstance(listed, list) or not all(type(label) is int for label in listed):
        raise DataError(f"{file}: {names.label_key.decode()!r} is no list of integers")
    if len(listed) != len(data) or not listed or not all(0 <= label < names.classes for label in listed):
        raise DataError(f"{file}: {len(data)} images need as many labels in 0..{names.classes - 1}")
    return data.reshape(-1, *SHAPE), np.array(listed, np.int64)


def text_names(file: Path, names: Names) -> list[str]:
    """Class names of the binary layout, one a line."""
    del names
    return file.read_text(encoding="utf-8", errors="replace").split()


def pickled_names(file: Path, names: Names) -> list[str]:
    """Class names of the pickled layout."""
    meta = load_plain(file)
    listed = meta.get(names.names_key) if isinstance(meta, dict) else None
    if not isinstance(listed, list) or not all(isinstance(name, bytes) for name in listed):
        raise DataError(f"{file}: no list {names.names_key.decode()!r} of class names")
    return [name.decode("utf-8", errors="replace") for name in listed]


def class_names(file: Path, names: Names, read: Callable[[Path, Names], list[str]]) -> tuple[str, ...]:
    """Names from the file beside the data; CIFAR-10's own, or the numbers, without it.

    Raises:
        DataError: the file holds another number of names.
    """
    if not file.is_file():
        return CIFAR10 if names.classes == len(CIFAR10) else tuple(map(str, range(names.classes)))
    found = read(file, names)
    if len(found) != names.classes:
        raise DataError(f"{file}: {len(found)} class names; {names.classes} are needed")
    return tuple(found)


def layout(
    kind: str,
    names: Names,
    read_batch: Callable[[Path, Names], Batch],
    read_names: Callable[[Path, Names], list[str]],
) -> Layout:
    """One official layout of one of the two data sets."""

    def find(folder: Path) -> tuple[Path, ...]:
        train = [folder / name for name in names.train if (folder / name).is_file()]
        test = folder / names.test
        return (*train, test) if train and test.is_file() else ()

    def read(root: Path, files: tuple[Path, ...], spec: DataSpec, sink: Sink, tick: Tick) -> Decoded:
        del spec
        labels = []
        for done, file in enumerate(files):
            images, found = read_batch(file, names)
            sink(images)
            labels.append(found)
            tick(done + 1, len(files))
        return joined(labels, class_names(root / names.meta, names, read_names))

    return Layout(kind, f"{', '.join(names.train)} and {names.test}", find, read)


def joined(labels: list[NDArray[np.int64]], classes: tuple[str, ...]) -> Decoded:
    """The labels of all files, of which the last is the test file."""
    together = np.concatenate(labels)
    test = len(labels[-1])
    is_test = np.arange(len(together)) >= len(together) - test
    notes = shortfall("training images", len(together) - test, TRAIN) + shortfall("test images", test, TEST)
    return Decoded(together, classes, is_test, notes=notes)


BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
CIFAR10_BINARY = layout(
    "binary",
    Names(tuple(f"{name}.bin" for name in BATCHES), "test_batch.bin", 10, "batches.meta.txt"),
    read_binary,
    text_names,
)
CIFAR10_PICKLED = layout("pickled", Names(BATCHES, "test_batch", 10, "batches.meta"), read_pickled, pickled_names)
CIFAR100_BINARY = layout(
    "binary", Names(("train.bin",), "test.bin", 100, "fine_label_names.txt", 2), read_binary, text_names
)
CIFAR100_PICKLED = layout(
    "pickled",
    Names(("train",), "test", 100, "meta", label_key=b"fine_labels", names_key=b"fine_label_names"),
    read_pickled,
    pickled_names,
)
