"""The folder of a training: when it is free, and files that are damaged."""

from __future__ import annotations

import pickle

import pytest
import torch

from msenas.errors import InputError, RunError
from msenas.runs.train_folder import TrainFolder

STATE = {"epoch": 2, "network": {"w": torch.arange(3.0)}, "rows": [{"epoch": 1}]}


@pytest.fixture
def folder(tmp_path):
    return TrainFolder(tmp_path / "t")


def test_a_folder_that_is_not_there_is_free(folder):
    folder.check_free()
    assert not folder.path.exists()
    folder.create()
    folder.check_free()
    assert not folder.begun


@pytest.mark.parametrize("name", [".lock", "network.json.part"])
def test_what_a_start_that_was_killed_leaves_takes_no_room(folder, name):
    folder.create()
    (folder.path / name).touch()
    folder.check_free()


def test_a_training_is_continued_not_overwritten(folder):
    folder.create()
    folder.network.touch()
    with pytest.raises(RunError, match=r"is not empty \(network.json\); choose another --out"):
        folder.check_free()
    folder.config.touch()
    assert folder.begun
    with pytest.raises(RunError, match="holds a training; --resume continues it"):
        folder.check_free()


def test_foreign_files_are_left_alone(folder):
    folder.create()
    (folder.path / "thesis.tex").touch()
    with pytest.raises(RunError, match=r"is not empty \(thesis.tex\)"):
        folder.check_free()


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_no_folder(folder, kind):
    if kind == "file":
        folder.path.touch()
    else:
        folder.path.symlink_to(folder.path.parent / "gone")
    with pytest.raises(RunError, match="cannot use"):
        folder.check_free()
    with pytest.raises(RunError, match="cannot make the folder"):
        folder.create()


def test_a_state_comes_back(folder):
    folder.create()
    folder.write_state(STATE)
    found = folder.read_state()
    assert (found["epoch"], found["rows"]) == (2, [{"epoch": 1}])
    assert torch.equal(found["network"]["w"], torch.arange(3.0))


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_torn_state_is_one_line(folder, share):
    folder.create()
    folder.write_state(STATE)
    content = folder.state.read_bytes()
    folder.state.write_bytes(content[: int(share * len(content))])
    with pytest.raises(RunError, match=r"state.pt is damaged: .") as caught:
        folder.read_state()
    assert "\n" not in str(caught.value)


class Opens:
    """Opens a file for writing when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (self.path, "w")


def test_nothing_is_run_that_a_state_asks_for(folder):
    folder.create()
    trace = folder.path / "trace"
    torch.save({"x": Opens(str(trace))}, folder.state)
    with pytest.raises(RunError, match="is damaged"):
        folder.read_state()
    folder.state.write_bytes(pickle.dumps(Opens(str(trace))))
    with pytest.raises(RunError, match="is damaged"):
        folder.read_state()
    assert not trace.exists()


def test_a_state_that_is_no_dictionary(folder):
    folder.create()
    torch.save([1, 2], folder.state)
    with pytest.raises(RunError, match="holds no state"):
        folder.read_state()


def test_a_missing_state_is_named(folder):
    with pytest.raises(InputError, match=r"cannot read .*state.pt"):
        folder.read_state()


def test_a_state_is_replaced_in_one_step(folder, monkeypatch):
    folder.create()
    folder.write_state(STATE)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(RunError, match=r"cannot write .*state.pt: No space left on device"):
        folder.write_state(STATE | {"epoch": 3})
    assert folder.read_state()["epoch"] == 2
    assert [p.name for p in folder.path.iterdir()] == ["state.pt"]


def test_lines_come_back(folder):
    folder.create()
    assert folder.read_lines(folder.metrics) == []
    folder.write_lines(folder.metrics, [{"epoch": 1}, {"epoch": 2}])
    assert folder.read_lines(folder.metrics) == [{"epoch": 1}, {"epoch": 2}]


@pytest.mark.parametrize("content", [b'{"epoch": 1}\n{"epo', b"[1]\n", b"\xff\n", b"NaN\n"])
def test_damaged_lines_are_refused(folder, content):
    folder.create()
    folder.metrics.write_bytes(content)
    with pytest.raises(RunError, match=r"metrics.jsonl is damaged"):
        folder.read_lines(folder.metrics)
