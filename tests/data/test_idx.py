import gzip

import numpy as np
import pytest

from msenas.data.idx import DIGITS, find_idx, idx, read_idx
from msenas.data.progress import silent
from msenas.data.spec import DataSpec
from msenas.errors import DataError

from . import make_files


@pytest.mark.parametrize("packed", [False, True])
def test_the_four_files(tmp_path, packed):
    make_files.mnist(tmp_path)
    if packed:
        for file in list(tmp_path.iterdir()):
            (tmp_path / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
            file.unlink()
    parts = []
    decoded = idx(DIGITS).read(tmp_path, find_idx(tmp_path), DataSpec(), parts.append, silent)
    images = np.concatenate(parts)
    assert images.shape == (30, 1, 28, 28)
    assert images[:, 0, 27, 27].tolist() == [*range(10)] * 3
    assert decoded.is_test.sum() == 10


def test_three_files_are_no_copy(tmp_path):
    make_files.mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    assert find_idx(tmp_path) == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "starts with nothing"),
        (b"PK\x03\x04", "starts with 504b0304"),
        (make_files.idx_bytes(np.zeros((0,))), r"shape \[0\]"),
        (make_files.idx_bytes(np.zeros(5))[:-1], "5 bytes of values; there are 4"),
        (make_files.idx_bytes(np.zeros(5)) + b"x", "more than that"),
        (b"\x00\x00\x08\x01\xff\xff\xff\xff", r"shape \[4294967295\]"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, content, reason):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        read_idx(tmp_path / "f", ())


def test_images_of_another_size_are_refused(tmp_path):
    (tmp_path / "f").write_bytes(make_files.idx_bytes(np.zeros((2, 4, 4))))
    with pytest.raises(DataError, match=r"shape \[2, 4, 4\]; \['n', 28, 28\]"):
        read_idx(tmp_path / "f", (28, 28))


def test_a_damaged_gzip_is_one_error(tmp_path):
    (tmp_path / "f.gz").write_bytes(gzip.compress(make_files.idx_bytes(np.zeros(5)))[:-9])
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path / "f.gz", ())


def test_more_images_than_labels_are_an_error(tmp_path):
    make_files.mnist(tmp_path)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(make_files.idx_bytes(np.zeros(3)))
    with pytest.raises(DataError, match="20 images, but 3 labels"):
        idx(DIGITS).read(tmp_path, find_idx(tmp_path), DataSpec(), lambda batch: None, silent)
