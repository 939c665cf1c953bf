import os
import pickle

import numpy as np
import pytest

from msenas.data.restricted_pickle import load_plain
from msenas.errors import DataError


def dumped(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


class Runs:
    """Makes a file when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL))
@pytest.mark.parametrize("dtype", ["u1", ">i2", "<i8", "bool"])
def test_plain_data_come_back(tmp_path, protocol, dtype):
    array = np.arange(6).astype(dtype).reshape(2, 3)
    content = {b"data": array, "labels": [1, 2], b"name": b"text", b"deep": {"k": (1, None)}}
    if dtype == "bool":
        with pytest.raises(DataError, match="type 'b1'"):
            load_plain(dumped(tmp_path / "f", content, protocol))
        return
    loaded = load_plain(dumped(tmp_path / "f", content, protocol))
    assert np.array_equal(loaded[b"data"], array)
    assert loaded[b"labels"] == [1, 2]
    assert loaded[b"name"] == b"text"


def test_fortran_order_is_kept(tmp_path):
    array = np.asfortranarray(np.arange(6, dtype=np.uint8).reshape(2, 3))
    assert np.array_equal(load_plain(dumped(tmp_path / "f", {b"d": array}))[b"d"], array)


def test_nothing_of_a_hostile_file_is_run(tmp_path):
    with pytest.raises(DataError, match=r"the object \w+\.mkdir, which is not allowed"):
        load_plain(dumped(tmp_path / "f", {b"data": Runs(tmp_path / "mark")}))
    assert not (tmp_path / "mark").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (np.array([{}, {}]), "type 'O8'"),
        (np.array(["text"]), "type 'U4'"),
        (np.zeros(1, [("a", "u1")]), "type 'V1'"),
        (complex(1, 2), "complex"),
        ({1, 2}, "set"),
    ],
)
def test_other_objects_are_refused_by_name(tmp_path, content, reason):
    with pytest.raises(DataError, match=reason):
        load_plain(dumped(tmp_path / "f", {b"data": content}))


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps([1, 2])[:-3], b"cos\nsystem\n(S'x'\ntR."])
def test_a_damaged_file_is_one_error(tmp_path, content):
    (tmp_path / "f").write_bytes(content)
    with pytest.raises(DataError, match="f: "):
        load_plain(tmp_path / "f")


def test_an_array_with_too_few_bytes_is_one_error(tmp_path):
    whole = pickle.dumps(np.arange(9, dtype=np.uint8), protocol=2)
    (tmp_path / "f").write_bytes(whole.replace(b"K\x09\x85", b"K\xff\x85"))
    with pytest.raises(DataError, match="not a readable pickled file"):
        load_plain(tmp_path / "f")
