"""Writing files so that a reader never sees half of one, and reading files that somebody else may have made."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from msenas.errors import InputError, RunError

T = TypeVar("T")
PART = ".part"
"""Suffix of a file that is being written."""
LARGEST_JSON = 16 << 20
"""Bytes of JSON that are read from outside."""


def to_json(data: Mapping[str, Any], *, indent: int | None = None) -> str:
    """JSON with keys in the order given; a NaN or infinity is an error.

    Raises:
        ValueError: The data hold a NaN or an infinity.
    """
    return json.dumps(data, indent=indent, allow_nan=False, ensure_ascii=False)


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace a file in one step: it holds either the old content or all of the new one, also after a crash.

    The unfinished file has always the same name, so that the next write takes the place of what a crash left behind.
    Processes that write one file at the same time need a lock, as a run folder has.

    Raises:
        RunError: The folder cannot be written, the disk is full, or the path is a device; nothing is left behind.
    """
    if not path.name:
        raise RunError(f"cannot write {path}: it is not the name of a file")
    part = path.with_name(path.name + PART)
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            # Replacing a device or a pipe would put a file in its place.
            raise RunError(f"cannot write {path}: it is no regular file")
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None


def read_bytes(path: Path, limit: int = LARGEST_JSON) -> bytes:
    """The content of a file of bounded size.

    Raises:
        InputError: The file is missing, unreadable or too large.
    """
    try:
        if path.stat().st_size > limit:
            raise InputError(f"{path} has {path.stat().st_size:,} bytes; at most {limit:,} are read")
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > limit:
        raise InputError(f"{path} has more than {limit:,} bytes")
    return content


def read_json(path: Path, kind: type[T]) -> T:
    """Read and validate a JSON file.

    Raises:
        InputError: The file is missing, too large, no JSON, or not of that shape; the message says where.
    """
    content = read_bytes(path)
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InputError) as error:
        raise InputError(f"{path}: {error}") from None
