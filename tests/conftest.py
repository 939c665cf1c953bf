"""Fixtures that several tests share."""

from __future__ import annotations

import importlib
import random
from functools import lru_cache

import numpy as np
import pytest
import torch

from msenas.genotype.genome import Genome
from msenas.phenotype import compiler, lif, norm
from msenas.phenotype.decode import decode
from msenas.phenotype.lif import norse_sequence
from msenas.phenotype.network import LIF
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec

KERNELS = ("none", "3x3", "5x5")


@pytest.fixture(scope="session", autouse=True)
def folders_of_the_tests(tmp_path_factory):
    """Neither data nor decoded samples of whoever runs the tests are read, and none are left behind."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MSENAS_CACHE", "MSENAS_DATA"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name)))
        yield


@pytest.fixture
def rng():
    return np.random.default_rng(20231104)


@pytest.fixture
def stepwise(monkeypatch):
    """Neurons run step by step through Norse, so that no loop is compiled for a few samples."""
    monkeypatch.setitem(LIF, "compiled", norse_sequence)


def motif_genome(*motifs: str, kernel: str = "3x3", cross: int = 1) -> Genome:
    """A genome of the given motifs with every wire present."""
    from msenas.genotype.motifs import MOTIFS

    wires = {m.name: {str(w): kernel for w in m.wires} for m in MOTIFS}
    layers = [{"motif": name, "synapses": wires[name]} for name in motifs]
    return Genome.from_readable({"layers": layers, "cross": {"layers": cross, "kernel": "3x3"}})


def small_spec(layers: int, **changes: object) -> NetworkSpec:
    """A small network spec: 1x8x8 input, 3 classes, T = 3, C = 4, one reduction in the middle."""
    options = {"steps": 3, "channels": 4, "reductions": (layers // 2,) if layers > 1 else ()} | changes
    return NetworkSpec((1, 8, 8), 3, layers, **options)


def motif_plan(*motifs: str, **changes: object) -> Plan:
    """The plan of `motif_genome` under `small_spec`."""
    return decode(motif_genome(*motifs), small_spec(len(motifs), **changes))


@pytest.fixture
def uncompiled(monkeypatch):
    """Loops run as they are written; those that other tests have had compiled are kept for them."""
    monkeypatch.setattr(compiler, "compiler_works", lambda: False)
    for module, name in ((lif, "_inference_loop"), (lif, "_training_loop"), (lif, "_reverse_loop"), (norm, "_sums")):
        monkeypatch.setattr(module, name, lru_cache(getattr(module, name).__wrapped__))


@pytest.fixture
def one_thread():
    """Threads cost more than they give for networks this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def same_global_random_state():
    """The test leaves the global generators of torch, numpy and Python as they were."""
    # Its first import draws from Python's generator.
    importlib.import_module("sklearn.datasets")
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    yield
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
