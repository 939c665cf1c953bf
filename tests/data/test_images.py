import numpy as np
import pytest
from PIL import Image

from msenas.data.images import image_folders
from msenas.data.progress import silent
from msenas.data.spec import DataSpec
from msenas.errors import DataError

from . import make_files


def read(folder, layout=None, size=None):
    layout = layout or image_folders()
    parts = []
    decoded = layout.read(folder, layout.find(folder), DataSpec(size=size), parts.append, silent)
    return np.concatenate(parts), decoded


def test_grey_and_colour(tmp_path):
    make_files.image(tmp_path / "grey/a/1.png", value=3)
    make_files.image(tmp_path / "grey/b/1.png", value=9)
    images, decoded = read(tmp_path / "grey")
    assert images.shape == (2, 1, 4, 4)
    assert images[:, 0, 0, 0].tolist() == [3, 9]
    assert decoded.labels.tolist() == [0, 1]
    make_files.image(tmp_path / "mixed/a/1.png", value=3)
    make_files.image(tmp_path / "mixed/b/1.png", value=(1, 2, 3), mode="RGB")
    images, _ = read(tmp_path / "mixed")
    assert images[:, :, 0, 0].tolist() == [[3, 3, 3], [1, 2, 3]]


def test_rows_are_height_and_columns_are_width(tmp_path):
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    (tmp_path / "a").mkdir()
    Image.fromarray(picture).save(tmp_path / "a" / "1.png")
    images, _ = read(tmp_path)
    assert np.array_equal(images[0, 0], picture)


def test_a_size_scales_all(tmp_path):
    make_files.image(tmp_path / "a/1.png", size=(8, 6), value=5)
    make_files.image(tmp_path / "a/2.png", size=(4, 4), value=5)
    images, _ = read(tmp_path, size=4)
    assert images.shape == (2, 1, 4, 4)
    assert (images == 5).all()


def test_images_of_different_sizes_are_an_error(tmp_path):
    make_files.image(tmp_path / "a/1.png")
    make_files.image(tmp_path / "a/2.png", size=(5, 4))
    with pytest.raises(DataError, match=r"2\.png: 5x4 pixels; 4x4 are needed; give a size"):
        read(tmp_path)


def test_a_known_shape_is_checked(tmp_path):
    make_files.image(tmp_path / "a/1.png", mode="RGB", value=(1, 2, 3))
    with pytest.raises(DataError, match="4x4 pixels; 32x32 are needed"):
        read(tmp_path, image_folders(1, (3, 32, 32)))


def test_a_file_that_is_no_image_is_named(tmp_path):
    make_files.image(tmp_path / "a/1.png")
    (tmp_path / "a/2.png").write_bytes(b"GIF89a")
    with pytest.raises(DataError, match=r"2\.png: not a readable png or jpg"):
        read(tmp_path)


def test_a_corrupt_image_is_named(tmp_path):
    file = make_files.image(tmp_path / "a/1.png", size=(64, 64))
    content = file.read_bytes()
    file.write_bytes(content[:50] + b"\x00" * 8 + content[58:-12])
    with pytest.raises(DataError, match=r"1\.png: "):
        read(tmp_path)


def test_sixteen_bits_are_refused(tmp_path):
    make_files.image(tmp_path / "a/1.png", mode="I;16", value=700)
    with pytest.raises(DataError, match="mode I;16; 8 bits per channel"):
        read(tmp_path)
