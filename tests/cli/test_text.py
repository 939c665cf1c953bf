"""Options, units and tables as people see them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from msenas.cli.app import OUT
from msenas.cli.options import given
from msenas.cli.progress import search_progress
from msenas.cli.render import energy_text, motif_line, next_steps, print_result, score_table
from msenas.hardware.quantity import joules
from msenas.runs.folder import Unfit
from msenas.search.config import SearchConfig
from msenas.search.loop import End
from msenas.search.outcome import summarise
from msenas.search.session import Result
from tests.conftest import motif_genome
from tests.search.conftest import record, scores


def console():
    return Console(file=StringIO(), soft_wrap=True, highlight=False, width=200)


def printed(screen):
    return screen.file.getvalue()


def result(end=End.FINISHED, records=None, folder="runs/x"):
    records = [record(0)] if records is None else records
    return Result(Path(folder), end, SearchConfig(), summarise(records, SearchConfig()), 1.0, None)


def test_given_options():
    assert given({"seed": None, "batch": 3, "motifs": "FE, MI,", "objectives": None}) == {
        "batch": 3,
        "motifs": ("FE", "MI"),
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.194e-7, "219 nJ"), (1.5, "1.5 J"), (2e-3, "2 mJ"), (3e-6, "3 uJ"), (4e-12, "4 pJ"), (0.0, "0 pJ")],
)
def test_joule(value, text):
    assert joules(value) == text


@pytest.mark.parametrize(
    ("energy", "unpriced", "text"),
    [
        ([1e-9, 2e-9, 3e-9], [], "2 nJ (1 nJ .. 3 nJ)"),
        ([2e-9, 2e-9, 2e-9], [], "2 nJ"),
        ([None, 2e-9, None], ["spikes"], "at least 2 nJ"),
    ],
)
def test_energy_text(energy, unpriced, text):
    assert energy_text({"energy_joule": energy, "unpriced": unpriced}) == text


def test_motif_line():
    assert motif_line(motif_genome("FE", "empty", "MI")) == "FE > empty > MI"


@pytest.mark.parametrize(("fitness", "word"), [("rdm-contrast", "larger"), ("rdm-paper", "smaller")])
def test_score_table_says_which_way_is_better(fitness, word):
    screen = console()
    screen.print(score_table(scores(details={"stages": [0.5, 1.0]}), fitness, "generic-45nm"))
    assert f"{word} is better" in printed(screen)
    assert "0.500, 1.000" in printed(screen)


def test_score_table_of_a_dead_network_says_why():
    screen = console()
    screen.print(score_table(scores(live=False, fitness=None), "rdm-contrast", "generic-45nm"))
    assert "none: silent head" in printed(screen)


@pytest.mark.parametrize(
    ("end", "resumes"),
    [
        (End.FINISHED, ["--generations 24"]),
        (End.TIME_LIMIT, [""]),
        (End.INTERRUPTED, [""]),
        (End.EXHAUSTED, []),
    ],
)
def test_next_steps(end, resumes):
    lines = list(next_steps(result(end)))
    assert [line for line in lines if "--resume" in line] == [
        f"msenas search --resume --out runs/x {more}".strip() for more in resumes
    ]
    assert "msenas show runs/x/best.json" in lines


def test_next_steps_without_a_network():
    assert list(next_steps(result(End.EXHAUSTED, []))) == []


def test_next_steps_can_be_pasted(monkeypatch):
    monkeypatch.setattr("sys.argv", ["env/bin/msenas", "search"])
    assert "env/bin/msenas show 'my runs/x/best.json'" in list(next_steps(result(folder="my runs/x")))
    monkeypatch.setattr("sys.argv", ["/usr/bin/pytest"])
    assert "msenas show 'my runs/x/best.json'" in list(next_steps(result(folder="my runs/x")))


@pytest.mark.parametrize("folder", ["runs/[red]", "runs/a[/b]", "runs/[1]"])
def test_path_is_printed_as_it_is(capsys, folder):
    print_result(result(folder=folder), motif_genome("FE"), OUT)
    assert f"run folder: {folder}\n" in capsys.readouterr().out


def test_result_without_a_network():
    screen = console()
    print_result(result(records=[record(0, failure="x")]), None, screen)
    assert "no live network was found" in printed(screen)


def test_progress_is_silent_without_a_terminal():
    screen = console()
    with search_progress(screen) as progress:
        progress([record(0), record(1, failure="x")], 10)
    assert printed(screen) == ""


def test_progress_on_a_terminal_shows_the_best():
    screen = Console(file=StringIO(), force_terminal=True, width=200)
    with search_progress(screen) as progress:
        progress([record(0, fitness=0.25, energy=3e-9), record(1, 1, live=False, fitness=None)], 10)
    assert "2/10" in printed(screen)
    assert "generation 1  fitness 0.250 .. 0.250  energy from 3 nJ" in printed(screen)


def test_result_of_a_search_for_a_chip_says_how_the_best_fits_and_what_was_passed_over():
    fit = {"hardware": "speck2f", "fits": True, "failed": [], "binding": "cores", "headroom": 0.5}
    records = [msgspec.structs.replace(record(0), fit=fit)]
    config = SearchConfig(hardware="speck2f", must_fit=True)
    summary = summarise(records, config, {"cores": Unfit(7, "cores 10 (chip: 9)")})
    screen = console()
    print_result(Result(Path("runs/x"), End.FINISHED, config, summary, 1.0, None), motif_genome("FE"), screen)
    assert "speck2f: fits; nearest limit: cores, 50% used" in printed(screen)
    assert "passed over because they do not fit speck2f: cores 7 times" in printed(screen)
