"""What a training is about: splits that must hold samples, the digest of the data, the price of energy."""

from __future__ import annotations

import dataclasses

import msgspec
import numpy as np
import pytest
import torch

from msenas.errors import InputError
from msenas.hardware.counts import SpikeCounts, count
from msenas.hardware.energy import estimate
from msenas.hardware.profile import load_profile
from msenas.learning.config import TrainConfig
from msenas.learning.objective import reach_by_source
from msenas.runs.best import read_best
from msenas.training.config import build_train_config
from msenas.training.subject import _pressure, check_early_steps, make_trainer, open_task
from tests.conftest import motif_plan
from tests.learning.small import write_files, write_npz


@pytest.fixture
def best(tmp_path):
    return read_best(write_files(tmp_path))


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_every_split_must_hold_samples(best, monkeypatch, split):
    from msenas.training import subject

    real = subject.prepare_subject

    def without(*a, **b):
        prepared = real(*a, **b)
        full = getattr(prepared.dataset, split)
        none = dataclasses.replace(full, rows=full.rows[:0], labels=full.labels[:0])
        return dataclasses.replace(prepared, dataset=dataclasses.replace(prepared.dataset, **{split: none}))

    monkeypatch.setattr(subject, "prepare_subject", without)
    with pytest.raises(InputError, match=f"npz has no samples in its {split} split"):
        open_task(best, TrainConfig())


def test_too_few_samples_for_the_splits(best, tmp_path):
    write_npz(tmp_path / "arrays.npz", samples=3)
    with pytest.raises(InputError) as caught:
        open_task(best, TrainConfig())
    assert "\n" not in str(caught.value)


def test_the_splits_do_not_depend_on_the_seed_of_the_training(best):
    first, second = (open_task(best, build_train_config({"seed": seed})) for seed in (0, 5))
    assert first.dataset.test.rows.tolist() == second.dataset.test.rows.tolist()
    assert first.digest == second.digest


def test_other_pixels_have_another_digest(best, tmp_path):
    before = open_task(best, TrainConfig()).digest
    write_npz(tmp_path / "arrays.npz", seed=8)
    assert open_task(best, TrainConfig()).digest != before


def test_energy_is_what_the_estimate_says():
    """Price times synaptic operations, plus what no weight changes, for spikes of one population."""
    plan, budget = motif_plan("FE", "FE"), 1.0
    pressure = _pressure(plan, TrainConfig(energy_weight=1.0, energy_budget=budget))
    maps = {p.name: np.zeros((p.height, p.width), np.int64) for p in plan.populations}
    maps["L1.E1"][2, 2] = 1
    counts = count(plan, SpikeCounts(1, maps))
    energy = estimate(plan, counts, load_profile("generic-45nm")).joule.nominal
    operations = float(reach_by_source(plan)["L1.E1"][2, 2])
    assert operations > 0
    assert energy - pressure.fixed == pytest.approx(operations * pressure.joule_per_synop, rel=1e-6)


@pytest.mark.parametrize("steps", [2, 3])
def test_early_steps_are_fewer_than_all(best, steps):
    task = open_task(best, TrainConfig())
    assert task.spec.steps == 2
    for fewer in (None, 1):
        check_early_steps(task, TrainConfig(early_steps=fewer))
    with pytest.raises(InputError, match=rf"fewer than the time steps of the network \(T = 2\), not {steps}$"):
        check_early_steps(task, TrainConfig(early_steps=steps))


def test_early_steps_need_images_that_stay(best):
    poisson = msgspec.structs.replace(best, network=dataclasses.replace(best.network, encoding="poisson"))
    config = build_train_config({"early_steps": 1})
    with pytest.raises(InputError, match="not poisson encoding"):
        make_trainer(open_task(poisson, config), config, torch.device("cpu"), lambda loss: None)
