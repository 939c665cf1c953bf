from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from export.graph import Affine, Conv, Graph
from export.lower import lower
from export.nir_write import KEY, to_nir_graph
from export.quantise import BITS, quantise
from msenas.errors import InputError
from tests.conftest import motif_plan

from .networks import frames_for, run, tensors_of, trained, watch

LARGEST = {8: 127, 4: 7}


def one_layer(weight, bias) -> Graph:
    node = Affine("n0", np.array(weight, np.float32), np.array(bias, np.float32))
    return Graph((1, 1, 1), 1, (node,), (), "current", {"kept": 1})


def test_by_hand():
    """Rows of 4 bits: steps of 0.5 and of 1."""
    done = quantise(one_layer([[3.5, 1.2, -0.3], [-7.0, 2.6, 0.4]], [10.3, -0.6]), 4)
    (node,) = done.graph.nodes
    codes = done.codes["n0"]
    np.testing.assert_array_equal(codes.scale, [0.5, 1])
    np.testing.assert_array_equal(codes.weight, [[7, 2, -1], [-7, 3, 0]])
    np.testing.assert_array_equal(codes.bias, [21, -1])
    np.testing.assert_array_equal(node.weight, [[3.5, 1, -0.5], [-7, 3, 0]])
    np.testing.assert_array_equal(node.bias, [10.5, -1])
    assert (codes.weight.dtype, codes.bias.dtype, codes.scale.dtype) == (np.int8, np.int32, np.float32)
    (drift,) = done.drift
    assert (drift.node, drift.largest) == ("n0", pytest.approx(0.4, abs=1e-6))
    errors, weights = [0, 0.2, 0.2, 0, 0.4, 0.4], [3.5, 1.2, 0.3, 7, 2.6, 0.4]
    assert drift.relative == pytest.approx(np.sqrt(np.sum(np.square(errors)) / np.sum(np.square(weights))), rel=1e-5)
    assert done.graph.about == {"kept": 1, "quantised": {"bits": 4, "scales": {"n0": [0.5, 1.0]}}}


@given(
    arrays.arrays(np.float32, (3, 5), elements=st.floats(-(2.0**90), 2.0**90, width=32, allow_subnormal=False)),
    arrays.arrays(np.float32, 3, elements=st.floats(-(2.0**90), 2.0**90, width=32, allow_subnormal=False)),
    st.sampled_from(BITS),
)
def test_laws(weight, bias, bits):
    graph = one_layer(weight, bias)
    done = quantise(graph, bits)
    (node,), codes = done.graph.nodes, done.codes["n0"]
    scale = codes.scale.astype(np.float64)
    assert (scale > 0).all()
    assert np.abs(codes.weight).max() <= LARGEST[bits]
    np.testing.assert_array_equal(node.weight, (codes.weight * scale[:, None]).astype(np.float32))
    np.testing.assert_array_equal(node.bias, (codes.bias * scale).astype(np.float32))
    np.testing.assert_array_equal(np.rint(node.weight / scale[:, None]), codes.weight)
    assert (np.abs(node.weight.astype(np.float64) - weight) <= 0.501 * scale[:, None]).all()
    assert (np.abs(node.bias.astype(np.float64) - bias) <= 0.501 * scale + 1e-6 * np.abs(bias)).all()
    assert (np.sign(node.weight) * np.sign(weight) >= 0).all(), "no sign changes"
    again = quantise(done.graph, bits)
    np.testing.assert_allclose(again.graph.nodes[0].weight, node.weight, rtol=1e-6)


def test_channels_without_weights_keep_their_bias():
    (node,) = quantise(one_layer([[0.0], [0.0]], [0.3, 0.0]), 8).graph.nodes
    np.testing.assert_array_equal(node.bias, np.array([0.3, 0], np.float32))
    assert not node.weight.any()


@pytest.mark.parametrize("bits", BITS)
def test_a_network_keeps_its_structure_and_loses_little(bits):
    plan = motif_plan("MI", "FbI", steps=5)
    network, frames = trained(plan), frames_for(plan, 8)
    graph = lower(plan, tensors_of(network))
    done = quantise(graph, bits)
    assert (done.graph.edges, [n.name for n in done.graph.nodes]) == (graph.edges, [n.name for n in graph.nodes])
    weighted = [n for n in done.graph.nodes if isinstance(n, Conv | Affine)]
    assert [d.node for d in done.drift] == [n.name for n in weighted] == list(done.codes)
    assert all((n.weight <= 0).all() for n in weighted if isinstance(n, Conv) and n.inhibitory)
    assert 0 < max(d.relative for d in done.drift) < {8: 0.02, 4: 0.2}[bits]
    spikes, found = watch(network, frames)[1], run(done.graph, frames)[1]
    share = np.mean([(spikes[n] == found[n]).mean() for n in spikes])
    assert {8: 0.97, 4: 0.7}[bits] < share < 1


def test_scales_are_in_the_file():
    graph = quantise(lower(motif_plan("FE"), tensors_of(trained(motif_plan("FE")))), 8)
    told = json.loads(to_nir_graph(graph.graph).metadata[KEY])["about"]["quantised"]
    for node in graph.graph.nodes:
        if isinstance(node, Conv | Affine):
            scale = np.array(told["scales"][node.name])
            codes = np.rint(node.weight / scale.reshape(-1, *(1,) * (node.weight.ndim - 1)))
            np.testing.assert_array_equal(codes, graph.codes[node.name].weight)


def test_weights_on_the_grid_stay():
    weight = np.array([[127, -3, 0], [-127, 1, 64]], np.float32) / 64
    graph = one_layer(weight, [0.5, -2])
    done = quantise(graph, 8)
    np.testing.assert_array_equal(done.graph.nodes[0].weight, weight)
    assert done.drift[0].relative == 0
    assert replace(graph, about=done.graph.about).about == done.graph.about


@pytest.mark.parametrize("bits", [0, 2, 16])
def test_other_widths(bits):
    with pytest.raises(InputError, match=f"4 or 8 bits, not {bits}"):
        quantise(one_layer([[1]], [0]), bits)
