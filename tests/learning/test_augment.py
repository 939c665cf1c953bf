"""Augmentations: shapes, ranges, seeds, counts of events, and targets of mixed samples."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from msenas.errors import InputError
from msenas.learning.augment import (
    COLOURS_ONLY,
    EVENTS,
    IMAGES,
    augmentation,
    drop_events,
    flip_events,
    mixed,
    shift_events,
)

pytestmark = pytest.mark.usefixtures("same_global_random_state")


def images(count=8, channels=3, side=16):
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(3))


def frames(count=8, steps=3, side=12):
    rate = torch.full((count, steps, 2, side, side), 2.0)
    return torch.poisson(rate, generator=torch.Generator().manual_seed(4))


def augment(name, batch, seed):
    events = batch.ndim == 5
    return augmentation((name,), "cifar10", tuple(batch.shape[-3:]), events)(batch, seed)


@pytest.mark.parametrize("name", IMAGES)
def test_images_keep_shape_and_range_and_follow_the_seed(name):
    batch = images()
    kept = batch.clone()
    found = augment(name, batch, 11)
    assert found.shape == batch.shape
    assert found.dtype == torch.float32
    assert 0.0 <= float(found.min()) <= float(found.max()) <= 1.0
    assert torch.equal(found, augment(name, batch, 11))
    assert not torch.equal(found, augment(name, batch, 12))
    assert torch.equal(batch, kept)


@pytest.mark.parametrize("name", sorted(set(IMAGES) - set(COLOURS_ONLY)))
@pytest.mark.parametrize("shape", [(1, 8, 8), (2, 8, 12)])
def test_images_of_other_shapes(name, shape):
    batch = torch.rand(4, *shape, generator=torch.Generator().manual_seed(1))
    assert augment(name, batch, 0).shape == batch.shape


@pytest.mark.parametrize("name", EVENTS)
def test_events_stay_counts_and_follow_the_seed(name):
    batch = frames()
    kept = batch.clone()
    found = augment(name, batch, 5)
    assert found.shape == batch.shape
    assert torch.equal(found, found.round())
    assert float(found.min()) >= 0
    assert float(found.sum()) <= float(batch.sum())
    assert torch.equal(found, augment(name, batch, 5))
    assert not torch.equal(found, augment(name, batch, 6))
    assert torch.equal(batch, kept)


def test_one_event_is_moved_by_at_most_a_tenth_and_alike_in_every_step():
    batch = torch.zeros(40, 2, 1, 20, 20)
    batch[:, :, 0, 10, 10] = 3.0
    found = shift_events(batch, torch.Generator().manual_seed(0))
    places = found.nonzero()
    assert torch.equal(found[:, 0], found[:, 1])
    assert len(places) == 80
    assert {int(v) for v in places[:, 3]} == {8, 9, 10, 11, 12}
    assert {int(v) for v in places[:, 4]} == {8, 9, 10, 11, 12}


def test_events_that_are_moved_out_are_lost():
    batch = torch.zeros(30, 1, 1, 10, 10)
    batch[..., 0, 0] = 1.0
    left = shift_events(batch, torch.Generator().manual_seed(0)).sum((1, 2, 3, 4))
    assert set(left.tolist()) == {0.0, 1.0}


def test_about_half_of_the_recordings_are_mirrored():
    batch = frames(64)
    found = flip_events(batch, torch.Generator().manual_seed(0))
    turned = [torch.equal(f, b.flip(-1)) for f, b in zip(found, batch, strict=True)]
    same = [torch.equal(f, b) for f, b in zip(found, batch, strict=True)]
    assert all(t != s for t, s in zip(turned, same, strict=True))
    assert 20 <= sum(turned) <= 44


def test_a_tenth_of_the_events_is_lost():
    batch = frames(20)
    found = drop_events(batch, torch.Generator().manual_seed(0))
    assert bool((found <= batch).all())
    assert float(found.sum() / batch.sum()) == pytest.approx(0.9, abs=0.01)


def test_none_changes_nothing():
    assert torch.equal(augment("none", images(), 0), images())
    assert torch.equal(augment("none", frames(), 0), frames())


@pytest.mark.parametrize(("name", "batch"), [("mnist", images(channels=1)), ("cifar10", images()), ("x", frames())])
def test_automatic_choice_fits_the_data(name, batch):
    chosen = augmentation(("auto",), name, tuple(batch.shape[-3:]), batch.ndim == 5)
    assert not torch.equal(chosen(batch, 0), batch)


@pytest.mark.parametrize(
    ("name", "shape", "events", "said"),
    [
        ("drop", (3, 8, 8), False, "unknown augmentation of images 'drop'"),
        ("crop", (2, 8, 8), True, "unknown augmentation of events 'crop'"),
        ("randaugment", (1, 8, 8), False, "augmentation 'randaugment' needs 3 channels; digits has 1"),
        ("trivial", (1, 8, 8), False, "augmentation 'trivial' needs 3 channels"),
    ],
)
def test_what_does_not_fit_is_refused(name, shape, events, said):
    with pytest.raises(InputError, match=said):
        augmentation((name,), "digits", shape, events)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**62), st.floats(1e-9, 10.0), st.booleans(), st.integers(2, 7))
def test_targets_are_mixed_as_the_pixels_are(seed, strength, events, side):
    targets = torch.eye(3)[torch.tensor([0, 1, 2, 0, 1])]
    inputs = targets[:, :, None, None].expand(-1, -1, side, side + 1)
    if events:
        inputs = inputs[:, None].expand(-1, 2, -1, -1, -1)
    found, wanted = mixed(inputs.contiguous(), targets, strength, seed)
    area = found.mean((-1, -2))
    assert wanted.sum(1) == pytest.approx(torch.ones(5), abs=1e-5)
    assert (area[:, 0] if events else area) == pytest.approx(wanted, abs=1e-5)
    assert not events or torch.equal(found, found.round())


def test_both_ways_of_mixing_occur():
    targets = torch.eye(2)
    inputs = targets[:, :, None, None].expand(-1, -1, 8, 8).contiguous()
    kinds = set()
    for seed in range(40):
        found, wanted = mixed(inputs, targets, 1.0, seed)
        again, _ = mixed(inputs, targets, 1.0, seed)
        assert torch.equal(found, again)
        if not torch.equal(wanted, targets):
            kinds.add(torch.equal(found, found.round()))
    assert kinds == {True, False}
