"""The end of a NIR graph as the read-out of a network: the mean over the map and the time steps, then an affine map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from export.linear import Array, identity
from export.terms import Map, Sum, Wiring
from msenas.errors import InputError


@dataclass(frozen=True, eq=False)
class Readout:
    """What is read out.

    Attributes:
        sources: neurons whose summed spikes are averaged.
        weight: [classes, C] on the means.
        bias: [classes].
    """

    sources: tuple[str, ...]
    weight: Array
    bias: Array


def readout_of(wiring: Wiring, start: str, output: str) -> Readout:
    """The read-out of a graph, whose output gives spikes or currents, one for each class, in every step.

    Raises:
        InputError: It is none that a network here can have.
    """
    found = wiring.received[output]
    term = found.terms[0]
    if len(found.terms) > 1 or term.sources == (start,):
        raise InputError("the output must be given the spikes of neurons through at most one Affine or Linear node")
    shape = wiring.maps[term.sources[0]]
    matrix = _matrix(found, shape) * (shape[1] * shape[2])
    bias = np.zeros(len(matrix)) if found.constant is None else found.constant
    return Readout(term.sources, matrix, bias)


def _matrix(found: Sum, shape: Map) -> Array:
    """The matrix [classes, C] that each place of the map goes through before all places are added."""
    (term,) = found.terms
    linear, (classes, *places) = term.linear, term.gives
    if places != [1, 1]:
        raise InputError(f"the output is a map of {places[0]}x{places[1]}; it must be one number for each class")
    weight = linear.weight
    if weight is None:
        weight = identity(classes) * linear.factor
    covered = [side * window for side, window in zip(weight.shape[2:], linear.pool, strict=True)]
    if covered != list(shape[1:]) or linear.padding != (0, 0) or (weight != weight[:, :, :1, :1]).any():
        raise InputError(
            "the last weights tell the places of the map apart; only a mean or sum over the map can be read out,"
            " or spikes: put IF or LIF neurons behind the last weights"
        )
    matrix: Array = weight[:, :, 0, 0]
    return matrix
