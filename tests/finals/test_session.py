"""Finals of a small front: stopped at every file that they write, continued, refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import msgspec
import pytest

from msenas.data import Split
from msenas.errors import CheckFailed, DataError, RunError
from msenas.finals import session
from msenas.finals.session import has_finals, hold_finals
from msenas.learning.loop import Trainer
from msenas.phenotype.decode import decode
from msenas.runs import files
from msenas.runs.best import read_best
from msenas.runs.folder import RunFolder
from msenas.search import prepare as preparing
from msenas.search.config import SearchConfig
from msenas.search.loop import End, Search
from msenas.search.outcome import summarise, write_results
from msenas.search.prepare import prepare
from msenas.search.session import Result
from msenas.training.brief import Standing
from tests.conftest import motif_genome
from tests.learning.small import write_npz
from tests.search.conftest import record

pytestmark = pytest.mark.usefixtures("uncompiled", "one_thread")
MOTIFS = (("FE", "LI"), ("FE", "FE"), ("FI", "FE"))
OPTIONS = {
    "layers": 2,
    "channels": 4,
    "steps": 2,
    "batch": 4,
    "device": "cpu",
    "workers": 1,
    "fitness": "rdm-contrast",
}


class Killed(BaseException):
    """Stands for the end of the process: nothing of the program may handle it."""


class Watch:
    """Counts what it is told, and may stop the finals after so many steps."""

    def __init__(self, stop=None, after=0):
        self.stop, self.after, self.steps, self.skipped, self.in_all, self.rungs = stop, after, 0, 0, None, []

    def begin(self, steps):
        self.in_all = steps

    def rung(self, number, rung):
        self.rungs.append((number, rung.entrants, rung.epochs))

    def skip(self, steps):
        self.skipped += steps

    def step(self, loss):
        self.steps += 1
        if self.stop is not None and self.steps == self.after:
            raise self.stop


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    data = write_npz(tmp_path_factory.mktemp("data") / "arrays.npz", samples=300)
    return prepare(SearchConfig(dataset="npz", data=str(data), finalists=3, finalist_epochs=2, **OPTIONS))


def searched(folder, prepared, count=3, **more):
    """A search that has ended with a front of so many networks, in a folder."""
    folder.mkdir(exist_ok=True)
    records = []
    for number, motifs in enumerate(MOTIFS[:count]):
        genome = motif_genome(*motifs)
        plan = decode(genome, prepared.spec).digest
        one = record(number, fitness=number + 1.0, energy=(number + 1.0) ** 2)
        records.append(msgspec.structs.replace(one, genome=list(genome.flat()), plan=plan))
    run = Search(prepared, RunFolder(folder), records, lambda *_: None, **more)
    if not run.folder.best.exists():
        write_results(run.folder, prepared, records)
    return Result(folder, End.FINISHED, prepared.config, summarise(records, prepared.config), 1.0, run)


def hold(folder, prepared, watch=None, said=None, **more):
    notes = [] if said is None else said
    return hold_finals(searched(folder, prepared, **more), watch or Watch(), notes.append)


def content(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


@pytest.fixture(scope="module")
def whole(prepared, tmp_path_factory):
    """Finals that were never stopped: their folder, the result and what was seen."""
    out, watch = tmp_path_factory.mktemp("finals"), Watch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSENAS_COMPILE", "0")
        result, held = hold(out, prepared, watch)
    return out, result, held, watch


def lines(folder):
    return [json.loads(line) for line in (folder / "finalists.jsonl").read_text().splitlines()]


def test_the_winner_is_best_json(whole, prepared):
    out, result, held, _ = whole
    rows = lines(out)
    assert [(row["rung"], row["place"], row["goes_on"]) for row in rows] == [
        (1, 1, True),
        (1, 2, True),
        (1, 3, False),
        (2, 1, True),
        (2, 2, False),
    ]
    for rung in (1, 2):
        keys = [(-row["val_accuracy"], row["val_loss"]) for row in rows if row["rung"] == rung]
        assert keys == sorted(keys)
    winner, best = rows[3]["id"], read_best(out)
    assert (best.provenance["pick"], best.provenance["id"], best.weights) == ("finalists", winner, None)
    about = best.provenance["finalists"]
    assert (about["val_accuracy"], about["epochs"]) == (rows[3]["val_accuracy"], 2)
    assert sorted(about["ids"]) == [0, 1, 2]
    assert best.plan.digest == decode(motif_genome(*MOTIFS[winner]), prepared.spec).digest
    assert json.loads((out / "front.json").read_text())["pick"] == {"rule": "finalists", "id": winner}
    assert (held.winner.id, held.end, held.as_dicts()) == (winner, End.FINISHED, rows)
    assert (result.summary.pick, result.summary.best_id) == ("finalists", winner)
    assert result.seconds > 1.0


def test_files_and_steps(whole, prepared):
    out, _, _, watch = whole
    per_epoch = len(prepared.dataset.train) // 64
    assert watch.rungs == [(1, 3, 1), (2, 2, 2)]
    assert watch.steps == watch.in_all == (3 + 2) * per_epoch > 5
    names = {name for name in content(out) if name.startswith("finalists")}
    assert names == {"finalists.jsonl", "finalists/rules.json", *(f"finalists/{i}/metrics.jsonl" for i in range(3))}
    epochs = {i: (out / f"finalists/{i}/metrics.jsonl").read_text().count("\n") for i in range(3)}
    assert sorted(epochs.values()) == [1, 2, 2]


def test_only_training_and_validation_samples_are_read(prepared, tmp_path, monkeypatch):
    rows = {tuple(getattr(prepared.dataset, name).rows): name for name in ("train", "val", "test")}
    read, real = set(), Split.batch
    monkeypatch.setattr(Split, "batch", lambda self, i: (read.add(rows[tuple(self.rows)]), real(self, i))[1])
    hold(tmp_path / "r", prepared)
    assert read == {"train", "val"}


@pytest.mark.slow
def test_killed_before_any_file_it_ends_with_the_same_bytes(whole, prepared, tmp_path, monkeypatch):
    expected, real, written = content(whole[0]), files.write_atomically, []
    allowed = math.inf

    def write(path, data):
        if len(written) >= allowed:
            raise Killed
        written.append(path.name)
        real(path, data)

    searched(tmp_path / "count", prepared)
    for module in ("finals.session", "finals.field", "runs.train_folder", "runs.best", "runs.figures"):
        monkeypatch.setattr(f"msenas.{module}.write_atomically", write)
    hold(tmp_path / "count", prepared)
    total = list(written)
    assert total[0] == "rules.json"
    assert total[-3:] == ["front.json", "pareto.png", "best.json"]
    for moment in range(len(total)):
        out = tmp_path / f"killed-{moment}"
        allowed = math.inf
        searched(out, prepared)
        written.clear()
        allowed = moment
        with pytest.raises(Killed):
            hold(out, prepared)
        allowed = math.inf
        watch = Watch()
        hold(out, prepared, watch)
        assert content(out) == expected, (moment, total[moment])
        assert watch.steps + watch.skipped in (watch.in_all, watch.in_all - 3), "the bar counts what is done"


@pytest.mark.parametrize("after", [1, 9])
def test_interrupted_it_continues(whole, prepared, tmp_path, after):
    out = tmp_path / "r"
    result, held = hold(out, prepared, Watch(KeyboardInterrupt(), after))
    assert (result.end, held.end, held.winner) == (End.INTERRUPTED, End.INTERRUPTED, None)
    assert read_best(out).provenance["pick"] == "knee"
    result, _ = hold(out, prepared)
    assert result.end is End.FINISHED
    assert content(out) == content(whole[0])


def test_the_time_limit_is_that_of_the_whole_search(whole, prepared, tmp_path):
    result, held = hold(tmp_path / "r", prepared, deadline=0.0)
    assert (result.end, held.rungs, held.winner) == (End.TIME_LIMIT, [], None)
    assert (result.summary.pick, read_best(tmp_path / "r").provenance["pick"]) == ("knee", "knee")
    hold(tmp_path / "r", prepared)
    assert content(tmp_path / "r") == content(whole[0])


def test_finals_that_have_ended_are_not_held_again(whole, prepared):
    before, watch = content(whole[0]), Watch()
    _, held = hold(whole[0], prepared, watch)
    assert (watch.steps, watch.skipped) == (0, watch.in_all)
    assert held.rungs == whole[2].rungs
    assert content(whole[0]) == before


def test_another_front_is_trained_anew(whole, prepared, tmp_path):
    out, said = tmp_path / "r", []
    hold(out, prepared, said=said, count=2)
    assert said == []
    (out / "finalists" / "0" / "metrics.jsonl").write_text("nonsense")
    hold(out, prepared, said=said)
    assert len(said) == 1
    assert "the finalists are trained anew" in said[0]
    expected = content(whole[0])
    assert {n: c for n, c in content(out).items() if "finalists" in n} == {
        n: c for n, c in expected.items() if "finalists" in n
    }


def test_without_rivals_nothing_happens(prepared, tmp_path):
    said = []
    result, held = hold(tmp_path / "r", prepared, said=said, count=1)
    assert (held, result.summary.pick) == (None, "knee")
    assert said == ["no finals are held, as the front has 1 network"]
    assert not (tmp_path / "r" / "finalists").exists()


@pytest.mark.parametrize(
    ("finalists", "end", "wanted"),
    [
        (3, End.FINISHED, True),
        (3, End.EXHAUSTED, True),
        (3, End.INTERRUPTED, False),
        (3, End.TIME_LIMIT, False),
        (0, End.FINISHED, False),
    ],
)
def test_when_finals_are_held(prepared, tmp_path, finalists, end, wanted):
    config = msgspec.structs.replace(prepared.config, finalists=finalists)
    assert has_finals(replace(searched(tmp_path / "r", prepared), config=config, end=end)) is wanted


def spoil(monkeypatch, *bad):
    """Losses of some networks are no numbers."""
    real = Trainer._loss

    def loss(self, network, batch):
        value, rate = real(self, network, batch)
        return (value * math.nan if network.plan.digest in bad else value), rate

    monkeypatch.setattr(Trainer, "_loss", loss)


def test_a_finalist_that_cannot_be_trained_comes_last(prepared, tmp_path, monkeypatch):
    spoil(monkeypatch, decode(motif_genome(*MOTIFS[1]), prepared.spec).digest)
    _, held = hold(tmp_path / "r", prepared)
    assert held.winner.id != 1
    last = lines(tmp_path / "r")[2]
    assert (last["id"], last["place"], last["goes_on"], last["val_accuracy"]) == (1, 3, False, None)
    assert last["failure"].startswith("the loss is nan")


def test_no_finalist_can_be_trained(prepared, tmp_path, monkeypatch):
    spoil(monkeypatch, *(decode(motif_genome(*motifs), prepared.spec).digest for motifs in MOTIFS))
    with pytest.raises(CheckFailed, match=r"no finalist can be trained, .*the loss is nan.*is what knee picked"):
        hold(tmp_path / "r", prepared)
    assert read_best(tmp_path / "r").provenance["pick"] == "knee"


def test_lack_of_memory_is_a_failure_of_that_finalist(prepared, tmp_path, monkeypatch):
    def loss(self, network, batch):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_loss", loss)
        with pytest.raises(CheckFailed, match="the first because of this: out of memory;"):
            hold(tmp_path / "r", prepared)
    assert hold(tmp_path / "r", prepared)[1].end is End.FINISHED


@pytest.mark.parametrize("damage", ["{", "[3]", '{"epoch": 2}', '{"epoch": 1, "loss": "x"}'])
def test_a_damaged_record_is_one_line(prepared, tmp_path, damage):
    hold(tmp_path / "r", prepared)
    (tmp_path / "r" / "finalists" / "0" / "metrics.jsonl").write_text(damage + "\n")
    with pytest.raises(RunError, match=r"metrics\.jsonl is damaged") as caught:
        hold(tmp_path / "r", prepared)
    assert "\n" not in str(caught.value)


def test_a_folder_that_cannot_be_used_is_one_line(prepared, tmp_path):
    result = searched(tmp_path / "r", prepared)
    result.run.folder.finalists.write_text("a file")
    with pytest.raises(RunError, match=r"cannot use .*finalists"):
        hold_finals(result, Watch(), print)


def test_order_of_standings():
    first, second = Standing(0, 1, 0.9, 0.3), Standing(1, 1, 0.9, 0.2)
    worse, failed = Standing(2, 1, 0.0, 9.0), Standing(3, 0, None, None, "why")
    found = sorted([failed, worse, first, second], key=lambda standing: standing.key)
    assert [standing.id for standing in found] == [1, 0, 2, 3]


def test_data_without_validation_samples_are_refused_before_the_search(prepared, monkeypatch):
    val = prepared.dataset.val
    dataset = replace(prepared.dataset, val=replace(val, rows=val.rows[:0], labels=val.labels[:0]))
    monkeypatch.setattr(preparing, "load", lambda *a, **b: dataset)
    with pytest.raises(DataError, match="no samples in its val split, on which trained networks are compared"):
        prepare(prepared.config)
    assert prepare(msgspec.structs.replace(prepared.config, finalists=0)).dataset is dataset


def test_the_rule_has_a_name_in_the_report():
    from msenas.cli.render import PICKED_BY

    assert session.RULE in PICKED_BY
