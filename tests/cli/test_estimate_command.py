"""`msenas estimate`: what it prints, and one line for everything that it cannot do."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import msgspec
import pytest
import torch

from msenas.evaluation.deployed import deploy
from msenas.runs.best import write_best
from msenas.runs.weights import write_weights
from tests.evaluation.conftest import digits_best

FEW = ("--samples", "5")


@pytest.fixture
def run(tmp_path, stepwise):
    """A run folder with best.json."""
    write_best(tmp_path / "best.json", digits_best())
    return tmp_path


def test_the_report_shows_what_a_reader_must_know(cli, run):
    code, out, err = cli("estimate", run, "--hardware", "loihi1,generic-45nm", *FEW)
    assert (code, err) == (0, "")
    for text in (
        "5 samples of the test split, random weights",
        "T = 3 steps, one sample at a time",
        "direct encoding: the analog input is convolved once per inference",
        "events that meet a zero weight are paid",
        "weights of 9 and potentials of 24 bits",
        "Intel 14 nm at 0.75 V",
        "SynOps delivered",
        "SynOps, non-zero weights",
        "synops",
        "(simulated)",
        "samples: median",
        "cores on 1 chip(s)",
        "time by the model 'cores'",
        "energy x delay",
        "static power is",
        "per second",
        "unpriced, so the total is a lower bound",
        "ANN twin, 2-bit activations",
        "break-even at",
        "spikes per synapse and inference",
        "memory: weights",
        "compute-only index (45 nm)",
        "but not host, sensors and board",
    ):
        assert text in out
    assert "accuracy" not in out


def test_json_is_strict_and_holds_every_number(cli, run):
    code, out, err = cli("estimate", run, "--hardware", "all", "--json", *FEW)
    assert (code, err) == (0, "")
    data = json.loads(out, parse_constant=pytest.fail)
    assert (data["dataset"], data["split"], data["samples"], data["trained"]) == ("digits", "test", 5, False)
    assert data["accuracy"] is None
    assert data["counts"]["samples"] == 5
    assert {"assumptions", "per_sample", "ranking", "refused"} <= set(data)
    loihi = data["estimates"]["loihi1"]
    assert sum(t["nominal_joule"] for t in loihi["terms"]) == pytest.approx(loihi["nominal_joule"], rel=1e-12)
    assert loihi["static_share"] > 0
    assert loihi["inferences_per_second"] == pytest.approx(1 / loihi["latency"]["nominal"])


def test_equal_commands_give_equal_bytes(cli, run):
    arguments = ("estimate", run, "--encoding", "poisson", "--json", *FEW)
    assert cli(*arguments)[1] == cli(*arguments)[1]


def test_energy_and_counts_by_layer(cli, run):
    code, out, _ = cli("estimate", run, "--hardware", "loihi1", "--by-layer", *FEW)
    assert code == 0
    rows = {line.split()[0]: line for line in out.splitlines() if line.split()}
    assert {"L1.E1", "L2.E1", "chip", "place", "counts"} <= set(rows)
    assert "…" not in out


@pytest.mark.parametrize("hardware", ["loihi1", "loihi1,odin"])
def test_the_picture_is_written_and_named(cli, run, hardware):
    code, out, _ = cli("estimate", run, "--hardware", hardware, "--out", run / "energy.svg", *FEW)
    assert code == 0
    assert out.splitlines()[-1] == f"picture: {run / 'energy.svg'}"
    assert (run / "energy.svg").stat().st_size > 0


def test_trained_weights_show_their_accuracy(cli, run):
    network = deploy(run, {}).network
    best = msgspec.structs.replace(digits_best(), weights=write_weights(run / "w.safetensors", network))
    write_best(run / "best.json", best)
    code, out, _ = cli("estimate", run, *FEW)
    assert code == 0
    assert "trained weights" in out
    assert "accuracy on them: " in out
    assert json.loads(cli("estimate", run, "--json", *FEW)[1])["accuracy"] is not None


def test_a_network_that_never_fires(cli, run):
    network = deploy(run, {}).network
    with torch.no_grad():
        for norm in network.norms.values():
            norm.weight.zero_()
            norm.bias.fill_(-1.0)
    best = msgspec.structs.replace(digits_best(), weights=write_weights(run / "w.safetensors", network))
    write_best(run / "best.json", best)
    code, out, err = cli("estimate", run, "--hardware", "all", "--out", run / "dead.png", *FEW)
    assert (code, err) == (0, "")
    spikes = next(line for line in out.splitlines() if line.startswith("spikes of the neurons"))
    assert spikes.split()[-4:] == ["0"] * 4
    assert "the spiking network costs more at any firing rate" not in out
    assert json.loads(cli("estimate", run, "--hardware", "all", "--json", *FEW)[1], parse_constant=pytest.fail)


REFUSED = {
    "no samples": (("--samples", "0"), "--samples"),
    "unknown split": (("--split", "foo"), "unknown split 'foo'; known: test, train, val"),
    "no profile": (("--hardware", ""), "--hardware needs different profiles, not ''"),
    "a profile twice": (("--hardware", "loihi1,loihi1"), "--hardware needs different profiles, not 'loihi1,loihi1'"),
    "unknown profile": (("--hardware", "loihi9"), "unknown hardware profile 'loihi9'"),
    "nothing priced": (("--hardware", "loihi2"), "nothing of what this network does has a published price"),
    "another picture": (("--out", "x.txt"), "must end in .svg or .png"),
    "no folder": (("--out", "no/such/folder/x.svg"), "there is no folder"),
    "unknown data": (("--dataset", "nonsense"), "unknown data set 'nonsense'"),
    "negative seed": (("--seed", "-1"), "seed must be 0 to"),
    "events of images": (("--encoding", "events"), "'events' does not fit digits"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_line(cli, run, case):
    arguments, message = REFUSED[case]
    code, out, err = cli("estimate", run, *FEW, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("msenas: ")
    assert err.count("\n") == 1


def test_a_picture_that_cannot_be_written_is_refused_before_the_work(cli, run, monkeypatch):
    monkeypatch.setattr("msenas.cli.estimate.deploy", pytest.fail)
    code, _, err = cli("estimate", run, "--out", run / "x.pdf", *FEW)
    assert code == 2
    assert "must end in .svg or .png" in err


def test_the_largest_seed(cli, run):
    assert cli("estimate", run, "--seed", str(2**63 - 1), *FEW)[0] == 0


def test_a_reader_that_stops_early_gets_no_traceback(run):
    command = [sys.executable, "-m", "msenas", "estimate", str(run), "--hardware", "all", *FEW]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "MSENAS_COMPILE": "0"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    process.wait(timeout=60)
