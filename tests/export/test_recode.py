"""Networks of standardised pixels that read intensities, and spikes that stand for them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from export.graph import INPUT, Affine, Conv, Graph, SumPool
from export.lower import lower
from export.recode import CODES, recode, spike_frames
from msenas.errors import InputError
from msenas.phenotype.encoding import Standard
from tests.conftest import motif_plan, small_spec
from tests.export.networks import convolve, tensors_of, trained

STANDARD = Standard((0.25, 0.5), (0.5, 0.25))
ONE = Standard((0.25,), (0.5,))


def pointwise(*nodes: object, **about: object) -> Graph:
    """One convolution of 1 x 1 with weights 1 and 2, bias 1, or other nodes."""
    conv = Conv("c", np.array([1, 2], np.float32).reshape(1, 2, 1, 1), np.ones(1, np.float32), 1, 0, (2, 2, 2))
    nodes = nodes or (conv,)
    names = [INPUT, *(node.name for node in nodes)]
    edges = tuple(itertools.pairwise(names))
    return Graph((2, 4, 4), 3, nodes, edges, "current", {"encoding": "direct", "standard": 1, **about})


@pytest.mark.parametrize("code", CODES)
def test_weights_are_divided_and_the_mean_moves_to_the_bias(code):
    found = recode(pointwise(), code, STANDARD)
    (conv,) = found.nodes
    assert conv.weight.ravel().tolist() == [2, 8]
    assert conv.bias.tolist() == [1 - 2 * 0.25 - 8 * 0.5]
    assert (conv.weight.dtype, conv.bias.dtype) == (np.float32, np.float32)
    assert found.about == {"encoding": code, "trained_encoding": "direct"}


def test_sums_of_pixels_have_as_many_means():
    (conv,) = pointwise().nodes
    found = recode(
        pointwise(SumPool("a", (2, 4, 4), (2, 1)), SumPool("b", (2, 2, 4), (1, 2)), conv), CODES[0], STANDARD
    )
    assert found.nodes[-1].weight.ravel().tolist() == [2, 8]
    assert found.nodes[-1].bias.tolist() == [1 - 4 * (2 * 0.25 + 8 * 0.5)]


@pytest.mark.parametrize("motif", ["FE", "MI"])
def test_intensities_give_the_same_currents_inside_the_map_and_black_borders_others(motif):
    plan = motif_plan(motif)
    graph = lower(plan, tensors_of(trained(plan)))
    found = recode(graph, CODES[0], ONE)
    images = np.random.default_rng(0).random((3, 1, 8, 8))
    changed = [(a, b) for a, b in zip(graph.nodes, found.nodes, strict=True) if a is not b]
    assert {a.name for a, _ in changed} == {name for source, name in graph.edges if source == INPUT}
    for before, after in changed:
        was, now = convolve((images - 0.25) / 0.5, before), convolve(images, after)
        np.testing.assert_allclose(now[..., 1:-1, 1:-1], was[..., 1:-1, 1:-1], atol=1e-5)
        assert not np.allclose(now[..., 0, :], was[..., 0, :], atol=1e-3)


REFUSED = {
    "unknown spike code 'rate'": (pointwise(), "rate", STANDARD),
    "unknown spike code 'direct'": (pointwise(), "direct", STANDARD),
    "fed by the events code": (pointwise(encoding="events"), "poisson", STANDARD),
    "fed by the poisson code": (pointwise(encoding="poisson"), "poisson", STANDARD),
    "leave the range of float32": (pointwise(), "poisson", Standard((0.0, 0.0), (1.0, 1e-45))),
    "a is no convolution": (pointwise(Affine("a", np.ones((1, 2)), np.ones(1))), "poisson", STANDARD),
}


@pytest.mark.parametrize("message", REFUSED)
def test_refused(message):
    with pytest.raises(InputError, match=message):
        recode(*REFUSED[message])


def test_statistics_of_other_channels():
    with pytest.raises(InputError, match="of 2 channels"):
        recode(pointwise(), "latency", ONE)


def test_input_beside_something_else():
    graph = pointwise()
    with pytest.raises(InputError, match="no convolution of the input alone"):
        recode(replace(graph, edges=(*graph.edges, ("x", "c"))), "poisson", STANDARD)


def test_poisson_spikes_have_the_rate_of_the_intensity():
    spec = small_spec(1, steps=400)
    images = torch.tensor([0.0, 0.25, 1.0]).repeat_interleave(64).view(3, 1, 8, 8)
    frames = spike_frames(((images - 0.25) / 0.5)[None], spec, ONE, "poisson")
    assert frames.shape == (400, 3, 1, 8, 8)
    assert frames.unique().tolist() == [0, 1]
    rates = frames.mean((0, 2, 3, 4))
    assert (rates[0], rates[2]) == (0, 1)
    assert rates[1] == pytest.approx(0.25, abs=0.01)
    assert torch.equal(frames, spike_frames(((images - 0.25) / 0.5)[None], spec, ONE, "poisson"))
    assert not torch.equal(frames, spike_frames(((images - 0.25) / 0.5)[None], spec, ONE, "poisson", seed=1))


def test_latency_spikes_come_once_and_the_earlier_the_brighter():
    images = torch.tensor([1.0, 0.5, 0.0]).repeat_interleave(64).view(3, 1, 8, 8)
    frames = spike_frames(((images - 0.25) / 0.5)[None], small_spec(1, steps=8), ONE, "latency")
    spikes = frames[..., 0, 0, 0]
    assert spikes.sum(0).tolist() == [1, 1, 0]
    assert spikes[:, 0].argmax() < spikes[:, 1].argmax()
