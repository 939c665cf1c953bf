"""Two processes on this machine, through gloo, against one with the same batches."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from msenas.errors import InputError
from msenas.learning.parallel import ALONE, VARIABLES, Elsewhere, Group, processes
from tests.learning import group_of_two

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "MSENAS_COMPILE": "0", "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
pytestmark = pytest.mark.usefixtures("uncompiled", "one_thread")


def free_port():
    with socket.socket() as at:
        at.bind(("127.0.0.1", 0))
        return at.getsockname()[1]


def two(name, folder):
    """What a function of `group_of_two` returns in both processes; None from one that left early."""
    out, port = folder / "out", free_port()
    command = [sys.executable, "-m", "tests.learning.group_of_two", name, str(out)]
    started = [
        subprocess.Popen([*command, str(rank), "2", str(port)], stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        for rank in range(2)
    ]
    try:
        told = [process.communicate(timeout=600)[1] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], told
    files = [Path(f"{out}-{rank}") for rank in range(2)]
    return [torch.load(f, weights_only=True) if f.exists() else None for f in files]


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """What two processes found in all that they were asked, by name: lists of two."""
    first, second = two("everything", tmp_path_factory.mktemp("both"))
    return {name: (first[name], second[name]) for name in first}


@pytest.mark.parametrize("name", group_of_two.OPTIONS)
def test_two_processes_train_as_one_with_the_same_batches(name, both):
    alone = group_of_two.training(ALONE, name)
    first, second = (found[name] for found in both["training"])
    assert len(alone["losses"]) >= 3
    assert first["losses"] == pytest.approx(alone["losses"], abs=1e-5)
    for mine, theirs in zip(first["rows"], alone["rows"], strict=True):
        assert mine == pytest.approx(theirs, abs=1e-5)
    assert first["rows"] == second["rows"]
    for part in ("network", "average"):
        for key, value in alone[part].items():
            torch.testing.assert_close(first[part][key], value, rtol=1e-4, atol=1e-4, msg=f"{part} {key}")
            if part == "average" or "running" not in key:
                assert torch.equal(first[part][key], second[part][key]), key


def test_norms_take_the_moments_of_all_samples(both):
    alone, pair = group_of_two.norms(ALONE), both["norms"]
    assert [len(found["places"]) for found in pair] == [4, 3]
    for name in ("out", "gradient"):
        torch.testing.assert_close(torch.cat([found[name] for found in pair]), alone[name], rtol=1e-4, atol=1e-4)
    for found in pair:
        for name in ("mean", "variance", "parameters"):
            torch.testing.assert_close(found[name], alone[name], rtol=1e-5, atol=1e-3)
        assert int(found["batches"]) == 1


def test_means_wishes_and_what_the_first_one_finds(both):
    first, second = both["means"]
    for found in (first, second):
        assert float(found["mean"]) == 2.0
        assert found["agreed"] == [False, True, True]
        assert found["first"] == "{'rank': 0, 'path': PosixPath('x')}"
        # The sum of both losses is 5 m^2, so each of the five values has the gradient 2 * 5 * m / 5.
        torch.testing.assert_close(found["gradient"], torch.full_like(found["gradient"], 4.0))
    assert (len(first["gradient"]), len(second["gradient"])) == (3, 2)


def test_of_processes_that_fail_one_says_why(both):
    first, second = both["failures"]
    quiet = "another process of this training has failed"
    assert first == {
        "second": ("Elsewhere", quiet, 1),
        "both": ("InputError", "no luck in 0", 2),
        "first": ("InputError", "no luck in 0", 2),
        "none": ("", "", 0),
    }
    assert second == {
        "second": ("CheckFailed", "no luck in 1", 1),
        "both": ("Elsewhere", quiet, 2),
        "first": ("Elsewhere", quiet, 2),
        "none": ("", "", 0),
    }


def test_a_process_that_is_gone_is_said_in_one_line(tmp_path):
    first, second = two("lost", tmp_path)
    assert second is None
    assert len(first["said"]) == 2
    for line in first["said"]:
        assert line.startswith("process 1 of 2: another process of this training has ended, or has not answered for 30")
        assert "\n" not in line


def test_no_thread_of_the_group_outlives_it(both):
    assert both["threads"] == ([], [])


def test_slices_are_the_whole():
    groups = [Group(rank, 3) for rank in range(3)]
    assert torch.equal(torch.cat([group.own(torch.arange(8)) for group in groups]), torch.arange(8))
    assert sorted(x for group in groups for x in group.own_batches(range(8))) == list(range(8))
    assert [group.leads for group in groups] == [True, False, False]


def test_a_process_alone_exchanges_nothing():
    values = torch.ones(2, requires_grad=True)
    assert ALONE.total(values) is values
    assert ALONE.mean(values, 3) is values
    assert ALONE.add_up([], (1.0, 2.0)) == [1.0, 2.0]
    assert ALONE.device("cuda") == torch.device("cuda")
    with pytest.raises(InputError, match="no"):
        ALONE.together(lambda: (_ for _ in ()).throw(InputError("no")))


def test_each_process_needs_a_gpu_of_its_own(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    assert Group(0, 2, 0).device("cuda") == torch.device("cuda", 0)
    assert Group(1, 2, 1).device("cpu") == torch.device("cpu")
    with pytest.raises(InputError, match="process 2 of this machine finds 1 GPUs"):
        Group(1, 2, 1).device("cuda")


GIVEN = {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.mark.parametrize("left", VARIABLES)
def test_without_torchrun_a_process_is_alone(monkeypatch, left):
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv(left)
    with processes() as group:
        assert group == ALONE


@pytest.mark.parametrize(("name", "value"), [("RANK", "x"), ("RANK", "5"), ("WORLD_SIZE", ""), ("MASTER_PORT", "no")])
def test_variables_that_make_no_sense_are_one_line(monkeypatch, name, value):
    for known, right in GIVEN.items():
        monkeypatch.setenv(known, right)
    monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match="do not find each other") as caught, processes():
        pass
    assert f"{name}={value}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_exit_code_of_another_process_is_taken_over():
    assert Elsewhere(2).exit_code == 2
