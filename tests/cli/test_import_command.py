"""`msenas import`: from a NIR file to a best.json that the other commands take."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import nir
import numpy as np
import pytest

from export.lower import lower
from export.nir_check import checked
from export.nir_write import write_nir
from msenas.evaluation.deployed import deploy
from msenas.runs.best import SCHEMA, SCHEMA_STRUCTURE, read_best
from tests.conftest import motif_genome, motif_plan
from tests.export.foreign import affine, conv, fire, flatten, graph, leaky, paper_cnn, pool, sink, source
from tests.export.networks import tensors_of, trained


def digits_cnn(rng: np.random.Generator) -> nir.NIRGraph:
    """A small network of another program for 8x8 digits, with a branch that its picture cannot show."""
    nodes = {
        "input": source(1, 8, 8),
        "conv1": conv(rng, (4, 1, 3, 3), padding=1),
        "lif1": leaky(4, 8, 8),
        "conv2": conv(rng, (4, 4, 3, 3), padding=1),
        "lif2": leaky(4, 8, 8),
        "pool": pool(2),
        "flat": flatten(4, 4, 4),
        "fc": affine(rng, 10, 64),
        "lif3": leaky(10),
        "output": sink(10),
    }
    edges = [("input", "conv1"), ("conv1", "lif1"), ("lif1", "conv2"), ("conv2", "lif2"), ("lif2", "pool")]
    edges += [("lif1", "pool"), ("pool", "flat"), ("flat", "fc"), ("fc", "lif3"), ("lif3", "output")]
    return graph(nodes, edges)


def write(path: Path, model: nir.NIRGraph) -> None:
    """By nir itself, which wants to be told all shapes."""
    nir.write(path, checked(model).graph)


@pytest.fixture
def foreign(tmp_path, rng):
    write(tmp_path / "model.nir", digits_cnn(rng))
    return tmp_path / "model.nir"


def test_a_foreign_network_on_the_digits(cli, foreign, stepwise):
    code, out, err = cli("import", foreign, "--dataset", "digits")
    assert (code, err) == (0, "")
    assert "layer 3 · lif3 · 1x1" in out
    assert "sum 2x2, 4x4" in out
    assert "note: tau is 2 time steps of 0.0001 s (--dt)" in out
    folder = foreign.with_suffix("")
    best = read_best(folder)
    assert (best.schema, best.genome, best.weights.file) == (SCHEMA_STRUCTURE, None, "weights.safetensors")
    assert best.provenance["dataset"] == {"name": "digits"}
    assert best.provenance["standard"] == {"mean": [0.0], "std": [1.0]}
    deployed = deploy(folder, {})
    frames = next(deployed.batches("test", np.arange(4)))
    assert deployed.trained
    assert 0 <= frames.min() < frames.max() <= 1
    code, out, err = cli("estimate", folder, "--samples", 8, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["trained"] is True
    code, out, err = cli("evaluate", folder, "--samples", 8, "--json")
    assert code == 0
    assert 0 <= json.loads(out)["accuracy"] <= 1
    code, out, _ = cli("fit", folder, "--hardware", "speck2f", "--json")
    failed = json.loads(out)["chips"][0]["failed"]
    assert (code, "poolings" in failed, "neuron_models" in failed) == (1, False, True)
    code, out, err = cli("show", folder)
    assert (code, err) == (0, "")
    assert "no picture: cannot draw lif1.E1 + lif2.E1; lif1 gives lif1.E1" in out
    assert not (folder / "best.svg").exists()


def test_options_of_genomes_do_not_apply(cli, foreign, stepwise):
    cli("import", foreign, "--dataset", "digits")
    code, _, err = cli("estimate", foreign.with_suffix(""), "--channels", 8)
    assert code == 2
    assert "--channels does not apply: the network was imported and has no genome" in err
    code, _, err = cli("score", foreign.with_suffix(""))
    assert code == 2
    assert "trained weights; only random ones can be scored" in err


def test_an_imported_network_is_trained(cli, foreign, stepwise, uncompiled, one_thread):
    cli("import", foreign, "--dataset", "digits")
    out = foreign.parent / "run"
    code, _, err = cli("train", foreign.with_suffix(""), "--epochs", 1, "--batch", 512, "--out", out, "--json")
    assert code == 0, err
    best = read_best(out)
    assert best.structure == read_best(foreign.with_suffix("")).structure
    assert best.provenance["standard"] == {"mean": [0.0], "std": [1.0]}


def test_a_network_of_events_is_drawn(cli, tmp_path, rng):
    write(tmp_path / "paper.nir", paper_cnn(rng))
    code, out, err = cli("import", tmp_path / "paper.nir", "--steps", 3, "--out", tmp_path / "x", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["spec"]["steps"], told["spec"]["encoding"], told["genome"]) == (3, "events", None)
    assert told["populations"][0] == "n1.E1"
    assert "no data set is known" in told["notes"][-1]
    code, _, err = cli("show", tmp_path / "x")
    assert (code, err) == (0, "")
    assert (tmp_path / "x" / "best.svg").stat().st_size > 1000
    code, _, err = cli("estimate", tmp_path / "x")
    assert code == 2
    assert "does not name its data set; give --dataset" in err


def test_a_network_of_ours_comes_back_with_its_genome(cli, tmp_path):
    plan, genome = motif_plan("FE", "FbI", steps=5), motif_genome("FE", "FbI")
    about = {"network": asdict(plan.spec), "genome": list(genome.flat()), "dataset": {"name": "digits"}, "seed": 4}
    about["standard"] = {"mean": [0.25], "std": [0.5]}
    write_nir(tmp_path / "ours.nir", lower(plan, tensors_of(trained(plan)), about=about))
    code, out, err = cli("import", tmp_path / "ours.nir")
    assert (code, err) == (0, "")
    assert "note" not in out
    best = read_best(tmp_path / "ours")
    assert (best.schema, best.genotype, best.plan, best.structure) == (SCHEMA, genome, plan, None)
    assert (best.provenance["seed"], best.provenance["dataset"]) == (4, {"name": "digits"})
    assert best.provenance["standard"] == about["standard"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--input-shape", "1,8"), "--input-shape needs channels, height and width"),
        (("--input-shape", "1,0,8"), "--input-shape needs"),
        (("--input-shape", "1,4,16"), "does not fit"),
        (("--steps", "0"), "steps must be 1 to 65536, not 0"),
        (("--dt", "0"), "--dt"),
        (("--dt", "1"), "--dt SECONDS"),
        (("--encoding", "x"), "encoding must be one of"),
        (("--dataset", "mnis"), "unknown data set 'mnis'; did you mean"),
        (("--dataset", "cifar10"), "cifar10 has 3 channels, the input of the network 1"),
        (("--dataset", "cifar100"), "cifar100 has 100 classes, the network 10"),
        (("--dataset", "digits", "--encoding", "events"), "digits does not go with --encoding events"),
        (("--data", "x"), "--data needs --dataset"),
    ],
)
def test_bad_options_write_nothing(cli, foreign, options, said):
    code, out, err = cli("import", foreign, *options)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not foreign.with_suffix("").exists()


def test_a_folder_that_is_taken(cli, foreign):
    assert cli("import", foreign)[0] == 0
    code, _, err = cli("import", foreign)
    assert code == 2
    assert "holds a best.json; choose another --out" in err
    code, _, err = cli("import", foreign, "--out", foreign)
    assert (code, err.count("\n")) == (2, 1)
    assert "is no folder" in err


def test_a_file_that_is_none(cli, tmp_path):
    (tmp_path / "x.nir").write_bytes(b"no hdf5")
    for name in ("x.nir", "y.nir", "..", "."):
        code, _, err = cli("import", tmp_path / name if "nir" in name else name)
        assert (code, err.count("\n")) == (2, 1)
        assert name in err


def test_neurons_of_another_kind_are_named_with_the_file(cli, tmp_path, rng):
    nodes = {"input": source(6), "w": affine(rng, 3, 6), "z": fire(3), "y": nir.LI(*[np.ones(3, np.float32)] * 3)}
    write(tmp_path / "li.nir", graph(nodes | {"output": sink(3)}))
    code, _, err = cli("import", tmp_path / "li.nir")
    assert code == 2
    assert "li.nir: node 'y' is LI, which cannot be imported" in err
