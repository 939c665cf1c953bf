"""A plain stack in msenas, measured; `memory.py` starts it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from footprint import serve
from handmade import stack
from networks import CLASSES, LAYERS, SHAPE
from torch import Tensor, nn

from msenas import __version__
from msenas.phenotype.decode import decode
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec


def plan_of(steps: int, channels: int) -> Plan:
    """3x3 convolutions one after the other; the width doubles with every second layer."""
    return decode(stack(LAYERS), NetworkSpec(SHAPE, CLASSES, LAYERS, steps, channels, reductions=(2, 4)))


def make(task: dict[str, Any]) -> tuple[nn.Module, Callable[[], Tensor], str]:
    """The stack, whose random weights are those of the task."""
    network = Network(plan_of(len(task["frames"]), len(task["weights"][0])), surrogate="triangle")
    frames = task["frames"].to(getattr(torch, task["precision"]))
    version = f"msenas {__version__}, torch {torch.__version__}"
    return network, lambda: network.scores(frames).mean(0), version


if __name__ == "__main__":
    serve(make)
