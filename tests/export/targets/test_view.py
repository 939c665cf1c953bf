"""Late edges, loops, neighbours of a graph."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from export.simulate import simulate
from export.targets.view import View, pair
from tests.export.targets.zoo import ZOO, chain, conv, ends, graph, late, lif, maps


def test_neighbours_and_shapes_of_a_chain():
    view = View(chain())
    assert view.sources["n1_lif"] == ("n0_conv",)
    assert view.readers["input"] == ("n0_conv",)
    assert view.shape("n1_lif") == (4, 6, 6)
    assert view.input_shape("n3_flatten") == (4, 3, 3)
    assert view.firing("n4_affine") == ("n1_lif",)
    assert view.loops == ()
    assert view.late == frozenset()


@pytest.mark.parametrize(
    ("name", "late_edges"),
    [
        ("feedback", {("n2_late", "n1_lif")}),
        ("long_feedback", {("n4_late", "n1_lif")}),
        ("skip", set()),
        ("disordered", {("d_late", "b_lif")}),
    ],
)
def test_late_edges(name, late_edges):
    view = View(ZOO[name]())
    assert set(view.late) == late_edges
    order = {node: i for i, node in enumerate(view.ordered)}
    assert all(order[s] < order[t] for s, t in view.edges if (s, t) not in view.late)


def test_names_against_the_order_of_computation_are_seen():
    view = View(ZOO["disordered"]())
    assert set(view.late_by_name) == {("z_conv", "c_lif"), ("d_late", "b_lif")}


def test_nodes_that_wait_for_ever_have_no_wiring():
    view = View(ZOO["waiting"]())
    assert view.late_by_wiring is None
    assert set(view.late) == {("n3_lif", "n2_conv")}


def test_loops_that_share_a_node_are_one():
    nodes = {"n0_conv": conv(0), "n1_lif": lif(), "n2_late": late(), "n3_late": late(3)}
    view = View(maps(nodes, "input n0_conv n1_lif output", "n1_lif n2_late n1_lif", "n1_lif n3_late n1_lif"))
    assert view.loops == (("n1_lif", "n2_late", "n3_late"),)
    assert view.in_loop(("n1_lif", "n3_late"))
    assert not view.in_loop(("n0_conv", "n1_lif"))


@pytest.mark.parametrize("name", ["feedback", "long_feedback", "disordered"])
def test_late_edges_are_those_of_the_simulator(name):
    """With the synapses behind late edges gone, the first step is the same and a later one is not."""
    whole, cut = ZOO[name](), ZOO[name]()
    for source, _ in View(cut).late:
        cut.nodes[source].weight = np.zeros_like(cut.nodes[source].weight)
    frames = (np.random.default_rng(0).random((6, 4, 2, 6, 6)) < 0.6).astype(np.float32)
    ran = [simulate(graph, frames).spikes for graph in (whole, cut)]
    assert all((ran[0][n][0] == ran[1][n][0]).all() for n in ran[0])
    assert any((ran[0][n] != ran[1][n]).any() for n in ran[0])


@pytest.mark.parametrize(
    "metadata", [{}, {"msenas": "no json"}, {"msenas": "[1]"}, {"msenas": 3.0}, {"msenas": "[" * 10**6}]
)
def test_a_file_that_tells_nothing(metadata):
    subject = chain()
    subject.metadata = metadata
    assert View(subject).about == {}


def test_what_a_file_tells():
    assert View(chain({"encoding": "poisson"})).about == {"encoding": "poisson"}


def test_numbers_for_both_directions():
    assert pair(np.array([2, 3])) == (2, 3)
    assert pair(2) == (2, 2)


def test_neurons_behind_pooling_of_pooling():
    nodes = ends((4, 3, 3)) | {
        "a_conv": conv(0),
        "b_lif": lif(),
        "c_pool": nir.SumPool2d(*(np.array([1, 1]),) * 2, np.zeros(2, int)),
    }
    nodes |= {"d_pool": nir.SumPool2d(*(np.array([2, 2]),) * 2, np.zeros(2, int)), "e_conv": conv(1, 4, shape=(3, 3))}
    view = View(graph(nodes | {"f_lif": lif((4, 3, 3))}, "input a_conv b_lif c_pool d_pool e_conv f_lif output"))
    assert view.firing("e_conv") == ("b_lif",)
