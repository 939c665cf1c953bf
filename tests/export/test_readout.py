"""The end of a graph: spikes, or currents of sums over the map."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from export.nir_check import checked
from export.readout import Readout, readout_of
from export.terms import follow
from msenas.errors import InputError
from tests.export.foreign import affine, fire, flatten, graph, pool, sink, source, weights

MAP = (4, 2, 2)


def end(*nodes: object, outputs: tuple[int, ...]) -> Readout:
    """The read-out of neurons on a map of 4 x 2 x 2 with these nodes behind."""
    named = {"input": source(*MAP), "a": fire(*MAP), **{f"b{i}": node for i, node in enumerate(nodes)}}
    whole = checked(graph(named | {"output": sink(*outputs)}))
    return readout_of(follow(whole, MAP), "input", "output")


def test_a_sum_over_the_map_is_the_mean_times_its_places(rng):
    last = affine(rng, 3, 4)
    found = end(pool(2), flatten(4, 1, 1), last, outputs=(3,))
    assert found.sources == ("a",)
    assert np.array_equal(found.weight, last.weight * 4)
    assert np.array_equal(found.bias, last.bias)
    mean = end(pool(2, nir.AvgPool2d), flatten(4, 1, 1), last, outputs=(3,))
    assert np.array_equal(mean.weight, last.weight)


def test_spikes_themselves(rng):
    found = end(flatten(*MAP), affine(rng, 3, 16), fire(3), outputs=(3,))
    assert (found.sources, found.weight.tolist(), found.bias.tolist()) == (("b2",), np.eye(3).tolist(), [0, 0, 0])
    assert np.array_equal(end(pool(2), flatten(4, 1, 1), outputs=(4,)).weight, 4 * np.eye(4))


def test_equal_weights_for_all_places(rng):
    rows = weights(rng, 3, 4)
    found = end(flatten(*MAP), nir.Linear(np.repeat(rows, 4, axis=1)), outputs=(3,))
    assert np.array_equal(found.weight, rows * 4)


def test_what_cannot_be_read_out(rng):
    with pytest.raises(InputError, match="places of the map apart"):
        end(flatten(*MAP), affine(rng, 3, 16), outputs=(3,))
    with pytest.raises(InputError, match="the output is a map of 2x2"):
        end(outputs=MAP)


def test_several_read_outs(rng):
    nodes = {"input": source(4), "a": fire(4), "b": affine(rng, 3, 4), "c": affine(rng, 3, 4), "output": sink(3)}
    edges = [("input", "a"), ("a", "b"), ("a", "c"), ("b", "output"), ("c", "output")]
    whole = checked(graph(nodes, edges))
    with pytest.raises(InputError, match="at most one Affine or Linear"):
        readout_of(follow(whole, (4, 1, 1)), "input", "output")
