"""Memory: whether it ran out, and how the C library deals with what is freed."""

from __future__ import annotations

import ctypes
import os

import torch

MALLOC_TRIM_THRESHOLD, MALLOC_MMAP_MAX = -1, -4
"""Parameters of `mallopt` in malloc.h."""
WORDINGS = ("not enough memory", "out of memory", "allocate memory")


def out_of_memory(failure: BaseException) -> bool:
    """Whether an error says that memory ran out; torch says so on the CPU in a RuntimeError of many wordings."""
    if isinstance(failure, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(failure).lower()
    return any(words in text for words in WORDINGS)


def keep_freed_memory() -> None:
    """Have the C library keep what is freed, where it can be told so.

    A pass through a network allocates and frees large arrays for every layer; getting fresh pages for each from the
    system costs as much as the arithmetic on them.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if os.name == "posix" else None
    if mallopt is not None:
        mallopt(MALLOC_MMAP_MAX, 0)
        mallopt(MALLOC_TRIM_THRESHOLD, 2**31 - 1)
