"""`torchrun -m msenas train`: two processes write what one writes, are killed, go on, and fail in one line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.learning.small import write_files

SHORT = ("--epochs", "4", "--batch", "16", "--ema", "0.5", "--augment", "rotate", "--device", "cpu")
ENVIRONMENT = {**os.environ, "MSENAS_COMPILE": "0", "OMP_NUM_THREADS": "1"}
TORCHRUN = ("torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "msenas")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="processes of torchrun")]


def start(module, *arguments):
    command = [sys.executable, "-m", *module, "train", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, env=ENVIRONMENT, start_new_session=True, **pipes)


def run(module, *arguments):
    process = start(module, *arguments)
    out, err = process.communicate(timeout=600)
    return process.returncode, out, err


def rows(folder):
    try:
        return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    except OSError:
        return []


def lines_of_ours(err):
    return [line for line in err.splitlines() if line.startswith("msenas: ")]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("torchrun"))


@pytest.fixture(scope="module")
def two(file):
    """A training of two processes that was never stopped, and what it printed."""
    code, printed, err = run(TORCHRUN, file, *SHORT, "--out", file.parent / "two", "--json")
    assert code == 0, err
    return file.parent / "two", printed


@pytest.mark.usefixtures("uncompiled", "one_thread")
def test_two_processes_end_with_what_one_has(cli, two, file, tmp_path):
    out, printed = two
    code, alone, err = cli("train", file, *SHORT, "--out", tmp_path / "one", "--json")
    assert code == 0, err
    theirs, ours = json.loads(printed), json.loads(alone)
    for key in ("end", "epochs", "best_epoch", "val_accuracy", "accuracy"):
        assert theirs[key] == ours[key], key
    assert {p.name for p in out.iterdir()} == {p.name for p in (tmp_path / "one").iterdir()}
    for mine, other in zip(rows(out), rows(tmp_path / "one"), strict=True):
        assert mine == pytest.approx(other, abs=1e-4)


def test_killed_they_go_on_to_the_same_bytes(two, file, tmp_path):
    out = tmp_path / "killed"
    process = start(TORCHRUN, file, *SHORT, "--out", out)
    end = time.monotonic() + 300
    while len(rows(out)) < 2:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)
    # torchrun gives each process a session of its own, which ends when its parent is gone or its peer does not answer.
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
    for pid in (process.pid, *map(int, children.stdout.split())):
        os.kill(pid, signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (out / "best.json").exists()
    code, _, err = run(TORCHRUN, "--resume", "--out", out)
    assert code == 0, err
    for name in ("metrics.jsonl", "weights.safetensors", "best.json"):
        assert (out / name).read_bytes() == (two[0] / name).read_bytes(), name


def test_bad_input_is_said_once(file, tmp_path):
    code, printed, err = run(TORCHRUN, file, *SHORT, "--augment", "sepia", "--out", tmp_path / "t")
    assert code != 0
    assert printed == ""
    (line,) = lines_of_ours(err)
    assert "unknown augmentation of images 'sepia'" in line
    assert not (tmp_path / "t").exists()
