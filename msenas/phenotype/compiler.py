"""torch.compile for the loops over time and over the samples, where a C++ compiler is found."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any

import torch

SHAPE_VARIANTS = 64
"""Variants of a loop that are compiled (sizes of 1 and equal sizes make new ones); further ones run uncompiled."""


def compiled(loop: FunctionType) -> Callable[..., Any]:
    """The loop through torch.compile, or as it is (with one warning) where no C++ compiler works."""
    if not compiler_works():
        return loop
    # torch counts recompilations per code object; a code object of its own gives every loop its own count.
    own = FunctionType(loop.__code__.replace(), loop.__globals__, loop.__name__, None, loop.__closure__)
    fast = torch.compile(own, fullgraph=True, dynamic=True)
    torch._dynamo.config.recompile_limit = max(SHAPE_VARIANTS, torch._dynamo.config.recompile_limit)

    def run(*args: object) -> Any:  # noqa: ANN401
        try:
            return fast(*args)
        except torch._dynamo.exc.FailOnRecompileLimitHit:
            return loop(*args)

    return run


@lru_cache(maxsize=1)
def compiler_works() -> bool:
    """Whether torch.compile can build a kernel here; MSENAS_COMPILE=0 says no without trying."""
    if os.environ.get("MSENAS_COMPILE") == "0":
        return False
    try:
        torch.compile(lambda x: x + 1.0, fullgraph=True)(torch.zeros(2))
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        warnings.warn(
            f"torch.compile does not work here ({reason}); neurons run step by step, several times slower",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    return True
