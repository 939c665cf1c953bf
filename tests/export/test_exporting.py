"""Files get their name once they were read back and did what the network does."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace

import nir
import numpy as np
import pytest
import torch

from export import exporting, formats, sources
from export.check import check
from export.exporting import GOLDEN, Refused, Wanted, export, export_all
from export.formats import FORMATS
from export.graph import READOUTS, Affine, Conv
from export.nir_read import read_nir
from export.nir_write import to_nir_graph
from export.quantise import BITS
from export.simulate import simulate
from export.sources import Changes, Source, lowered
from export.spiking_readout import scores_of
from export.targets.table import TARGETS
from msenas.errors import CheckFailed, InputError, RunError
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from tests.conftest import small_spec
from tests.export.networks import trained
from tests.export.test_sources import source

pytestmark = pytest.mark.usefixtures("stepwise")
NAMES = [*FORMATS]


@pytest.fixture(scope="module")
def given():
    return source("FE", "LI")


@pytest.fixture
def wanted(tmp_path, request):
    name = getattr(request, "param", "nir")
    return Wanted(name, tmp_path / f"model{FORMATS[name].ending}")


def names(folder) -> set[str]:
    return {path.name for path in folder.iterdir()}


def altered(monkeypatch, kind: type, factor: float = 3.0) -> None:
    """Lowering gets the weights of the last node of a kind wrong."""
    lower = sources.lower

    def wrong(*arguments, **more):
        graph = lower(*arguments, **more)
        last = [node for node in graph.nodes if isinstance(node, kind) and node.weight.any()][-1]
        changed = replace(last, weight=np.float32(factor) * last.weight)
        return replace(graph, nodes=tuple(changed if node is last else node for node in graph.nodes))

    monkeypatch.setattr(sources, "lower", wrong)


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_a_file_that_passes(given, wanted):
    done = export(given, wanted)
    assert done.passed
    assert (done.path, done.size) == (wanted.path, wanted.path.stat().st_size)
    assert names(wanted.path.parent) == {wanted.path.name}
    assert done.verification.samples == 4
    assert done.accuracy == done.verification.accuracy == pytest.approx(accuracy(given))
    assert (done.drift, done.golden) == ((), None)
    assert min(done.seconds) > 0
    assert json.loads(json.dumps(done.to_dict(), allow_nan=False))["wanted"]["path"] == str(wanted.path)


def accuracy(given: Source) -> float:
    return float((scores_of(given.network, given.frames).mean(0).argmax(1) == given.labels).mean())


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_equal_networks_give_equal_bytes(given, wanted):
    export(given, wanted)
    before = wanted.path.read_bytes()
    export(replace(given, labels=None), wanted)
    assert wanted.path.read_bytes() == before


@pytest.mark.parametrize("kind", [Conv, Affine])
@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_a_file_that_does_something_else_keeps_another_name(given, wanted, kind, monkeypatch):
    wanted.path.write_bytes(b"of an earlier export")
    altered(monkeypatch, kind, -1.0)
    done = export(given, replace(wanted, golden=True))
    assert not done.passed
    assert done.path == wanted.failed_path
    assert done.path.name.endswith(f".failed{FORMATS[wanted.format].suffix}")
    assert names(wanted.path.parent) == {wanted.path.name, done.path.name}, "no golden vectors either"
    assert wanted.path.read_bytes() == b"of an earlier export"
    assert str(done.path) in done.failure
    assert f"{wanted.path} is still that of an earlier export" in done.failure
    wanted.path.unlink()
    assert "earlier" not in done.failure


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_a_spiking_readout_of_other_weights_fails(given, wanted, monkeypatch):
    altered(monkeypatch, Affine, -100.0)
    found = export(given, replace(wanted, readout="spikes"))
    assert not found.passed
    assert not found.verification.comparisons[0].passed


def test_a_number_that_is_not_read_back_fails(given, wanted, monkeypatch):
    write = formats.write_nir

    def wrong(path, graph, convention):
        write(path, replace(graph, nodes=(replace(graph.nodes[0], bias=graph.nodes[0].bias + 1e-6), *graph.nodes[1:])))

    monkeypatch.setattr(formats, "write_nir", wrong)
    with pytest.raises(CheckFailed, match=r"model\.failed\.nir: n00_input_to_L1_E1 is not read back .*: bias$"):
        export(given, wanted)
    assert names(wanted.path.parent) == {"model.failed.nir"}


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_a_file_that_cannot_be_run_keeps_another_name(given, wanted, monkeypatch):
    def refuse(*_arguments, **_more):
        raise InputError("numbers grow")

    for name in ("verify", "verify_onnx"):
        monkeypatch.setattr(formats, name, refuse)
    with pytest.raises(CheckFailed, match=r"\.failed\..* cannot be verified: numbers grow"):
        export(given, wanted)
    assert names(wanted.path.parent) == {wanted.failed_path.name}


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_killed_before_it_passed_nothing_has_the_name(given, wanted, monkeypatch):
    def killed(*_arguments, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        for name in ("verify", "verify_onnx"):
            patch.setattr(formats, name, killed)
        with pytest.raises(KeyboardInterrupt):
            export(given, wanted)
    assert names(wanted.path.parent) == {wanted.failed_path.name}
    export(given, wanted)
    assert names(wanted.path.parent) == {wanted.path.name}, "the next export clears up"


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_a_full_disk_leaves_nothing(given, wanted, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    wanted.path.write_bytes(b"old")
    monkeypatch.setattr("msenas.runs.files.os.fsync", full)
    with pytest.raises(RunError, match=r"cannot write .*: No space left on device"):
        export(given, wanted)
    assert names(wanted.path.parent) == {wanted.path.name}
    assert wanted.path.read_bytes() == b"old"


def test_a_name_that_cannot_be_taken(given, wanted):
    wanted.path.mkdir()
    with pytest.raises(RunError, match="cannot write"):
        export(given, wanted)


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_golden_vectors_are_what_the_network_does(given, wanted):
    many = replace(given, frames=given.frames.repeat(1, 5, 1, 1, 1), labels=None)
    done = export(many, replace(wanted, golden=True))
    assert done.golden == wanted.path.with_suffix(".golden.npz")
    with np.load(done.golden) as golden:
        stored = dict(golden)
    assert stored["input"].shape == (3, GOLDEN, 1, 8, 8)
    scores = scores_of(many.network, torch.from_numpy(stored["input"]))
    np.testing.assert_allclose(stored["output"], scores, atol=1e-5)
    trace = simulate(to_nir_graph(lowered(given).graph), stored["input"])
    assert {f"spikes/{name}" for name in trace.spikes} == {name for name in stored if name.startswith("spikes/")}
    assert all(np.array_equal(stored[f"spikes/{name}"], train) for name, train in trace.spikes.items())
    assert (stored["dt"], stored["steps"]) == (1e-4, 3)


@pytest.mark.parametrize("bits", BITS)
def test_rounded_weights_are_reported(given, wanted, bits):
    done = export(given, replace(wanted, bits=bits))
    assert done.passed, "the file is compared with the network of rounded weights"
    assert 0 < max(drift.relative for drift in done.drift) < 2.0 ** (1 - bits)
    assert done.accuracy == accuracy(given)
    assert read_nir(wanted.path).nodes.keys() == to_nir_graph(lowered(given).graph).nodes.keys()


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_recoded_networks_are_compared_under_spikes(given, wanted):
    done = export(given, replace(wanted, encoding="poisson"))
    assert done.passed
    assert done.accuracy == accuracy(given)
    network = lowered(given, Changes(encoding="poisson"))
    scores = scores_of(network.network, network.frames)
    assert done.verification.accuracy == (scores.mean(0).argmax(1) == given.labels).mean()


@pytest.mark.parametrize("wanted", NAMES, indirect=True)
def test_spiking_readouts(given, wanted):
    done = export(given, replace(wanted, readout="spikes", bits=8, encoding="latency"))
    assert done.passed
    assert done.verification.comparisons[0].populations[-1].population == "scores"


def chain(**changes: object) -> Source:
    """Populations in a row."""
    layers = [{"motif": "FE", "synapses": {"in->E1": "3x3"}}] * 2
    genome = Genome.from_readable({"layers": layers, "cross": {"layers": 1, "kernel": "3x3"}})
    network = trained(decode(genome, small_spec(2, **({"encoding": "poisson", "neuron": "if"} | changes))))
    frames = torch.from_numpy(np.random.default_rng(0).integers(0, 2, (3, 2, 1, 8, 8)).astype(np.float32))
    return Source(network, frames)


@pytest.fixture(scope="module", params=["chain", "integrators", "loops"])
def network(request, given):
    return {"chain": chain(neuron="lif"), "integrators": chain(), "loops": given}[request.param]


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_target_takes_what_it_can_and_nothing_is_written_of_the_rest(network, wanted, target, readout):
    wanted = replace(wanted, target=target, readout=readout)
    graph = to_nir_graph(lowered(network, wanted.changes).graph, TARGETS[target].convention)
    if check(graph, target).accepted:
        assert export(network, wanted).passed
        assert check(read_nir(wanted.path), target).accepted
    else:
        others = Wanted("onnx", wanted.path.with_suffix(".onnx"), target, readout)
        with pytest.raises(Refused, match=f"{target} cannot take the network: ") as refused:
            list(export_all(network, [others, wanted]))
        assert not refused.value.report.accepted
        assert names(wanted.path.parent) == set(), "not even the file that needs no target"


TAKEN = {("sinabs", "current"), ("speck", "spikes"), ("snn-mlir", "current"), ("portable", "spikes")}


@pytest.mark.parametrize(("target", "readout"), sorted(TAKEN))
def test_chains_of_integrators_are_taken(wanted, target, readout):
    done = export(chain(), replace(wanted, target=target, readout=readout, golden=True))
    assert done.passed
    assert isinstance(read_nir(done.path), nir.NIRGraph)
    dt = {"sinabs": 1.0}.get(target, 1e-4)
    assert np.load(done.golden)["dt"] == dt


def test_networks_are_lowered_once_for_all_files(given, tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(exporting, "lowered", lambda *args: calls.append(args) or lowered(*args))
    wanted = [Wanted(name, tmp_path / f"model{FORMATS[name].ending}") for name in NAMES]
    assert [done.path for done in export_all(given, wanted)] == [one.path for one in wanted]
    assert len(calls) == 1
    assert names(tmp_path) == {one.path.name for one in wanted}


UNKNOWN = {
    "unknown format 'nirr'; did you mean 'nir'": {"format": "nirr"},
    "unknown target 'spek'; did you mean 'speck'": {"target": "spek"},
    "unknown read-out 'both'": {"readout": "both"},
    "unknown spike code 'direct'": {"encoding": "direct"},
    "weights can have 4 or 8 bits, not 7": {"bits": 7},
}


@pytest.mark.parametrize("message", UNKNOWN)
def test_unknown_wishes(wanted, message):
    with pytest.raises(InputError, match=message):
        replace(wanted, **UNKNOWN[message])
