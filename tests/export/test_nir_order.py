from __future__ import annotations

import itertools

import nir
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from export.nir_check import checked
from export.nir_order import order_of
from export.nirtorch_run import run_nirtorch
from export.simulate import simulate
from msenas.errors import InputError
from tests.export.nir_graphs import graph, lif, loop


def test_a_chain_whose_names_are_in_order():
    order = order_of({"in": (), "n1": ("in",), "n2": ("n1",), "out": ("n2",)}, "in")
    assert order.nodes == ("in", "n1", "n2", "out")
    assert not order.late


def test_a_chain_whose_names_are_in_no_order():
    order = order_of({"in": (), "b": ("in",), "c": ("b",), "a": ("c",), "out": ("a",)}, "in")
    assert order.nodes == ("in", "b", "c", "a", "out")
    assert not order.late


@pytest.mark.parametrize(
    ("names", "late"),
    [
        (("n1", "n2", "n3"), {("n3", "n2")}),
        # The way back comes first in the alphabet, but has a single source, and so waits for it.
        (("n2", "n3", "n1"), {("n1", "n3")}),
        (("z1", "z2", "a3"), {("a3", "z2")}),
    ],
)
def test_the_edge_that_goes_back_in_the_order_is_late(names, late):
    assert checked(loop(*names)).order.late == late


def test_mutual_pairs_depend_on_names():
    """Two nodes that read each other and the input: the one that comes first hears the other late."""
    sources = {"in": (), "a": ("in", "b"), "b": ("in", "a"), "out": ("a",)}
    assert order_of(sources, "in").late == {("b", "a")}
    # Behind the input in the alphabet comes before in front of it.
    renamed = {"in": (), "z": ("in", "b"), "b": ("in", "z"), "out": ("z",)}
    assert order_of(renamed, "in").late == {("b", "z")}


def test_a_self_loop_is_late():
    assert order_of({"in": (), "n": ("in", "n"), "out": ("n",)}, "in").late == {("n", "n")}


NAMES = ("a", "b", "c", "d")


@st.composite
def neuron_graphs(draw):
    """Neurons, wired at random, of which every one can be reached and heard."""
    names = draw(st.permutations(NAMES))
    pairs = draw(st.sets(st.sampled_from(list(itertools.product(NAMES, NAMES))), max_size=8))
    nodes = {name: lif(3, tau=2.0**number) for number, name in enumerate(NAMES, 1)}
    start = draw(st.sampled_from(["_in", "bb", "zz"]))
    nodes |= {start: nir.Input(np.array([3])), "out": nir.Output(np.array([3]))}
    edges = sorted({(start, names[0]), *itertools.pairwise(names), *pairs})
    return graph(nodes, *edges, (names[-1], "out"))


@settings(max_examples=20, deadline=None)
@given(network=neuron_graphs(), seed=st.integers(0, 1000))
def test_late_edges_are_those_of_nirtorch(network, seed):
    ready = checked(network)
    assume(not any(ready.order.late.issuperset((s, n) for s in read) for n, read in ready.sources.items() if read))
    frames = np.random.default_rng(seed).integers(0, 2, (5, 2, 3)).astype(np.float32)
    ours, theirs = simulate(network, frames), run_nirtorch(network, frames)
    assert np.array_equal(ours.outputs, theirs.outputs)
    for name in NAMES:
        assert np.array_equal(ours.spikes[name], theirs.spikes[name])


def test_many_nodes_in_reverse_are_ordered_quickly():
    count = 4000
    sources = {"in": ()} | {f"m{count - i:05}": (f"m{count - i + 1:05}",) if i else ("in",) for i in range(count)}
    assert len(order_of(sources, "in").nodes) == count + 1


def test_unreachable_loops_are_refused():
    network = loop()
    network.edges = [edge for edge in network.edges if edge != ("n1", "n2")] + [("n1", "output")]
    with pytest.raises(InputError, match="'n2' hears nothing of the input"):
        checked(network)
