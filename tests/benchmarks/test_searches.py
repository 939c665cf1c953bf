"""The searches that are kept with the code: they fit this version, and the docs give their figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from msenas.fitness.registry import DEFAULT
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.record import read_networks

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FILES = sorted((BENCHMARKS / "searches").glob("*.jsonl"))
DOCS = (Path(__file__).parents[2] / "docs" / "ranking.md").read_text()


def better(one, other):
    """Whether a network is as good in everything, and better in something."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def kept(request, records):
    """Name, setting and searches of a file."""
    return request.param.stem, *records.read_searches(request.param)


def test_searches_on_images_are_kept():
    assert [path.name for path in FILES] == ["cifar10.jsonl"]


def test_winners_are_networks_of_this_version(kept):
    name, setting, searches = kept
    about, _ = read_networks(BENCHMARKS / "motif_bench" / f"{name}.jsonl")
    assert about.options == setting.networks
    shape, reductions = (tuple(about.network[field]) for field in ("input_shape", "reductions"))
    spec = NetworkSpec(**about.network | {"input_shape": shape, "reductions": reductions})
    networks = [network for search in searches for network in search.networks]
    assert all(known is None or winner.known(spec, known.trainings) == known for winner, known in networks)
    assert all(search.networks[0][1] is not None for search in searches)
    assert all(winner.known(spec, []).genome == list(winner.genome) for winner, _ in networks)


def test_fronts_are_of_what_was_evaluated_best_fitness_first(kept):
    _, setting, searches = kept
    for search in searches:
        front = [one.point for one in search.front]
        assert front == sorted(front)
        assert front[0][0] == min(search.points)[0]
        assert {*front} == {one for one in search.points if not any(better(other, one) for other in search.points)}
        assert search.fitness == setting.variants[search.name].get("fitness", DEFAULT)
        assert len(search.points) <= setting.search["population"] * setting.search["generations"]


def test_all_variants_have_the_same_seeds(kept):
    _, setting, searches = kept
    seeds = {name: [one.seed for one in searches if one.name == name] for name in setting.variants}
    assert len({tuple(some) for some in seeds.values()}) == 1


def test_docs_give_the_figures_of_the_file(kept, records, winners):
    _, _, searches = kept
    names = list(dict.fromkeys(one.name for one in searches))
    chosen = records.chosen(searches, names)
    progress = {}
    for line in list(winners.objectives([one.networks[0][0] for one in chosen]))[1:]:
        name, _, _, *volumes = line.split(" | ")
        progress[name] = volumes
    for line in list(winners.outcomes(records.trained([one.networks[:1] for one in chosen])))[1:]:
        name, accuracy, difference, _, parameters, depth, energy, _, inhibitory, *_ = line.split(" | ")
        # A search by another fitness has no hypervolume that could be compared.
        cells = [*progress.get(name, ["", ""]), accuracy, difference, parameters, energy, depth, inhibitory]
        assert f"| `{name}` | {' | '.join(cells)} |".replace("  ", " ") in DOCS
