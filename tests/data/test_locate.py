import pytest

from msenas.data import DATASETS, find
from msenas.data.locate import choose, home
from msenas.errors import DataError

from . import make_files


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    """No copy of this machine is seen."""
    monkeypatch.setenv("MSENAS_DATA", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def test_the_folder_or_its_parent(tmp_path):
    folder = make_files.cifar10(tmp_path / "sets" / "cifar-10-batches-bin")
    for path in (folder, folder.parent):
        (found,) = find("cifar10", str(path))
        assert (found.path, found.layout.name, len(found.files)) == (folder, "binary", 2)


@pytest.mark.parametrize("base", ["home", "data", "cache/msenas/data"])
def test_without_a_path_the_usual_places_are_tried(tmp_path, base):
    make_files.mnist(tmp_path / base / "MNIST" / "raw")
    (found,) = find("mnist")
    assert found.layout.name == "idx"


def test_data_sets_of_one_shape_are_told_apart_by_their_folders(tmp_path):
    make_files.mnist(tmp_path / "MNIST" / "raw")
    make_files.mnist(tmp_path / "FashionMNIST" / "raw")
    assert [found.path.parent.name for found in find("mnist", str(tmp_path))] == ["MNIST"]
    assert [found.path.parent.name for found in find("fashion-mnist", str(tmp_path))] == ["FashionMNIST"]


@pytest.mark.parametrize("name", sorted(set(DATASETS) - {"digits"}))
def test_an_empty_folder_holds_no_data_set_and_the_error_says_what_was_expected(tmp_path, name):
    (tmp_path / "some").mkdir()
    assert find(name, str(tmp_path / "some")) == []
    with pytest.raises(DataError) as caught:
        choose(name, str(tmp_path / "some"))
    text = str(caught.value)
    assert text.startswith(f"{name}: nothing found in {tmp_path / 'some'} (it holds nothing); expected ")
    assert all(archive.md5 in text for archive in DATASETS[name].archives)
    assert "\n" not in text


def test_what_was_found_instead_is_named(tmp_path):
    (tmp_path / "readme.txt").touch()
    with pytest.raises(DataError, match=r"it holds readme\.txt"):
        choose("cifar10", str(tmp_path))


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match="nowhere does not exist"):
        choose("cifar10", str(tmp_path / "nowhere"))


def test_own_data_need_a_path():
    with pytest.raises(DataError, match="event-folder: give a path; expected train/CLASS/FILE"):
        choose("event-folder", None)


def test_an_unknown_name_is_named_with_its_neighbour():
    with pytest.raises(DataError, match="unknown data set 'cifar-10'; did you mean 'cifar10'"):
        find("cifar-10")


def test_downloads_go_to_the_named_folder(tmp_path, monkeypatch):
    assert home() == tmp_path / "home"
    monkeypatch.delenv("MSENAS_DATA")
    assert home() == tmp_path / "cache" / "msenas" / "data"


def test_the_folder_above_the_raw_files(tmp_path):
    make_files.mnist(tmp_path / "MNIST" / "raw")
    (found,) = find("mnist", str(tmp_path / "MNIST"))
    assert found.path == tmp_path / "MNIST" / "raw"


def test_an_unknown_home_folder_is_named():
    with pytest.raises(DataError, match="~nobody-of-that-name"):
        find("mnist", "~nobody-of-that-name/data")
