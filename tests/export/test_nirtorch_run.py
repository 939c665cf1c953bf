"""What is particular to nirtorch; what every run must do is in test_simulate."""

from __future__ import annotations

import nir
import numpy as np
import pytest

from export.nirtorch_run import run_nirtorch
from export.simulate import simulate
from msenas.errors import InputError
from tests.export.nir_graphs import chain, full, graph, lif, small_network

ONE = np.ones((1, 1, 1), np.float32)


def test_two_edges_into_the_output_are_refused():
    """Nirtorch would give one of them only."""
    nodes = {"input": nir.Input(np.array([1])), "a": nir.Scale(full(1)), "output": nir.Output(np.array([1]))}
    network = graph(nodes, ("input", "a"), ("a", "output"), ("input", "output"))
    assert simulate(network, ONE).outputs.item() == 2
    with pytest.raises(InputError, match="does not sum the edges that enter the output 'output'"):
        run_nirtorch(network, ONE)


def test_names_that_become_equal_are_refused():
    nodes = {"input": nir.Input(np.array([1])), "a.b": nir.Scale(full(1)), "a_b": nir.Scale(full(1))}
    network = graph(nodes | {"output": nir.Output(np.array([1]))}, ("input", "a.b"), ("a.b", "a_b"), ("a_b", "output"))
    with pytest.raises(InputError, match=r"cannot tell the nodes 'a.b' and 'a_b' apart"):
        run_nirtorch(network, ONE)


@pytest.mark.parametrize("name", ["a.b", "if", "lambda", "with space"])
def test_odd_names(name):
    nodes = {"input": nir.Input(np.array([1])), name: nir.Scale(full(1, 2)), "output": nir.Output(np.array([1]))}
    assert run_nirtorch(graph(nodes, ("input", name), (name, "output")), ONE).outputs.item() == 2


def test_a_name_that_torch_refuses_is_one_line():
    nodes = {"input": nir.Input(np.array([1])), "forward": nir.Scale(full(1)), "output": nir.Output(np.array([1]))}
    with pytest.raises(InputError, match=r"nirtorch cannot wire the graph: .*forward") as caught:
        run_nirtorch(graph(nodes, ("input", "forward"), ("forward", "output")), ONE)
    assert "\n" not in str(caught.value)


def test_a_node_that_hears_only_what_is_late_is_refused():
    """In the first step nirtorch would give it a single zero, without a batch."""
    nodes = {"input": nir.Input(np.array([1])), "a": lif(1), "b": lif(1), "output": nir.Output(np.array([1]))}
    network = graph(nodes, ("input", "b"), ("b", "a"), ("a", "a"), ("a", "b"), ("b", "output"))
    assert simulate(network, ONE).outputs.item() == 1
    with pytest.raises(InputError, match="shape of what 'a' reads, as all of it is late"):
        run_nirtorch(network, ONE)


def test_runs_do_not_share_their_state(rng):
    frames = rng.normal(size=(4, 2, 1, 4, 4)).astype(np.float32)
    network = small_network()
    first, second = run_nirtorch(network, frames), run_nirtorch(network, frames)
    assert np.array_equal(first.outputs, second.outputs)
    assert first.spikes["n1_lif"].shape == (4, 2, 2, 4, 4)
    assert first.spikes["n1_lif"].dtype == np.uint8


def test_a_graph_without_neurons():
    assert run_nirtorch(chain((1,), nir.Scale(full(1, 3))), ONE).outputs.item() == 3
