import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.data import array_writer
from msenas.data.array_writer import ArrayWriter, moments_of
from msenas.errors import DataError


@given(st.lists(st.lists(st.integers(0, 70_000), min_size=1, max_size=4), min_size=1, max_size=5))
def test_what_goes_in_comes_out_in_the_smallest_type(tmp_path_factory, batches):
    path = tmp_path_factory.mktemp("writer") / "a.npy"
    arrays = [np.array(batch, np.uint32).reshape(-1, 1, 1, 1) for batch in batches]
    with ArrayWriter(path) as writer:
        for array in arrays:
            writer.append(array)
        writer.finish()
    together = np.concatenate(arrays)
    stored = np.load(path, allow_pickle=False)
    largest = int(together.max())
    assert np.array_equal(stored, together)
    assert stored.dtype == (np.uint8 if largest < 256 else np.uint16 if largest < 65_536 else np.uint32)
    assert np.array_equal(writer.moments()[:, :, 0], [[v, v * v] for v in together.ravel().tolist()])


def test_widening_in_blocks_keeps_every_value(tmp_path, monkeypatch):
    monkeypatch.setattr(array_writer, "BLOCK", 7)
    first = np.arange(60, dtype=np.uint8).reshape(5, 3, 2, 2)
    with ArrayWriter(tmp_path / "a.npy") as writer:
        writer.append(first)
        writer.append(np.full((1, 3, 2, 2), 300, np.uint16))
        writer.append(first)
        writer.finish()
    stored = np.load(tmp_path / "a.npy")
    assert np.array_equal(stored[:5], first)
    assert np.array_equal(stored[6:], first)
    assert (stored[5] == 300).all()


def test_moments_are_sums_over_time_and_pixels():
    samples = np.zeros((1, 2, 2, 1, 2), np.uint8)
    samples[0, :, 1] = 200
    assert moments_of(samples).tolist() == [[[0, 800], [0, 160_000]]]


def test_another_shape_is_refused(tmp_path):
    with ArrayWriter(tmp_path / "a.npy") as writer:
        writer.append(np.zeros((1, 1, 2, 2), np.uint8))
        with pytest.raises(DataError, match="shape"):
            writer.append(np.zeros((1, 1, 3, 2), np.uint8))


def test_no_samples_are_an_error(tmp_path):
    with ArrayWriter(tmp_path / "a.npy") as writer, pytest.raises(DataError, match="no samples"):
        writer.finish()
