"""`msenas export`: what it writes and prints, one line for everything that it cannot do, and the way back."""

from __future__ import annotations

import errno
import json
import os
import shutil

import msgspec
import numpy as np
import pytest

from export.formats import FORMATS
from export.graph import Affine, Conv
from export.nir_about import about
from export.nir_read import read_nir
from export.simulate import simulate
from export.targets.table import TARGETS
from msenas.evaluation.deployed import deploy
from msenas.phenotype.lif import norse_sequence
from msenas.phenotype.network import LIF
from msenas.runs.best import write_best
from msenas.runs.weights import write_weights
from tests.conftest import motif_genome
from tests.data import make_files
from tests.evaluation.conftest import digits_best
from tests.export.test_exporting import altered, names

FEW = ("--verify", "5")
WRITTEN = {name: f"model{form.ending}" for name, form in FORMATS.items()}


@pytest.fixture
def untrained(tmp_path, stepwise):
    """A run folder with best.json."""
    write_best(tmp_path / "best.json", digits_best())
    return tmp_path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Weights of that network."""
    folder = tmp_path_factory.mktemp("weights")
    write_best(folder / "best.json", digits_best())
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(LIF, "compiled", norse_sequence)
        return folder, write_weights(folder / "w.safetensors", deploy(folder, {}).network)


@pytest.fixture
def run(untrained, weights):
    """The same with weights."""
    folder, written = weights
    shutil.copy(folder / "w.safetensors", untrained)
    write_best(untrained / "best.json", msgspec.structs.replace(digits_best(), weights=written))
    return untrained


def files(folder) -> set[str]:
    return names(folder) - {"best.json", "w.safetensors"}


def test_the_report(cli, run):
    code, out, err = cli("export", run, *FEW, "--golden")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == f"{run / 'model.nir'}: nir for portable, {(run / 'model.nir').stat().st_size:,} bytes"
    for text in (
        "equal spikes",
        "nirtorch",
        "L2.I2",
        "all populations",
        "equal answers",
        "largest difference of a score",
        "accuracy on 5 samples of the test split: ",
        " s to verify",
        f"golden vectors: {run / 'model.golden.npz'}",
    ):
        assert text in out
    assert lines[-1].endswith(f"msenas check {run / 'model.nir'} --target all") or "-m msenas check" in lines[-1]
    assert files(run) == {"model.nir", "model.golden.npz"}


def test_all_formats_at_once(cli, run):
    code, out, err = cli("export", run, "--format", ", ".join(FORMATS), *FEW, "--json")
    assert (code, err) == (0, "")
    data = json.loads(out, parse_constant=pytest.fail)
    assert (data["trained"], data["refused"]) == (True, None)
    assert {file["wanted"]["format"]: file["path"] for file in data["files"]} == {
        name: str(run / file) for name, file in WRITTEN.items()
    }
    assert files(run) == set(WRITTEN.values())
    for file in data["files"]:
        assert file["passed"] is file["verification"]["passed"] is True
        assert (file["drift"], file["golden"]) == ([], None)
        assert file["size"] == os.stat(file["path"]).st_size
        assert len(file["seconds"]) == 2
        wanted = {"target": "portable", "readout": "current", "bits": None, "golden": False, "encoding": None}
        assert wanted.items() <= file["wanted"].items()
        found = file["verification"]
        assert (found["samples"], found["steps"], found["first"]) == (5, 3, [])
        assert 0 <= file["accuracy"] == found["accuracy"] <= 1
        for comparison in found["comparisons"]:
            assert comparison["equal"] >= 0.9999
            assert comparison["same_answers"] == 1
            assert comparison["readout_difference"] < 1e-5
            assert [row["population"] for row in comparison["populations"]] == [
                *("L1.E1", "L1.E2", "L2.E1", "L2.I1", "L2.E2", "L2.I2")
            ]


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_a_chosen_name(cli, run, name):
    chosen = run / f"chosen{FORMATS[name].suffix}"
    code, out, err = cli("export", run, "--format", name, "--out", chosen, *FEW)
    assert (code, err) == (0, "")
    assert files(run) == {chosen.name}
    assert ("for portable" in out) == FORMATS[name].targets


def test_what_the_file_tells(cli, run):
    assert cli("export", run, *FEW)[0] == 0
    told = about(read_nir(run / "model.nir"))
    assert (told["steps"], told["encoding"], told["read"], told["dt"]) == (3, "direct", "current", 1e-4)
    own = told["about"]
    assert own["dataset"]["name"] == "digits"
    assert own["classes"] == [str(digit) for digit in range(10)]
    assert own["genome"] == list(motif_genome("FE", "LI").flat())
    assert own["weights_sha256"] == json.loads((run / "best.json").read_text())["weights"]["sha256"]
    assert (own["trained"], own["seed"], own["network"]["steps"]) == (True, 2, 3)
    assert own["versions"].keys() >= {"msenas", "torch"}
    assert len(own["standard"]["mean"]) == len(own["standard"]["std"]) == 1


def test_random_weights_are_warned_of(cli, untrained):
    code, out, err = cli("export", untrained, *FEW, "--json")
    assert code == 0
    assert err == "warning: the network is not trained; what is exported are the random weights of its seed\n"
    assert json.loads(out)["trained"] is False
    assert about(read_nir(untrained / "model.nir"))["about"]["trained"] is False


def test_a_bare_genome(cli, tmp_path, stepwise):
    genome = list(motif_genome("FE").flat())
    (tmp_path / "genome.json").write_text(json.dumps(genome))
    code, _, err = cli("export", tmp_path / "genome.json", *FEW)
    assert (code, err.count("\n")) == (0, 1)
    assert about(read_nir(tmp_path / "model.nir"))["about"]["genome"] == genome


@pytest.mark.parametrize("bits", [4, 8])
def test_rounded_weights(cli, run, bits):
    code, out, _ = cli("export", run, "--bits", bits, *FEW)
    assert code == 0
    assert f"weights rounded to {bits} bits: " in out
    assert f"; with {bits} bits: " in out


def test_spikes_in_and_out(cli, run):
    changes = ("--encoding", "poisson", "--readout", "spikes")
    code, out, err = cli("export", run, "--format", "nir,onnx", *changes, *FEW)
    assert (code, err) == (0, "")
    assert "; with poisson code, spiking read-out: " in out
    assert "\n  scores " in out
    told = about(read_nir(run / "model.nir"))
    assert (told["encoding"], told["read"]) == ("poisson", "spikes")
    assert told["about"]["trained_encoding"] == "direct"
    assert "standard" not in told["about"]


def test_older_golden_vectors_are_warned_of(cli, run):
    assert cli("export", run, *FEW, "--golden")[0] == 0
    code, _, err = cli("export", run, *FEW)
    assert code == 0
    assert err == f"warning: {run / 'model.golden.npz'} is of an earlier export; --golden writes it anew\n"


def test_golden_vectors_are_what_the_file_does(cli, run):
    assert cli("export", run, *FEW, "--golden")[0] == 0
    with np.load(run / "model.golden.npz") as golden:
        trace = simulate(read_nir(run / "model.nir"), golden["input"], float(golden["dt"]))
        assert golden["input"].shape == (3, 5, 1, 8, 8)
        np.testing.assert_array_equal(golden["output"], trace.outputs)
        assert any(train.any() for train in trace.spikes.values())
        for name, train in trace.spikes.items():
            np.testing.assert_array_equal(golden[f"spikes/{name}"], train)


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_file_that_does_something_else(cli, run, monkeypatch, as_json):
    assert cli("export", run, *FEW)[0] == 0
    before = (run / "model.nir").read_bytes()
    altered(monkeypatch, Conv)
    code, out, err = cli("export", run, "--format", "nir,onnx", *FEW, *as_json)
    assert code == 1
    assert err.startswith(f"msenas: {run / 'model.failed.nir'} does not do what the network does: ")
    assert f"{run / 'model.nir'} is still that of an earlier export; {run / 'model.failed.onnx'} does not" in err
    assert err.count("\n") == 1
    assert files(run) == {"model.nir", "model.failed.nir", "model.failed.onnx"}
    assert (run / "model.nir").read_bytes() == before
    if as_json:
        assert [file["passed"] for file in json.loads(out)["files"]] == [False, False]
    else:
        assert "first difference of " in out
        assert "next: " not in out


def test_wrong_scores_fail(cli, run, monkeypatch):
    altered(monkeypatch, Affine)
    assert cli("export", run, *FEW)[0] == 1
    assert files(run) == {"model.failed.nir"}


REFUSING = ("sinabs", "speck", "spinnaker2", "lava-dl", "xylo", "snn-mlir")


@pytest.mark.parametrize("target", TARGETS)
def test_targets(cli, run, target):
    code, out, err = cli("export", run, "--format", "onnx,nir", "--target", target, *FEW)
    if target not in REFUSING:
        assert (code, err) == (0, "")
        assert f"nir for {target}, " in out
        return
    assert code == 1
    assert err.startswith(f"msenas: {target} cannot take the network: ")
    assert err.count("\n") == 1
    assert f"{target}: NOT taken" in out
    assert files(run) == set()
    code, out, again = cli("export", run, "--target", target, "--json", *FEW)
    data = json.loads(out)
    assert (code, again, data["files"], data["refused"]["accepted"]) == (1, err, [], False)


REFUSED = {
    "no file": ((), "cannot read"),
    "unknown format": (("--format", "nirr"), "unknown format 'nirr'; did you mean 'nir'?"),
    "no format": (("--format", ","), "--format needs different formats of nir, onnx, onnx-step; not ','"),
    "a format twice": (("--format", "nir,nir"), "--format needs different formats"),
    "two formats, one file": (("--format", "nir,onnx", "--out", "DIR/a.nir"), "--out names one file"),
    "another ending": (("--out", "DIR/a.onnx"), "a file of format nir ends in .nir"),
    "no ending": (("--format", "onnx-step", "--out", "DIR/a"), "a file of format onnx-step ends in .onnx"),
    "no folder": (("--out", "DIR/b/a.nir"), "there is no folder DIR/b"),
    "a file as folder": (("--out", "DIR/best.json/a.nir"), "there is no folder DIR/best.json"),
    "a folder as file": (("--out", "DIR/d.nir"), "DIR/d.nir is a folder; a file is needed"),
    "unknown target": (("--target", "spek"), "unknown target 'spek'; did you mean 'speck'?"),
    "a target of no format": (("--format", "onnx", "--target", "speck"), "--target speck is for NIR files"),
    "unknown read-out": (("--readout", "sums"), "unknown read-out 'sums'; known: current, spikes"),
    "odd bits": (("--bits", "7"), "weights can have 4 or 8 bits, not 7"),
    "unknown code": (("--encoding", "rate"), "unknown spike code 'rate'; known: latency, poisson"),
    "no sample": (("--verify", "0"), "--verify"),
    "unknown data": (("--dataset", "nonsense"), "unknown data set 'nonsense'"),
    "no data": (("--dataset", "mnist"), "mnist"),
}
BEFORE_THE_DATA = [case for case in REFUSED if case not in ("no file", "unknown data", "no data")]


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_line(cli, run, case, monkeypatch):
    if case in BEFORE_THE_DATA:
        monkeypatch.setattr("msenas.cli.export.deploy", pytest.fail)
    (run / "d.nir").mkdir()
    *arguments, message = (text.replace("DIR", str(run)) for text in (*REFUSED[case][0], REFUSED[case][1]))
    code, out, err = cli("export", run / "missing.json" if case == "no file" else run, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("msenas: ")
    assert err.count("\n") == 1
    assert files(run) == {"d.nir"}


def test_damaged_weights(cli, run):
    (run / "w.safetensors").write_bytes(b"x")
    code, _, err = cli("export", run)
    assert code == 2
    assert "sha256" in err
    assert files(run) == set()


def test_a_full_disk(cli, run, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("msenas.runs.files.os.fsync", full)
    code, out, err = cli("export", run, *FEW)
    assert (code, out) == (2, "")
    assert err == f"msenas: cannot write {run / 'model.failed.nir'}: No space left on device\n"
    assert files(run) == set()


def test_interrupted(cli, run, monkeypatch):
    def interrupt(*_arguments, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("export.formats.verify", interrupt)
    code, out, err = cli("export", run, *FEW)
    assert (code, out) == (130, "")
    assert "Traceback" not in err
    assert files(run) == {"model.failed.nir"}


def test_event_frames(cli, tmp_path, stepwise):
    for name in "abc":
        for number in range(20):
            file = tmp_path / "events" / name / f"{number}.bin"
            make_files.nmnist_bin(file, [(0, 0, 0, 1), (number % 8, 7, 900, 0)])
    (tmp_path / "genome.json").write_text(json.dumps(list(motif_genome("FE").flat())))
    command = ("export", tmp_path / "genome.json", "--dataset", "event-folder", "--data", tmp_path / "events", *FEW)
    code, _, err = cli(*command, "--encoding", "poisson")
    assert code == 2
    assert "fed by the events code" in err
    assert cli(*command)[0] == 0
    assert about(read_nir(tmp_path / "model.nir"))["encoding"] == "events"


@pytest.mark.parametrize("changes", [(), ("--bits", "8"), ("--encoding", "latency"), ("--target", "norse")])
def test_the_way_back(cli, run, changes):
    assert cli("export", run, "--golden", *changes, *FEW)[0] == 0
    target = changes[1] if "--target" in changes else "portable"
    code, out, _ = cli("check", run / "model.nir", "--target", target, "--json")
    assert (code, json.loads(out)[0]["accepted"]) == (0, True)
    assert cli("import", run / "model.nir", "--out", run / "back")[0] == 0
    code, _, err = cli("export", run / "back", *FEW)
    assert (code, err) == (0, ""), "with weights, so there is nothing to warn of"
    first, second = read_nir(run / "model.nir"), read_nir(run / "back" / "model.nir")
    with np.load(run / "model.golden.npz") as golden:
        frames, dt = golden["input"], float(golden["dt"])
    one, other = simulate(first, frames, dt), simulate(second, frames)
    assert one.spikes.keys() == other.spikes.keys()
    assert any(train.any() for train in one.spikes.values())
    assert all(np.array_equal(train, other.spikes[name]) for name, train in one.spikes.items())
    np.testing.assert_allclose(other.outputs, one.outputs, atol=1e-5)
