"""Types of the entries of HDF5 arrays: plain numbers, flags, texts."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

from msenas.errors import InputError

_INTEGER, _FLOAT, _TEXT, _ENUM, _VARIABLE = 0, 1, 3, 8, 9
_FLOATS = {
    2: (0, 16, 10, 5, 0, 10, 15, 15),
    4: (0, 32, 23, 8, 0, 23, 127, 31),
    8: (0, 64, 52, 11, 0, 52, 1023, 63),
}
"""Layout of IEEE 754 numbers by size: first bit, bits, exponent (place, bits), mantissa (place, bits), bias, sign."""
REFERENCE_SIZE = 16
"""Bytes of a reference to a text of variable length."""


@dataclass(frozen=True)
class DataType:
    """Type of an entry.

    Attributes:
        dtype: its bytes in an array; void for texts.
        text: "" (a number), "fixed" or "variable" (a reference to a text).
    """

    dtype: np.dtype[Any]
    text: str = ""

    @property
    def size(self) -> int:
        """Bytes of an entry."""
        return self.dtype.itemsize


def data_type(message: bytes) -> DataType:
    """The type that a message of an object header describes.

    Raises:
        InputError: It is not one of those that are read.
    """
    kind, flags, sign = message[0] & 15, message[1], message[2]
    (size,) = struct.unpack_from("<I", message, 4)
    if kind == _TEXT and 0 < size <= 1 << 24:
        return DataType(np.dtype(f"V{size}"), "fixed")
    if kind == _VARIABLE and flags & 15 == 1 and size == REFERENCE_SIZE:
        return DataType(np.dtype(f"V{size}"), "variable")
    order = ">" if flags & 1 else "<"
    if kind == _INTEGER and size in (1, 2, 4, 8) and struct.unpack_from("<HH", message, 8) == (0, 8 * size):
        return DataType(np.dtype(f"{order}{'i' if flags & 8 else 'u'}{size}"))
    plain = kind == _FLOAT and size in _FLOATS and not flags & 0x40
    if plain and (*struct.unpack_from("<HHBBBBI", message, 8), sign) == _FLOATS[size]:
        return DataType(np.dtype(f"{order}f{size}"))
    if kind == _ENUM and size == 1 and b"FALSE\0" in message and b"TRUE\0" in message:
        return DataType(np.dtype(bool))
    raise InputError("it holds neither numbers of at most 64 bits nor texts")
