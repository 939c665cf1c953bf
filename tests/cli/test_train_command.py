"""`msenas train` as a process: killed in mid-run, interrupted, resumed; and what it says of nonsense."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.learning.small import write_files

SHORT = ("--epochs", "5", "--batch", "16", "--ema", "0.5", "--augment", "rotate")
SAME = ("metrics.jsonl", "weights.safetensors", "config.json", "network.json", "best.json")
ENVIRONMENT = {**os.environ, "MSENAS_COMPILE": "0", "OMP_NUM_THREADS": "1"}


def start(*arguments):
    command = [sys.executable, "-m", "msenas", "train", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)


def msenas(*arguments):
    process = start(*arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def lines(folder):
    try:
        return (folder / "metrics.jsonl").read_bytes().count(b"\n")
    except OSError:
        return 0


def stopped(number, after, *arguments, out):
    """Start a training and send it a signal after so many epochs; (exit code, stdout, stderr)."""
    process = start(*arguments, "--out", out)
    end = time.monotonic() + 90
    while lines(out) < after:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.002)
    process.send_signal(number)
    printed, err = process.communicate(timeout=60)
    return process.returncode, printed, err


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("train"))


@pytest.fixture(scope="module")
def whole(file):
    """A finished training and what it printed."""
    out = file.parent / "whole"
    code, printed, err = msenas(file, *SHORT, "--out", out, "--json")
    assert (code, err) == (0, "")
    return out, json.loads(printed)


def test_result_as_json(whole):
    out, printed = whole
    about = json.loads((out / "best.json").read_text())["provenance"]["training"]
    assert (printed["out"], printed["end"], printed["epochs"]) == (str(out), "finished", 5)
    assert (printed["accuracy"], printed["val_accuracy"]) == (about["accuracy"], about["val_accuracy"])


@pytest.mark.slow
@pytest.mark.parametrize("after", [1, 2, 4])
@pytest.mark.usefixtures("uncompiled", "one_thread")
def test_killed_it_resumes_to_the_same_bytes(cli, tmp_path, file, whole, after):
    out = tmp_path / "killed"
    code, _, _ = stopped(signal.SIGKILL, after, file, *SHORT, out=out)
    assert code == -signal.SIGKILL
    assert not (out / "best.json").exists()
    code, _, err = cli("train", "--resume", "--out", out)
    assert code == 0, err
    assert {n: (out / n).read_bytes() for n in SAME} == {n: (whole[0] / n).read_bytes() for n in SAME}


@pytest.mark.slow
def test_interrupted_it_says_how_to_go_on(tmp_path, file):
    out = tmp_path / "interrupted"
    code, printed, err = stopped(signal.SIGINT, 1, file, *SHORT, out=out)
    assert code == 130
    assert "Traceback" not in err
    assert "interrupted after epoch" in printed
    assert f"train --resume --out {out}" in printed


def test_a_finished_training_reports_what_was_recorded(cli, whole):
    code, printed, err = cli("train", "--resume", "--out", whole[0], "--json")
    assert code == 0
    assert {**json.loads(printed), "seconds": 0} == {**whole[1], "seconds": 0}
    assert err == f"note: {whole[0]} had ended; these are the accuracies of then\n"


@pytest.mark.usefixtures("uncompiled", "one_thread")
def test_a_teacher_in_the_current_folder(tmp_path, file, monkeypatch, cli):
    code = """
        import torch
        def make():
            return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
        def wide():
            return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))
        def large():
            return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(65, 3))
        def broken():
            raise RuntimeError("no weights\\nhere")
    """
    (tmp_path / "msenas_test_teacher.py").write_text("\n".join(line[8:] for line in code.splitlines()))
    (tmp_path / "msenas_test_wrong.py").write_text("def")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for where, said in (
        ("msenas_test_teacher:wide", "scores of 2 samples are [2, 4], not [2, 3]"),
        ("msenas_test_teacher:large", "scores of samples [2, 1, 8, 8]: RuntimeError: "),
        ("msenas_test_teacher:broken", "RuntimeError: no weights; write module:function"),
        ("msenas_test_teacher:none", "AttributeError: "),
        ("msenas_test_teacher", "AttributeError: "),
        ("msenas_test_wrong:make", "SyntaxError: "),
        (":make", "ValueError: "),
        ("math:sin", "TypeError: "),
        ("builtins:dict", "returns dict, not a torch module"),
    ):
        code, _, err = cli("train", file, "--distill", where, "--out", tmp_path / "t")
        assert (code, err.count("\n")) == (2, 1), err
        assert f"--distill {where}" in err
        assert said in err
        assert not (tmp_path / "t").exists()
    for folder in ("t", "again"):
        chosen = ("--distill", "msenas_test_teacher:make", "--epochs", "1", "--out", tmp_path / folder)
        assert cli("train", file, *chosen)[0] == 0
    assert (tmp_path / "t" / "metrics.jsonl").read_bytes() == (tmp_path / "again" / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name the best.json to train"),
        (("gone.json",), "cannot read gone.json"),
        (("FILE", "--epochs", "many"), "Invalid value for '--epochs'"),
        (("FILE", "--epochs", "0"), "epochs must be 1 to 100000, not 0"),
        (("FILE", "--lr", "nan"), "lr must be"),
        (("FILE", "--seed", "-1"), "seed must be"),
        (("FILE", "--augment", ","), "augment must name an augmentation"),
        (("FILE", "--augment", "sepia"), "unknown augmentation of images 'sepia'"),
        (("FILE", "--precision", "float64"), "unknown precision"),
        (("FILE", "--window", "3ms"), "a window is for event recordings"),
        (("FILE", "--early-share", "0.5"), "--early-share needs --early-steps"),
        (
            ("FILE", "--early-steps", "2"),
            "--early-steps must be fewer than the time steps of the network (T = 2), not 2",
        ),
        (("FILE", "--data", "/gone/x.npz"), "/gone/x.npz does not exist"),
        (("FILE", "--resume", "--out", "x"), "--resume takes the network from the folder"),
        (("--resume",), "--resume needs --out DIR"),
        (("--resume", "--out", "x"), "holds no training to resume"),
        (("FILE", "--no-such-option"), "No such option"),
    ],
)
def test_nonsense_is_one_line(cli, file, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, printed, err = cli("train", *(file if a == "FILE" else a for a in arguments))
    assert (code, printed, err.count("\n")) == (2, "", 1), err
    assert said in err
    assert list(tmp_path.iterdir()) == []
    assert not (file.parent / "trained-0").exists()
