"""Files of searches, from which `benchmarks/records.py` makes the tables of `benchmarks/chance.py`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import pytest

from msenas.errors import InputError
from msenas.ranking.record import read_networks

KEYS = [(name, seed) for seed in (100, 101) for name in ("search", "random")]


@pytest.fixture(scope="session")
def known():
    """Trained networks: two of each search, which counts its own."""
    path = Path(__file__).parents[2] / "benchmarks" / "motif_bench" / "nmnist.jsonl"
    networks = read_networks(path)[1]
    numbered = [msgspec.structs.replace(one, id=place % 2) for place, one in enumerate(networks)]
    return {key: numbered[2 * place : 2 * place + 2] for place, key in enumerate(KEYS)}


@pytest.fixture
def fronts(winners, known):
    """The fronts of all searches, no two alike."""

    def front(key):
        shift = KEYS.index(key) / 100
        points = ((0.1 + shift, 4.0 - shift), (0.2 + shift, 1.0 + shift))
        about = {"fitness": "projected-loss", "points": points, "seconds": 2.5, "random": 0.25}
        return [
            winners.Winner(name=key[0], seed=key[1], id=one.id, genome=tuple(one.genome), point=point, **about)
            for one, point in zip(known[key], points, strict=True)
        ]

    return {key: front(key) for key in KEYS}


@pytest.fixture
def finished(fronts, known):
    """What became of so many networks of each front, by the name of the search."""

    def made(trained):
        return {
            name: [
                pair
                for seed in (100, 101)
                for pair in [*zip(fronts[name, seed], known[name, seed], strict=True)][:trained]
            ]
            for name in ("search", "random")
        }

    return made


@pytest.fixture
def setting(records):
    return records.Setting(
        networks={"dataset": "nmnist"},
        search={"dataset": "digits"},
        objectives=("fitness", "energy"),
        variants={"search": {}, "random": {"strategy": "random"}},
        judge="val",
        other_weights=None,
        versions={"msenas": "0.1.0"},
    )


@pytest.fixture
def written(records, fronts, finished, setting, tmp_path):
    """Writes the searches, so many networks of each front trained."""

    def made(trained):
        searches = records.searches_of([fronts[key] for key in KEYS], finished(trained))
        records.write_searches(tmp_path / "searches.jsonl", setting, searches)
        return tmp_path / "searches.jsonl", searches

    return made


def test_what_is_read_is_what_was_written(records, written, setting, fronts, known):
    path, searches = written(1)
    assert records.read_searches(path) == (setting, searches)
    for key, search in zip(KEYS, searches, strict=True):
        assert search.networks == [*zip(fronts[key], [known[key][0], None], strict=True)]


def test_tables_are_those_of_the_comparison(records, written, winners, fronts, finished):
    first = ["searched on digits, trained on nmnist", *winners.objectives([fronts[key][0] for key in KEYS])]
    first += winners.outcomes(finished(1))
    assert list(records.tables(*records.read_searches(written(1)[0]))) == first
    whole = [*first, *winners.affordable(finished(2), "energy")]
    assert list(records.tables(*records.read_searches(written(2)[0]))) == whole


def test_seeds_are_compared_in_pairs_in_whatever_order_they_come(records, written, setting):
    _, searches = written(2)
    crossed = [searches[0], searches[3], searches[1], searches[2]]
    names = ["search", "random"]
    assert records.chosen(crossed, names) == [searches[place] for place in (0, 2, 1, 3)]
    assert records.chosen(searches, names[::-1]) == [searches[place] for place in (1, 3, 0, 2)]


def test_only_seeds_that_all_variants_have_are_compared(records, written):
    _, searches = written(1)
    kept = records.chosen(searches[:-1], ["random", "search"])
    assert [(one.name, one.seed) for one in kept] == [("random", 100), ("search", 100)]
    told = records.left_out(searches[:-1], ["random", "search"], {100})
    assert list(told) == ["left out: search from 101, since not all variants have these seeds"]


@pytest.mark.parametrize(
    ("places", "names", "message"),
    [
        ((0, 3), ["search", "random"], "search, random have no seed in common"),
        ((0, 1), ["search", ""], "no search is named ''"),
        ((0, 1), ["search", "search"], "search,search has a name twice"),
    ],
)
def test_variants_that_cannot_be_compared_are_refused(records, written, places, names, message):
    _, searches = written(1)
    with pytest.raises(InputError, match=message):
        records.chosen([searches[place] for place in places], names)


def test_network_that_was_not_trained_is_in_no_table(records, written):
    with pytest.raises(InputError, match="a network of search, seed 100, was not trained"):
        list(records.tables(*records.read_searches(written(0)[0])))


def test_files_of_other_seeds_and_variants_are_one(records, written, setting):
    _, searches = written(1)
    other = msgspec.structs.replace(setting, variants={"random": {"strategy": "random"}})
    whole, found = records.together([(setting, searches[:3]), (other, searches[3:])])
    assert (whole, found) == (setting, searches)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"judge": "test"}, "other options"),
        ({"objectives": ("fitness", "synops")}, "other options"),
        ({"networks": {"dataset": "cifar10"}}, "other options"),
        ({"other_weights": 2}, "other options"),
        ({"versions": {"msenas": "9"}}, "versions"),
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
        (1, {"schema": "msenas.chance/9"}, "line 1: Invalid enum value"),
        (1, {"objectives": ["fitness"]}, "line 2: the networks have other objectives than the first line"),
        (1, {"variants": {"search": {}}}, "line 3: the first line has no variant random"),
        (2, {"surprise": 1}, "line 2: .*unknown field `surprise`"),
        (2, {"name": "a\nb"}, r"line 2: .*\$.name"),
        (2, {"points": []}, r"line 2: .*\$.points"),
        (2, {"points": [[0.1, 4.0], [0.2]]}, "line 2: the networks have different numbers of objectives"),
        (2, {"points": [[0.0, 9.0], [0.1, 4.0], [0.2, 1.0]]}, "line 2: the front is not of the best"),
        (3, {"front": []}, r"line 3: .*\$.front"),
        (
            2,
            {
                "points": [[0.1, 4.0], [0.2, 1.0], [0.3, 0.5]],
                "front": [
                    {"id": place, "genome": [0], "point": point, "known": None}
                    for place, point in enumerate([[0.1, 4.0], [0.3, 0.5], [0.2, 1.0]])
                ],
            },
            "line 2: the front is not of the best",
        ),
        (4, {"fitness": "depth"}, "line 4: the searches search have more than one fitness"),
    ],
)
def test_damaged_line_is_named(records, written, number, change, message):
    path, _ = written(1)
    lines = path.read_text().splitlines()
    lines[number - 1] = json.dumps(json.loads(lines[number - 1]) | change)
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match=message):
        records.read_searches(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": 9}, "what is known of network 9 is of another one"),
        ({"genome": [1]}, "what is known of network .* is of another one"),
        ({"point": [0.2, 1.0]}, "the front is not of the best"),
    ],
)
def test_network_that_contradicts_itself_is_refused(records, written, change, message):
    path, _ = written(1)
    lines = path.read_text().splitlines()
    search = json.loads(lines[1])
    search["front"][0] |= change
    path.write_text("\n".join([lines[0], json.dumps(search)]))
    with pytest.raises(InputError, match=f"line 2: {message}"):
        records.read_searches(path)


def test_network_without_counts_is_refused(records, known):
    one = known[KEYS[0]][0]
    training = msgspec.structs.replace(one.trainings[0], counts={"synops": 1.0})
    with pytest.raises(InputError, match="has no numbers of SynOps"):
        records.Found(
            id=one.id,
            genome=tuple(one.genome),
            point=(0.1,),
            known=msgspec.structs.replace(one, trainings=[training]),
        )


def test_size_and_bytes_are_checked(records, written, monkeypatch):
    path, _ = written(1)
    with path.open("ab") as file:
        file.write(b'{"name": "\xff"}\n')
    with pytest.raises(InputError, match="line 6: "):
        records.read_searches(path)
    monkeypatch.setattr(records, "LARGEST", 100)
    with pytest.raises(InputError, match="at most 100 are read"):
        records.read_searches(path)


@pytest.fixture
def command(records, monkeypatch, capsys):
    """Runs the command line; its output."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["records.py", *map(str, arguments)])
        records.main()
        return capsys.readouterr()

    return run


def test_files_are_made_one(records, written, setting, winners, finished, command, tmp_path):
    _, searches = written(1)
    records.write_searches(tmp_path / "a.jsonl", setting, searches[:3])
    records.write_searches(tmp_path / "b.jsonl", setting, searches[3:])
    shown = command(tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--variants", "random", "--write", tmp_path / "c.jsonl")
    only = {"random": finished(1)["random"]}
    assert shown.out.splitlines()[-2:] == list(winners.outcomes(only))
    assert records.read_searches(tmp_path / "c.jsonl") == (setting, searches)


def test_seeds_that_are_left_out_are_told(records, written, setting, command, tmp_path):
    _, searches = written(1)
    records.write_searches(tmp_path / "a.jsonl", setting, searches[:3])
    assert command(tmp_path / "a.jsonl").err == ("left out: search from 101, since not all variants have these seeds\n")


def test_file_without_searches_is_one_line(written, command, capsys):
    path, _ = written(1)
    path.write_text(path.read_text().splitlines()[0] + "\n")
    with pytest.raises(SystemExit) as ended:
        command(path)
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].endswith(f"{path} has no searches")
