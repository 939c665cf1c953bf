"""`msenas evaluate`: what it prints, and one line for everything that it cannot do."""

from __future__ import annotations

import json

import msgspec
import pytest
import torch

from msenas.evaluation.deployed import deploy
from msenas.runs.best import write_best
from msenas.runs.weights import write_weights
from tests.conftest import motif_genome
from tests.data import make_files
from tests.evaluation.conftest import digits_best

FEW = ("--samples", "20")


@pytest.fixture
def untrained(tmp_path, stepwise):
    """A run folder with best.json."""
    write_best(tmp_path / "best.json", digits_best())
    return tmp_path


@pytest.fixture
def run(untrained):
    """The same with weights."""
    network = deploy(untrained, {}).network
    weights = write_weights(untrained / "w.safetensors", network)
    write_best(untrained / "best.json", msgspec.structs.replace(digits_best(), weights=weights))
    return untrained


def test_the_report(cli, run):
    asked = ("--hardware", "loihi1,loihi2", "--steps", "1,2", "--noise", "salt,weights-6bit")
    code, out, err = cli("evaluate", run, *asked, *FEW)
    assert (code, err) == (0, "")
    for text in (
        "digits, 20 samples of the test split, trained weights",
        "; among the best five ",
        "most often taken for",
        "per neuron and step",
        "at least",
        "refused: loihi2",
        "time steps",
        "salt, by share of black or white pixels (without: ",
        "weights-6bit, by bits of a weight",
        "SynOps",
    ):
        assert text in out
    assert "picture" not in out


def test_json_has_the_accuracy_of_the_whole_split(cli, run):
    code, out, err = cli("evaluate", run, "--json")
    assert (code, err) == (0, "")
    data = json.loads(out, parse_constant=pytest.fail)
    found = deploy(run, {})
    frames = torch.cat(list(found.batches("test", found.choose("test", None))), 1)
    with torch.no_grad():
        right = (found.network(frames).argmax(1).numpy() == found.split("test").labels).sum()
    assert data["samples"] == len(found.split("test"))
    assert data["accuracy"] == pytest.approx(right / data["samples"], rel=1e-12)
    assert data["right"] == right == sum(data["confusion"][i][i] for i in range(10))
    assert 0 <= data["accuracy"] <= data["top5"] <= 1
    assert [row["samples"] for row in data["by_class"]] == [sum(row) for row in data["confusion"]]
    assert (data["trained"], data["by_steps"], data["noise"], data["pictures"]) == (True, [], {}, {})
    assert list(data["estimates"]) == ["generic-45nm"]
    spikes = sum(firing["spikes"] for firing in data["firing"].values())
    assert spikes == pytest.approx(data["counts"]["per_inference"]["spikes"])


def test_json_of_the_curves(cli, run):
    code, out, _ = cli("evaluate", run, "--steps", "1,6", "--noise", "drop-spikes,weights-7bit", "--json", *FEW)
    assert code == 0
    data = json.loads(out, parse_constant=pytest.fail)
    assert [point["steps"] for point in data["by_steps"]] == [1, 3, 6]
    assert data["by_steps"][1]["accuracy"] == data["accuracy"]
    assert [point["strength"] for point in data["noise"]["weights-7bit"]["points"]] == [8, 7]
    spikes = [point["spikes"] for point in data["noise"]["drop-spikes"]["points"]]
    assert spikes[-1] < spikes[0] < data["counts"]["per_inference"]["spikes"]


def test_equal_commands_give_equal_bytes_and_another_seed_others(cli, run):
    arguments = ("evaluate", run, "--noise", "gaussian,drop-spikes", "--json", *FEW)
    first, second, other = (cli(*arguments, *more)[1] for more in ((), ("--seed", "7"), ("--seed", "8")))
    assert first == second, "the seed of the file is 7"
    assert json.loads(first)["noise"] != json.loads(other)["noise"]


def test_pictures_are_written_and_named(cli, run):
    out = run / "new" / "pictures"
    code, text, err = cli("evaluate", run, "--steps", "1", "--noise", "salt", "--out", out, *FEW)
    assert (code, err) == (0, "")
    names = ["confusion.png", "steps.png", "noise.png", "energy.png"]
    assert text.splitlines()[-4:] == [f"picture: {out / name}" for name in names]
    assert {path.name for path in out.iterdir()} == set(names)
    data = json.loads(cli("evaluate", run, "--out", out, "--json", *FEW)[1])
    assert data["pictures"] == {name: str(out / f"{name}.png") for name in ("confusion", "energy")}


