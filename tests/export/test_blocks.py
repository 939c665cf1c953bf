"""Which nodes are computed together, and graphs that cannot be computed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from export.blocks import blocks, shapes, whole, without_silent
from export.graph import INPUT, OUTPUT, Affine, Conv, Flatten, Graph, Neurons, SumPool
from msenas.errors import InputError


def conv(name: str, size: int = 1, **options: object) -> Conv:
    values = {"stride": 1, "padding": 0, "input_shape": (1, 6, 6)} | options
    return Conv(name, np.ones((1, 1, size, size), np.float32), np.zeros(1, np.float32), **values)


def neurons(name: str, side: int = 6) -> Neurons:
    return Neurons(name, name, (1, side, side), "if", 1.0, 1.0)


def graph(nodes: tuple[object, ...], *edges: str) -> Graph:
    """Edges such as `a b` in a graph of 1 x 6 x 6 pixels."""
    return Graph((1, 6, 6), 2, nodes, tuple(tuple(edge.split()) for edge in edges), "current", {})


LOOP = graph(
    (conv("a"), neurons("b"), conv("c"), neurons("d"), conv("e", delayed=True), conv("f"), neurons("g")),
    *("input a", "a b", "b c", "c d", "d e", "e b", "d f", "f g", "g output"),
)


def names(graph: Graph) -> list[tuple[str, bool]]:
    return [("".join(node.name for node in block.nodes), block.loop) for block in blocks(graph)]


def test_a_loop_is_one_block_that_begins_with_what_is_held():
    assert names(LOOP) == [("a", False), ("ebcd", True), ("f", False), ("g", False)]


def test_a_delayed_synapse_on_no_loop_comes_before_what_reads_it():
    forward = replace(LOOP, edges=tuple((a, "g" if (a, b) == ("e", "b") else b) for a, b in LOOP.edges))
    assert names(forward) == [(name, False) for name in ("a", "b", "c", "d", "e", "f", "g")]


def test_a_population_that_delays_to_itself_is_a_loop():
    own = graph((conv("a"), neurons("b"), conv("c", delayed=True)), "input a", "a b", "b c", "c b", "b output")
    assert names(own) == [("a", False), ("cb", True)]


def test_the_whole_begins_with_what_is_held():
    assert "".join(node.name for node in whole(LOOP).nodes) == "eabcdfg"


def test_a_loop_at_once_is_refused():
    wrong = replace(LOOP, nodes=tuple(replace(n, delayed=False) if isinstance(n, Conv) else n for n in LOOP.nodes))
    for reader in (whole, blocks):
        with pytest.raises(InputError, match="b reads e before it is computed, and not through a delayed synapse"):
            reader(wrong)


def test_a_delayed_synapse_with_a_bias_is_refused():
    biased = replace(LOOP.by_name["e"], bias=np.ones(1, np.float32))
    wrong = replace(LOOP, nodes=tuple(biased if n.name == "e" else n for n in LOOP.nodes))
    with pytest.raises(InputError, match="e: a delayed synapse has no bias"):
        whole(wrong)


class TestSilent:
    def silenced(self, *names: str) -> Graph:
        nodes = (replace(n, weight=n.weight * 0) if n.name in names else n for n in LOOP.nodes)
        return without_silent(replace(LOOP, nodes=tuple(nodes)))

    def test_a_synapse_beside_another_is_left_out(self):
        left = self.silenced("e")
        assert [n.name for n in left.nodes] == ["a", "b", "c", "d", "f", "g"]
        assert ("d", "e") not in left.edges
        assert ("e", "b") not in left.edges
        assert not any(block.loop for block in blocks(left))

    def test_the_only_synapse_stays(self):
        assert self.silenced("f").edges == LOOP.edges

    def test_one_of_several_stays(self):
        assert [n.name for n in self.silenced("a", "e").nodes] == ["a", "b", "c", "d", "f", "g"]

    def test_a_bias_is_something(self):
        nodes = (replace(n, weight=n.weight * 0, bias=n.bias + 1) if n.name == "a" else n for n in LOOP.nodes)
        assert len(without_silent(replace(LOOP, nodes=tuple(nodes))).nodes) == len(LOOP.nodes)


class TestShapes:
    def test_of_every_kind_of_node(self):
        nodes = (
            conv("a", 5, stride=2, padding=2),
            neurons("b", 3),
            SumPool("c", (1, 3, 3), (3, 2)),
            Flatten("d", (1, 1, 1)),
            Affine("e", np.ones((4, 1), np.float32), np.ones(4, np.float32)),
        )
        found = shapes(graph(nodes, "input a", "a b", "b c", "c d", "d e", "e output"))
        assert found == {INPUT: (1, 6, 6), "a": (1, 3, 3), "b": (1, 3, 3), "c": (1, 1, 1), "d": (1,), "e": (4,)}

    def test_a_node_that_reads_nothing(self):
        with pytest.raises(InputError, match="b reads nothing"):
            shapes(graph((conv("a"), neurons("b")), "input a", "a output"))

    def test_a_sum_of_different_shapes(self):
        nodes = conv("a"), conv("b", 3), neurons("c")
        with pytest.raises(InputError, match=r"c reads the sum of .* different shapes: a \[1, 6, 6\], b \[1, 4, 4\]"):
            shapes(graph(nodes, "input a", "input b", "a c", "b c", "c output"))

    def test_a_wrong_shape(self):
        with pytest.raises(InputError, match=r"b reads \[1, 6, 6\], a gives \[1, 4, 4\]"):
            shapes(graph((conv("a", 3), neurons("b")), "input a", "a b", f"b {OUTPUT}"))
