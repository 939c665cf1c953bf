import zipfile

import numpy as np
import pytest

from msenas.data.npz import npz, read_npz
from msenas.data.progress import silent
from msenas.data.spec import DataSpec
from msenas.errors import DataError

X = np.arange(2 * 4 * 5, dtype=np.uint8).reshape(2, 4, 5)


def read(path, layout=None):
    layout = layout or npz()
    parts = []
    decoded = layout.read(path, layout.find(path), DataSpec(), parts.append, silent)
    return np.concatenate(parts), decoded


def test_train_and_test(tmp_path):
    labels = np.array([0, 1])
    np.savez(tmp_path / "a.npz", x_train=X, y_train=labels, x_test=X, y_test=labels, classes=["no", "yes"])
    images, decoded = read(tmp_path / "a.npz")
    assert np.array_equal(images[2:, 0], X)
    assert decoded.is_test.tolist() == [False, False, True, True]
    assert decoded.classes == ("no", "yes")


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 1, 4, 5), (2, 4, 5, 1)])
def test_every_place_of_the_channel(tmp_path, shape):
    np.savez(tmp_path / "a.npz", x=X.reshape(shape), y=np.array([1, 0]))
    images, decoded = read(tmp_path)
    assert np.array_equal(images, X[:, None])
    assert (decoded.classes, decoded.is_test) == (("0", "1"), None)


@pytest.mark.parametrize(
    ("arrays", "reason"),
    [
        ({"x": X}, "one of y_train, labels, y is needed"),
        ({"x": X / 255, "y": [0, 1]}, "x is float64; uint8"),
        ({"x": X[0], "y": [0, 1]}, r"shape \[4, 5\]"),
        ({"x": X, "y": [0, 1, 1]}, "2 images in x, 3 labels"),
        ({"x": X, "y": [0.5, 1]}, "labels are float64"),
        ({"x": X, "y": [-1, 1]}, "labels run from -1 to 1"),
        ({"x": X, "y": [0, 9]}, "largest label is 9 of 2 samples"),
        ({"x": X, "y": [0, 2], "classes": ["a", "b"]}, r"allowed: 0\.\.1"),
        ({"x": X, "y": [0, 1], "x_test": X}, "one of y_test is needed"),
        ({"x": X, "y": [0, 1], "classes": [1, 2]}, "classes is int"),
    ],
)
def test_unfit_arrays_are_named(tmp_path, arrays, reason):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(DataError, match=reason):
        read(tmp_path)


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.array([{}]), y=[0])
    with pytest.raises(DataError, match="not a readable npz of plain arrays"):
        read(tmp_path)


def test_a_damaged_archive_is_one_error(tmp_path):
    np.savez(tmp_path / "a.npz", x=X, y=[0, 1])
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[140] ^= 0xFF
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(DataError, match="not a readable npz"):
        read_npz(tmp_path / "a.npz")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("msenas.data.npz.LARGEST", 100)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(1000))
    with pytest.raises(DataError, match="unpacks to 1,000 bytes"):
        read_npz(tmp_path / "a.npz")


def test_a_named_archive_and_a_known_shape(tmp_path):
    np.savez(tmp_path / "other.npz", x=X, y=[0, 1])
    assert npz("mnist").find(tmp_path) == ()
    np.savez(tmp_path / "mnist.npz", x=X, y=[0, 1])
    assert npz().find(tmp_path) == ()
    with pytest.raises(DataError, match=r"images of \[1, 4, 5\]; \[1, 28, 28\]"):
        read(tmp_path, npz("mnist", 2, (1, 28, 28)))
    with pytest.raises(DataError, match="2 classes; 10 are needed"):
        read(tmp_path, npz("mnist", 10))
