"""What each noise does, and that it does nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from msenas.errors import InputError
from msenas.evaluation.curve import run_at
from msenas.evaluation.deployed import deploy, undisturbed
from msenas.evaluation.robustness import (
    NOISES,
    LossyNetwork,
    check_noises,
    chosen_noises,
    drop_spikes,
    gaussian,
    quantised,
    quantised_weights,
    rounds,
    salt,
)
from msenas.hardware.census import take_census
from msenas.phenotype.encoding import Standard
from msenas.phenotype.network import Network
from tests.conftest import motif_plan

GREY = 0.5


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def nothing(count):
    pass


def watch(network, frames):
    """Scores, and the spikes that each population sends, [T, B, C, H, W]."""
    seen = {}
    with torch.no_grad():
        scores = network(frames, lambda name, spikes: seen.update({name: spikes.float().clone()}))
    return scores, seen


@pytest.fixture
def found(folder):
    return deploy(folder, {})


@pytest.mark.parametrize("name", NOISES)
def test_every_noise_of_the_table_is_repeatable_and_leaves_the_network_alone(found, name):
    noise = NOISES[name]
    before = {key: value.clone() for key, value in found.network.state_dict().items()}
    first, second = (run_at(s, noise.apply(found, s), "test", 40, nothing) for s in [noise.strengths[-1]] * 2)
    assert first == second
    clean = run_at(first.at, found, "test", 40, nothing)
    assert (first.spikes, first.synops) != (clean.spikes, clean.synops)
    assert all(torch.equal(value, before[key]) for key, value in found.network.state_dict().items())
    assert found.disturb is undisturbed


@pytest.mark.parametrize("name", [name for name in NOISES if name != "weights-Nbit"])
def test_another_seed_is_another_noise(found, name):
    strength = NOISES[name].strengths[-1]
    places, spikes = np.arange(30), []
    for seed in (1, 2):
        noisy = NOISES[name].apply(replace(found, seed=seed), strength)
        spikes.append(take_census(noisy.network, noisy.batches("test", places)).per_sample["spikes"].tolist())
    assert spikes[0] != spikes[1]


@pytest.mark.parametrize("name", ["gaussian", "salt", "drop-spikes"])
def test_no_noise_at_strength_0(found, name):
    assert run_at(0, NOISES[name].apply(found, 0.0), "test", 40, nothing) == run_at(0, found, "test", 40, nothing)


def test_the_strengths_rise(found):
    for name, noise in NOISES.items():
        ordered = sorted(noise.strengths, reverse=name == "weights-Nbit")
        assert list(noise.strengths) == ordered
        assert len(set(ordered)) == len(ordered) >= 4


def test_gaussian_noise_is_in_standard_deviations_of_each_channel(found):
    images = torch.full((50, 2, 20, 20), GREY)
    # How the network wants its images has no say in it.
    found = replace(found, dataset=replace(found.dataset, std=(0.1, 0.4)), standard=Standard((0.0,) * 2, (1.0,) * 2))
    noise, double = (gaussian(found, s).disturb(images, generator()) - GREY for s in (0.5, 1.0))
    assert noise.mean((0, 2, 3)).tolist() == pytest.approx([0, 0], abs=0.01)
    assert noise.std((0, 2, 3)).tolist() == pytest.approx([0.05, 0.2], rel=0.05)
    assert torch.allclose(double, 2 * noise, atol=1e-6), "the points of a curve share their random numbers"


@pytest.mark.parametrize("encoding", ["poisson", "latency"])
def test_the_spiking_codes_get_brightness(folder, encoding):
    noisy = gaussian(deploy(folder, {"encoding": encoding}), 5.0).disturb(torch.full((9, 1, 8, 8), GREY), generator())
    assert (float(noisy.min()), float(noisy.max())) == (0.0, 1.0)


def test_salt_turns_a_share_of_the_pixels_black_or_white_in_all_channels(found):
    images = torch.full((50, 3, 40, 40), GREY)
    salted, more = (salt(found, share).disturb(images, generator()) for share in (0.1, 0.2))
    assert torch.equal(salted.amin(1), salted.amax(1))
    hit = salted[:, 0] != GREY
    assert float(hit.float().mean()) == pytest.approx(0.1, abs=0.005)
    assert set(salted[:, 0][hit].tolist()) == {0.0, 1.0}
    assert float(salted[:, 0][hit].mean()) == pytest.approx(0.5, abs=0.02)
    assert torch.equal(more[:, 0][hit], salted[:, 0][hit]), "what a weak noise hits, a strong one hits in the same way"


def test_salt_on_event_frames_hits_single_cells(found):
    events = replace(found, dataset=replace(found.dataset, kind="events"))
    counts = torch.full((10, 4, 2, 20, 20), 7.0)
    salted = salt(events, 0.3).disturb(counts, generator())
    assert set(salted.unique().tolist()) == {0.0, 1.0, 7.0}
    assert float((salted != 7).float().mean()) == pytest.approx(0.3, abs=0.02)
    assert not torch.equal(salted[:, :, 0], salted[:, :, 1])


def test_gaussian_noise_on_events_is_refused(found):
    events = replace(found, dataset=replace(found.dataset, kind="events"))
    check_noises(events, chosen_noises("salt,drop-spikes,weights-4bit"))
    with pytest.raises(InputError, match="gaussian noise is for images, not for event frames; these take salt"):
        check_noises(events, chosen_noises("salt,gaussian"))


@pytest.mark.parametrize("motifs", [("FE", "LI"), ("FbI", "MI")])
def test_no_spike_is_left_when_all_are_lost(stepwise, motifs):
    plan = motif_plan(*motifs)
    lossy = LossyNetwork(plan, 1.0, generator()).eval()
    with torch.no_grad():
        lossy.readout.bias.copy_(torch.tensor([1.0, 2.0, 3.0]))
    scores, seen = watch(lossy, torch.rand(1, 5, 1, 8, 8))
    assert set(seen) == {p.name for p in plan.populations}
    assert not any(spikes.any() for spikes in seen.values())
    assert scores.tolist() == [[1.0, 2.0, 3.0]] * 5


def test_a_share_of_the_spikes_is_lost_and_neurons_are_reset_all_the_same(stepwise):
    plan, frames = motif_plan("FE"), torch.rand(1, 200, 1, 8, 8, generator=generator(1))
    fired = watch(Network(plan).eval(), frames)[1]["L1.E1"]
    sent = {s: watch(LossyNetwork(plan, s, generator()).eval(), frames)[1]["L1.E1"] for s in (0.1, 0.4)}
    assert (sent[0.4] <= sent[0.1]).all()
    assert (sent[0.1] <= fired).all()
    for share, spikes in sent.items():
        assert 1 - float(spikes.sum() / fired.sum()) == pytest.approx(share, abs=0.02)


def test_counts_are_of_what_is_sent(stepwise):
    plan, frames = motif_plan("FbI", "LI"), torch.rand(1, 6, 1, 8, 8, generator=generator(1))
    lossy = LossyNetwork(plan, 0.5, generator(4)).eval()
    seen = watch(lossy, frames)[1]
    again = LossyNetwork(plan, 0.5, generator(4))
    census = take_census(again, [frames])
    assert {n: p.spikes for n, p in census.counts.populations.items()} == {n: s.sum() for n, s in seen.items()}
    assert census.per_sample["spikes"].sum() < take_census(Network(plan), [frames]).per_sample["spikes"].sum()


def test_the_lossy_network_has_the_weights_of_the_other(found):
    lossy = drop_spikes(found, 0.0)
    (frames,) = found.batches("test", np.arange(10))
    assert torch.equal(watch(lossy.network, frames)[0], watch(found.network, frames)[0])
    assert not lossy.network.training


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (2, [[1.0, 0.0, -1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.03]]),
        (3, [[1.0, 1 / 3, -2 / 3], [0.0, 0.0, 0.0], [0.01, 0.0, 0.03]]),
    ],
)
def test_rounding_by_hand(bits, expected):
    weight = torch.tensor([[1.0, 0.4, -0.6], [0.0, 0.0, 0.0], [0.011, 0.001, 0.03]])
    assert quantised(weight, bits).tolist() == [pytest.approx(row, abs=1e-6) for row in expected]


@given(st.integers(2, 16), st.integers(0, 2**32), st.floats(1e-3, 1e3))
def test_laws_of_rounding(bits, seed, scale):
    weight = scale * torch.randn(3, 2, 3, 3, generator=generator(seed))
    found, largest = quantised(weight, bits), weight.abs().flatten(1).amax(1)[:, None, None, None]
    step = largest / (2 ** (bits - 1) - 1)
    assert ((found - weight).abs() <= step * 0.501).all()
    assert torch.allclose(found.abs().flatten(1).amax(1), largest.flatten(), rtol=1e-5)
    assert all(len((channel / s).round().unique()) <= 2**bits - 1 for channel, s in zip(found, step, strict=True))
    assert (found * weight >= 0).all()
    assert torch.allclose(quantised(found, bits), found, rtol=1e-5, atol=0)
    gain = torch.tensor([0.5, 4.0, 2.0])[:, None, None, None]
    assert torch.equal(quantised(weight * gain, bits), found * gain), "as after folding a gain of each channel"


def test_all_weights_are_rounded_and_nothing_else(found):
    rounded = quantised_weights(found, 3).network
    for weight in (*rounded.weights, rounded.readout.weight):
        assert all(len(channel.unique()) <= 7 for channel in weight)
    same = {name for name, v in rounded.state_dict().items() if torch.equal(v, found.network.state_dict()[name])}
    changed = set(rounded.state_dict()) - same
    assert changed == {f"weights.{i}" for i in range(len(rounded.weights))} | {"readout.weight"}


def test_many_bits_change_next_to_nothing(found):
    (frames,) = found.batches("test", np.arange(20))
    fine = quantised_weights(found, 16).network
    for mine, other in zip(fine.weights, found.network.weights, strict=True):
        assert (mine - other).abs().max() <= other.abs().max() / 30_000
    assert watch(fine, frames)[0].shape == (20, 10)


def test_lists_of_noises():
    assert chosen_noises("salt, gaussian,") == {"salt": NOISES["salt"], "gaussian": NOISES["gaussian"]}
    assert {
        name: noise.strengths for name, noise in chosen_noises("weights-4bit,weights-7bit,weights-16bit").items()
    } == {
        "weights-4bit": (8, 6, 5, 4),
        "weights-7bit": (8, 7),
        "weights-16bit": (16,),
    }
    assert chosen_noises("weights-2bit")["weights-2bit"] == chosen_noises("weights-Nbit")["weights-Nbit"]
    assert rounds(chosen_noises("salt,weights-16bit").values()) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--noise needs different kinds of gaussian, salt, drop-spikes, weights-Nbit; not ''"),
        ("salt,salt", "different kinds"),
        ("pepper", "unknown noise 'pepper'"),
        ("gausian", "did you mean 'gaussian'"),
        ("weights-1bit", "weights are rounded to 2 to 16 bits"),
        ("weights-17bit", "weights are rounded to 2 to 16 bits"),
        ("weights-bit", "unknown noise"),
        ("weights-9999bit", "unknown noise"),
    ],
)
def test_other_noises_are_refused(text, message):
    with pytest.raises(InputError, match=message):
        chosen_noises(text)
