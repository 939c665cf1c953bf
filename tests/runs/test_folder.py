"""The run folder: made once, appended line by line, repaired where a crash tore it, refused where it was altered."""

from __future__ import annotations

import errno
import json
import os

import msgspec
import numpy as np
import pytest

from msenas.errors import InputError, RunError
from msenas.runs.folder import Record, RunFolder, RunState, Unfit


def record(number, **changes):
    values = {
        "id": number,
        "generation": 0,
        "parents": [],
        "genome": [1] * 11,
        "plan": f"p{number}",
        "scores": {"live": True, "fitness": 0.1 * number},
        "failure": None,
    }
    return Record(**values | changes)


@pytest.fixture
def folder(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.create()
    for number in range(3):
        folder.append(record(number), 0.5)
    return folder


def state(**changes):
    values = {
        "generation": 1,
        "evaluated": 3,
        "parents": [0, 2],
        "rng": np.random.PCG64(1).state,
        "probe": "abc",
        "profile": "def",
        "finished": False,
    }
    return RunState(**values | changes)


def test_records_round_trip(folder):
    assert folder.read_records() == ([record(i) for i in range(3)], None)
    timings = [json.loads(line) for line in folder.timings.read_text().splitlines()]
    assert timings == [{"id": i, "seconds": 0.5} for i in range(3)]


def test_failed_evaluation_round_trips(folder):
    failed = record(3, scores=None, failure="worker died")
    folder.append(failed, 0.0)
    assert folder.read_records()[0][3] == failed


def test_no_records_yet(tmp_path):
    assert RunFolder(tmp_path).read_records() == ([], None)


def test_line_torn_anywhere_is_cut_off_and_said(folder):
    content = folder.individuals.read_bytes()
    start = content.rstrip(b"\n").rfind(b"\n") + 1
    for end in range(start + 1, len(content), 7):
        folder.individuals.write_bytes(content[:end])
        records, note = folder.read_records()
        assert [r.id for r in records] == [0, 1]
        assert f"torn ({end - start} bytes)" in note
        assert folder.individuals.read_bytes() == content[:start]
        assert folder.read_records()[1] is None


def test_first_line_torn(folder):
    folder.individuals.write_bytes(b'{"id": 0, "gen')
    records, note = folder.read_records()
    assert records == []
    assert "torn" in note
    assert folder.individuals.read_bytes() == b""


def test_torn_timing_does_not_spoil_the_next_one(folder):
    folder.timings.write_bytes(folder.timings.read_bytes()[:-5])
    folder.read_records()
    folder.append(record(3), 0.5)
    assert [json.loads(line)["id"] for line in folder.timings.read_text().splitlines()] == [0, 1, 3]


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"null", b"\xff\xfe", b"[" * 100_000, b'{"id": 1}', b'{"id": NaN}'],
    ids=["blank", "torn", "null", "no utf-8", "deep", "incomplete", "nan"],
)
def test_damaged_middle_line_is_refused_with_its_number(folder, line):
    lines = folder.individuals.read_bytes().split(b"\n")
    lines[1] = line
    folder.individuals.write_bytes(b"\n".join(lines))
    with pytest.raises(RunError, match=r"individuals\.jsonl, line 2: ") as caught:
        folder.read_records()
    assert "\n" not in str(caught.value)
    assert folder.individuals.read_bytes() == b"\n".join(lines)


@pytest.mark.parametrize(("order", "line"), [((0, 2, 1), 2), ((1, 2), 1), ((0, 1, 1), 3), ((0, 2), 2)])
def test_ids_count_from_zero(folder, order, line):
    lines = folder.individuals.read_bytes().splitlines(keepends=True)
    folder.individuals.write_bytes(b"".join(lines[i] for i in order))
    with pytest.raises(RunError, match=rf"line {line}: id is {order[line - 1]}, expected {line - 1}"):
        folder.read_records()


def test_unknown_key_of_a_record_is_named(folder):
    with folder.individuals.open("a") as file:
        file.write(json.dumps(msgspec.to_builtins(record(3)) | {"colour": 1}) + "\n")
    with pytest.raises(RunError, match=r"line 4: .*colour"):
        folder.read_records()


