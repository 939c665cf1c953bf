import pickle

import numpy as np
import pytest

from msenas.data.cifar import (
    CIFAR10,
    CIFAR10_BINARY,
    CIFAR10_PICKLED,
    CIFAR100_BINARY,
    CIFAR100_PICKLED,
    PIXELS,
)
from msenas.data.progress import silent
from msenas.data.spec import DataSpec
from msenas.errors import DataError

from . import make_files


def read(layout, folder):
    parts = []
    decoded = layout.read(folder, layout.find(folder), DataSpec(), parts.append, silent)
    return np.concatenate(parts), decoded


def pickled10(folder):
    for name, labels in (("data_batch_1", list(range(10)) * 2), ("test_batch", list(range(10)))):
        data = np.repeat(np.arange(len(labels), dtype=np.uint8), PIXELS).reshape(-1, PIXELS)
        batch = {b"data": data, b"labels": labels}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return folder


def test_binary_batches_in_order_with_the_test_last(tmp_path):
    images, decoded = read(CIFAR10_BINARY, make_files.cifar10(tmp_path))
    assert images.shape == (30, 3, 32, 32)
    assert images[:, 2, 31, 31].tolist() == [*range(20), *range(100, 110)]
    assert decoded.labels.tolist() == [*range(10)] * 3
    assert np.flatnonzero(decoded.is_test).tolist() == list(range(20, 30))
    assert decoded.classes == CIFAR10
    assert decoded.notes == ("20 of 50,000 training images", "10 of 10,000 test images")


def test_planes_are_red_green_blue_row_by_row(tmp_path):
    planes = np.arange(PIXELS) % 251
    for name in ("data_batch_1.bin", "test_batch.bin"):
        (tmp_path / name).write_bytes(b"\x03" + planes.astype(np.uint8).tobytes())
    images, _ = read(CIFAR10_BINARY, tmp_path)
    assert images[0, 1, 2, 3] == (1024 + 2 * 32 + 3) % 251


def test_the_fine_label_of_cifar100_counts(tmp_path):
    for name in ("train.bin", "test.bin"):
        (tmp_path / name).write_bytes(make_files.cifar_records([99, 5], label_bytes=2))
    (tmp_path / "fine_label_names.txt").write_text("\n".join(f"n{i}" for i in range(100)))
    _, decoded = read(CIFAR100_BINARY, tmp_path)
    assert decoded.labels.tolist() == [99, 5, 99, 5]
    assert decoded.classes[99] == "n99"


def test_pickled_batches(tmp_path):
    pickled10(tmp_path)
    meta = {b"label_names": [name.encode() for name in CIFAR10]}
    (tmp_path / "batches.meta").write_bytes(pickle.dumps(meta, protocol=2))
    images, decoded = read(CIFAR10_PICKLED, tmp_path)
    assert images[:, 0, 0, 0].tolist() == [*range(20), *range(10)]
    assert decoded.classes == CIFAR10


def test_pickled_cifar100(tmp_path):
    batch = {b"data": np.zeros((2, PIXELS), np.uint8), b"fine_labels": [1, 99], b"coarse_labels": [0, 0]}
    for name in ("train", "test"):
        (tmp_path / name).write_bytes(pickle.dumps(batch, protocol=2))
    _, decoded = read(CIFAR100_PICKLED, tmp_path)
    assert decoded.labels.tolist() == [1, 99] * 2
    assert len(decoded.classes) == 100


@pytest.mark.parametrize("layout", [CIFAR10_BINARY, CIFAR10_PICKLED, CIFAR100_BINARY, CIFAR100_PICKLED])
def test_an_empty_folder_is_not_a_copy(tmp_path, layout):
    assert layout.find(tmp_path) == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "0 bytes"),
        (b"\x00" * PIXELS, "multiple of 3,073"),
        (make_files.cifar_records([10]), r"labels run from 10 to 10; allowed: 0\.\.9"),
    ],
)
def test_a_damaged_binary_file_is_named(tmp_path, content, reason):
    make_files.cifar10(tmp_path)
    (tmp_path / "test_batch.bin").write_bytes(content)
    with pytest.raises(DataError, match=rf"test_batch\.bin: .*{reason}"):
        read(CIFAR10_BINARY, tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({b"data": np.zeros((20, 7), np.uint8)}, r"uint8 \[n, 3072\] is needed"),
        ({b"data": [1, 2]}, "data is list"),
        ({b"labels": [0] * 3}, "20 images need as many labels"),
        ({b"labels": [10] * 20}, r"labels in 0\.\.9"),
        ({b"labels": ["cat"] * 20}, "no list of integers"),
    ],
)
def test_a_damaged_pickled_batch_is_named(tmp_path, changes, reason):
    with pytest.raises(DataError, match=reason):
        read(CIFAR10_PICKLED, pickled_with(tmp_path, changes))


def pickled_with(folder, changes):
    pickled10(folder)
    batch = {b"data": np.zeros((20, PIXELS), np.uint8), b"labels": [0] * 20} | changes
    (folder / "data_batch_1").write_bytes(pickle.dumps(batch, protocol=2))
    return folder


def test_another_number_of_class_names_is_an_error(tmp_path):
    make_files.cifar10(tmp_path)
    (tmp_path / "batches.meta.txt").write_text("a\nb\n")
    with pytest.raises(DataError, match="2 class names; 10 are needed"):
        read(CIFAR10_BINARY, tmp_path)
