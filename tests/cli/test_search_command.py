"""`msenas search` as a process: killed, interrupted, resumed, and its result scored again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from filelock import FileLock

SMALL = ("--generations", "3", "--population", "8", "--batch", "8", "--train-steps", "3")
SAME = ("individuals.jsonl", "front.json", "best.json", "state.json")
ENVIRONMENT = {**os.environ, "MSENAS_COMPILE": "0"}
LINUX = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


def msenas(*arguments):
    command = [sys.executable, "-m", "msenas", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRONMENT, timeout=120)


def content(folder):
    return {name: (folder / name).read_bytes() for name in SAME}


def lines(folder):
    try:
        return (folder / "individuals.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0


def marked(mark):
    """Processes that were started with this mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            living = (folder / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
            if living and f"MSENAS_TEST_MARK={mark}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def stopped(number, after, *arguments, out):
    """Start a search, send a signal to its process group after so many evaluations; (exit code, stderr)."""
    process = subprocess.Popen(
        [sys.executable, "-m", "msenas", "search", *arguments, "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**ENVIRONMENT, "MSENAS_TEST_MARK": str(out)},
        start_new_session=True,
    )
    end = time.monotonic() + 90
    while lines(out) < after:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    end = time.monotonic() + 10
    while marked(out):
        assert time.monotonic() < end, "processes were left behind"
        time.sleep(0.05)
    return process.returncode, err


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished run, with one worker, and what it printed."""
    out = tmp_path_factory.mktemp("search") / "whole"
    done = msenas("search", *SMALL, "--workers", "1", "--out", out, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return out, json.loads(done.stdout)


def test_result_as_json(whole):
    out, printed = whole
    assert (printed["out"], printed["end"], printed["evaluations"]) == (str(out), "finished", 24)
    assert printed["best"] == json.loads((out / "best.json").read_text())["scores"]


@LINUX
@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
def test_killed_run_resumes_to_the_same_bytes(tmp_path, whole, workers):
    out = tmp_path / "killed"
    code, _ = stopped(signal.SIGKILL, 11, *SMALL, "--workers", workers, out=out)
    assert code == -signal.SIGKILL
    done = msenas("search", "--resume", "--out", out)
    assert done.returncode == 0, done.stderr
    assert content(out) == content(whole[0])
    assert f"msenas show {out}/best.json" in done.stdout


@LINUX
@pytest.mark.slow
def test_interrupted_run_is_resumable(tmp_path, whole):
    out = tmp_path / "interrupted"
    code, err = stopped(signal.SIGINT, 5, *SMALL, "--workers", "2", out=out)
    assert code == 130
    assert "Traceback" not in err
    done = msenas("search", "--resume", "--out", out, "--json")
    assert json.loads(done.stdout)["end"] == "finished"
    assert "resuming" in done.stderr
    assert content(out) == content(whole[0])


def test_second_process_on_a_folder_is_refused(whole):
    with FileLock(whole[0] / ".lock"):
        done = msenas("search", "--resume", "--out", whole[0])
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"msenas: another process is working in {whole[0]}\n"


def test_other_settings_on_resume_are_named(whole):
    done = msenas("search", "--resume", "--out", whole[0], "--population", "9")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"msenas: {whole[0]} was made with other settings: population: 8 -> 9\n"


def test_best_scores_the_same_again(whole):
    done = msenas("score", whole[0], "--json")
    assert json.loads(done.stdout)["same_as_recorded"] is True


def test_show_as_json(whole, tmp_path):
    done = msenas("show", whole[0], "--out", tmp_path / "net.svg", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["picture"] == str(tmp_path / "net.svg")
    assert (tmp_path / "net.svg").stat().st_size > 0
