"""Batches: each sample at most once an epoch, and the same for the same seed."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from msenas.learning.config import TrainConfig
from msenas.learning.feed import Feed, calibration_frames, evaluation_batches
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import small_spec
from tests.learning.small import dataset, events, standard

pytestmark = pytest.mark.usefixtures("same_global_random_state")
SPEC = small_spec(1, steps=2)
LARGEST_SEED = 2**63 - 1


def feed(data=None, spec=SPEC, **options):
    data = data or dataset()
    return Feed(data, spec, standard(data), TrainConfig(**({"augment": ("none",), "batch": 16} | options)))


def test_shapes_of_a_batch():
    batch = next(feed().epoch(0))
    assert (batch.images.shape, batch.frames.shape) == ((16, 1, 8, 8), (1, 16, 1, 8, 8))
    assert batch.targets.sum(1).tolist() == [1.0] * 16


def test_events_come_step_by_step():
    data = events()
    spec = NetworkSpec((2, 8, 8), 3, 1, steps=3, channels=4, reductions=(), encoding="events")
    batch = next(feed(data, spec, batch=4, augment=("shift", "drop"), mix=1.0).epoch(0))
    assert (batch.images.shape, batch.frames.shape) == ((4, 3, 2, 8, 8), (3, 4, 2, 8, 8))
    assert torch.equal(batch.frames, batch.frames.round())


def test_every_sample_comes_at_most_once_in_an_order_of_each_epoch():
    source = feed()
    assert source.steps == len(source.split) // 16
    epochs = [torch.cat([b.images for b in source.epoch(n)]) for n in (0, 1, 0)]
    stored = {row.tobytes() for row in source.split.batch(np.arange(len(source.split)))}
    seen = [image.numpy().tobytes() for image in epochs[0]]
    assert len(set(seen)) == len(seen) == source.steps * 16
    assert set(seen) <= stored
    assert torch.equal(epochs[0], epochs[2])
    assert not torch.equal(epochs[0], epochs[1])


def test_targets_are_those_of_the_images():
    source = feed(batch=48)
    batch = next(source.epoch(3))
    stored = source.split.batch(np.arange(len(source.split)))
    labels = {image.tobytes(): int(label) for image, label in zip(stored, source.split.labels, strict=True)}
    assert batch.targets.argmax(1).tolist() == [labels[image.numpy().tobytes()] for image in batch.images]


@pytest.mark.parametrize("options", [{"augment": ("rotate",)}, {"mix": 1.0}], ids=str)
def test_a_batch_depends_on_seed_epoch_and_step_alone(options):
    whole = [b.images for b in feed(**options).epoch(1)]
    for step, batch in enumerate(feed(**options).epoch(1)):
        assert torch.equal(batch.images, whole[step])
    other = next(feed(**options, seed=1).epoch(1)).images
    assert not torch.equal(other, whole[0])


def test_a_coded_input_depends_on_the_seed_too():
    spec = small_spec(1, steps=2, encoding="poisson")
    first, again = (next(feed(spec=spec).epoch(0)).frames for _ in range(2))
    assert first.shape == (2, 16, 1, 8, 8)
    assert torch.equal(first, again)
    assert set(first.unique().tolist()) == {0.0, 1.0}


def test_a_batch_larger_than_the_split_is_the_split():
    source = feed(batch=1000)
    assert (source.size, source.steps) == (len(source.split), 1)


def test_an_epoch_that_is_left_early_leaves_no_thread_behind():
    before = threading.active_count()
    batches = feed().epoch(0)
    next(batches)
    batches.close()
    assert threading.active_count() == before


@pytest.mark.parametrize("seed", [0, LARGEST_SEED])
def test_any_seed_serves(seed):
    data = dataset()
    spec = small_spec(1, steps=2, encoding="poisson")
    assert next(feed(spec=spec, seed=seed).epoch(0)).frames.shape[1] == 16
    assert next(iter(evaluation_batches(data.val, spec, standard(data), seed)))[0].shape[0] == 2
    assert next(iter(calibration_frames(data.train, spec, standard(data), seed))).shape[0] == 2


def test_a_whole_split_is_evaluated_in_order(monkeypatch):
    monkeypatch.setattr("msenas.learning.feed.EVALUATED", 10)
    data = dataset(90)
    found = list(evaluation_batches(data.train, SPEC, standard(data), 0))
    assert [len(labels) for _, labels in found[:-1]] == [10] * (len(found) - 1)
    assert 1 <= len(found[-1][1]) <= 10
    assert np.concatenate([labels for _, labels in found]).tolist() == data.train.labels.tolist()
    assert found[0][0].shape == (1, 10, 1, 8, 8)


def test_normalisation_is_estimated_from_samples_drawn_without_repetition(monkeypatch):
    monkeypatch.setattr("msenas.learning.feed.CALIBRATION", 30)
    monkeypatch.setattr("msenas.learning.feed.EVALUATED", 20)
    data = dataset()
    found = list(calibration_frames(data.train, SPEC, standard(data), 4))
    assert [frames.shape[1] for frames in found] == [20, 10]
    assert len({f.numpy().tobytes() for frames in found for f in frames[0]}) == 30
    again = list(calibration_frames(data.train, SPEC, standard(data), 4))
    assert all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
