from __future__ import annotations

import nir
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from export.nirtorch_run import run_nirtorch
from export.simulate import simulate
from msenas.errors import InputError
from tests.export.nir_graphs import DT, chain, conv, full, graph, lif, loop, small_network

RUNS = {"numpy": simulate, "nirtorch": run_nirtorch}


@pytest.fixture(params=RUNS)
def run(request):
    return RUNS[request.param]


def over_time(run, node, *inputs):
    """What one node of one number gives for a number in each step."""
    frames = np.array(inputs, np.float32).reshape(-1, 1, 1)
    return run(chain((1,), node), frames).outputs.ravel().tolist()


def test_lif_by_hand(run):
    """V: 0.5 (not above), 0.25 + 0.5 = 0.75 (spike, to 0), 0.25, 0.125 + 0.5 = 0.625 (spike)."""
    assert over_time(run, lif(1), 0.5, 0.5, 0.25, 0.5) == [0, 1, 0, 1]


def test_lif_with_leak_and_reset(run):
    """V <- V/2 + 0.25 + I: 0.75 (spike, to -1), -0.25, 0.125, 0.3125 + 0.5."""
    assert over_time(run, lif(1, leak=0.5, reset=-1.0), 0.5, 0, 0, 0.5) == [1, 0, 0, 1]


def test_lif_scales_its_input_by_the_equation(run):
    """With r = 1, tau = 2 dt: V <- V + (I - V) / 2."""
    node = nir.LIF(full(1, 2 * DT), full(1), full(1, 0), full(1, 0.5), full(1, 0))
    assert over_time(run, node, 1, 1, 1.25) == [0, 1, 1]


@pytest.mark.parametrize("r", [1, 1 / DT])
def test_if_counts_in_steps(run, r):
    node = nir.IF(full(1, r), full(1, 1.0), full(1, 0.25))
    assert over_time(run, node, 0.75, 0.5, 0.75, 0.5, 0.5) == [0, 1, 0, 1, 0]


def test_if_by_its_equation(run):
    assert over_time(run, nir.IF(full(1, 0.5 / DT), full(1, 0.9)), 1, 1, 1, 1) == [0, 1, 0, 1]


def test_integrators(run):
    assert over_time(run, nir.I(full(1)), 1, 2, -4) == [1, 3, -1]
    leaky = nir.LI(full(1, 2 * DT), full(1, 2), full(1, 0))
    assert over_time(run, leaky, 1, 0, 1) == [1, 0.5, 1.25]


def test_neurons_with_a_synapse(run):
    """I: 1, 0.5, 0.25; V: 1, 1, 0.75 (gain 1, both halved in each step)."""
    constants = full(1, 2 * DT), full(1, 2 * DT), full(1, 2), full(1, 0)
    assert over_time(run, nir.CubaLI(*constants, w_in=full(1, 2)), 1, 0, 0) == [1, 1, 0.75]
    spiking = nir.CubaLIF(*constants, full(1, 0.9), full(1, 0), w_in=full(1, 2))
    assert over_time(run, spiking, 1, 0, 0, 1) == [1, 0, 0, 1]


def test_threshold_scale_and_linear(run):
    assert over_time(run, nir.Threshold(full(1, 0.5)), 0.5, 0.75) == [0, 1]
    assert over_time(run, nir.Scale(full(1, 3)), 2) == [6]
    assert over_time(run, nir.Linear(full((1, 1), 3)), 2) == [6]
    assert over_time(run, nir.Affine(full((1, 1), 3), full(1, 1)), 2) == [7]


def test_delays_differ_from_number_to_number(run):
    """0, 1, 2 steps, and more than there are; 1.4 steps are rounded."""
    node = nir.Delay(np.array([0, 1.4, 2, 50]) * DT)
    frames = np.arange(1, 17, dtype=np.float32).reshape(4, 1, 4)
    given = run(chain((4,), node), frames).outputs[:, 0]
    expected = np.array([[1, 0, 0, 0], [5, 2, 0, 0], [9, 6, 3, 0], [13, 10, 7, 0]])
    assert np.array_equal(given, expected)


def test_delays_of_maps(run, rng):
    node = nir.Delay(rng.integers(0, 3, (2, 3, 4)) * DT)
    frames = rng.normal(size=(4, 2, 2, 3, 4)).astype(np.float32)
    given = run(chain((2, 3, 4), node), frames).outputs
    steps = np.rint(node.delay / DT).astype(int)
    for place in np.ndindex(2, 3, 4):
        late = steps[place]
        here = (..., *place)
        assert np.array_equal(given[late:][here], frames[: 4 - late][here])
        assert not given[:late][here].any()


