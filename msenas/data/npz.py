"""Images in a numpy archive (.npz).

Keys, first of each that is there: images `x_train`, `images` or `x`; labels `y_train`, `labels` or `y`; test
images `x_test` and labels `y_test` (both or neither); class names `classes` (optional). Images are uint8
[N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3 channels; labels are integers [N], in 0..classes-1.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msenas.data.decoded import Decoded, Layout, Sink, Tick, check_labels
from msenas.data.spec import MOST_SIZE, DataSpec
from msenas.errors import DataError

LARGEST = 1 << 34
"""Bytes that an archive may unpack to."""
IMAGES, LABELS = ("x_train", "images", "x"), ("y_train", "labels", "y")
TEST = ("x_test", "y_test")
BROKEN = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError, MemoryError)
"""What numpy raises for a damaged archive."""


def read_npz(file: Path, wanted: frozenset[str] | None = None) -> dict[str, NDArray[Any]]:
    """The arrays of an archive, all or those of the wanted names.

    Raises:
        DataError: it is damaged, too large when unpacked, or holds pickled objects.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(info.file_size for info in archive.infolist())
        if size > LARGEST:
            raise DataError(f"{file}: unpacks to {size:,} bytes; at most {LARGEST:,} are read")
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files if wanted is None or name in wanted}
    except BROKEN as error:
        raise DataError(f"{file}: not a readable npz of plain arrays ({error})") from error


def as_images(array: NDArray[Any], what: str, shape: tuple[int, int, int] | None) -> NDArray[np.uint8]:
    """Images as uint8 [N, C, H, W].

    Raises:
        DataError: another type or shape.
    """
    if array.dtype != np.uint8:
        raise DataError(f"{what} is {array.dtype}; uint8 (0..255) is needed")
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[1] not in (1, 3) and array.shape[3] in (1, 3):
        array = array.transpose(0, 3, 1, 2)
    if array.ndim != 4 or array.shape[1] not in (1, 3) or 0 in array.shape or max(array.shape[2:]) > MOST_SIZE:
        raise DataError(
            f"{what} has the shape {list(array.shape)}; [N, H, W], [N, C, H, W] or [N, H, W, C] with 1 or 3"
            f" channels and sides up to {MOST_SIZE} is needed"
        )
    if shape is not None and array.shape[1:] != shape:
        raise DataError(f"{what} holds images of {list(array.shape[1:])}; {list(shape)} is needed")
    return array


def pick(arrays: dict[str, NDArray[Any]], names: tuple[str, ...], file: Path) -> str:
    """The first of the names that the archive has."""
    for name in names:
        if name in arrays:
            return name
    raise DataError(f"{file}: keys {', '.join(sorted(arrays)) or 'none'}; one of {', '.join(names)} is needed")


def class_names(arrays: dict[str, NDArray[Any]], labels: NDArray[Any], file: Path) -> tuple[str, ...]:
    """The archive's class names, or numbers up to the largest label."""
    if "classes" in arrays:
        names = arrays["classes"]
        if names.ndim != 1 or names.dtype.kind not in "US":
            raise DataError(f"{file}: classes is {names.dtype} {list(names.shape)}; text [classes] is needed")
        return tuple(str(name) for name in names.astype(np.str_))
    most = int(labels.max()) if labels.size and labels.dtype.kind in "ui" else 0
    if not 0 <= most < len(labels):
        raise DataError(f"{file}: the largest label is {most} of {len(labels)} samples; give 'classes'")
    return tuple(str(label) for label in range(most + 1))


def npz(name: str | None = None, classes: int | None = None, shape: tuple[int, int, int] | None = None) -> Layout:
    """An archive given as the path itself, or NAME.npz (without a name: the only one) in the folder."""

    def find(place: Path) -> tuple[Path, ...]:
        if place.is_file():
            return (place,) if place.suffix == ".npz" else ()
        files = sorted(place.glob("*.npz" if name is None else f"{name}.npz"))
        return tuple(files) if len(files) == 1 else ()

    def read(root: Path, files: tuple[Path, ...], spec: DataSpec, sink: Sink, tick: Tick) -> Decoded:
        del root, spec
        (file,) = files
        arrays = read_npz(file, frozenset((*IMAGES, *LABELS, *TEST, "classes")))
        image_key, label_key = pick(arrays, IMAGES, file), pick(arrays, LABELS, file)
        pairs = [(image_key, label_key)]
        if any(key in arrays for key in TEST):
            pairs.append((pick(arrays, TEST[:1], file), pick(arrays, TEST[1:], file)))
        names = class_names(arrays, arrays[label_key], file)
        if classes is not None and len(names) != classes:
            raise DataError(f"{file}: {len(names)} classes; {classes} are needed")
        labels = []
        for images_of, labels_of in pairs:
            images = as_images(arrays[images_of], f"{file}: {images_of}", shape)
            labels.append(check_labels(arrays[labels_of], len(names), f"{file}: {labels_of}"))
            if len(images) != len(labels[-1]):
                raise DataError(f"{file}: {len(images)} images in {images_of}, {len(labels[-1])} labels")
            sink(images)
        tick(1, 1)
        together = np.concatenate(labels)
        is_test = np.arange(len(together)) >= len(labels[0]) if len(pairs) == 2 else None
        return Decoded(together, names, is_test)

    return Layout("npz", f"{name or 'NAME'}.npz with x_train, y_train, x_test, y_test (or x, y)", find, read)
