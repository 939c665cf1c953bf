"""Memory and time of a training step, in a process of its own; needs torch alone, so that any environment can run it.

A script calls `serve` with a function that builds its side of the comparison. It is started as `python SCRIPT TASK`,
where TASK is a file that torch wrote; it prints a line of JSON about memory, and then the seconds of a step for every
line that it reads.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable
from ctypes import CDLL
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Make = Callable[[dict[str, Any]], tuple[nn.Module, Callable[[], Tensor], str]]
"""From a task to a network, its scores for the frames of the task [B, classes], and the versions of its makers.

The task holds frames [T, B, C, H, W], targets [B], for each layer `weights` [out, in, 3, 3] and `strides`, `readout`
[classes, channels], and the constants of the neurons, `tau` and `v_th`.
"""
STEPS = 3
"""Steps whose peaks are taken, after one that is not."""


def serve(make: Make) -> None:
    """Measure what `make` builds, as described at the head."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    task = torch.load(sys.argv[1], weights_only=True)
    network, scores, version = make(task)
    network.train()

    def step() -> float:
        network.zero_grad(set_to_none=True)
        loss = F.cross_entropy(scores(), task["targets"])
        torch.autograd.backward(loss)
        return float(loss.detach())

    loss = step()
    peaks = [peak(step) for _ in range(STEPS)]
    parameters = sum(p.numel() for p in network.parameters())
    kept = saved(network, scores)
    about = {"version": version, "parameters": parameters, "loss": loss, "peaks": peaks, "saved": kept}
    print(json.dumps(about), flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        step()
        print(time.perf_counter() - start, flush=True)


def peak(step: Callable[[], object]) -> int:
    """Bytes of physical memory that a step takes at its highest, over what the process has before it (Linux, glibc)."""
    gc.collect()
    CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident("VmRSS")
    step()
    return _resident("VmHWM") - before


def _resident(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith(field)))


def saved(network: nn.Module, scores: Callable[[], Tensor]) -> int:
    """Bytes that autograd keeps between forward and backward, parameters and buffers apart; each storage once."""
    own = {x.untyped_storage().data_ptr() for x in (*network.parameters(), *network.buffers())}
    storages: dict[int, int] = {}

    def keep(x: Tensor) -> Tensor:
        storages[x.untyped_storage().data_ptr()] = x.untyped_storage().nbytes()
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        loss = scores().sum()
    torch.autograd.backward(loss)
    return sum(size for place, size in storages.items() if place not in own)
