"""Estimates from real samples: where they came from, and that they are those of a census."""

from __future__ import annotations

from dataclasses import replace

import pytest

from msenas.data import Split
from msenas.errors import InputError, ProfileError
from msenas.evaluation.deployed import deploy
from msenas.evaluation.estimate import estimate
from msenas.hardware import placement
from msenas.hardware.census import take_census
from msenas.hardware.profile import chosen_profiles, profile_names
from msenas.hardware.report import kinds_of_cores


def nothing(count):
    pass


def test_an_estimate_is_the_census_of_the_chosen_samples(folder):
    found, profiles, done = deploy(folder, {}), chosen_profiles("generic-45nm,loihi1"), []
    estimated = estimate(found, profiles, "test", 70, done.append)
    assert (estimated.split, estimated.samples, done) == ("test", 70, [64, 6])
    places = found.choose("test", 70)
    census = take_census(found.network, found.batches("test", places), kinds_of_cores(profiles))
    assert estimated.report.census.counts == census.counts
    right = census.predicted == found.split("test").labels[places]
    assert estimated.accuracy == right.mean()


@pytest.mark.parametrize("encoding", ["direct", "poisson", "latency"])
def test_one_sample_on_every_profile(folder, encoding):
    found = deploy(folder, {"encoding": encoding})
    estimated = estimate(found, chosen_profiles("all"), "val", 1, nothing)
    report = estimated.report
    assert {e.profile.name for e in report.estimates} | set(report.refused) == set(profile_names())
    for one in report.estimates:
        if one.spread is not None:
            assert one.spread["p5"] == one.spread["p95"] == pytest.approx(one.energy.joule.nominal, rel=1e-9)


def test_more_samples_than_there_are(folder):
    found = deploy(folder, {})
    estimated = estimate(found, chosen_profiles("generic-45nm"), "val", 10**6, nothing)
    assert estimated.samples == len(found.dataset.val)


def test_an_empty_split_is_refused(folder):
    found = deploy(folder, {})
    val = found.dataset.val
    empty = Split(val.samples, val.rows[:0], val.labels[:0])
    without = replace(found, dataset=replace(found.dataset, val=empty))
    with pytest.raises(InputError, match="the val split of digits has no samples"):
        estimate(without, chosen_profiles("generic-45nm"), "val", 5, nothing)


def test_profiles_by_name_and_path(tmp_path):
    from importlib import resources

    own = tmp_path / "own.toml"
    text = resources.files("hw_profiles").joinpath("loihi1.toml").read_text().replace('"loihi1"', '"own"')
    own.write_text(text)
    assert [p.name for p in chosen_profiles(f"loihi1, {own},")] == ["loihi1", "own"]
    assert [p.name for p in chosen_profiles("all")] == list(profile_names())


@pytest.mark.parametrize("names", ["", ",", " , ", "loihi1,loihi1", "odin, loihi1 ,odin"])
def test_no_profile_or_one_twice_is_refused(names):
    with pytest.raises(InputError, match="--hardware needs different profiles, not"):
        chosen_profiles(names)


@pytest.mark.parametrize("names", ["loihi3", "all,loihi1", "../loihi1", "nowhere.toml"])
def test_unknown_profiles_are_refused(names):
    with pytest.raises(ProfileError):
        chosen_profiles(names)


def test_a_chip_with_too_many_too_small_cores_is_refused_alone(folder, monkeypatch):
    # the six populations fit one core of Loihi each; with one neuron to a core they need hundreds
    monkeypatch.setattr(placement, "MOST_CORES", 12)
    good = chosen_profiles("loihi1")[0]
    bad = replace(good, name="crumbs", capacity=replace(good.capacity, neurons_per_core=1))
    report = estimate(deploy(folder, {}), [good, bad], "test", 2, nothing).report
    assert [e.profile.name for e in report.estimates] == ["loihi1"]
    assert "at most 12 are placed" in report.refused["crumbs"]
    with pytest.raises(ProfileError, match=r"crumbs.*at most 12"):
        estimate(deploy(folder, {}), [bad], "test", 2, nothing)
