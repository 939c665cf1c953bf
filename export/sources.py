"""What is exported: a network in inference mode, what is told about it, and samples to verify the files with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.graph import Graph
from export.importing import import_graph
from export.lower import lower
from export.nir_write import to_nir_graph
from export.spiking_readout import best_threshold
from msenas.phenotype.network import Network

READOUTS = ("current", "spikes")
"""What an exported graph gives: scores of each time step, or spikes of one neuron for each class."""


@dataclass(frozen=True, eq=False)
class Source:
    """A network that is exported.

    Attributes:
        network: in inference mode.
        frames: inputs to verify with [T, N, C, H, W], or [1, N, C, H, W] if they stay the same.
        labels: their classes [N].
        about: what the files tell about it; plain values for JSON.
        threshold_frames, threshold_labels: other samples of the same forms, from which the threshold of a spiking
            read-out is chosen; None takes those to verify with.
    """

    network: Network
    frames: Tensor
    labels: NDArray[np.int64]
    about: Mapping[str, Any] = field(default_factory=dict)
    threshold_frames: Tensor | None = None
    threshold_labels: NDArray[np.int64] | None = None


def lowered(source: Source, readout: str = "current") -> Graph:
    """The lowered graph of a network.

    Args:
        source: the network.
        readout: one of READOUTS.
    """
    network = source.network
    tensors = {name: value.detach().cpu().numpy() for name, value in network.state_dict().items()}
    if readout == "current":
        return lower(network.plan, tensors, about=source.about)
    frames, labels = source.threshold_frames, source.threshold_labels
    if frames is None or labels is None:
        frames, labels = source.frames, source.labels
    threshold = best_threshold(network, frames, labels)
    return lower(network.plan, tensors, read=readout, about=source.about, read_threshold=threshold)


def rebuilt(graph: Graph) -> Network:
    """The network that a lowered graph describes, whatever was changed in it since it was lowered."""
    imported = import_graph(to_nir_graph(graph))
    network = Network(imported.plan)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in imported.tensors.items()})
    return network.eval()
