"""The benchmark files that are kept with the code: they fit this version, and the halves are what the docs say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.agreement import kendall, resampled
from msenas.ranking.config import build_rank_config
from msenas.ranking.record import check_networks, read_networks

BENCHMARKS = Path(__file__).parents[2] / "benchmarks" / "motif_bench"
FILES = sorted(BENCHMARKS.glob("*.jsonl"))
DOCS = Path(__file__).parents[2] / "docs" / "ranking.md"


def test_there_are_images_and_events():
    assert [path.name for path in FILES] == ["cifar10.jsonl", "nmnist.jsonl"]


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def benchmark(request):
    return request.param


def test_networks_are_those_of_this_version(benchmark):
    about, networks = read_networks(benchmark)
    config = build_rank_config(about.options)
    shape, reductions = (tuple(about.network[name]) for name in ("input_shape", "reductions"))
    check_networks(benchmark, networks, NetworkSpec(**about.network | {"input_shape": shape, "reductions": reductions}))
    assert len(networks) == config.genomes == len({one.plan for one in networks})
    assert all(len(t.accuracies) == config.epochs for one in networks for t in one.trainings)


def test_halves_are_equal_and_a_third_is_trained_twice(benchmark):
    _, networks = read_networks(benchmark)
    halves = Counter(one.half for one in networks)
    twice = Counter(one.half for one in networks if len(one.trainings) == 2)
    assert halves["development"] == halves["held-out"] == len(networks) / 2
    assert twice["development"] == twice["held-out"] == len(networks) // 6
    assert all(one.succeeded == one.trainings for one in networks)


@pytest.mark.parametrize(
    ("name", "half", "row"),
    [
        ("cifar10", "held-out", "| `parameters` | {tau:.2f} ("),
        ("cifar10", "held-out", "| `parameters` | 0.50 (0.37, 0.62); 0.49 | {start:.2f} ("),
        ("nmnist", "", "| `parameters` | {tau:.2f} ("),
        ("nmnist", "", "| `parameters` | 0.43 (0.30, 0.56) | {start:.2f} ("),
    ],
)
def test_docs_give_the_figures_of_the_files(name, half, row):
    networks = [one for one in read_networks(BENCHMARKS / f"{name}.jsonl")[1] if half in (one.half, "")]
    rows = resampled(len(networks), 0, times=0)
    sizes = np.array([one.parameters for one in networks], float)
    tau = kendall(sizes, np.array([one.accuracy for one in networks]), rows)[0]
    start = kendall(sizes, np.array([one.trainings[0].accuracies[-1] for one in networks]), rows)[0]
    assert row.format(tau=tau, start=start) in DOCS.read_text()
