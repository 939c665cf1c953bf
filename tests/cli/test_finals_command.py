"""`msenas search --finalists`: what it prints, adds to a finished run, and refuses; a stand-in scores the networks."""

from __future__ import annotations

import json
from contextlib import contextmanager
from io import StringIO

import pytest
from rich.console import Console

from msenas.cli.finals import finals_progress, finals_table
from msenas.finals.halving import Rung
from msenas.finals.session import Held, Place
from msenas.search import session
from msenas.search.loop import End
from msenas.training.brief import Standing
from tests.learning.small import write_npz
from tests.search.test_session import StandIn

pytestmark = pytest.mark.usefixtures("uncompiled", "one_thread")
SMALL = (
    *("--population", "8", "--generations", "3", "--batch", "4", "--layers", "2", "--channels", "4", "--steps", "2"),
    *("--fitness", "rdm-contrast"),
)


@pytest.fixture
def search(cli, tmp_path, monkeypatch):
    """A search of a small npz as the command line starts it."""

    @contextmanager
    def workers(evaluator, spec, count):
        yield StandIn(spec)

    monkeypatch.setattr(session, "workers", workers)
    data = write_npz(tmp_path / "arrays.npz", samples=200)
    return lambda *more: cli("search", "--dataset", "npz", "--data", data, *SMALL, "--workers", "1", *more)


def content(folder):
    skipped = ("timings.jsonl", "environment.json", ".lock")
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name not in skipped
    }


def test_finals_at_once_or_later_are_the_same(search, cli, tmp_path):
    asked = ("--finalists", "2", "--finalist-epochs", "2")
    code, printed, err = search("--out", tmp_path / "once", *asked, "--json")
    assert (code, err) == (0, "")
    data = json.loads(printed)
    rows = [json.loads(line) for line in (tmp_path / "once" / "finalists.jsonl").read_text().splitlines()]
    assert data["finalists"] == rows
    assert (data["pick"], data["best_id"]) == ("finalists", rows[0]["id"])
    assert (len(rows), rows[0]["place"], rows[0]["epochs"]) == (2, 1, 2)

    code, printed, _ = search("--out", tmp_path / "later", "--json")
    assert (code, json.loads(printed)["finalists"], json.loads(printed)["pick"]) == (0, [], "knee")
    code, printed, err = cli("search", "--resume", "--out", tmp_path / "later", *asked)
    assert code == 0, err
    assert f"best.json is no. {rows[0]['id']}, picked by validation accuracy in the finals from a front of" in printed
    assert f"{rows[0]['val_accuracy']:.2%}" in printed
    assert content(tmp_path / "once") == content(tmp_path / "later")

    code, _, err = cli("search", "--resume", "--out", tmp_path / "later", "--finalists", "3")
    assert (code, err.count("\n")) == (2, 1)
    assert "made with other settings: finalists: 2 -> 3" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--finalists", "1"), "finalists must be 2 at least, as a single one has no rival"),
        (("--finalists", "-1"), "finalists must be 0 to 1000, not -1"),
        (("--finalists", "2", "--finalist-epochs", "0"), "finalist-epochs must be 1 to 100000, not 0"),
    ],
)
def test_nonsense_is_one_line(search, tmp_path, options, said):
    code, printed, err = search("--out", tmp_path / "r", *options)
    assert (code, printed, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not (tmp_path / "r").exists()


def test_bar():
    screen = Console(file=StringIO(), force_terminal=True, width=120)
    with finals_progress(screen) as watcher:
        watcher.begin(10)
        watcher.skip(4)
        watcher.rung(2, Rung(3, 8, 2))
        for _ in range(3):
            watcher.step(1.0)
    last = screen.file.getvalue()
    assert "7/10" in last
    assert "rung 2: 3 networks, 8 epochs" in last


def test_table_has_each_finalist_once_the_winner_first():
    first = [Place(1, Standing(i, 1, 0.5 + i / 10, 1.0), 3 - i, i > 0) for i in (2, 1)]
    out = Place(1, Standing(7, 0, None, None, "the loss is nan"), 3, False)
    second = [Place(2, Standing(1, 2, 0.75, 1.0), 1, True), Place(2, Standing(2, 2, 0.7, 1.0), 2, False)]
    screen = Console(file=StringIO(), width=80)
    screen.print(finals_table(Held(End.FINISHED, [[*first, out], second], second[0].standing)))
    rows = [line.split() for line in screen.file.getvalue().splitlines()]
    assert [row[1] for row in rows[1:]] == ["1", "2", "7"]
    assert rows[1][2:] == ["2", "75.00%"]
    assert "the loss is nan" in screen.file.getvalue()
