from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from msenas.errors import DataError
from msenas.fitness.probe import Probe, draw_probe
from msenas.phenotype.encoding import Standard
from tests.conftest import small_spec

STANDARD = Standard((0.5,), (0.25,))
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Split:
    labels: np.ndarray
    samples: np.ndarray

    def batch(self, indices: np.ndarray) -> np.ndarray:
        return self.samples[indices]


def images(count: int = 40, classes: int = 4) -> Split:
    """The value of every pixel of sample i is i / count."""
    samples = np.broadcast_to(np.arange(count)[:, None, None, None] / count, (count, 1, 8, 8)).astype(np.float32)
    return Split(np.arange(count) % classes, samples)


def events(count: int = 12) -> Split:
    rng = np.random.default_rng(1)
    return Split(np.arange(count) % 3, rng.poisson(4, (count, 3, 1, 8, 8)).astype(np.float32))


def chosen(probe: Probe, count: int = 40) -> np.ndarray:
    return np.round(probe.clean[:, 0, 0, 0] * count).astype(int)


@pytest.mark.parametrize("pairs", [2, 4, 8, 10, 40])
def test_classes_are_balanced_and_no_sample_comes_twice(pairs):
    indices = chosen(draw_probe(images(), pairs, STANDARD, events=False, seed=0))
    counts = np.bincount(indices % 4, minlength=4)
    assert len(set(indices)) == pairs == counts.sum()
    assert counts.max() - counts.min() <= 1


def test_a_rare_class_gives_what_it_has():
    split = replace(images(), labels=np.array([0] * 37 + [1] * 3))
    indices = chosen(draw_probe(split, 10, STANDARD, events=False, seed=0))
    assert (indices >= 37).sum() == 3
    assert len(indices) == 10


def test_the_seed_fixes_everything():
    first, same, other = (draw_probe(images(), 8, STANDARD, events=False, seed=s) for s in (0, 0, 1))
    assert first.digest == same.digest != other.digest
    np.testing.assert_array_equal(first.noisy, same.noisy)
    assert chosen(first).tolist() != chosen(other).tolist()


def test_noise_on_images_is_in_units_of_their_deviation():
    probe = draw_probe(images(), 40, STANDARD, events=False, seed=0, noise=0.1)
    disturbance = probe.noisy - probe.clean
    assert probe.clean.dtype == probe.noisy.dtype == np.float32
    assert disturbance.std() == pytest.approx(0.1 * 0.25, rel=0.05)
    assert abs(disturbance.mean()) < 0.002


def test_events_get_lost_and_none_is_gained():
    probe = draw_probe(events(), 12, STANDARD, events=True, seed=0)
    assert (probe.noisy <= probe.clean).all()
    assert (probe.noisy == np.round(probe.noisy)).all()
    assert 1 - probe.noisy.sum() / probe.clean.sum() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("with_events", [True, False])
def test_without_noise_the_copies_are_equal(with_events):
    split = events() if with_events else images()
    probe = draw_probe(split, 4, STANDARD, events=with_events, seed=0, noise=0.0)
    np.testing.assert_array_equal(probe.noisy, probe.clean)


@pytest.mark.parametrize("pairs", [-1, 0, 1, 41])
def test_too_few_or_too_many_pairs_are_refused(pairs):
    with pytest.raises(DataError, match=str(pairs)) as error:
        draw_probe(images(), pairs, STANDARD, events=False, seed=0)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("encoding", "steps"), [("direct", 1), ("poisson", 3), ("latency", 3), ("events", 3)])
def test_frames_hold_the_samples_then_their_copies(encoding, steps):
    split = events() if encoding == "events" else images()
    probe = draw_probe(split, 5, STANDARD, events=encoding == "events", seed=0, noise=0.0)
    frames = probe.frames(small_spec(1, encoding=encoding), CPU)
    assert frames.shape == (steps, 10, 1, 8, 8)
    assert torch.equal(frames[:, :5], frames[:, 5:]), "both halves get the same random numbers"
    assert torch.equal(frames, probe.frames(small_spec(1, encoding=encoding), CPU))


def test_halving_keeps_the_first_pairs():
    probe = draw_probe(images(), 9, STANDARD, events=False, seed=0)
    half = probe.halved()
    assert half.pairs == 4
    np.testing.assert_array_equal(half.clean, probe.clean[:4])
    np.testing.assert_array_equal(half.noisy, probe.noisy[:4])
    assert half.halved().pairs == 2
    with pytest.raises(DataError, match="2 pairs"):
        half.halved().halved()


def test_halving_keeps_the_classes_of_a_split_sorted_by_class():
    split = replace(images(), labels=np.repeat(np.arange(4), 10))
    half = draw_probe(split, 16, STANDARD, events=False, seed=0).halved()
    assert np.bincount(chosen(half) // 10, minlength=4).tolist() == [2, 2, 2, 2]
