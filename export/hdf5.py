"""An HDF5 file that somebody else made, read within bounds.

A file may claim anything: links into other files, storage outside of itself, arrays far larger than itself, compressed
chunks that inflate without end. Only plain groups and arrays inside the file are read, every array is charged to a
budget before it is read, and chunks are inflated here, since the HDF5 library inflates whatever a chunk holds.
"""

from __future__ import annotations

import itertools
import math
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from numpy.typing import NDArray

from msenas.errors import SHOWN, InputError

T = TypeVar("T")

LARGEST_FILE = 1 << 30
"""Bytes of a file that is opened."""
LARGEST_CONTENT = 512 << 20
"""Bytes of all arrays together, decompressed."""
MOST_CHUNKS = 1 << 16
MOST_MEMBERS = 1 << 13
"""Links of one group."""
MOST_DIMENSIONS = 8
LONGEST_NAME = 200
TEXT_AT_ONCE = 64 << 20
"""Bytes that texts read by one call may take, if each is as long as the file."""

DEFLATE, SHUFFLE = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE
FOREIGN = (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, MemoryError)
"""What h5py raises on damaged files, depending on what is damaged."""


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
        if not path.is_file():
            raise InputError(f"{path} is not a file" if path.exists() else f"{path} does not exist")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise InputError(f"{path} has {size:,} bytes; at most {LARGEST_FILE:,} are read")
        file = h5py.File(path, "r")
    except PermissionError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except FOREIGN as error:
        raise InputError(f"{path} is no HDF5 file, or damaged: {_one_line(error)}") from None
    try:
        with file:
            yield Contents(file, size, largest)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


