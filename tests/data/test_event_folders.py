import numpy as np
import pytest

from msenas.data.cifar import CIFAR10
from msenas.data.event_folders import CIFAR10DVS_FOLDERS, NMNIST_FOLDERS, own_folders
from msenas.data.progress import silent
from msenas.data.spec import DataSpec
from msenas.errors import DataError

from . import make_files

EVENTS = [(3, 4, 10, 1), (33, 0, 20, 0)]


def read(layout, folder, **choices):
    parts = []
    decoded = layout.read(folder, layout.find(folder), DataSpec(**choices), parts.append, silent)
    return np.concatenate(parts), decoded


def nmnist(folder):
    for part, count in (("Test", 1), ("Train", 2)):
        for digit in range(10):
            for number in range(count):
                make_files.nmnist_bin(folder / part / str(digit) / f"{number:05}.bin", EVENTS)
    return folder


def test_nmnist(tmp_path):
    frames, decoded = read(NMNIST_FOLDERS, nmnist(tmp_path), steps=2)
    assert frames.shape == (30, 2, 2, 34, 34)
    assert np.argwhere(frames[0]).tolist() == [[0, 1, 4, 3], [1, 0, 0, 33]]
    assert decoded.labels.tolist() == [*np.repeat(range(10), 2), *range(10)]
    assert decoded.is_test.sum() == 10
    assert decoded.notes == ("20 of 60,000 training recordings", "10 of 10,000 test recordings")


def test_an_event_outside_the_sensor_is_named(tmp_path):
    nmnist(tmp_path)
    make_files.nmnist_bin(tmp_path / "Train" / "4" / "00001.bin", [(34, 0, 0, 0)])
    with pytest.raises(DataError, match=r"4.00001\.bin: .*x 34 or y 0 lies outside the 34x34 sensor"):
        read(NMNIST_FOLDERS, tmp_path)


def test_cifar10_dvs(tmp_path):
    for name in CIFAR10:
        make_files.aedat2(tmp_path / name / "0.aedat", EVENTS)
    frames, decoded = read(CIFAR10DVS_FOLDERS, tmp_path)
    assert frames.shape == (10, 4, 2, 48, 48)
    assert (decoded.classes, decoded.is_test) == (CIFAR10, None)
    assert "no official test split" in decoded.notes[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda root: (root / "cat").rename(root / "Cat"), r"'Cat' \(rename it to 'cat'\)"),
        (lambda root: (root / "cat").rename(root / "lion"), "class folder 'lion'; allowed: airplane"),
        (lambda root: (root / "cat" / "0.aedat").unlink(), "no recordings of cat"),
    ],
)
def test_wrong_class_folders_are_named(tmp_path, change, reason):
    for name in CIFAR10:
        make_files.aedat2(tmp_path / name / "0.aedat", EVENTS)
    change(tmp_path)
    with pytest.raises(DataError, match=reason):
        read(CIFAR10DVS_FOLDERS, tmp_path)


def test_foreign_folders_are_no_copy(tmp_path):
    make_files.nmnist_bin(tmp_path / "cifar-10-batches-bin" / "data_batch_1.bin", EVENTS)
    assert NMNIST_FOLDERS.find(tmp_path) == ()


def test_own_recordings_of_any_kind(tmp_path):
    make_files.aedat2(tmp_path / "train" / "a" / "1.aedat", EVENTS)
    make_files.aedat31(
        tmp_path / "train" / "b" / "1.aedat", make_files.aedat31_packet([(3, 4, 10, 1, 1), (33, 0, 20, 0, 1)])
    )
    frames, decoded = read(own_folders(), tmp_path, size=64)
    assert decoded.classes == ("a", "b")
    assert np.array_equal(frames[0], frames[1])
    assert np.argwhere(frames[0]).tolist() == [[0, 1, 2, 1], [3, 0, 0, 16]]
