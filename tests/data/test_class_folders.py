import pytest

from msenas.data.class_folders import find_files, sort_out
from msenas.errors import DataError

from . import make_files

PNG = frozenset({".png"})


def test_classes_are_in_order_and_the_test_is_last(tmp_path):
    for name in ("test/10/a.png", "train/10/b.png", "train/9/a.png", "train/.hidden/x.png", "train/9/a.txt"):
        make_files.image(tmp_path / name) if name.endswith("png") else (tmp_path / name).touch()
    tree = sort_out(tmp_path, find_files(tmp_path, PNG))
    names = [str(file.relative_to(tmp_path)) for file in tree.files]
    assert names == ["train/9/a.png", "train/10/b.png", "test/10/a.png"]
    assert tree.classes == ("9", "10")
    assert tree.labels.tolist() == [0, 1, 1]
    assert tree.is_test.tolist() == [False, False, True]


def test_without_a_test_folder_nothing_is_a_test(tmp_path):
    make_files.image(tmp_path / "cat" / "a.png")
    make_files.image(tmp_path / "ant" / "a.png")
    tree = sort_out(tmp_path, find_files(tmp_path, PNG))
    assert (tree.classes, tree.is_test) == (("ant", "cat"), None)


def test_a_validation_folder_is_joined_to_train_and_said_so(tmp_path):
    for part in ("train", "val", "test"):
        make_files.image(tmp_path / part / "a" / "1.png")
    tree = sort_out(tmp_path, find_files(tmp_path, PNG))
    assert tree.is_test.tolist() == [False, False, True]
    assert "joined to train" in tree.notes[0]


def test_another_number_of_classes_is_an_error(tmp_path):
    make_files.image(tmp_path / "a" / "1.png")
    with pytest.raises(DataError, match=r"1 class folders \(a\); 10 are needed"):
        sort_out(tmp_path, find_files(tmp_path, PNG), 10)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "f").touch()
    assert find_files(tmp_path / "f", PNG) == ()