class Contents:
    """Groups and arrays of one open file.

    Its methods raise InputError, without the name of the file, for whatever is missing, damaged, or beyond the bounds.
    """

    def __init__(self, file: h5py.File, size: int, largest: int) -> None:
        self.root: h5py.Group = file
        self._size = size
        self._largest = largest
        self._read = 0

    def names(self, group: h5py.Group) -> list[str]:
        """Names of a group's members, sorted; every link must be plain."""
        where = _where(group)
        count = _asked(lambda: len(group), where)
        if count > MOST_MEMBERS:
            raise InputError(f"{where} has {count:,} members; at most {MOST_MEMBERS:,} are read")
        names = sorted(_asked(lambda: list(group), where))
        for name in names:
            if len(name) > LONGEST_NAME or not name.isprintable():
                raise InputError(f"{where} has a member {shown(name)}; names are at most {LONGEST_NAME} characters")
            self._plain(group, name)
        return names

    def group(self, parent: h5py.Group, name: str) -> h5py.Group:
        """A member that is a group."""
        member = self._member(parent, name)
        if not isinstance(member, h5py.Group):
            raise InputError(f"{_where(parent, name)} is no group")
        return member

    def is_group(self, parent: h5py.Group, name: str) -> bool:
        """Whether a member is a group."""
        return isinstance(self._member(parent, name), h5py.Group)

    def value(self, parent: h5py.Group, name: str) -> str | NDArray[Any]:
        """A member that is one text, or an array of numbers (of any shape, [] included)."""
        where = _where(parent, name)
        dataset = self._dataset(parent, name)
        dtype = _asked(lambda: dataset.dtype, where)
        if h5py.check_string_dtype(dtype) is None:
            return self._numbers(dataset, dtype, where)
        if dataset.shape != ():
            raise InputError(f"{where} is a list of texts; one text or numbers are needed")
        return str(self._texts(dataset, where)[0])

    def texts(self, parent: h5py.Group, name: str, most: int) -> NDArray[np.str_]:
        """A member that is an array of texts; as objects, in its shape."""
        where = _where(parent, name)
        dataset = self._dataset(parent, name)
        dtype = _asked(lambda: dataset.dtype, where)
        if dataset.size > most:
            raise InputError(f"{where} has {dataset.size:,} entries; at most {most:,} are read")
        if dataset.size and h5py.check_string_dtype(dtype) is None:
            raise InputError(f"{where} holds {dtype}; texts are needed")
        texts = np.array(self._texts(dataset, where) if dataset.size else [], dtype=object)
        return texts.reshape(dataset.shape)

    def _plain(self, parent: h5py.Group, name: str) -> None:
        link = _asked(lambda: parent.get(name, getlink=True), _where(parent, name))
        if not isinstance(link, h5py.HardLink):
            kind = {h5py.SoftLink: "a soft link", h5py.ExternalLink: "a link into another file"}.get(type(link))
            raise InputError(
                f"{_where(parent, name)} is {kind or 'missing'}; only what lies in the file itself is read"
            )

    def _member(self, parent: h5py.Group, name: str) -> Any:  # noqa: ANN401 - h5py has no types
        if not _asked(lambda: name in parent, _where(parent)):
            raise InputError(f"{_where(parent)} has no {name!r}")
        self._plain(parent, name)
        return _asked(lambda: parent[name], _where(parent, name))

    def _dataset(self, parent: h5py.Group, name: str) -> h5py.Dataset:
        """An array whose storage is in the file and whose size is within the budget."""
        where = _where(parent, name)
        dataset = self._member(parent, name)
        if not isinstance(dataset, h5py.Dataset):
            raise InputError(f"{where} is no array")
        shape = _asked(lambda: dataset.shape, where)
        plist = _asked(lambda: dataset.id.get_create_plist(), where)
        if _asked(plist.get_external_count, where):
            raise InputError(f"{where} is stored in another file; only what lies in the file itself is read")
        if _asked(plist.get_layout, where) == h5py.h5d.VIRTUAL:
            raise InputError(f"{where} is made of other arrays; only what lies in the file itself is read")
        if shape is None or len(shape) > MOST_DIMENSIONS:
            raise InputError(f"{where} has no shape or more than {MOST_DIMENSIONS} dimensions")
        self._charge(math.prod(shape) * _asked(lambda: dataset.dtype.itemsize, where), where)
        return dataset

    def _charge(self, size: int, where: str) -> None:
        self._read += size
        if self._read > self._largest:
            raise InputError(
                f"{where}: with it the arrays have {self._read:,} bytes; at most {self._largest:,} are read"
            )

    def _texts(self, dataset: h5py.Dataset, where: str) -> list[str]:
        """All texts of an array, flat, read in parts: many entries may point to one long text."""
        if dataset.chunks:
            raise InputError(f"{where}: texts in chunks are not read; write them without compression")
        flat = _asked(lambda: dataset.size, where)
        rows = 1 if dataset.shape == () else dataset.shape[0]
        step = max(1, TEXT_AT_ONCE // max(1, self._size * flat // rows))
        found: list[str] = []
        for first in range(0, rows, step):
            index = () if dataset.shape == () else slice(first, first + step)
            part = _asked(lambda index=index: dataset[index], where)
            for entry in np.asarray(part, dtype=object).ravel():
                self._charge(len(entry), where)
                found.append(_decoded(entry, where))
        return found

    def _numbers(self, dataset: h5py.Dataset, dtype: np.dtype[Any], where: str) -> NDArray[Any]:
        """An array of numbers in the byte order of this machine."""
        usual = _asked(lambda: h5py.h5t.py_create(dtype, logical=True) == dataset.id.get_type(), where)
        if dtype.kind not in "fiub" or dtype.itemsize > 8 or not usual:
            raise InputError(f"{where} holds {shown(dtype)}; numbers of at most 64 bits or a text are needed")
        if dataset.chunks:
            array = self._from_chunks(dataset, dtype, where)
        else:
            array = np.asarray(_asked(lambda: dataset[()], where))
        return array.astype(dtype.newbyteorder("="))

    def _from_chunks(self, dataset: h5py.Dataset, dtype: np.dtype[Any], where: str) -> NDArray[Any]:
        chunk = dataset.chunks
        size = math.prod(chunk) * dtype.itemsize
        count = math.prod(-(-side // step) for side, step in zip(dataset.shape, chunk, strict=True))
        if count > MOST_CHUNKS:
            raise InputError(f"{where} has {count:,} chunks; at most {MOST_CHUNKS:,} are read")
        self._charge(max(0, count * size - dataset.size * dtype.itemsize), where)
        filters = _filters(dataset, where)
        array = np.full(dataset.shape, _asked(lambda: dataset.fillvalue, where), dtype)
        corners = itertools.product(*(range(0, s, c) for s, c in zip(dataset.shape, chunk, strict=True)))
        for corner in corners:
            stored = _asked(lambda corner=corner: dataset.id.get_chunk_info_by_coord(corner), where)
            if stored.byte_offset is None:
                continue
            if stored.size > self._size:
                raise InputError(f"{where} is damaged: a chunk is larger than the file")
            mask, raw = _asked(lambda corner=corner: dataset.id.read_direct_chunk(corner), where)
            block = _unpacked(raw, [f for i, f in enumerate(filters) if not mask >> i & 1], size, dtype.itemsize, where)
            target = array[tuple(slice(start, start + side) for start, side in zip(corner, chunk, strict=True))]
            target[...] = np.frombuffer(block, dtype).reshape(chunk)[tuple(map(slice, target.shape))]
        return array


def _filters(dataset: h5py.Dataset, where: str) -> list[int]:
    plist = _asked(lambda: dataset.id.get_create_plist(), where)
    filters = [_asked(lambda i=i: plist.get_filter(i), where) for i in range(_asked(plist.get_nfilters, where))]
    for number, *_, name in filters:
        if number not in (DEFLATE, SHUFFLE):
            raise InputError(f"{where} is stored with the filter {shown(name.decode(errors='replace'))}; gzip is read")
    return [number for number, *_ in filters]


def _unpacked(raw: bytes, filters: list[int], size: int, itemsize: int, where: str) -> bytes:
    """A chunk of `size` bytes as it was before its filters, which are undone from the last to the first."""
    for number in reversed(filters):
        if number == DEFLATE:
            inflate = zlib.decompressobj()
            raw = _asked(lambda raw=raw, inflate=inflate: inflate.decompress(raw, size + 1), where)
        elif len(raw) == size:
            raw = np.frombuffer(raw, np.uint8).reshape(itemsize, -1).T.tobytes()
    if len(raw) != size:
        raise InputError(f"{where} is damaged: a chunk does not hold the {size:,} bytes that it should")
    return raw


def _decoded(entry: object, where: str) -> str:
    if isinstance(entry, str):
        return entry
    try:
        return bytes(entry).decode() if isinstance(entry, bytes) else str(entry)
    except UnicodeDecodeError:
        raise InputError(f"{where} holds a text that is not UTF-8") from None


def _asked(question: Callable[..., T], where: str) -> T:
    """What h5py answers; anything that it raises means that the file is damaged there."""
    try:
        return question()
    except (*FOREIGN, zlib.error) as error:
        raise InputError(f"{where} is damaged: {_one_line(error)}") from None


def _where(group: h5py.Group, name: str = "") -> str:
    path = f"{_asked(lambda: group.name, 'the file') or '?'}".rstrip("/")
    return f"{path}/{name}"[:SHOWN] if name else path[:SHOWN] or "the file"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:SHOWN] or type(error).__name__
