"""Networks as they would be deployed, on the bundled digits."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch

from msenas.errors import InputError, ProfileError
from msenas.evaluation import deployed as module
from msenas.evaluation.deployed import SPLITS, deploy
from msenas.phenotype.network import Network
from msenas.runs.best import write_best
from msenas.runs.weights import write_weights
from tests.conftest import motif_genome
from tests.evaluation.conftest import digits_best


@pytest.fixture
def trained(folder):
    """The same folder with weights that are not those of the seed."""
    network = deploy(folder, {}).network
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.01
    best = digits_best()
    write_best(folder / "best.json", msgspec.structs.replace(best, weights=write_weights(folder / "w.st", network)))
    return folder, network


def test_an_untrained_network_is_calibrated_and_repeatable(folder):
    first, second = deploy(folder, {}), deploy(folder / "best.json", {})
    assert not first.trained
    assert not first.network.training
    assert first.seed == 7
    state = second.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in first.network.state_dict().items())
    means = [norm.running_mean for norm in first.network.norms.values()]
    assert all(bool((mean != 0).any()) for mean in means)


def test_trained_weights_are_read_and_not_calibrated(trained):
    folder, network = trained
    found = deploy(folder, {})
    assert found.trained
    assert not found.network.training
    state = found.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 5}, "its weights were trained with another steps"),
        ({"encoding": "poisson"}, "another encoding"),
        ({"neuron": "if", "channels": 8}, "another channels, neuron"),
        ({"seed": 3}, "trained with seed 2; another one draws other splits"),
    ],
)
def test_trained_weights_fit_one_network_and_one_split(trained, options, message):
    with pytest.raises(InputError, match=message):
        deploy(trained[0], options)


def test_missing_or_damaged_weights(trained):
    folder, _ = trained
    content = (folder / "w.st").read_bytes()
    (folder / "w.st").write_bytes(content[:-1])
    with pytest.raises(InputError, match="sha256"):
        deploy(folder, {})
    (folder / "w.st").unlink()
    with pytest.raises(InputError, match=r"cannot read .*w\.st"):
        deploy(folder, {})


def test_the_profile_of_the_search_is_not_needed(folder):
    best = digits_best()
    gone = best.provenance | {"hardware": str(folder / "gone.toml")}
    write_best(folder / "best.json", msgspec.structs.replace(best, provenance=gone))
    assert len(deploy(folder, {}).dataset.test) > 0
    with pytest.raises(ProfileError):
        deploy(folder, {"hardware": str(folder / "gone.toml")})


def test_a_network_for_other_data(folder):
    best = digits_best()
    other = replace(best.network, input_shape=(2, 9, 9), reductions=())
    write_best(folder / "best.json", msgspec.structs.replace(best, network=other))
    with pytest.raises(InputError, match=r"best\.json has input_shape"):
        deploy(folder, {})


def test_a_bare_genome(tmp_path, stepwise):
    genome = motif_genome("FE", "FI")
    (tmp_path / "genome.json").write_text(json.dumps(list(genome.flat())))
    found = deploy(tmp_path / "genome.json", {"dataset": "digits", "channels": 4})
    assert not found.trained
    assert found.network.plan.spec.layers == 2


def test_samples_are_drawn_without_repetition(folder):
    found = deploy(folder, {})
    there = len(found.split("test"))
    some = found.choose("test", 20)
    assert len(set(some.tolist())) == 20
    assert (np.sort(some) == some).all()
    assert some.min() >= 0
    assert some.max() < there
    assert (found.choose("test", 20) == some).all()
    assert found.choose("test", None).tolist() == found.choose("test", 10**6).tolist() == list(range(there))
    other = replace(found, seed=8)
    assert other.choose("test", 20).tolist() != some.tolist()


@pytest.mark.parametrize("samples", [0, -1])
def test_no_samples_are_refused(folder, samples):
    with pytest.raises(InputError, match=f"samples must be at least 1, not {samples}"):
        deploy(folder, {}).choose("test", samples)


def test_unknown_splits_are_refused(folder):
    found = deploy(folder, {})
    assert [len(found.split(name)) > 0 for name in SPLITS] == [True] * 3
    for name in ("foo", "", "samples"):
        with pytest.raises(InputError, match="unknown split"):
            found.split(name)


@pytest.mark.parametrize("encoding", ["direct", "poisson", "latency"])
def test_batches_hold_every_sample_once_in_order(folder, encoding, monkeypatch):
    found = deploy(folder, {"encoding": encoding})
    places = found.choose("test", 10)
    monkeypatch.setattr(module, "BATCH", 4)
    batches = list(found.batches("test", places))
    assert [b.shape[1] for b in batches] == [4, 4, 2]
    assert all(b.shape[0] == (1 if encoding == "direct" else 3) for b in batches)
    again = list(found.batches("test", places))
    assert all(torch.equal(a, b) for a, b in zip(batches, again, strict=True))
    if encoding == "direct":
        images = torch.from_numpy(found.split("test").batch(places))
        mean, std = found.standard.mean[0], found.standard.std[0]
        assert torch.cat(batches, 1)[0] == pytest.approx((images - mean) / std, abs=1e-5)
    if encoding == "poisson":
        repeated = np.full(8, places[0])
        first, second = found.batches("test", repeated)
        assert not torch.equal(first, second), "every batch draws its own spikes"


def test_inputs_are_disturbed_before_they_are_encoded(folder, monkeypatch):
    found, drawn = deploy(folder, {}), []

    def dark(inputs, generator):
        drawn.append(float(torch.rand(1, generator=generator)))
        return torch.zeros_like(inputs)

    monkeypatch.setattr(module, "BATCH", 4)
    batches = list(replace(found, disturb=dark).batches("test", np.arange(8)))
    black = -found.standard.mean[0] / found.standard.std[0]
    assert torch.cat(batches, 1).unique().tolist() == pytest.approx([black])
    assert len(set(drawn)) == 2, "every batch has random numbers of its own"
    assert len(list(replace(found, disturb=dark).batches("test", np.arange(8)))) == 2
    assert drawn[2:] == drawn[:2]


def test_another_network_with_the_same_weights(folder):
    found = deploy(folder, {})
    other = found.with_network(Network(found.network.plan, seed=1))
    assert other.network is not found.network
    assert not other.network.training
    state = other.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in found.network.state_dict().items())
    assert (other.dataset, other.seed) == (found.dataset, found.seed)


@pytest.mark.parametrize("seed", [0, 2**45, 2**63 - 1])
def test_the_largest_seeds(folder, seed):
    found = deploy(folder, {"seed": seed, "encoding": "poisson"})
    (frames,) = found.batches("val", found.choose("val", 3))
    assert set(frames.unique().tolist()) <= {0.0, 1.0}
