"""The bytes of an HDF5 file from outside: parts of it, compressed chunks, texts in heaps.

Every read lies within the file, every result has the size that it must have, and all reads together are bounded, so
that a file cannot have its parts read over and over.
"""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO

import numpy as np

from msenas.errors import InputError

DEFLATE, SHUFFLE = 1, 2
FILTERS = {DEFLATE: "gzip", SHUFFLE: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
"""Names of filters by number; the first two are read."""
UNDEFINED = (1 << 64) - 1
"""Address of what is not stored."""
REFERENCE = struct.Struct("<IQI")
"""A text of variable length where it should stand: length, address of its heap, number in the heap."""
_HEAP, _OBJECT = struct.Struct("<4sB3xQ"), struct.Struct("<HHIQ")
MOST_HEAPS = 32 << 20
"""Bytes of all heaps together."""
MOST_BYTES = 2 << 30
"""Bytes that are read in all."""
MOST_STEPS = 1 << 21
"""Entries of all lists and trees together."""


class Storage:
    """The bytes of one open file, whose addresses have 8 bytes and count from its start."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.size = size
        self._file = file
        self._heaps: dict[int, dict[int, bytes]] = {}
        self._heap_bytes = self._read = self._steps = 0

    def walk(self, steps: int) -> None:
        """Count entries of a list or tree that are looked at.

        Raises:
            InputError: They have become too many.
        """
        self._steps += steps
        if self._steps > MOST_STEPS:
            raise InputError(f"it has more than {MOST_STEPS:,} entries of lists and trees")

    def part(self, offset: int, size: int) -> bytes:
        """`size` bytes of the file.

        Raises:
            InputError: They do not all lie in the file.
        """
        self._read += size
        if offset + size > self.size:
            raise InputError("it ends behind the end of the file")
        if self._read > MOST_BYTES:
            raise InputError(f"more than {MOST_BYTES:,} bytes would have to be read")
        self._file.seek(offset)
        found = self._file.read(size)
        if len(found) != size:
            raise InputError("the file has become shorter")
        return found

    def chunk(self, place: tuple[int, int], filters: list[int], size: int, itemsize: int) -> bytes:
        """A chunk as it was before its filters, which are undone from the last to the first.

        Args:
            place: offset and size in the file.
            filters: that it passed.
            size: bytes that it must have.
            itemsize: bytes of an entry.

        Raises:
            InputError: It holds more or less than that.
        """
        raw = self.part(*place)
        for number in reversed(filters):
            if number == DEFLATE:
                raw = _inflated(raw, size)
            elif len(raw) == size:
                raw = np.frombuffer(raw, np.uint8).reshape(itemsize, -1).T.tobytes()
        if len(raw) != size:
            raise InputError(f"a chunk does not hold the {size:,} bytes that it should")
        return raw

    def text(self, reference: bytes) -> bytes:
        """The text that a reference of 16 bytes stands for; there is none behind the address 0.

        Raises:
            InputError: It is not there.
        """
        length, address, number = REFERENCE.unpack(reference)
        if not address or not length:
            return b""
        if address not in self._heaps:
            self._heaps[address] = self._heap(address)
        text = self._heaps[address].get(number)
        if text is None or len(text) < length:
            raise InputError("a text is not in its heap")
        return text[:length].rstrip(b"\0")

    def _heap(self, address: int) -> dict[int, bytes]:
        """All objects of one heap by number."""
        signature, version, size = _HEAP.unpack(self.part(address, _HEAP.size))
        self._heap_bytes += size
        if signature != b"GCOL" or version != 1 or self._heap_bytes > MOST_HEAPS:
            raise InputError(f"a heap of texts is damaged, or all have more than {MOST_HEAPS:,} bytes")
        content = self.part(address, size)
        objects: dict[int, bytes] = {}
        at = _HEAP.size
        while at + _OBJECT.size <= size:
            number, _, _, length = _OBJECT.unpack_from(content, at)
            at += _OBJECT.size
            self.walk(1)
            if not number or length > size - at:
                break
            objects[number] = content[at : at + length]
            at += -(-length // 8) * 8
        return objects


def _inflated(raw: bytes, size: int) -> bytes:
    """The content of compressed bytes, but never more than one byte beyond what it should have."""
    try:
        return zlib.decompressobj().decompress(raw, size + 1)
    except zlib.error:
        raise InputError("a chunk cannot be decompressed") from None