def test_a_neuron_that_inhibits_itself_one_step_later(run):
    """V: 1 spike; 1 - 1 = 0; 1 spike; the way back is late whatever the names are."""
    frames = np.ones((4, 1, 1, 1, 1), np.float32)
    for names in (("n1", "n2", "n3"), ("n2", "n3", "n1"), ("z", "y", "x")):
        assert run(loop(*names), frames).outputs.ravel().tolist() == [1, 0, 1, 0]


def test_signals_that_meet_are_summed(run, rng):
    nodes = {"input": nir.Input(np.array([2])), "a": nir.Scale(full(2, 2)), "b": nir.Scale(full(2, 3))}
    nodes |= {"c": nir.Scale(full(2)), "output": nir.Output(np.array([2]))}
    edges = ("input", "a"), ("input", "b"), ("a", "c"), ("b", "c"), ("input", "c"), ("c", "output")
    frames = rng.integers(-4, 4, (2, 3, 2)).astype(np.float32)
    assert np.array_equal(run(graph(nodes, *edges), frames).outputs, 6 * frames)


def test_affine_maps_of_stacked_vectors(run, rng):
    weight, bias = rng.normal(size=(3, 4, 5)).astype(np.float32), rng.normal(size=(3, 4)).astype(np.float32)
    frames = rng.normal(size=(1, 2, 3, 5)).astype(np.float32)
    given = run(chain((3, 5), nir.Affine(weight, bias), gives=(3, 4)), frames).outputs
    assert np.allclose(given, np.einsum("gnm,tbgm->tbgn", weight, frames) + bias, atol=1e-5)


def test_affine_maps_of_maps(run, rng):
    weight = rng.normal(size=(2, 3, 4, 5)).astype(np.float32)
    frames = rng.normal(size=(1, 2, 2, 3, 5)).astype(np.float32)
    given = run(chain((2, 3, 5), nir.Linear(weight), gives=(2, 3, 4)), frames).outputs
    assert np.allclose(given, np.einsum("ghnm,tbghm->tbghn", weight, frames), atol=1e-5)


@pytest.mark.parametrize("axes", [(0, -1), (1, -1), (0, 1), (-2, 2), (1, 1)])
def test_flatten_keeps_the_order_and_the_batch(run, rng, axes):
    frames = rng.normal(size=(2, 3, 2, 4, 5)).astype(np.float32)
    expected = torch.from_numpy(frames).flatten(*(axis % 3 + 2 for axis in axes)).numpy()
    node = nir.Flatten({"input": np.array([2, 4, 5])}, *axes)
    assert np.array_equal(run(chain((2, 4, 5), node, gives=expected.shape[2:]), frames).outputs, expected)


