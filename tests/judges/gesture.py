"""The network for DVS gestures that comes with SANA-FE, built with SANA-FE's own layers, and described as a plan."""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
import pytest

from msenas.hardware.placement import Placement
from msenas.phenotype.plan import Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.judges.loihi import SYNAPSE, Run

sanafe = pytest.importorskip("sanafe", reason="sanafe is not installed; `make judges` does")
layers = pytest.importorskip("sanafe.layers")

SHAPES = ((1, 32, 32), (16, 15, 15), (32, 13, 13), (64, 11, 11), (11, 9, 9), (11, 1, 1))
"""[C, H, W] of its populations; the first one has a bias of each pixel and hears nothing."""
KERNELS = ((3, 2), (3, 1), (3, 1), (3, 1), (9, 1))
"""Kernel and stride of its synapses, none of them padded; the last one is a dense layer."""


def plan(steps: int) -> Plan:
    """The network as populations and synapses."""
    populations = tuple(Population(f"L{n}.E1", *shape, 0, n, "FE") for n, shape in enumerate(SHAPES))
    names = [p.name for p in populations]
    synapses = tuple(
        Synapse((source,), target, kernel, stride, False, False, None, padding=0)
        for source, target, (kernel, stride) in zip(names, names[1:], KERNELS, strict=False)
    )
    return Plan(NetworkSpec(SHAPES[0], 11, 1, steps=steps), populations, synapses, (names[-1],))


def simulate(described: Plan, placement: Placement) -> Run:
    """Run the network on the one input that comes with it."""
    with resources.files("sanafe.examples").joinpath("dvs_challenge.npz").open("rb") as file:
        data = {name: values.astype(float) for name, values in np.load(file).items()}
    net, threshold = sanafe.Network(), data["thresholds"]
    built: list[Any] = [layers.Input2D(net, 32, 32, threshold=threshold[0])]
    for n, (_, stride) in enumerate(KERNELS[:-1], start=1):
        strides = {"stride_width": stride, "stride_height": stride}
        built.append(layers.Conv2D(net, built[-1], data[f"conv{n}"], **strides, threshold=threshold[n]))
    built.append(layers.Dense(net, built[-1], 11, data["dense1"], threshold=threshold[-1]))
    architecture = sanafe.load_loihi()
    cores = architecture.cores()
    for population, layer in zip(described.populations, built, strict=True):
        for one, core in zip(layer, placement.core[population.name].ravel().tolist(), strict=True):
            one.set_attributes(default_synapse_hw_name=SYNAPSE, log_spikes=True)
            one.map_to_core(cores[core])
    for one, bias in zip(built[0], data["inputs"], strict=True):
        one.set_attributes(model_attributes={"bias": bias})
    chip = sanafe.SpikingChip(architecture)
    chip.load(net)
    names = {layer.group.get_name(): p.name for p, layer in zip(described.populations, built, strict=True)}
    run = Run.of(described)
    run.advance(chip, described.spec.steps, dict.fromkeys(run.fired, 0), names)
    return run
