"""A plain stack in SpikingJelly, measured; runs in an environment that has SpikingJelly, and needs no msenas."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch
from footprint import serve
from spikingjelly.activation_based import functional, layer, neuron, surrogate
from torch import Tensor, nn


def make(task: dict[str, Any]) -> tuple[nn.Module, Callable[[], Tensor], str]:
    """The stack with the weights of the task, in multi-step mode; all steps and samples go through a layer at once."""
    layers: list[nn.Module] = []
    for weight, stride in zip(task["weights"], task["strides"], strict=True):
        out, into, kernel, _ = weight.shape
        conv = layer.Conv2d(into, out, kernel, stride, kernel // 2, bias=False)
        conv.weight = nn.Parameter(weight)
        lif = neuron.LIFNode(task["tau"], True, task["v_th"], 0.0, surrogate.PiecewiseQuadratic(1.0))
        layers += [conv, layer.BatchNorm2d(out), lif]
    readout = layer.Linear(task["readout"].shape[1], task["readout"].shape[0])
    readout.weight = nn.Parameter(task["readout"])
    nn.init.zeros_(readout.bias)
    network = nn.Sequential(*layers, layer.AdaptiveAvgPool2d(1), layer.Flatten(), readout)
    functional.set_step_mode(network, "m")

    def scores() -> Tensor:
        functional.reset_net(network)
        return network(task["frames"]).mean(0)

    return network, scores, f"spikingjelly {version('spikingjelly')}, torch {torch.__version__}"


if __name__ == "__main__":
    serve(make)
