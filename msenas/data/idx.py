"""MNIST and Fashion-MNIST as idx files, gzipped or not.

An idx file is two zero bytes, a type byte (8: unsigned bytes), the number of dimensions, each dimension as a
big-endian 32-bit number, and the values. Source: http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from msenas.data.decoded import Decoded, Layout, Sink, Tick, check_labels, shortfall
from msenas.data.spec import DataSpec
from msenas.errors import DataError

CLASSES = 10
SIDE = 28
MOST = 1_000_000
"""Samples of one file."""
TRAIN, TEST = 60_000, 10_000

DIGITS = tuple(str(digit) for digit in range(CLASSES))
FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


def read_idx(file: Path, tail: tuple[int, ...]) -> NDArray[np.uint8]:
    """The values of an idx file of unsigned bytes, [n, *tail].

    Raises:
        DataError: the file is no such file, of another shape, cut short, or longer than it says.
    """
    try:
        with gzip.open(file, "rb") if file.suffix == ".gz" else file.open("rb") as stream:
            return read_stream(cast(BinaryIO, stream), file, tail)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read ({error})") from error


def read_stream(stream: BinaryIO, file: Path, tail: tuple[int, ...]) -> NDArray[np.uint8]:
    """As `read_idx`, from an open stream; reads no more than the header allows."""
    dimensions = len(tail) + 1
    magic = stream.read(4)
    if magic != bytes((0, 0, 8, dimensions)):
        raise DataError(
            f"{file}: starts with {magic.hex() or 'nothing'}; an idx file of {dimensions} dimensions starts"
            f" with 0000080{dimensions}"
        )
    sides = np.frombuffer(stream.read(4 * dimensions), ">u4").tolist()
    if len(sides) != dimensions or tuple(sides[1:]) != tail or not 0 < sides[0] <= MOST:
        wanted = ["n", *tail]
        raise DataError(f"{file}: shape {sides}; {wanted} with 0 < n <= {MOST:,} is needed")
    length = int(np.prod(sides, dtype=np.int64))
    data = stream.read(length + 1)
    if len(data) != length:
        found = "more than that" if len(data) > length else f"{len(data):,}"
        raise DataError(f"{file}: the header says {length:,} bytes of values; there are {found}")
    return np.frombuffer(data, np.uint8).reshape(sides)


def one_of(folder: Path, stem: str, dimensions: int) -> Path | None:
    """The file of a stem, spelled with a dash or a dot, gzipped or not."""
    for mark in ("-", "."):
        for end in ("", ".gz"):
            file = folder / f"{stem}{mark}idx{dimensions}-ubyte{end}"
            if file.is_file():
                return file
    return None


def find_idx(folder: Path) -> tuple[Path, ...]:
    """Training images and labels, test images and labels; empty unless all four are there."""
    stems = (("train-images", 3), ("train-labels", 1), ("t10k-images", 3), ("t10k-labels", 1))
    files = [one_of(folder, stem, dimensions) for stem, dimensions in stems]
    return tuple(file for file in files if file is not None) if None not in files else ()


def idx(classes: tuple[str, ...]) -> Layout:
    """The four idx files of MNIST or of a data set made in its shape."""

    def read(root: Path, files: tuple[Path, ...], spec: DataSpec, sink: Sink, tick: Tick) -> Decoded:
        del root, spec
        labels = []
        for half in (0, 2):
            images = read_idx(files[half], (SIDE, SIDE))
            found = check_labels(read_idx(files[half + 1], ()), CLASSES, files[half + 1])
            if len(images) != len(found):
                raise DataError(f"{files[half]}: {len(images)} images, but {len(found)} labels")
            sink(images[:, None])
            labels.append(found)
            tick(half + 2, len(files))
        train, test = map(len, labels)
        notes = shortfall("training images", train, TRAIN) + shortfall("test images", test, TEST)
        return Decoded(np.concatenate(labels), classes, np.arange(train + test) >= train, notes=notes)

    tree = "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte"
    return Layout("idx", f"{tree} (or each with .gz)", find_idx, read)