def test_random_weights_are_warned_of(cli, untrained):
    code, out, err = cli("evaluate", untrained, *FEW)
    assert code == 0
    assert "random weights" in out
    assert err.startswith("warning: ")
    assert "has no trained weights" in err
    assert err.count("\n") == 1
    code, out, _ = cli("evaluate", untrained, "--json", *FEW)
    data = json.loads(out)
    assert data["trained"] is False
    assert 0 <= data["accuracy"] <= 1


def test_event_frames(cli, tmp_path, stepwise):
    for name in "abc":
        for number in range(20):
            file = tmp_path / "events" / name / f"{number}.bin"
            make_files.nmnist_bin(file, [(0, 0, 0, 1), (number % 8, 7, 900, 0)])
    (tmp_path / "genome.json").write_text(json.dumps(list(motif_genome("FE").flat())))
    command = ("evaluate", tmp_path / "genome.json", "--dataset", "event-folder", "--data", tmp_path / "events")
    code, out, _ = cli(*command, "--noise", "salt", "--steps", "10", "--split", "train", "--samples", "3", "--json")
    assert code == 0
    data = json.loads(out)
    assert data["top5"] is None
    assert [point["steps"] for point in data["by_steps"]] == [10]
    for more, message in (
        (("--steps", "10,20"), "event frames cannot be stretched: event-folder was read as 10 frames"),
        (("--noise", "gaussian"), "gaussian noise is for images, not for event frames"),
    ):
        code, out, err = cli(*command, *more)
        assert (code, out) == (2, "")
        assert message in err
        assert err.count("\n") == 1


REFUSED = {
    "no file": (("--json",), "cannot read"),
    "no samples": (("--samples", "0"), "--samples"),
    "unknown split": (("--split", "foo"), "unknown split 'foo'; known: test, train, val"),
    "unknown profile": (("--hardware", "loihi9"), "unknown hardware profile 'loihi9'"),
    "no profile": (("--hardware", ""), "--hardware needs different profiles, not ''"),
    "nothing priced": (("--hardware", "loihi2"), "nothing of what this network does has a published price"),
    "unknown noise": (("--noise", "pepper"), "unknown noise 'pepper'"),
    "no noise": (("--noise", ","), "--noise needs different kinds"),
    "no steps": (("--steps", "0"), "--steps needs different numbers from 1 to 256"),
    "words as steps": (("--steps", "many"), "--steps needs different numbers"),
    "negative seed": (("--seed", "-1"), "--seed"),
    "unknown data": (("--dataset", "nonsense"), "unknown data set 'nonsense'"),
    "a file as folder": (("--out", "FILE"), "cannot make the folder"),
    "a file in the way": (("--out", "FILE/x"), "cannot make the folder"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_line(cli, run, case):
    arguments, message = REFUSED[case]
    arguments = [argument.replace("FILE", str(run / "best.json")) for argument in arguments]
    code, out, err = cli("evaluate", run / "missing.json" if case == "no file" else run, *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert err.startswith("msenas: ")
    assert err.count("\n") == 1


def test_damaged_weights(cli, run):
    (run / "w.safetensors").write_bytes(b"x")
    code, _, err = cli("evaluate", run)
    assert code == 2
    assert "sha256" in err


def test_lists_are_read_before_the_data(cli, run, monkeypatch):
    monkeypatch.setattr("msenas.cli.evaluate.deploy", pytest.fail)
    for arguments in (("--steps", "x"), ("--noise", "x"), ("--hardware", "x")):
        assert cli("evaluate", run, *arguments)[0] == 2


@pytest.mark.parametrize("command", ["evaluate", "estimate"])
def test_lack_of_memory_is_one_line(cli, run, tmp_path, monkeypatch, command):
    def forward(self, frames, observe=None):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory\nmore")

    deployed = deploy(run, {})
    monkeypatch.setattr(f"msenas.cli.{command}.deploy", lambda *a, **b: deployed)
    monkeypatch.setattr(type(deployed.network), "forward", forward)
    out = ("--out", tmp_path / "pictures") if command == "evaluate" else ()
    code, printed, err = cli(command, run, *FEW, *out)
    assert (code, printed, err.count("\n")) == (2, "", 1)
    assert err.startswith("msenas: out of memory: [enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator")
    assert list((tmp_path / "pictures").glob("*")) == []
