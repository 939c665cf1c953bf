"""Files of searches, from which `benchmarks/records.py` makes the tables of `benchmarks/chance.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import pytest

from msenas.errors import InputError
from msenas.ranking.record import read_networks

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="session")
def known():
    """Two trained networks."""
    return read_networks(BENCHMARKS / "motif_bench" / "nmnist.jsonl")[1][:2]


@pytest.fixture
def front(winners, known):
    """Makes the front of a search of two networks."""

    def made(name, seed):
        points = ((0.1, 4.0), (0.2, 1.0))
        shared = {"fitness": "projected-loss", "points": points, "seconds": 2.5, "random": 0.25}
        return [
            winners.Winner(name=name, seed=seed, id=one.id, genome=tuple(one.genome), point=point, **shared)
            for one, point in zip(known, points, strict=True)
        ]

    return made


@pytest.fixture
def setting(records):
    return records.Setting(
        networks={"dataset": "nmnist"},
        search={"objectives": ["fitness", "energy"]},
        variants={"search": {}, "random": {"strategy": "random"}},
        judge="val",
        other_weights=None,
        versions={"msenas": "0.1.0"},
    )


@pytest.fixture
def written(records, front, known, setting, tmp_path):
    """Writes searches of two variants, of which so many networks were trained."""

    def made(trained):
        fronts = [front(name, seed) for seed in (100, 101) for name in ("search", "random")]
        became = {
            name: [pair for one in fronts if one[0].name == name for pair in [*zip(one, known, strict=True)][:trained]]
            for name in ("search", "random")
        }
        searches = records.searches_of(fronts, became)
        records.write_searches(tmp_path / "searches.jsonl", setting, searches)
        return tmp_path / "searches.jsonl", searches

    return made


def test_what_is_read_is_what_was_written(records, written, setting, front, known):
    path, searches = written(1)
    assert records.read_searches(path) == (setting, searches)
    assert searches[0].networks == [*zip(front("search", 100), [known[0], None], strict=True)]


@pytest.mark.parametrize(("trained", "headers"), [(1, 2), (2, 3)])
def test_tables_are_those_that_can_be_made(records, written, winners, front, known, trained, headers):
    lines = list(records.tables(*records.read_searches(written(trained)[0])))
    assert sum(line.startswith("variant | ") for line in lines) == headers
    pairs = {name: [(front(name, seed)[0], known[0]) for seed in (100, 101)] for name in ("search", "random")}
    assert lines[3:6] == list(winners.outcomes(pairs))


def test_only_seeds_that_all_variants_have_are_compared(records, written):
    _, searches = written(1)
    kept = records.chosen(searches[:-1], ["random", "search"])
    assert [(one.name, one.seed) for one in kept] == [("random", 100), ("search", 100)]
    with pytest.raises(InputError, match="no seed in common"):
        records.chosen([searches[0], searches[3]], ["search", "random"])
    with pytest.raises(InputError, match="no search is named micro"):
        records.chosen(searches, ["search", "micro"])


def test_network_that_was_not_trained_is_in_no_table(records, written):
    setting, searches = records.read_searches(written(0)[0])
    with pytest.raises(InputError, match="a network of search, seed 100, was not trained"):
        list(records.tables(setting, searches))


def test_files_of_other_seeds_and_variants_are_one(records, written, setting):
    _, searches = written(1)
    versions = msgspec.structs.replace(setting, variants={"random": {"strategy": "random"}}, versions={"msenas": "2"})
    whole, found = records.together([(setting, searches[:3]), (versions, searches[3:])])
    assert (whole, found) == (setting, searches)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"judge": "test"}, "other options"),
        ({"search": {"objectives": ["fitness", "synops"]}}, "other options"),
        ({"variants": {"random": {}}}, "one name and other options"),
        ({}, "search random from seed 101 comes twice"),
    ],
)
def test_files_that_do_not_fit_are_refused(records, written, setting, change, message):
    _, searches = written(1)
    with pytest.raises(InputError, match=message):
        records.together([(setting, searches), (msgspec.structs.replace(setting, **change), searches[3:])])


@pytest.mark.parametrize(
    ("number", "change", "message"),
    [
        (1, {"schema": "msenas.chance/9"}, r"line 1: Invalid enum value"),
        (2, {"surprise": 1}, r"line 2: .*unknown field `surprise`"),
        (3, {"front": []}, r"line 3: .*front"),
    ],
)
def test_damaged_line_is_named(records, written, number, change, message):
    path, _ = written(1)
    lines = path.read_text().splitlines()
    lines[number - 1] = json.dumps(json.loads(lines[number - 1]) | change)
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=message):
        records.read_searches(path)


def test_file_without_searches_is_one_line(records, written, monkeypatch, capsys):
    path, _ = written(1)
    path.write_text(path.read_text().splitlines()[0] + "\n")
    monkeypatch.setattr(sys, "argv", ["records.py", str(path)])
    with pytest.raises(SystemExit) as ended:
        records.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"{path} has no searches")
