"""Members of the groups of an HDF5 file, and the trees in which these and the chunks of arrays are kept."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from export.hdf5_storage import UNDEFINED, Storage
from msenas.errors import InputError

NEWER = "it is written in the newer layout of HDF5; write it with the default of h5py"
MOST_MEMBERS = 1 << 13
"""Links of one group."""
LONGEST_NAME = 1 << 10
LARGEST_NAMES = 1 << 22
"""Bytes of the names of one group."""
DEEPEST_TREE = 8


def leaves(storage: Storage, root: int, kind: int, key_size: int) -> Iterator[tuple[bytes, int]]:
    """Keys and addresses that the leaves of a tree (version 1) hold, in order."""
    visited: set[int] = set()
    to_do = [(root, DEEPEST_TREE)]
    while to_do:
        address, height = to_do.pop()
        head = storage.part(address, 24)
        signature, found, level, used = struct.unpack_from("<4sBBH", head)
        if signature != b"TREE" or found != kind or level >= height or address in visited:
            raise InputError("a tree of its parts is damaged")
        visited.add(address)
        storage.walk(used)
        step = key_size + 8
        body = storage.part(address + 24, used * step)
        entries = [body[at : at + step] for at in range(0, used * step, step)]
        below = [(entry[:key_size], struct.unpack("<Q", entry[key_size:])[0]) for entry in entries]
        if level:
            to_do += [(child, level) for _, child in reversed(below)]
        else:
            yield from below


def symbols(storage: Storage, table: bytes) -> dict[str, int]:
    """Members of a group that is a symbol table."""
    tree, heap = struct.unpack_from("<QQ", table)
    signature, _, size, _, names_at = struct.unpack("<4sIQQQ", storage.part(heap, 32))
    if signature != b"HEAP" or size > LARGEST_NAMES:
        raise InputError("the names of its members are damaged")
    names = storage.part(names_at, size)
    members: dict[str, int] = {}
    for _, address in leaves(storage, tree, 0, 8):
        signature, _, _, count = struct.unpack("<4sBBH", storage.part(address, 8))
        if signature != b"SNOD":
            raise InputError("the list of its members is damaged")
        storage.walk(count)
        entries = storage.part(address + 8, 40 * count)
        for name_at, header, cached in struct.iter_unpack("<QQI20x", entries):
            end = names.find(b"\0", name_at, name_at + LONGEST_NAME)
            _add(members, names[name_at : max(end, 0)].decode(), header, cached == 2)
    return members


def links_of(links: list[bytes], info: bytes | None) -> dict[str, int]:
    """Members of a group whose links are messages."""
    if info is not None and struct.unpack_from("<Q", info, 2 + 8 * (info[1] & 1))[0] != UNDEFINED:
        raise InputError(NEWER)
    members: dict[str, int] = {}
    for link in links:
        flags, at = link[1], 2
        kind = link[at] if flags & 8 else 0
        at += bool(flags & 8) + 8 * bool(flags & 4) + bool(flags & 16)
        width = 1 << (flags & 3)
        length = int.from_bytes(link[at : at + width], "little")
        name = link[at + width : at + width + length].decode()
        if kind == 64:
            raise InputError(f"its member {name[:80]!r} is a link into another file; only the file itself is read")
        address = 0 if kind else struct.unpack_from("<Q", link, at + width + length)[0]
        _add(members, name, address, bool(kind))
    return members


def _add(members: dict[str, int], name: str, address: int, soft: bool) -> None:
    if soft:
        raise InputError(f"its member {name[:80]!r} is a soft link; only members themselves are read")
    if not name or name in members or len(members) >= MOST_MEMBERS:
        raise InputError(f"a member has no name of its own, or there are more than {MOST_MEMBERS:,}")
    members[name] = address
