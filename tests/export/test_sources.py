"""What is lowered, and the network that it is compared with."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch

from export.graph import READOUTS, Affine, Conv, Neurons
from export.lower import SCORES
from export.quantise import BITS
from export.recode import CODES
from export.sources import Changes, Source, lowered, rebuilt
from msenas.errors import InputError
from msenas.phenotype.encoding import Standard
from tests.conftest import motif_plan
from tests.export.networks import agreement, by_hand, frames_for, synapse, tensors_of, trained, watch
from tests.phenotype.plans import NON_EMPTY

STANDARD = Standard((0.25,), (0.5,))
pytestmark = pytest.mark.usefixtures("stepwise")


def source(*motifs: str, samples: int = 4, **changes: object) -> Source:
    """A random network and standardised images."""
    plan = motif_plan(*(motifs or ("FE", "LI")), **changes)
    images = np.random.default_rng(1).random((1, samples, *plan.spec.input_shape))
    frames = torch.from_numpy(((images - 0.25) / 0.5).astype(np.float32))
    return Source(trained(plan), frames, np.arange(samples) % 3, {"seed": 1}, standard=STANDARD)


def test_a_network_that_stays_as_it_is_is_compared_itself():
    given = source()
    found = lowered(given)
    assert found.network is given.network
    assert found.frames is given.frames
    assert (found.drift, found.graph.about) == ((), {"encoding": "direct", "seed": 1})


@pytest.mark.parametrize("motif", NON_EMPTY)
def test_a_rebuilt_network_fires_as_the_one_that_was_lowered(motif):
    given = source(motif, motif, steps=4)
    frames = frames_for(given.network.plan)
    network = rebuilt(lowered(given).graph)
    (scores, spikes), (others, trains) = watch(given.network, frames), watch(network, frames)
    assert agreement(spikes, trains) >= 0.999
    assert not network.training
    assert spikes.keys() == trains.keys()
    np.testing.assert_allclose(others, scores, atol=2e-2)


@pytest.mark.parametrize("bits", BITS)
def test_quantised_weights_are_those_of_the_network(bits):
    plan = by_hand(synapse("input", "E1"))
    network = trained(plan)
    found = lowered(Source(network, torch.from_numpy(frames_for(plan))), Changes(bits=bits))
    conv = next(node for node in found.graph.nodes if isinstance(node, Conv))
    codes = abs(conv.weight) / found.graph.about["quantised"]["scales"][conv.name]
    assert codes.ravel().tolist() == [pytest.approx(2 ** (bits - 1) - 1)], "its only weight is the largest"
    assert found.network.weight(found.network.plan.synapses[0]).item() == conv.weight.item()
    assert [d.node for d in found.drift] == [n.name for n in found.graph.nodes if isinstance(n, Conv | Affine)]


@pytest.mark.parametrize("code", CODES)
def test_a_recoded_network_is_fed_spikes(code):
    found = lowered(source(), Changes(encoding=code))
    assert found.graph.about["encoding"] == found.network.plan.spec.encoding == code
    assert found.frames.shape == (3, 4, 1, 8, 8)
    assert set(found.frames.unique().tolist()) <= {0.0, 1.0}


def test_a_recoded_network_sees_intensities_as_it_saw_standardised_ones():
    # With kernels of 1 x 1 there is no border, so that all is exact.
    plan = by_hand(synapse("input", "E1"))
    network, images = trained(plan), np.random.default_rng(0).random((1, 8, 1, 2, 3)).astype(np.float32)
    frames = torch.from_numpy((images - 0.25) / 0.5)
    found = lowered(Source(network, frames, standard=STANDARD), Changes(encoding="poisson"))
    (scores, spikes), (others, trains) = watch(network, frames.numpy()), watch(found.network, images)
    assert 0 < spikes["L1.E1"].mean() < 1
    assert agreement(spikes, trains) == 1
    np.testing.assert_allclose(others, scores, atol=1e-5)


def test_a_spiking_readout_has_the_threshold_of_other_samples():
    given = source(samples=12, steps=6)
    own = lowered(given, Changes("spikes"))
    others = replace(given, threshold_frames=1e-3 * given.frames[:, :3], threshold_labels=np.zeros(3, np.int64))
    thresholds = []
    for found in (own, lowered(others, Changes("spikes"))):
        last = found.graph.by_name[found.graph.sources["output"][0]]
        assert isinstance(last, Neurons)
        assert (last.population, last.kind, last.shape) == (SCORES, "if", (3,))
        thresholds.append(last.v_th)
        assert found.network is given.network, "it is compared before its neurons of the read-out"
    assert thresholds[0] != thresholds[1]


def test_without_other_samples_the_threshold_does_not_depend_on_the_classes():
    given = source(samples=12, steps=6)
    graphs = [lowered(replace(given, labels=labels), Changes("spikes")).graph for labels in (None, given.labels)]
    first, second = (graph.populations[-1] for graph in graphs)
    assert first == second


@pytest.mark.parametrize(("readout", "bits", "code"), [*product(READOUTS, (None, 4), (None, "poisson"))])
def test_all_changes_together(readout, bits, code):
    found = lowered(source("FbI"), Changes(readout, bits, code))
    assert found.graph.read == readout
    assert bool(found.drift) == (bits is not None)
    names = {p.name for p in found.network.plan.populations}
    assert names == {n.population for n in found.graph.populations} - {SCORES}
    assert found.seconds > 0


@pytest.mark.parametrize("motif", ["FE", "MI"])
def test_synapses_whose_weights_came_to_nothing(motif):
    given = source(motif)
    with torch.no_grad():
        for weight in given.network.weights:
            weight.zero_()
    network, frames = rebuilt(lowered(given).graph), given.frames.expand(3, -1, -1, -1, -1).numpy()
    (_, spikes), (_, trains) = watch(given.network, frames), watch(network, frames)
    assert agreement(spikes, trains) == 1
    assert any(train.any() for train in trains.values()), "biases make populations fire"


FRAMES = torch.zeros(1, 2, 1, 8, 8)
REFUSED = {
    r"frames are \[2, 1, 8, 8\]": (FRAMES[0], None),
    r"frames are \[1, 2, 1, 8, 7\]": (FRAMES[..., :7], None),
    r"frames are \[2, 2, 1, 8, 8\]": (FRAMES.expand(2, -1, -1, -1, -1), None),
    r"frames are \[1, 0, 1, 8, 8\]": (FRAMES[:, :0], None),
    r"labels are \[3\]": (FRAMES, np.zeros(3, np.int64)),
}


@pytest.mark.parametrize("message", REFUSED)
def test_samples_that_do_not_fit(message):
    network = trained(motif_plan("FE"))
    with pytest.raises(InputError, match=message):
        Source(network, *REFUSED[message])
    with pytest.raises(InputError, match=message):
        Source(network, FRAMES, None, {}, *REFUSED[message])


def test_networks_that_do_not_fit():
    network = trained(motif_plan("FE"))
    network.steps = 9
    with pytest.raises(InputError, match="set to 9 time steps"):
        Source(network, FRAMES)
    with pytest.raises(InputError, match=r"in torch\.bfloat16"):
        Source(trained(motif_plan("FE")).to(torch.bfloat16), FRAMES)


@pytest.mark.parametrize(
    "about", [{"x": float("nan")}, {"x": np.ones(2)}, {"x": {1}}, {"x": "\ud800"}, {"x": "a" * 9_000_000}]
)
def test_what_is_told_must_be_json_of_a_size_that_is_read_back(about):
    with pytest.raises(InputError, match="what is told about the network"):
        replace(source(), about=about)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_frames_that_are_not_finite(number):
    given = source()
    with pytest.raises(InputError, match="not finite"):
        replace(given, frames=given.frames * number)


def test_recoding_needs_to_know_how_images_were_standardised():
    with pytest.raises(InputError, match="mean and standard deviation"):
        lowered(replace(source(), standard=None), Changes(encoding="poisson"))
    with pytest.raises(InputError, match="fed by the poisson code"):
        lowered(source(encoding="poisson"), Changes(encoding="latency"))


def test_lowering_reads_the_weights_as_they_are_now():
    given = source("FE")
    before = lowered(given).graph
    with torch.no_grad():
        given.network.weights[0].mul_(2)
    tensors = tensors_of(given.network)
    assert not np.array_equal(before.nodes[0].weight, lowered(given).graph.nodes[0].weight)
    assert all(np.array_equal(value, tensors[name]) for name, value in tensors_of(given.network).items())
