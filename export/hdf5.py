"""An HDF5 file that somebody else made, read within bounds.

A file may claim anything: links into other files, storage outside of itself, arrays far larger than itself. Only plain
groups and arrays inside the file are read, and every array is charged to a budget before it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.hdf5_objects import Array, Group, chunks_of, object_at, root_of
from export.hdf5_storage import DEFLATE, FILTERS, SHUFFLE, UNDEFINED, Storage
from msenas.errors import SHOWN, InputError

LARGEST_FILE = 1 << 30
"""Bytes of a file that is opened."""
LARGEST_CONTENT = 512 << 20
"""Bytes of all arrays together, decompressed."""
MOST_OBJECTS = 1 << 16
"""Groups and arrays that are looked at, members of groups included."""
MOST_CHUNKS = 1 << 16
"""Chunks of one array."""
LONGEST_NAME = 200


def shown(name: object) -> str:
    """A foreign name as it may stand in a message: quoted, on one line, cut if it is long."""
    text = repr(str(name))
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


@contextmanager
def opened(path: Path, largest: int = LARGEST_CONTENT) -> Iterator[Contents]:
    """The contents of a file.

    Args:
        path: the file.
        largest: bytes of all arrays together that are read.

    Raises:
        InputError: The file cannot be read, is too large or no HDF5; reading from it says the same of its parts.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a file")
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > LARGEST_FILE:
                raise InputError(f"it has {size:,} bytes; at most {LARGEST_FILE:,} are read")
            yield Contents(Storage(file, size), largest)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


@contextmanager
def _at(where: str) -> Iterator[None]:
    """Say in every error where it is."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{where[:SHOWN] or '/'}: {error}") from None


class Contents:
    """Groups and arrays of one open file.

    Its methods raise InputError, without the name of the file, for whatever is missing, damaged, or beyond the bounds.

    Attributes:
        root: the group in which all others are.
    """

    def __init__(self, storage: Storage, largest: int) -> None:
        self._storage = storage
        self._largest = largest
        self._read = self._seen = 0
        self.root = root_of(storage)

    def names(self, group: Group) -> list[str]:
        """Names of a group's members, sorted."""
        self._count(len(group.members), group.path)
        for name in group.members:
            if len(name) > LONGEST_NAME or not name.isprintable():
                raise InputError(
                    f"{group.path[:SHOWN]}/ has a member {shown(name)}; names have at most {LONGEST_NAME} characters"
                )
        return sorted(group.members)

    def group(self, parent: Group, name: str) -> Group:
        """A member that is a group."""
        member = self._member(parent, name)
        if not isinstance(member, Group):
            raise InputError(f"{parent.path[:SHOWN]}/{name} is no group")
        return member

    def is_group(self, parent: Group, name: str) -> bool:
        """Whether a member is a group."""
        return isinstance(self._member(parent, name), Group)

    def value(self, parent: Group, name: str) -> str | NDArray[Any]:
        """A member that is one text, or an array of numbers (of any shape, [] included)."""
        array = self._array(parent, name)
        with _at(array.path):
            if not array.type.text:
                entries = self._entries(array)
                return entries.astype(entries.dtype.newbyteorder("="))
            if array.shape:
                raise InputError("it is a list of texts; one text or numbers are needed")
            return self._texts(array)[0]

    def texts(self, parent: Group, name: str, most: int) -> NDArray[Any]:
        """A member that is an array of texts; as objects, in its shape."""
        array = self._array(parent, name)
        with _at(array.path):
            if array.size > most or not array.type.text:
                raise InputError(f"it has {array.size:,} entries; at most {most:,} texts are read")
            return np.array(self._texts(array), dtype=object).reshape(array.shape)

    def _count(self, objects: int, where: str) -> None:
        self._seen += objects
        if self._seen > MOST_OBJECTS:
            raise InputError(
                f"{where[:SHOWN]}: with it there are {self._seen:,} parts; at most {MOST_OBJECTS:,} are read"
            )

    def _member(self, parent: Group, name: str) -> Group | Array:
        path = f"{parent.path}/{name}"
        self._count(1, path)
        if name not in parent.members:
            raise InputError(f"{parent.path[:SHOWN] or 'the file'} has no {name!r}")
        with _at(path):
            return object_at(self._storage, parent.members[name], path)

    def _array(self, parent: Group, name: str) -> Array:
        """A member that is an array, charged to the budget."""
        member = self._member(parent, name)
        if not isinstance(member, Array):
            raise InputError(f"{member.path[:SHOWN]} is no array")
        with _at(member.path):
            self._charge(member.size * member.type.size)
        return member

    def _charge(self, size: int) -> None:
        self._read += size
        if self._read > self._largest:
            raise InputError(f"with it the arrays have {self._read:,} bytes; at most {self._largest:,} are read")

    def _texts(self, array: Array) -> list[str]:
        """All texts of an array, flat; many entries may refer to one long text, so each is charged."""
        texts = []
        for entry in self._entries(array).flat:
            raw = bytes(entry)
            text = self._storage.text(raw) if array.type.text == "variable" else raw.rstrip(b"\0")
            self._charge(len(text))
            try:
                texts.append(text.decode())
            except UnicodeDecodeError:
                raise InputError("it holds a text that is not UTF-8") from None
        return texts

    def _entries(self, array: Array) -> NDArray[Any]:
        """The entries of an array as they are stored."""
        dtype, size = array.type.dtype, array.size * array.type.size
        if array.compact is not None or array.offset not in (None, UNDEFINED):
            stored = array.compact if array.compact is not None else self._storage.part(array.offset or 0, size)
            if len(stored) < size:
                raise InputError("it is shorter than its shape says")
            return np.frombuffer(stored, dtype, array.size).reshape(array.shape)
        entries = np.full(array.shape, np.frombuffer(array.fill, dtype)[0], dtype)
        if array.tree is not None:
            self._fill_from_chunks(entries, array)
        return entries

    def _fill_from_chunks(self, entries: NDArray[Any], array: Array) -> None:
        size = math.prod(array.chunk) * array.type.size
        count = math.prod(-(-side // step) for side, step in zip(array.shape, array.chunk, strict=True))
        if count > MOST_CHUNKS:
            raise InputError(f"it has {count:,} chunks; at most {MOST_CHUNKS:,} are read")
        self._charge(max(0, count * size - entries.nbytes))
        for number in array.filters:
            if number not in (DEFLATE, SHUFFLE):
                raise InputError(f"it is stored with the filter {FILTERS.get(number, number)}; gzip is read")
        for chunk in chunks_of(self._storage, array):
            used = [number for index, number in enumerate(array.filters) if not chunk.skipped >> index & 1]
            block = self._storage.chunk((chunk.offset, chunk.size), used, size, array.type.size)
            place = tuple(slice(at, at + side) for at, side in zip(chunk.corner, array.chunk, strict=True))
            target = entries[place]
            target[...] = np.frombuffer(block, entries.dtype).reshape(array.chunk)[tuple(map(slice, target.shape))]
