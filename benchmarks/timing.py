"""How long actions take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


def seconds(action: Callable[[], object]) -> float:
    """Wall-clock time of one run."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def smallest_seconds(actions: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Smallest time of each action; they take turns."""
    rounds = [[seconds(action) for action in actions] for _ in range(repeats)]
    return [min(times) for times in zip(*rounds, strict=True)]
