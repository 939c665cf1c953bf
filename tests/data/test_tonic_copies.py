import numpy as np
import pytest

from msenas.data import tonic_copies
from msenas.data.event_folders import NMNIST_FOLDERS
from msenas.data.progress import silent
from msenas.data.spec import DataSpec
from msenas.data.tonic_copies import GESTURE, NMNIST, Part, TonicClass, tonic_layout
from msenas.errors import DataError

from .test_event_folders import nmnist


@pytest.fixture
def small(monkeypatch):
    """N-MNIST as in tonic, but complete with ten files."""
    from tonic.datasets import NMNIST as TONIC

    monkeypatch.setattr(TONIC, "_folder_contains_at_least_n_files_of_type", lambda self, n, suffix: n == 10_000)
    parts = (Part("train.zip", "Train", ".bin", 10), Part("test.zip", "Test", ".bin", 10, True))
    return tonic_layout(TonicClass("NMNIST", parts, tonic_copies.DIGITS, (34, 34), tonic_copies.read_recording))


def decode(layout, folder):
    parts = []
    decoded = layout.read(folder, layout.find(folder), DataSpec(), parts.append, silent)
    return np.concatenate(parts), decoded


def test_the_class_of_tonic_and_the_own_reader_agree(tmp_path, small):
    folder = nmnist(tmp_path / "NMNIST")
    for name in ("train.zip", "test.zip"):
        (folder / name).touch()
    frames, decoded = decode(small, folder)
    own_frames, own = decode(NMNIST_FOLDERS, folder)
    assert np.array_equal(frames, own_frames)
    assert np.array_equal(decoded.labels, own.labels)
    assert np.array_equal(decoded.is_test, own.is_test)


@pytest.mark.parametrize("missing", ["train.zip", "test.zip", "Train/0/00000.bin"])
def test_a_copy_is_complete_or_left_to_the_own_reader(tmp_path, small, missing):
    folder = nmnist(tmp_path / "NMNIST")
    for name in ("train.zip", "test.zip"):
        (folder / name).touch()
    assert len(small.find(folder)) == 30
    (folder / missing).unlink()
    assert (len(small.find(folder)) == 29) == missing.endswith(".bin")
    assert NMNIST.find(folder) == ()


def test_the_folder_must_be_called_as_the_class(tmp_path):
    assert GESTURE.find(tmp_path) == ()


def test_tonic_never_starts_a_download(tmp_path):
    folder = nmnist(tmp_path / "NMNIST")
    with pytest.raises(DataError, match="tonic takes this copy of NMNIST as incomplete"):
        decode(NMNIST, folder)
