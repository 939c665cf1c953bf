from __future__ import annotations

import pytest
import torch

from msenas.errors import DataError, InputError
from msenas.phenotype.encoding import ENCODERS, Standard, encode, standardise
from msenas.phenotype.spec import NetworkSpec

STANDARD = Standard((0.5, 0.25), (0.5, 0.125))


def spec(encoding: str, steps: int = 4) -> NetworkSpec:
    return NetworkSpec((2, 3, 5), classes=2, layers=1, steps=steps, encoding=encoding)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int = 6) -> torch.Tensor:
    return torch.rand(count, 2, 3, 5, generator=seeded(7))


def test_direct_is_one_standardised_frame():
    frames = encode(images(), spec("direct"), STANDARD, seeded())
    assert frames.shape == (1, 6, 2, 3, 5)
    torch.testing.assert_close(frames[0, :, 0], (images()[:, 0] - 0.5) / 0.5)
    torch.testing.assert_close(frames[0, :, 1], (images()[:, 1] - 0.25) / 0.125)


def test_standardised_by_its_own_statistics_has_mean_0_and_variance_1():
    batch = images(500)
    own = Standard(tuple(batch.mean((0, 2, 3)).tolist()), tuple(batch.std((0, 2, 3)).tolist()))
    result = standardise(batch, own)
    torch.testing.assert_close(result.mean((0, 2, 3)), torch.zeros(2), atol=1e-5, rtol=0)
    torch.testing.assert_close(result.std((0, 2, 3)), torch.ones(2))


def test_poisson_fires_at_the_rate_of_the_intensity():
    one = torch.linspace(0, 1, 30).view(1, 2, 3, 5)
    frames = encode(one, spec("poisson", 4000), STANDARD, seeded())
    assert frames.shape == (4000, 1, 2, 3, 5)
    assert set(frames.unique().tolist()) == {0.0, 1.0}
    rates = frames.mean(0)
    torch.testing.assert_close(rates, one, atol=0.04, rtol=0)
    assert (rates.flatten()[0], rates.flatten()[-1]) == (0, 1)


def test_poisson_depends_on_the_generator_alone():
    first, same, other = (encode(images(), spec("poisson"), STANDARD, seeded(s)) for s in (1, 1, 2))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("steps", [1, 2, 4, 16])
def test_latency_fires_at_most_once_and_brighter_is_not_later(steps):
    one = torch.linspace(0, 1, 30).view(1, 2, 3, 5)
    frames = encode(one, spec("latency", steps), STANDARD, seeded())
    assert frames.shape == (steps, 1, 2, 3, 5)
    assert set(frames.unique().tolist()) <= {0.0, 1.0}
    trains = frames.view(steps, 30)
    assert trains.sum(0).max() == 1
    times = [trains[:, i].argmax().item() if trains[:, i].any() else steps for i in range(30)]
    assert times == sorted(times, reverse=True)
    assert (times[0], times[-1]) == (steps, 0)


def test_latency_spreads_over_the_time_steps():
    one = torch.linspace(0, 1, 30).view(1, 2, 3, 5)
    frames = encode(one, spec("latency", 4), STANDARD, seeded())
    assert (frames.sum((1, 2, 3, 4)) > 0).all()


def test_event_frames_get_time_first():
    counts = torch.arange(2 * 4 * 30).view(2, 4, 2, 3, 5)
    frames = encode(counts, spec("events"), STANDARD, seeded())
    assert frames.shape == (4, 2, 2, 3, 5)
    assert frames.dtype == torch.float32
    assert torch.equal(frames[3, 1], counts[1, 3].float())


@pytest.mark.parametrize("encoding", ENCODERS)
def test_samples_of_another_shape_are_refused_with_both_shapes(encoding):
    wanted = "4x2x3x5" if encoding == "events" else "2x3x5"
    for shape in [(2, 5, 3), (1, 3, 5), (3, 2, 3, 5)]:
        with pytest.raises(DataError) as error:
            encode(torch.zeros(6, *shape), spec(encoding), STANDARD, seeded())
        text = str(error.value)
        assert "\n" not in text
        assert wanted in text
        assert "x".join(map(str, shape)) in text


def test_an_unknown_encoding_is_named():
    wrong = spec("direct")
    object.__setattr__(wrong, "encoding", "poison")
    with pytest.raises(InputError, match="unknown encoding 'poison'; did you mean 'poisson'"):
        encode(images(), wrong, STANDARD, seeded())


def test_every_encoding_that_a_spec_allows_has_an_encoder():
    assert set(ENCODERS) == {"direct", "poisson", "latency", "events"}
    assert [spec(name).encoding for name in ENCODERS] == list(ENCODERS)
