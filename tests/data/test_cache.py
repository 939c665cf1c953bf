import os

import numpy as np
import pytest

from msenas.data.cache import build, cache_folder, cached, key_of
from msenas.data.decoded import Decoded
from msenas.errors import DataError


def decode(sink):
    sink(np.full((3, 1, 2, 2), 9, np.uint8))
    return Decoded(np.array([0, 1, 0]), ("a", "b"), np.array([False, False, True]), notes=("n",))


def fails(sink):
    raise AssertionError("decoded again")


def test_the_second_time_nothing_is_decoded(tmp_path):
    *_, hit = cached(tmp_path, "x", decode)
    samples, decoded, moments, again = cached(tmp_path, "x", fails)
    assert (hit, again) == (False, True)
    assert isinstance(samples.array, np.memmap)
    assert (samples.array == 9).all()
    assert (decoded.classes, decoded.notes) == (("a", "b"), ("n",))
    assert decoded.is_test.tolist() == [False, False, True]
    assert moments[:, :, 0].tolist() == [[36, 324]] * 3


def test_a_reader_that_fails_leaves_nothing(tmp_path):
    def half(sink):
        decode(sink)
        raise DataError("the third file is damaged")

    with pytest.raises(DataError, match="third file"):
        cached(tmp_path, "x", half)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(tmp_path):
    def full(sink):
        raise OSError(28, "No space left on device")

    with pytest.raises(DataError, match=r"No space left.*MSENAS_CACHE"):
        cached(tmp_path, "x", full)
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_cannot_be_read_is_not_blamed_on_the_cache(tmp_path):
    def forbidden(sink):
        raise PermissionError(13, "Permission denied", "/data/f.bin")

    with pytest.raises(DataError, match=r"cannot read /data/f\.bin: Permission denied$"):
        cached(tmp_path / "cache", "x", forbidden)


def test_a_cache_that_is_a_file_is_one_clear_line(tmp_path):
    (tmp_path / "cache").touch()
    with pytest.raises(DataError, match="MSENAS_CACHE"):
        cached(tmp_path / "cache", "x", decode)


def test_another_process_may_be_first(tmp_path):
    def late(sink):
        build(tmp_path / "x", decode)
        return decode(sink)

    samples, *_ = cached(tmp_path, "x", late)
    assert (samples.array == 9).all()
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("name", ["inputs.npy", "rows.npz", "entry.json"])
def test_a_damaged_entry_is_named(tmp_path, name):
    cached(tmp_path, "x", decode)
    (tmp_path / "x" / name).write_bytes(b"no")
    with pytest.raises(DataError, match="x"):
        cached(tmp_path, "x", decode)


def test_the_key_changes_with_files_and_choices(tmp_path):
    file = tmp_path / "f"

    def key(content, time):
        file.write_bytes(content)
        os.utime(file, ns=(time, time))
        return key_of([file], {"steps": 4})

    keys = {key(b"one", 1), key(b"other", 1), key(b"one", 2), key_of([], {"steps": 4})}
    keys.add(key_of([file], {"steps": 8}))
    assert len(keys) == 5
    assert key(b"one", 1) in keys
    assert key_of([file], {"a": 1, "b": 2}) == key_of([file], {"b": 2, "a": 1})


def test_the_folder_is_as_given_or_named_or_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("MSENAS_CACHE", str(tmp_path))
    assert cache_folder(None) == tmp_path
    assert cache_folder(tmp_path / "mine") == tmp_path / "mine"
    monkeypatch.delenv("MSENAS_CACHE")
    assert cache_folder(None).name == "msenas"
