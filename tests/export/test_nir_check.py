"""What is refused is mostly tested with files, in test_nir_read; here is what only a graph in memory can be."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from export import nir_check
from export.nir_check import checked
from msenas.errors import InputError
from tests.export.nir_graphs import chain, conv, full, graph, lif, small_network


def test_nodes_come_in_the_order_of_their_names_and_in_one_form():
    weight = full((2, 1, 3, 3))
    network = chain(
        (1, 4, 4), nir.Conv2d(None, weight, np.int64(1), np.array(1), 1, np.array([1]), full(2)), gives=(2, 4, 4)
    )
    ready = checked(network)
    assert list(ready.graph.nodes) == ["input", "n0", "output"]
    node = ready.graph.nodes["n0"]
    assert (node.stride, node.padding, node.dilation, node.groups) == ((1, 1), (1, 1), (1, 1), 1)
    assert node.input_shape == (4, 4)
    assert (ready.input, ready.output, ready.shapes["n0"]) == ("input", "output", (2, 4, 4))


def test_a_graph_that_was_checked_passes_the_check_of_nir():
    graph = checked(small_network()).graph
    nir.NIRGraph(graph.nodes, graph.edges).check_types()


def test_the_given_graph_is_not_changed():
    network = chain((2, 4, 4), nir.SumPool2d(*(np.array(pair) for pair in ([2, 2], [2, 2], [0, 0]))), gives=(2, 2, 2))
    checked(network)
    assert network.nodes["n0"].output_type == {"output": None}


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (nir.Conv1d(4, full((1, 1, 3)), 1, 1, 1, 1, full(1)), "unknown type of node 'Conv1d'"),
        (nir.LIF(full((1, 4, 4), -1), *[full((1, 4, 4))] * 3), "'tau' must be positive"),
        (nir.Delay(full((1, 4, 4), -1)), "'delay' must not be negative"),
        (nir.Scale(np.array(["x"])), "numbers are needed"),
        (nir.Scale(full((1, 4, 4), np.nan)), "not finite"),
        (conv(full((1, 1, 3, 3)), (5, 5)), r"takes \[1, 5, 5\], but is given \[1, 4, 4\]"),
        (conv(full((1, 2, 3, 3))), r"takes \[2, height, width\], but is given \[1, 4, 4\]"),
        (conv(full((1, 1, 3, 3)), padding="same", stride=(2, 2)), "'same', which needs a stride of 1"),
        (nir.Affine(full((2, 4)), full(2)), r"takes \[4\], but is given \[1, 4, 4\]"),
        (lif(1, 4, 5), r"takes \[1, 4, 5\], but is given \[1, 4, 4\]"),
        (small_network(), "a graph inside the graph"),
    ],
)
def test_nodes_that_are_refused(node, message):
    with pytest.raises(InputError, match=f"node 'n0'.*{message}"):
        checked(chain((1, 4, 4), node))


def test_signals_of_two_shapes_cannot_be_summed():
    nodes = {"input": nir.Input(np.array([2])), "a": nir.Linear(full((3, 2))), "b": nir.Flatten({"input": None}, 0, -1)}
    network = graph(nodes | {"output": nir.Output(np.array([2]))}, *TWO_SHAPES)
    with pytest.raises(InputError, match=r"node 'b'.*cannot be summed"):
        checked(network)


TWO_SHAPES = ("input", "a"), ("input", "b"), ("a", "b"), ("b", "output")


def test_signals_are_bounded_all_together(monkeypatch):
    monkeypatch.setattr(nir_check, "MOST_SIGNALS", 100)
    with pytest.raises(InputError, match="its signals have 102 numbers; at most 100"):
        checked(small_network())


def test_edges_are_bounded(monkeypatch):
    monkeypatch.setattr(nir_check, "MOST_EDGES", 5)
    with pytest.raises(InputError, match="7 nodes and 6 edges; at most 2,048 and 5"):
        checked(small_network())