@st.composite
def convolutions(draw):
    groups = draw(st.integers(1, 3))
    inputs, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    padding = draw(st.sampled_from(["same", "valid", None])) or draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    stride = (1, 1) if padding == "same" else draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    options = {"groups": groups, "padding": padding, "stride": stride, "dilation": dilation}
    return (outputs, inputs // groups, *kernel), options


@settings(max_examples=40, deadline=None)
@given(form=convolutions(), seed=st.integers(0, 100))
def test_convolutions_are_those_of_torch(form, seed):
    (shape, options), rng = form, np.random.default_rng(seed)
    weight, bias = rng.normal(size=shape).astype(np.float32), rng.normal(size=shape[0]).astype(np.float32)
    channels = shape[1] * options["groups"]
    frames = rng.normal(size=(1, 3, channels, 9, 8)).astype(np.float32)
    expected = F.conv2d(
        torch.from_numpy(frames[0]), torch.from_numpy(weight), torch.from_numpy(bias), **options
    ).numpy()
    network = chain((channels, 9, 8), conv(weight, None, bias=bias, **options), gives=expected.shape[1:])
    for run in RUNS.values():
        assert np.allclose(run(network, frames).outputs[0], expected, atol=1e-4)


@settings(max_examples=30, deadline=None)
@given(
    window=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
)
def test_pools_sum_and_average_over_windows_with_their_padding(window, stride, padding):
    frames = np.random.default_rng(0).normal(size=(1, 2, 3, 6, 5)).astype(np.float32)
    around = torch.nn.functional.pad(torch.from_numpy(frames[0]), (padding[1],) * 2 + (padding[0],) * 2)
    mean = F.avg_pool2d(around, window, stride).numpy()
    fields = (np.array(window), np.array(stride), np.array(padding))
    for run in RUNS.values():
        found = {kind: run(chain((3, 6, 5), kind(*fields), gives=mean.shape[1:]), frames).outputs[0] for kind in POOLS}
        assert np.allclose(found[nir.AvgPool2d], mean, atol=1e-5)
        assert np.allclose(found[nir.SumPool2d], mean * window[0] * window[1], atol=1e-4)


POOLS = nir.SumPool2d, nir.AvgPool2d


def test_a_batch_is_its_samples_one_by_one(run, rng):
    frames = rng.normal(size=(5, 4, 1, 4, 4)).astype(np.float32)
    whole = run(small_network(), frames)
    for sample in range(4):
        alone = run(small_network(), frames[:, sample : sample + 1])
        assert np.array_equal(whole.spikes["n1_lif"][:, sample], alone.spikes["n1_lif"][:, 0])
        assert np.allclose(whole.outputs[:, sample], alone.outputs[:, 0], atol=1e-6)


def test_spikes_of_a_convolution_on_a_grid_are_exact(rng):
    """Numbers that float32 holds exactly: both give the same bits as float64."""
    weight = rng.integers(-8, 8, (3, 2, 3, 3)) / 16
    network = chain((2, 6, 6), conv(weight, (6, 6), padding=(1, 1)), lif(3, 6, 6), gives=(3, 6, 6))
    frames = rng.integers(0, 2, (6, 4, 2, 6, 6)).astype(np.float32)
    exact = simulate(network, frames, dtype=np.float64)
    assert exact.outputs.dtype == np.float64
    assert 0.1 < exact.spikes["n1"].mean() < 0.9
    for run in RUNS.values():
        assert np.array_equal(run(network, frames).spikes["n1"], exact.spikes["n1"])


def test_small_parts_of_a_convolution_make_no_difference(monkeypatch, rng):
    network = chain((2, 6, 6), conv(rng.normal(size=(3, 2, 3, 3)), (6, 6), padding=(1, 1)), gives=(3, 6, 6))
    frames = rng.normal(size=(1, 7, 2, 6, 6)).astype(np.float32)
    whole = simulate(network, frames).outputs
    monkeypatch.setattr("export.simulate_nodes.NUMBERS_AT_ONCE", 2 * 6 * 6 * 9 * 2)
    assert np.allclose(simulate(network, frames).outputs, whole, atol=1e-6)


def test_a_watcher_is_told_the_distance_to_the_threshold():
    seen = []
    frames = np.array([0.5, 0.5], np.float32).reshape(2, 1, 1)
    simulate(chain((1,), lif(1)), frames, watch=lambda *told: seen.append((told[0], told[1], told[2].item())))
    assert seen == [("n0", 0, 0.0), ("n0", 1, 0.25)]


def test_the_graph_and_the_frames_are_left_as_they_are(rng):
    network = small_network()
    frames = np.broadcast_to(rng.normal(size=(1, 2, 1, 4, 4)).astype(np.float32), (3, 2, 1, 4, 4))
    before = frames.copy(), network.nodes["n1_lif"].tau.copy()
    for run in RUNS.values():
        run(network, frames)
    assert np.array_equal(frames, before[0])
    assert np.array_equal(network.nodes["n1_lif"].tau, before[1])


def test_frames_of_another_shape(run):
    with pytest.raises(InputError, match=r"frames are \[3, 2, 1, 5, 4\]; \['T', 'B', 1, 4, 4\] is needed"):
        run(small_network(), np.zeros((3, 2, 1, 5, 4), np.float32))


def test_numbers_beyond_all_bounds():
    with pytest.raises(InputError, match="beyond all bounds"):
        simulate(chain((1,), nir.Scale(full(1, 1e30)), nir.Scale(full(1, 1e30))), np.ones((1, 1, 1), np.float32))
    unstable = nir.LI(full(1, DT / 1e20), full(1), full(1, 0))
    with pytest.raises(InputError, match="beyond all bounds"):
        simulate(chain((1,), unstable), np.ones((3, 1, 1), np.float32))
