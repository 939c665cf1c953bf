"""Groups and arrays of an HDF5 file, in the layout that h5py writes unless told otherwise.

The layout is the older one of the HDF5 file format specification (version 3.0): superblocks 0 and 1, object headers of
version 1, groups as symbol tables. The HDF5 library itself crashes or never ends on some damaged files; here every
address is followed within the file, every list is of bounded length, and no node of a tree is visited twice.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from export.hdf5_groups import NEWER, leaves, links_of, symbols
from export.hdf5_storage import UNDEFINED, Storage
from export.hdf5_types import DataType, data_type
from msenas.errors import InputError

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MOST_DIMENSIONS = 8
LARGEST_SIDE = 1 << 32
MOST_FILTERS = 3
MOST_MESSAGES, LARGEST_BLOCK, MOST_BLOCKS = 256, 1 << 16, 16
"""Of one object header: messages, bytes of a block, blocks."""

SPACE, LINK_INFO, TYPE, OLD_FILL, FILL, LINK, EXTERNAL, LAYOUT, FILTERS, CONTINUED, TABLE = (
    *(0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8),
    *(0xB, 0x10, 0x11),
)
"""Messages of an object header that are read."""


@dataclass(frozen=True)
class Group:
    """A group: addresses of its members by name."""

    path: str
    members: Mapping[str, int]


@dataclass(frozen=True)
class Chunk:
    """A stored chunk: corner in the array, where it is and how large, filters that it did not pass (bits)."""

    corner: tuple[int, ...]
    offset: int
    size: int
    skipped: int


@dataclass(frozen=True)
class Array:
    """An array, not read yet.

    Attributes:
        path: in the file.
        shape: its sides.
        type: of its entries.
        fill: bytes of an entry that is not stored.
        compact: the entries, if they are in the header.
        offset: of the entries in the file, if they are in one piece.
        tree: address of the tree of its chunks, if it is in chunks.
        chunk: sides of a chunk.
        filters: that chunks pass when they are stored, in order.
    """

    path: str
    shape: tuple[int, ...]
    type: DataType
    fill: bytes
    compact: bytes | None = None
    offset: int | None = None
    tree: int | None = None
    chunk: tuple[int, ...] = ()
    filters: tuple[int, ...] = ()

    @property
    def size(self) -> int:
        """Entries."""
        return math.prod(self.shape)


def root_of(storage: Storage) -> Group:
    """The root group of a file.

    Raises:
        InputError: It is no HDF5 file, or not in the layout that is read.
    """
    start = storage.part(0, min(storage.size, 96))
    if not start.startswith(SIGNATURE) or len(start) < 96:
        raise InputError("it does not begin as HDF5 files do")
    version, sizes, shift = start[8], start[13:15], 4 * start[8]
    if version > 1 or sizes != b"\x08\x08" or struct.unpack_from("<Q", start, 24 + shift)[0]:
        raise InputError(NEWER)
    found = object_at(storage, struct.unpack_from("<Q", start, 64 + shift)[0], "")
    if not isinstance(found, Group):
        raise InputError("its root is no group")
    return found


def object_at(storage: Storage, address: int, path: str) -> Group | Array:
    """The group or array at an address.

    Raises:
        InputError: There is none that is read; the message does not say where.
    """
    try:
        messages = list(_messages(storage, address))
        kinds = dict(messages)
        if TABLE in kinds:
            return Group(path, symbols(storage, kinds[TABLE]))
        if LAYOUT in kinds and SPACE in kinds and TYPE in kinds:
            return _array(kinds, path)
        if LINK_INFO in kinds or LINK in kinds:
            return Group(path, links_of([data for kind, data in messages if kind == LINK], kinds.get(LINK_INFO)))
    except (struct.error, IndexError, ValueError):
        raise InputError("its header is damaged") from None
    raise InputError("it is no group and no array")


def chunks_of(storage: Storage, array: Array) -> Iterator[Chunk]:
    """The chunks of an array that are stored.

    Raises:
        InputError: Their tree is damaged.
    """
    assert array.tree is not None
    if array.tree == UNDEFINED:
        return
    key = struct.Struct(f"<II{len(array.shape) + 1}Q")
    corners: set[tuple[int, ...]] = set()
    for raw, address in leaves(storage, array.tree, 1, key.size):
        size, skipped, *corner = key.unpack(raw)
        place = tuple(corner[:-1])
        outside = any(at % step or at >= side for at, step, side in zip(place, array.chunk, array.shape, strict=True))
        if outside or place in corners:
            raise InputError("a chunk lies outside of the array, or on another one")
        corners.add(place)
        yield Chunk(place, address, size, skipped)


def _messages(storage: Storage, address: int) -> Iterator[tuple[int, bytes]]:
    """Messages of an object header, as kind and content."""
    start = storage.part(address, 16)
    if start[:4] == b"OHDR":
        raise InputError(NEWER)
    version, _, left, _, size = struct.unpack_from("<BBHII", start)
    if version != 1:
        raise InputError("its header is damaged")
    blocks = [(address + 16, size)]
    for number in range(MOST_BLOCKS):
        if number == len(blocks):
            return
        offset, size = blocks[number]
        if size > LARGEST_BLOCK:
            raise InputError("its header is damaged or too large")
        block, at = storage.part(offset, size), 0
        while at + 8 <= size and left:
            kind, length, flags = struct.unpack_from("<HHB", block, at)
            data = block[at + 8 : at + 8 + length]
            at, left = at + 8 + length, left - 1
            storage.walk(1)
            if len(data) < length or flags & 2:
                raise InputError("its header is damaged, or shares parts with others")
            if kind == CONTINUED:
                blocks.append(struct.unpack_from("<QQ", data))
            elif kind:
                yield kind, data
    raise InputError("its header has too many parts")


def _array(kinds: Mapping[int, bytes], path: str) -> Array:
    if EXTERNAL in kinds:
        raise InputError("it is stored in another file; only what lies in the file itself is read")
    shape, entry = _shape(kinds[SPACE]), data_type(kinds[TYPE])
    make: Callable[..., Array] = Array
    common: dict[str, Any] = {"path": path, "shape": shape, "type": entry, "fill": _fill(kinds, entry.size)}
    layout = kinds[LAYOUT]
    version, kind = layout[:2]
    if version != 3:
        raise InputError("it is made of other arrays, or " + NEWER)
    if kind == 0:
        (length,) = struct.unpack_from("<H", layout, 2)
        return make(**common, compact=layout[4 : 4 + length])
    if kind == 1:
        return make(**common, offset=struct.unpack_from("<Q", layout, 2)[0])
    rank = layout[2] - 1
    tree, *sides = struct.unpack_from(f"<Q{rank + 1}I", layout, 3)
    if kind != 2 or rank != len(shape) or not all(sides) or sides[-1] != entry.size:
        raise InputError("its layout is damaged")
    return make(**common, tree=tree, chunk=tuple(sides[:-1]), filters=_filters(kinds.get(FILTERS)))


def _shape(space: bytes) -> tuple[int, ...]:
    version, rank, _, kind = space[:4]
    if version not in (1, 2) or rank > MOST_DIMENSIONS or (version == 2 and kind == 2):
        raise InputError(f"it has no shape or more than {MOST_DIMENSIONS} dimensions")
    shape = struct.unpack_from(f"<{rank}Q", space, 8 if version == 1 else 4)
    if not all(0 < side <= LARGEST_SIDE for side in shape):
        raise InputError("it is empty or too large")
    return shape


def _fill(kinds: Mapping[int, bytes], size: int) -> bytes:
    """Bytes of an entry that is not stored; zeros unless others are given."""
    at, data = 0, kinds.get(OLD_FILL, b"")
    if FILL in kinds:
        data = kinds[FILL]
        at = 2 if data[0] == 3 else 4
        if (data[0] == 3 and not data[1] & 0x20) or (data[0] < 3 and not data[3]):
            data = b""
    given = data[at + 4 : at + 4 + size]
    return given if len(given) == size else bytes(size)


def _filters(pipeline: bytes | None) -> tuple[int, ...]:
    if pipeline is None:
        return ()
    version, count = pipeline[:2]
    if count > MOST_FILTERS:
        raise InputError(f"it passed {count} filters; at most {MOST_FILTERS} are read")
    at = 8 if version == 1 else 2
    found = []
    for _ in range(count):
        (number,) = struct.unpack_from("<H", pipeline, at)
        named = version == 1 or number >= 256
        (length,) = struct.unpack_from("<H", pipeline, at + 2) if named else (0,)
        at += 4 if named else 2
        (values,) = struct.unpack_from("<H", pipeline, at + 2)
        at += 4 + length + 4 * (values + (values & 1 if version == 1 else 0))
        found.append(number)
    return tuple(found)
