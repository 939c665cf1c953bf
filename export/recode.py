"""A network of analog pixels that is fed spikes instead: its first synapses read 0 and 1 in the place of intensities.

The direct code feeds (x - mean) / std of each channel, for intensities x in 0..1. A convolution W of it, with bias b,
is W / std of x, with bias b - sum(W mean / std). So the same network reads x itself; and spikes that stand for x, with
rate x (poisson), or one for each pixel, the earlier the brighter (latency).

For intensities this is exact where the kernel lies inside the map. Beyond its border the padding is 0, which was the
mean pixel and now is black. What noise and few steps of a code cost has to be measured.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from export.graph import INPUT, Conv, Graph, SumPool
from export.single import single
from msenas.errors import InputError, unknown
from msenas.phenotype.encoding import Standard, encode
from msenas.phenotype.spec import NetworkSpec
from msenas.search.scoring import STANDARD

CODES = ("poisson", "latency")
"""Spike codes that a network can be recoded to."""
ANALOG = "direct"
"""The code that networks are recoded from."""


def recode(graph: Graph, encoding: str, standard: Standard) -> Graph:
    """The graph for spike-coded input.

    Args:
        graph: of a network that was trained with the direct code.
        encoding: one of CODES.
        standard: with which the network had its images standardised.

    Raises:
        InputError: The code is unknown, the network has another one, or the input is not read by convolutions,
            or has another number of channels than `standard`.
    """
    check_code(graph.about.get("encoding"), encoding)
    if not len(standard.mean) == len(standard.std) == graph.input_shape[0]:
        raise InputError(f"mean and standard deviation of {graph.input_shape[0]} channels are needed to recode them")
    windows = _windows(graph)
    nodes = tuple(
        _reading_intensities(node, windows[node.name], standard)
        if isinstance(node, Conv) and node.name in windows
        else node
        for node in graph.nodes
    )
    # Whoever runs the file need not standardise anything any more.
    about = {key: value for key, value in graph.about.items() if key != STANDARD}
    return replace(graph, nodes=nodes, about=about | {"encoding": encoding, "trained_encoding": ANALOG})


def check_code(trained: object, wanted: str) -> None:
    """Refuse what cannot be recoded.

    Raises:
        InputError: The code is unknown, or the network was not trained with the direct one.
    """
    if wanted not in CODES:
        raise InputError(unknown("spike code", wanted, CODES))
    if trained != ANALOG:
        raise InputError(f"--encoding is for networks of the {ANALOG} code; this one is fed by the {trained} code")


def spike_frames(frames: Tensor, spec: NetworkSpec, standard: Standard, encoding: str, seed: int = 0) -> Tensor:
    """Frames of the direct code in a spike code.

    Args:
        frames: standardised images [1, N, C, H, W].
        spec: of the network.
        standard: with which they were standardised.
        encoding: one of CODES.
        seed: of the random numbers of the Poisson code.

    Returns:
        0 and 1 [T, N, C, H, W].
    """
    mean, std = (torch.tensor(values)[:, None, None] for values in (standard.mean, standard.std))
    images = (frames[0] * std + mean).clamp(0.0, 1.0)
    coded: Any = encoding
    return encode(images, replace(spec, encoding=coded), standard, torch.Generator().manual_seed(seed))


def _windows(graph: Graph) -> dict[str, int]:
    """How many pixels are summed in each that a synapse of the input reads, by node.

    Raises:
        InputError: Something else than sums and convolutions reads the input.
    """
    found, summed = {}, {INPUT: 1}
    for node in graph.nodes:
        sources = graph.sources[node.name]
        if not (read := [source for source in sources if source in summed]):
            continue
        if len(sources) > 1 or not isinstance(node, Conv | SumPool):
            raise InputError(f"the input cannot be recoded: {node.name} is no convolution of the input alone")
        if isinstance(node, SumPool):
            summed[node.name] = summed[read[0]] * node.size[0] * node.size[1]
        else:
            found[node.name] = summed[read[0]]
    return found


def _reading_intensities(node: Conv, window: int, standard: Standard) -> Conv:
    mean, std = np.array(standard.mean, np.float64), np.array(standard.std, np.float64)
    weight = node.weight / std[:, None, None]
    bias = node.bias - window * np.einsum("oikl,i->o", weight, mean)
    problem = f"weights of {node.name} leave the range of float32 for spikes; a channel hardly varies"
    return replace(node, weight=single(weight, problem), bias=single(bias, problem))