def test_nan_is_never_written(folder):
    before = folder.individuals.read_bytes()
    with pytest.raises(ValueError, match="not JSON compliant"):
        folder.append(record(3, scores={"fitness": float("nan")}), 0.1)
    assert folder.individuals.read_bytes() == before


def test_full_disk_is_one_line(folder, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match=r"cannot write .*individuals\.jsonl: No space left"):
        folder.append(record(3), 0.1)


def test_state_round_trips_with_its_128_bit_numbers(folder):
    folder.write_state(state())
    assert folder.read_state() == state()
    rng = np.random.PCG64()
    rng.state = folder.read_state().rng
    assert rng.random_raw() == np.random.PCG64(1).random_raw()


def test_state_keeps_what_was_passed_over(folder):
    folder.write_state(state(unfit={"cores": Unfit(3, "cores 10 (chip: 9)")}))
    assert folder.read_state().unfit == {"cores": Unfit(3, "cores 10 (chip: 9)")}


def test_state_and_records_without_a_fit_are_read(folder):
    """As runs without --must-fit had them before."""
    folder.write_state(state())
    data = json.loads(folder.state.read_text())
    del data["unfit"]
    folder.state.write_text(json.dumps(data))
    assert folder.read_state() == state()
    lines = [json.loads(line) for line in folder.individuals.read_text().splitlines()]
    folder.individuals.write_text("".join(json.dumps({k: v for k, v in x.items() if k != "fit"}) + "\n" for x in lines))
    assert [r.fit for r in folder.read_records()[0]] == [None] * 3


def test_state_of_another_schema_is_refused(folder):
    folder.write_state(state(schema="msenas.state/2"))
    with pytest.raises(InputError, match=r"msenas\.state/2"):
        folder.read_state()


@pytest.mark.parametrize("change", [{"generation": -1}, {"evaluated": -1}, {"generation": "1"}, {"colour": 1}])
def test_damaged_state_is_refused(folder, change):
    folder.write_state(state())
    folder.state.write_text(json.dumps(json.loads(folder.state.read_text()) | change))
    with pytest.raises(InputError, match=r"state\.json"):
        folder.read_state()


def test_folder_without_a_state_holds_no_run(tmp_path):
    with pytest.raises(RunError, match="holds no run to resume"):
        RunFolder(tmp_path).read_state()


def test_create_takes_an_empty_folder_and_makes_parents(tmp_path):
    RunFolder(tmp_path).create()
    RunFolder(tmp_path / "a" / "b").create()
    assert (tmp_path / "a" / "b").is_dir()


def test_create_refuses_a_folder_that_holds_something(tmp_path):
    (tmp_path / "notes").write_text("x")
    with pytest.raises(RunError, match="is not empty; choose an empty folder"):
        RunFolder(tmp_path).create()
    assert os.listdir(tmp_path) == ["notes"]


def test_create_speaks_of_resume_where_a_run_is(folder):
    folder.write_state(state())
    with pytest.raises(RunError, match="is not empty; use --resume"):
        folder.create()


@pytest.mark.parametrize("below", ["", "sub"])
def test_create_refuses_a_file(tmp_path, below):
    (tmp_path / "f").write_text("x")
    with pytest.raises(RunError, match="cannot make the run folder"):
        RunFolder(tmp_path / "f" / below).create()
    assert (tmp_path / "f").read_text() == "x"


def test_create_takes_what_a_start_killed_at_once_left(tmp_path):
    """Only the lock file: nothing was begun, and there is nothing to resume."""
    (tmp_path / ".lock").touch()
    RunFolder(tmp_path).create()


def test_a_folder_with_only_an_unfinished_file_is_free(tmp_path):
    (tmp_path / "config.toml.part").write_text("dataset = ")
    RunFolder(tmp_path).check_free()
    (tmp_path / "x.part").mkdir()
    with pytest.raises(RunError, match="not empty"):
        RunFolder(tmp_path).check_free()
