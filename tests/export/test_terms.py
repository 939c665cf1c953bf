"""What each neuron receives, as terms."""

from __future__ import annotations

import numpy as np
import pytest

from export.nir_check import checked
from export.terms import follow, per_channel
from msenas.errors import InputError
from tests.export.foreign import affine, conv, fire, flatten, graph, pool, sink, source


def test_terms_of_a_chain_by_hand(rng):
    weighted = conv(rng, (3, 2, 3, 3), padding=1)
    nodes = {"input": source(2, 4, 4), "a": weighted, "b": fire(3, 4, 4), "c": pool(2), "d": flatten(3, 2, 2)}
    last = affine(rng, 5, 12)
    found = follow(checked(graph(nodes | {"e": last, "f": fire(5), "output": sink(5)})), (2, 4, 4))
    assert found.maps["b"] == (3, 4, 4)
    assert (found.maps["d"], found.maps["f"]) == ((3, 2, 2), (5, 1, 1))
    (first,) = found.received["b"].terms
    assert (first.sources, first.late, first.gives) == (("input",), False, (3, 4, 4))
    assert np.array_equal(first.linear.weight, weighted.weight)
    assert np.array_equal(found.received["b"].constant, weighted.bias)
    (second,) = found.received["f"].terms
    assert (second.sources, second.linear.pool, second.gives) == (("b",), (2, 2), (5, 1, 1))
    assert np.array_equal(second.linear.weight, last.weight.reshape(5, 3, 2, 2))
    (end,) = found.received["output"].terms
    assert (end.sources, end.linear.weight) == (("f",), None)


def test_spikes_meet_where_nothing_has_been_weighted(rng):
    nodes = {"input": source(2, 4, 4), "a": fire(2, 4, 4), "b": fire(2, 4, 4), "c": pool(2), "d": pool(2)}
    nodes |= {"e": flatten(2, 2, 2), "f": affine(rng, 5, 8), "g": fire(5), "output": sink(5)}
    edges = [("input", "a"), ("input", "b"), ("a", "c"), ("b", "d"), ("c", "e"), ("d", "e"), ("e", "f"), ("f", "g")]
    found = follow(checked(graph(nodes, [*edges, ("g", "output")])), (2, 4, 4))
    assert [term.sources for term in found.received["g"].terms] == [("a", "b")]
    edges.remove(("b", "d"))
    edges += [("a", "d"), ("b", "f2"), ("f2", "g")]
    nodes["f2"] = affine(rng, 5, 32)
    nodes["x"] = flatten(2, 4, 4)
    edges += [("b", "x"), ("x", "f2")]
    edges.remove(("b", "f2"))
    found = follow(checked(graph(nodes, [*edges, ("g", "output")])), (2, 4, 4))
    assert [term.sources for term in found.received["g"].terms] == [("a",), ("a",), ("b",)]


def test_only_whole_maps_are_flattened(rng):
    part = flatten(2, 4, 4)
    part.start_dim = 1
    nodes = {"input": source(2, 4, 4), "a": fire(2, 4, 4), "b": part, "output": sink(2, 16)}
    with pytest.raises(InputError, match=r"node 'b' gives \[2, 16\]"):
        follow(checked(graph(nodes)), (2, 4, 4))


def test_a_bias_is_not_padded(rng):
    nodes = {"input": source(1, 4, 4), "a": conv(rng, (1, 1, 1, 1)), "b": conv(rng, (1, 1, 3, 3), padding=1)}
    nodes |= {"c": fire(1, 4, 4), "d": flatten(1, 4, 4), "e": affine(rng, 3, 16), "f": fire(3), "output": sink(3)}
    nodes["a"].bias[:] = 1
    with pytest.raises(InputError, match=r"node 'b' .*pads a map that has a bias"):
        follow(checked(graph(nodes)), (1, 4, 4))


def test_one_value_for_each_channel():
    assert per_channel(np.repeat([1.0, 2.0], 4), (2, 2, 2), "x").tolist() == [1, 2]
    with pytest.raises(InputError, match="'x' differs from place to place"):
        per_channel(np.arange(8.0), (2, 2, 2), "x")
