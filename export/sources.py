"""What is exported: a network in inference mode, what is told about it, and samples to verify the files with."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.graph import Graph
from export.importing import import_graph
from export.lower import READ_THRESHOLD, lower
from export.nir_about import LARGEST
from export.nir_write import to_nir_graph
from export.quantise import Drift, quantise
from export.recode import check_code, recode, spike_frames
from export.spiking_readout import best_threshold, scores_of
from msenas.errors import InputError
from msenas.phenotype.encoding import Standard
from msenas.phenotype.network import Network
from msenas.runs.files import to_json

LARGEST_ABOUT = LARGEST // 2
"""Bytes of what is told about a network; the names of nodes come to it, and all has to be read back."""


@dataclass(frozen=True, eq=False)
class Source:
    """A network that is exported.

    Attributes:
        network: in float32 on the CPU.
        frames: inputs to verify with [T, N, C, H, W], or [1, N, C, H, W] if they stay the same.
        labels: their classes [N]; None if they are not known.
        about: what the files tell about it; plain values for JSON.
        threshold_frames, threshold_labels: other samples of the same forms, from which the threshold of a spiking
            read-out is chosen. Without classes it keeps the network's answers; without samples those on `frames`.
        standard: with which its images were standardised; needed to recode it.

    Raises:
        InputError: Frames or labels have another shape or are not finite, the network is of another kind, or `about`
            is no JSON.
    """

    network: Network
    frames: Tensor
    labels: NDArray[np.int64] | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    threshold_frames: Tensor | None = None
    threshold_labels: NDArray[np.int64] | None = None
    standard: Standard | None = None

    def __post_init__(self) -> None:
        _check_about(self.about)
        for frames, labels in ((self.frames, self.labels), self.threshold_samples):
            _check_samples(self.network, frames, labels)

    @property
    def threshold_samples(self) -> tuple[Tensor, NDArray[np.int64] | None]:
        """Samples from which the threshold of a spiking read-out is chosen."""
        if self.threshold_frames is None:
            return self.frames, None
        return self.threshold_frames, self.threshold_labels


@dataclass(frozen=True)
class Changes:
    """What is changed in a network on its way into a graph.

    Attributes:
        readout: one of `export.graph.READOUTS`.
        bits: of the weights; None leaves them in float32.
        encoding: one of `export.recode.CODES`, if it is to be fed spikes; None leaves the code.
    """

    readout: str = "current"
    bits: int | None = None
    encoding: str | None = None


@dataclass(frozen=True, eq=False)
class Lowered:
    """A lowered network, and what it is compared with.

    Attributes:
        graph: the lowered graph.
        network: that does what the graph does, but for a spiking read-out; the trained one if nothing was changed.
        frames: what both are fed [T, N, C, H, W], or [1, N, C, H, W].
        drift: what rounding did to the weights, synapse by synapse; empty if nothing was rounded.
        seconds: that lowering took.
    """

    graph: Graph
    network: Network
    frames: Tensor
    drift: tuple[Drift, ...]
    seconds: float


def lowered(source: Source, changes: Changes | None = None) -> Lowered:
    """Lower a network.

    Raises:
        InputError: The network cannot be lowered, recoded or quantised so.
    """
    changes, start = changes or Changes(), time.perf_counter()
    if changes.encoding is not None:
        check_code(source.network.plan.spec.encoding, changes.encoding)
    graph, drift = _graph(source, changes, None)
    seconds, touched = time.perf_counter() - start, (changes.bits, changes.encoding) != (None, None)
    network = rebuilt(graph) if touched else source.network
    if changes.readout == "spikes":
        threshold = _threshold(network, source, changes)
        start = time.perf_counter()
        graph, drift = _graph(source, changes, threshold)
        seconds = time.perf_counter() - start
    return Lowered(graph, network, _coded(source, source.frames, changes), drift, seconds)


def rebuilt(graph: Graph) -> Network:
    """The network that a lowered graph describes, whatever was changed in it since it was lowered."""
    imported = import_graph(to_nir_graph(graph))
    network = Network(imported.plan)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in imported.tensors.items()})
    return network.eval()


def _check_about(about: Mapping[str, Any]) -> None:
    try:
        length = len(to_json(about).encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(f"what is told about the network must be plain values for JSON: {error}") from None
    if length > LARGEST_ABOUT:
        raise InputError(f"what is told about the network has {length:,} bytes; at most {LARGEST_ABOUT:,} are written")


def _check_samples(network: Network, frames: Tensor, labels: NDArray[np.int64] | None) -> None:
    weight, spec, shape = network.readout.weight, network.plan.spec, list(frames.shape)
    if weight.device.type != "cpu" or weight.dtype != torch.float32:
        raise InputError(f"the network is in {weight.dtype} on {weight.device}; float32 on the CPU is needed")
    if network.steps != spec.steps:
        raise InputError(f"the network is set to {network.steps} time steps; it is exported with those of its plan")
    if len(shape) != 5 or shape[0] not in (1, spec.steps) or not shape[1] or shape[2:] != list(spec.input_shape):
        wanted = [spec.steps, "N", *spec.input_shape]
        raise InputError(f"frames are {shape}; {wanted} is needed, or 1 in the place of {spec.steps}")
    if not bool(torch.isfinite(frames).all()):
        raise InputError("frames hold a number that is not finite")
    if labels is not None and labels.shape != (shape[1],):
        raise InputError(f"labels are {list(labels.shape)}; one for each of the {shape[1]} samples is needed")


def _graph(source: Source, changes: Changes, threshold: float | None) -> tuple[Graph, tuple[Drift, ...]]:
    """The graph, and what rounding did; it gives scores if there is no threshold for neurons behind them."""
    network, read = source.network, "current" if threshold is None else "spikes"
    tensors = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
    read_threshold = READ_THRESHOLD if threshold is None else threshold
    graph = lower(network.plan, tensors, read, source.about, read_threshold)
    if changes.encoding is not None:
        graph = recode(graph, changes.encoding, _standard(source))
    if changes.bits is None:
        return graph, ()
    quantised = quantise(graph, changes.bits)
    return quantised.graph, quantised.drift


def _threshold(network: Network, source: Source, changes: Changes) -> float:
    """The threshold of a spiking read-out."""
    frames, labels = source.threshold_samples
    scores = scores_of(network, _coded(source, frames, changes))
    return best_threshold(scores, scores.mean(0).argmax(-1) if labels is None else labels)


def _coded(source: Source, frames: Tensor, changes: Changes) -> Tensor:
    if changes.encoding is None:
        return frames
    return spike_frames(frames, source.network.plan.spec, _standard(source), changes.encoding)


def _standard(source: Source) -> Standard:
    if source.standard is None:
        raise InputError("to recode a network, mean and standard deviation of its images are needed")
    return source.standard
