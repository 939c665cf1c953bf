"""One process per folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from msenas.errors import RunError

LOCK = ".lock"
"""Name of the file that is held."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a folder for this process alone.

    Raises:
        RunError: Another process holds it, or it cannot be written.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise RunError(f"another process is working in {folder}") from None
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error.strerror}") from None
    try:
        yield
    finally:
        lock.release()
