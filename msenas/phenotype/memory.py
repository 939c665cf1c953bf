"""Whether memory ran out."""

from __future__ import annotations

import torch

WORDINGS = ("not enough memory", "out of memory", "allocate memory")


def out_of_memory(failure: BaseException) -> bool:
    """Whether an error says that memory ran out; torch says so on the CPU in a RuntimeError of many wordings."""
    if isinstance(failure, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(failure).lower()
    return any(words in text for words in WORDINGS)
