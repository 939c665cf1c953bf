"""Does an exported network fire the spikes of the trained one, and give its answers?

The trained network and each simulator run the same samples; every spike of every population is compared. Both compute
in float32 and sum in different orders, so a potential within rounding of its threshold may spike on one side only, and
what it excites follows. Hence a share of the spikes may differ, and it is told how near the threshold that began.
Where all spikes are equal, scores may differ by rounding alone. Answers must be equal in any case.

An export whose output spikes is compared with the trained network that has the same neurons behind its scores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import nir
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.hdf5 import shown
from export.lower import SCORES
from export.nir_about import KEY, about, populations_of
from export.nir_fields import SPIKING
from export.nir_read import read_nir
from export.nir_write import OTHER_STEPS
from export.nirtorch_run import run_nirtorch
from export.simulate import DT, simulate
from export.spiking_readout import readout_spikes
from export.trace import Trace
from export.verification import Comparison, FirstDifference, PopulationMatch, Verification
from msenas.errors import InputError, unknown
from msenas.phenotype.inference import inference
from msenas.phenotype.network import Network

LEAST_EQUAL = 0.9999
"""Share of the spikes that must be equal."""
ROUNDING = 1e-3
"""Difference of a score, as a share of the largest score, that rounding explains where all spikes are equal."""

Simulator = Callable[[nir.NIRGraph, NDArray[Any], float], Trace]
Run = Callable[[NDArray[Any]], Trace]
"""From frames [T, B, C, H, W] to what a run of the exported network gives."""

SIMULATORS: dict[str, Simulator] = {"numpy": simulate, "nirtorch": run_nirtorch}
"""Ways to run a NIR graph by name."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What the trained network does: scores [T, B, classes] and spikes [T, B, C, H, W] of each population.

    With neurons behind the scores their spikes take the place of the scores.
    """

    scores: NDArray[np.float32]
    spikes: dict[str, NDArray[np.uint8]]


def verify(
    network: Network,
    model: Path | nir.NIRGraph,
    frames: NDArray[Any] | Tensor,
    labels: Sequence[int] | NDArray[Any] | None = None,
    *,
    simulators: Sequence[str] = tuple(SIMULATORS),
    batch: int = 16,
) -> Verification:
    """Compare a NIR file, or the graph in it, with the trained network.

    Neurons must be written for Euler steps of the time step that the metadata state (`dt`, else 1e-4 s). If a neuron
    for each class gives the output (`read`), the answer is the class with the most spikes, on both sides.

    Args:
        network: the trained network; run in inference.
        model: the file, or a graph.
        frames: [T, N, C, H, W], or [1, N, C, H, W] for an input that stays the same.
        labels: class of each sample [N].
        simulators: keys of SIMULATORS.
        batch: samples at once.

    Raises:
        InputError: The file cannot be read or run, a simulator is unknown, or frames or labels do not fit.
    """
    for name in simulators:
        if name not in SIMULATORS:
            raise InputError(unknown("simulator", name, SIMULATORS))
    graph = model if isinstance(model, nir.NIRGraph) else read_nir(model)
    told = about(graph)
    if (reader := told.get("convention")) in OTHER_STEPS:
        raise InputError(f"the file is for {reader}, whose neurons decay by another rule; verify the portable one")
    dt = told.get("dt", DT)
    if isinstance(dt, bool) or not isinstance(dt, int | float) or not 0 < dt < float("inf"):
        raise InputError(f"the metadata state a time step of {dt!r}; seconds are needed")
    runs: dict[str, Run] = {name: partial(_run, SIMULATORS[name], graph, float(dt)) for name in simulators}
    nodes, threshold = populations_of(graph, network.plan.by_name), None
    if told.get("read", "current") != "current":
        nodes[SCORES], threshold = _firing_output(graph)
    explain = partial(_first_differences, graph, float(dt), nodes) if "numpy" in runs else None
    return compare(network, runs, nodes, frames, labels, batch=batch, threshold=threshold, explain=explain)


def _firing_output(graph: nir.NIRGraph) -> tuple[str, float]:
    """The node whose spikes are the output of a graph, and its threshold."""
    ends = {name for name, node in graph.nodes.items() if isinstance(node, nir.Output)}
    found = [source for source, target in graph.edges if target in ends]
    if len(found) != 1 or not isinstance(graph.nodes[found[0]], SPIKING):
        raise InputError(f"metadata {KEY!r} say that the output spikes; it is not given by one node that does")
    thresholds = np.unique(graph.nodes[found[0]].v_threshold if hasattr(graph.nodes[found[0]], "v_threshold") else [])
    if len(thresholds) != 1:
        raise InputError(f"the neurons of {shown(found[0])}, which give the output, need one threshold")
    return found[0], float(thresholds[0])


def compare(
    network: Network,
    runs: Mapping[str, Run],
    nodes: Mapping[str, str],
    frames: NDArray[Any] | Tensor,
    labels: Sequence[int] | NDArray[Any] | None = None,
    *,
    batch: int = 16,
    threshold: float | None = None,
    explain: Callable[[NDArray[Any], Reference], tuple[FirstDifference, ...]] | None = None,
) -> Verification:
    """Compare any ways to run an exported network with the trained one.

    Args:
        network: the trained network; run in inference.
        runs: how to run the exported one, by name.
        nodes: for each population (and the neurons of a spiking read-out, SCORES) its key in the spikes of a trace.
        frames: [T, N, C, H, W], or [1, N, C, H, W] for an input that stays the same.
        labels: class of each sample [N].
        batch: samples at once.
        threshold: of the neurons of a spiking read-out; None if outputs are the scores of each time step.
        explain: told frames and reference of the first batch in which a run differs.

    Raises:
        InputError: Frames or labels do not fit, or a run refuses the network.
    """
    inputs = torch.as_tensor(frames, dtype=torch.float32)
    steps, samples = network.plan.spec.steps, inputs.shape[1] if inputs.ndim > 1 else 0
    truth = None if labels is None else np.asarray(labels)
    if not samples or batch < 1:
        raise InputError(f"frames are {list(inputs.shape)}, {batch} at once; at least one sample is needed")
    if truth is not None and truth.shape != (samples,):
        raise InputError(f"labels are {list(truth.shape)}; one for each of the {samples} samples is needed")
    tallies = {name: _Tally(name, nodes, threshold is None) for name in runs}
    answers: list[NDArray[np.intp]] = []
    first: tuple[FirstDifference, ...] = ()
    for start in range(0, samples, batch):
        part = inputs[:, start : start + batch]
        reference = run_network(network, part)
        if threshold is not None:
            spikes = readout_spikes(reference.scores, threshold)
            reference = Reference(spikes.astype(np.float32), reference.spikes | {SCORES: spikes})
        answers.append(_answers(reference.scores))
        fed = np.broadcast_to(part.numpy(), (steps, *part.shape[1:]))
        differs = [tallies[name].add(reference, run(fed)) for name, run in runs.items()]
        if any(differs) and explain is not None and not first:
            first = explain(fed, reference)
    comparisons = tuple(tally.comparison(np.concatenate(answers), truth) for tally in tallies.values())
    accuracy = None if truth is None else float((np.concatenate(answers) == truth).mean())
    return Verification(samples, steps, accuracy, comparisons, first, all(c.passed for c in comparisons))


def run_network(network: Network, frames: Tensor) -> Reference:
    """Run the trained network in inference on frames [T or 1, B, C, H, W]."""
    trains: dict[str, NDArray[np.uint8]] = {}

    def observe(name: str, spikes: Tensor) -> None:
        trains[name] = spikes.detach().cpu().to(torch.uint8).numpy()

    with inference(network):
        scores = network.scores(frames, observe)
    return Reference(scores.float().cpu().numpy(), trains)


def _run(simulator: Simulator, graph: nir.NIRGraph, dt: float, frames: NDArray[Any]) -> Trace:
    return simulator(graph, frames, dt)


def _answers(scores: NDArray[Any]) -> NDArray[np.intp]:
    """The class of each sample, by scores of each time step [T, B, classes]."""
    return np.asarray(scores.mean(0).argmax(-1))


@dataclass
class _Tally:
    """One simulator's differences, batch after batch."""

    name: str
    nodes: Mapping[str, str]
    scores: bool
    compared: dict[str, int] = field(default_factory=dict)
    different: dict[str, int] = field(default_factory=dict)
    answers: list[NDArray[np.intp]] = field(default_factory=list)
    furthest: float = 0.0
    largest: float = 0.0

    def add(self, reference: Reference, trace: Trace) -> bool:
        """Count one batch; whether any spike differs."""
        before = sum(self.different.values())
        for population, spikes in reference.spikes.items():
            found = trace.spikes[self.nodes[population]]
            if found.shape != spikes.shape:
                shapes = f"{list(found.shape)} in {self.name}, {list(spikes.shape)} in the network"
                raise InputError(f"spikes of {population} are {shapes}")
            self.compared[population] = self.compared.get(population, 0) + spikes.size
            self.different[population] = self.different.get(population, 0) + int((found != spikes).sum())
        if trace.outputs.shape != reference.scores.shape:
            shapes = f"{list(trace.outputs.shape)} in {self.name}, {list(reference.scores.shape)} in the network"
            raise InputError(f"outputs are {shapes}")
        self.furthest = max(self.furthest, float(np.abs(trace.outputs - reference.scores).max()))
        self.largest = max(self.largest, float(np.abs(reference.scores).max()))
        self.answers.append(_answers(trace.outputs))
        return sum(self.different.values()) > before

    def comparison(self, answers: NDArray[np.intp], truth: NDArray[Any] | None) -> Comparison:
        """The sum of all batches, beside the answers [N] of the network and the true ones."""
        given = np.concatenate(self.answers)
        different, compared = sum(self.different.values()), sum(self.compared.values())
        equal, same = 1 - different / compared, float((given == answers).mean())
        return Comparison(
            simulator=self.name,
            populations=tuple(
                PopulationMatch(population, self.nodes[population], size, wrong, 1 - wrong / size)
                for population, size in self.compared.items()
                for wrong in [self.different[population]]
            ),
            different=different,
            equal=equal,
            same_answers=same,
            readout_difference=self.furthest if self.scores else None,
            accuracy=None if truth is None else float((given == truth).mean()),
            passed=equal >= LEAST_EQUAL and same == 1 and (different > 0 or self.furthest <= ROUNDING * self.largest),
        )


def _first_differences(
    graph: nir.NIRGraph, dt: float, nodes: Mapping[str, str], frames: NDArray[Any], reference: Reference
) -> tuple[FirstDifference, ...]:
    """Run a batch again in numpy and look at the potentials where its spikes first differ from the network's."""
    population_of = {node: population for population, node in nodes.items()}
    first: dict[str, FirstDifference] = {}

    def watch(node: str, step: int, above: NDArray[Any]) -> None:
        population = population_of.get(node)
        if population is None or population in first:
            return
        differs = (above > 0) != reference.spikes[population][step].astype(bool)
        if differs.any():
            first[population] = FirstDifference(population, step, float(np.abs(above[differs]).min()))

    simulate(graph, frames, dt, watch=watch)
    return tuple(first.values())
