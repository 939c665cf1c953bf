"""Unpickles plain data only: dicts, lists, numbers, strings, bytes, and numpy arrays of bytes or integers.

A pickle may name any function of any module and have it called. Here only the few names that a pickled array
consists of are known, and each stands for a class of this module that checks what it is given; numpy itself
never sees the file's state.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msenas.errors import DataError

LARGEST_FILE = 1 << 30
"""Bytes; the largest official file has 155 MB."""
PLAIN_TYPES = frozenset({"b", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"})


class PickledType:
    """Stands for `numpy.dtype(name, align, copy)`."""

    def __init__(self, name: str | bytes, *flags: object) -> None:
        del flags
        text = name.decode("ascii") if isinstance(name, bytes) else name
        if text not in PLAIN_TYPES:
            raise DataError(f"an array of type {text!r}, which is not allowed")
        self.name = text
        self.order = "|"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        order = state[1].decode("ascii") if isinstance(state[1], bytes) else state[1]
        if order not in ("|", "<", ">", "="):
            raise DataError(f"an array of byte order {order!r}, which is not allowed")
        self.order = order


class PickledArray:
    """Stands for `numpy.core.multiarray._reconstruct(numpy.ndarray, ...)` and for `numpy.ndarray`."""

    def __init__(self, *origin: object) -> None:
        del origin
        self.array: NDArray[Any] = np.empty(0, np.uint8)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, data = state
        if not isinstance(kind, PickledType) or not isinstance(data, bytes):
            raise DataError("an array of objects, which is not allowed")
        flat = np.frombuffer(data, np.dtype(kind.order + kind.name))
        self.array = flat.reshape(tuple(int(side) for side in shape), order="F" if fortran else "C")


def latin1(text: str, encoding: str) -> bytes:
    """Stands for `_codecs.encode`, which old protocols write bytes with."""
    if encoding != "latin1" or not isinstance(text, str):
        raise DataError(f"an encoding {encoding!r}, which is not allowed")
    return text.encode("latin1")


KNOWN: dict[tuple[str, str], object] = {
    ("numpy.core.multiarray", "_reconstruct"): PickledArray,
    ("numpy._core.multiarray", "_reconstruct"): PickledArray,
    ("numpy", "ndarray"): PickledArray,
    ("numpy", "dtype"): PickledType,
    ("_codecs", "encode"): latin1,
}


class PlainUnpickler(pickle.Unpickler):
    """Knows the names of `KNOWN` and refuses every other."""

    def find_class(self, module: str, name: str) -> object:
        """The stand-in of a known name.

        Raises:
            DataError: the name is not known.
        """
        if (module, name) not in KNOWN:
            raise DataError(f"the object {module}.{name}, which is not allowed")
        return KNOWN[module, name]


def load_plain(file: Path) -> Any:  # noqa: ANN401 - the caller checks what it got
    """The content of a pickled file; strings of Python 2 become bytes, and so do the keys of dicts.

    Raises:
        DataError: the file is too large, damaged, or wants anything but plain data.
    """
    size = file.stat().st_size
    if size > LARGEST_FILE:
        raise DataError(f"{file}: {size:,} bytes; at most {LARGEST_FILE:,} are read")
    try:
        content = PlainUnpickler(io.BytesIO(file.read_bytes()), encoding="bytes").load()
    except DataError as error:
        raise DataError(f"{file}: the pickled file wants {error}") from error
    # a damaged pickle may raise nearly anything; nothing of it is worth more than its text
    except Exception as error:
        raise DataError(f"{file}: not a readable pickled file ({type(error).__name__}: {error})") from error
    return plain(content)


def plain(content: object) -> object:
    """Arrays in the place of their stand-ins, and bytes as keys, in the outermost dict."""
    if isinstance(content, PickledArray):
        return content.array
    if isinstance(content, dict):
        return {key.encode() if isinstance(key, str) else key: plain_value(value) for key, value in content.items()}
    return content


def plain_value(value: object) -> object:
    """One value of the outermost dict."""
    return value.array if isinstance(value, PickledArray) else value
