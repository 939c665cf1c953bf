"""Images as png or jpg files in class folders."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from msenas.data.class_folders import find_files, sort_out
from msenas.data.decoded import Decoded, Layout, Sink, Tick
from msenas.data.spec import MOST_SIZE, DataSpec
from msenas.errors import DataError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg"})
FORMATS = ("PNG", "JPEG")
GREY = frozenset({"1", "L", "LA"})
COLOUR = frozenset({"P", "RGB", "RGBA", "CMYK", "YCbCr"})
LARGEST_SIDE = 8192
"""Of a file that is to be scaled down, in pixels."""
BLOCK = 512
"""Images decoded before they go into the sink."""
BROKEN = (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError)
"""What Pillow raises for a damaged file."""

Header = tuple[int, int, str]
"""Width, height, and Pillow's mode."""


def header_of(file: Path) -> Header:
    """Size and mode from the first bytes of a file.

    Raises:
        DataError: it is no png or jpg, of more than 8 bits a channel, or too large.
    """
    try:
        with Image.open(file, formats=FORMATS) as image:
            width, height, mode = *image.size, image.mode
    except BROKEN as error:
        raise DataError(f"{file}: not a readable png or jpg ({type(error).__name__})") from error
    if mode not in GREY | COLOUR:
        raise DataError(f"{file}: image of mode {mode}; 8 bits per channel, grey or colour, are needed")
    if max(width, height) > LARGEST_SIDE:
        raise DataError(f"{file}: {width}x{height} pixels; at most {LARGEST_SIDE} a side are read")
    return width, height, mode


def frame_of(files: Sequence[Path], size: int | None, shape: tuple[int, int, int] | None) -> tuple[int, int, int]:
    """Channels, height and width that all files are decoded to.

    Raises:
        DataError: files of different sizes, or of another than they must have, without a `size` to scale to.
    """
    headers = [header_of(file) for file in files]
    if shape is not None:
        channels, height, width = shape
    else:
        channels = 1 if all(mode in GREY for _, _, mode in headers) else 3
        width, height, _ = headers[0]
    if size is not None:
        return channels, size, size
    for file, (wide, high, _) in zip(files, headers, strict=True):
        if (wide, high) != (width, height):
            hint = "" if shape else "; give a size to scale all images to"
            raise DataError(f"{file}: {wide}x{high} pixels; {width}x{height} are needed{hint}")
    if max(width, height) > MOST_SIZE:
        raise DataError(f"{files[0]}: {width}x{height} pixels; give a size of at most {MOST_SIZE} to scale to")
    return channels, height, width


def decode(file: Path, frame: tuple[int, int, int]) -> NDArray[np.uint8]:
    """One image, uint8 [C, H, W]; another size is scaled bilinearly, without keeping the aspect.

    Raises:
        DataError: the file is damaged.
    """
    channels, height, width = frame
    try:
        with Image.open(file, formats=FORMATS) as image:
            flat = image.convert("L" if channels == 1 else "RGB")
    except BROKEN as error:
        raise DataError(f"{file}: damaged image ({type(error).__name__}: {error})") from error
    if flat.size != (width, height):
        flat = flat.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(flat).reshape(height, width, channels).transpose(2, 0, 1)


def image_folders(classes: int | None = None, shape: tuple[int, int, int] | None = None) -> Layout:
    """Class folders of images; the number of classes and the shape are checked where they are known."""

    def find(folder: Path) -> tuple[Path, ...]:
        return find_files(folder, SUFFIXES)

    def read(root: Path, files: tuple[Path, ...], spec: DataSpec, sink: Sink, tick: Tick) -> Decoded:
        tree = sort_out(root, files, classes)
        frame = frame_of(files, spec.size, shape)
        for start in range(0, len(files), BLOCK):
            sink(np.stack([decode(file, frame) for file in files[start : start + BLOCK]]))
            tick(min(start + BLOCK, len(files)), len(files))
        return Decoded(tree.labels, tree.classes, tree.is_test, notes=tree.notes)

    return Layout("class folders", "train/CLASS/*.png and test/CLASS/*.png, or CLASS/*.png (or jpg)", find, read)
