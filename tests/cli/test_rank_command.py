"""`msenas rank`: what it prints, its exit codes, and one line for whatever cannot be used."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from msenas.cli.rank import _print, _remarks, ranking_progress
from msenas.fitness.registry import FITNESSES
from msenas.ranking.config import RankConfig
from msenas.ranking.report import report
from msenas.ranking.session import Ranked
from msenas.ranking.trial import Trials
from msenas.search.loop import End
from tests.ranking.made import known, quicken, score, small_data, stand_in, trained

pytestmark = pytest.mark.usefixtures("uncompiled", "one_thread")
SMALL = (
    *("--layers", "2", "--channels", "4", "--steps", "2", "--genomes", "8", "--epochs", "2", "--precision", "float32"),
    *("--probe", "4", "--seeds", "2", "--repeated", "0.5", "--workers", "1", "--train-steps", "1"),
)


@pytest.fixture
def rank(cli, tmp_path, monkeypatch):
    """A ranking of a small npz as the command line starts it, without trainings."""
    quicken(monkeypatch)
    monkeypatch.setattr(Trials, "_train", stand_in)
    data = small_data(tmp_path)
    return lambda *more: cli("rank", "--dataset", "npz", "--data", data, *SMALL, *more)


def test_tables_and_json(rank, cli, tmp_path):
    code, printed, err = rank("--out", tmp_path / "r", "--fitness", "sahd, depth")
    assert (code, err) == (0, "")
    assert printed.startswith("finished in ")
    assert {"sahd", "depth"} <= {line.split()[0] for line in printed.splitlines()}
    assert "naswot" not in printed
    assert "8 networks, accuracies" in printed
    assert f"networks: {tmp_path / 'r'}/networks.jsonl" in printed
    code, printed, err = cli("rank", "--resume", "--out", tmp_path / "r", "--json")
    assert (code, err) == (0, "")
    data = json.loads(printed)
    kept = json.loads((tmp_path / "r" / "ranking.json").read_text())
    assert {name: data[name] for name in kept if name in data} == {n: kept[n] for n in kept if n in data}
    assert (data["out"], data["end"], data["networks"]) == (str(tmp_path / "r"), "finished", 8)


def test_networks_that_were_trained_elsewhere(rank, cli, tmp_path):
    assert rank("--out", tmp_path / "r", "--half", "development")[0] == 0
    more = ("--trained", tmp_path / "r" / "networks.jsonl", "--data", tmp_path / "arrays.npz", "--workers", "1")
    code, _, err = cli("rank", *more, "--out", tmp_path / "g")
    assert (code, err) == (0, "")
    assert (tmp_path / "g" / "ranking.json").read_bytes() == (tmp_path / "r" / "ranking.json").read_bytes()
    code, printed, err = cli("rank", *more, "--out", tmp_path / "h", "--half", "both")
    assert (code, printed, err.count("\n")) == (2, "", 1)
    assert "holds the development networks alone, not both" in err


def test_a_time_limit_says_how_to_go_on(rank, tmp_path):
    code, printed, _ = rank("--out", tmp_path / "a folder", "--time-limit", "1ms")
    assert code == 0
    assert printed.startswith("time limit reached in ")
    assert f"rank --resume --out '{tmp_path / 'a folder'}'" in printed


def test_too_few_trainings_are_a_check_that_failed(rank, tmp_path, monkeypatch):
    monkeypatch.setattr(Trials, "_train", lambda self, trial: trained(failure="the loss is nan"))
    code, _, err = rank("--out", tmp_path / "r")
    assert (code, err.count("\n")) == (1, 1)
    assert "fewer than 4 networks were trained" in err
    assert "the first failure: the loss is nan" in err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--genomes", "3"), "genomes must be 4 to 100000, not 3"),
        (("--genomes", "x"), "Invalid value for '--genomes'"),
        (("--half", "dev"), "unknown half 'dev'"),
        (("--device", "nonsense"), "device 'nonsense' cannot be used"),
        (("--trained", "nope.jsonl"), "cannot read nope.jsonl"),
        (("--resume",), "--resume needs --out DIR"),
        (("--resume", "--out", "nope"), "nope holds no ranking to resume"),
        (("--nonsense",), "No such option"),
        (("--fitness", ","), "fitness must name a fitness"),
        (("--lr", "1e3"), "lr must be"),
    ],
)
def test_nonsense_is_one_line(rank, tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    code, printed, err = rank(*options)
    assert (code, printed, err.count("\n")) == (2, "", 1), err
    assert said in err
    assert {p.name for p in tmp_path.iterdir()} == {"arrays.npz"}


def printed(ranking, epochs=4, end=End.FINISHED, width=200):
    screen = Console(file=StringIO(), width=width)
    _print(Ranked(Path("r"), end, RankConfig(epochs=epochs), [], ranking, 1.0), screen)
    return screen.file.getvalue()


def test_figures_without_a_value_are_left_empty():
    networks = [known(i, trained(0.5), trained(0.5)) for i in range(4)]
    ranking = report(networks, [score(i) for i in range(4)], tuple(FITNESSES), 0)
    text = printed(ranking, epochs=1)
    assert "nan" not in text
    assert (
        "noise of the accuracy: tau none between two trainings of 4 networks, which differ by 0.00% on average" in text
    )
    assert "within the" not in text, "one epoch has none before it"
    assert "their mean is 50.0%; that of the tenth that turned out best, 50.0%" in text


def test_each_fitness_has_one_line_of_each_table_on_a_narrow_screen():
    networks = [known(i, trained(0.04 * i, loss=1 - 0.04 * i)) for i in range(24)]
    falling = [name.replace("-", "_") for name, fitness in FITNESSES.items() if not fitness.maximise]
    starts, scores = ([score(i, seed, **dict.fromkeys(falling, -i)) for i in range(24)] for seed in (0, 1))
    text = printed(report(networks, scores, tuple(FITNESSES), 0, starts), width=80)
    lines = {name: [line for line in text.splitlines() if line.split()[:1] == [name]] for name in FITNESSES}
    assert {name: len(found) for name, found in lines.items()} == dict.fromkeys(FITNESSES, 4)


def test_what_is_missing_is_shown_where_something_is():
    networks = [known(i, trained(0.1 * i, 0.1 * i)) for i in range(4)]
    whole = report(networks, [score(i) for i in range(4)], ("sahd", "depth"), 0)
    assert "missing" not in printed(whole)
    gaps = report(networks, [score(i, sahd=None if i == 1 else 1.0 * i) for i in range(4)], ("sahd", "depth"), 0)
    assert "missing" in printed(gaps)
    row = next(line for line in printed(gaps).splitlines() if line.startswith("sahd"))
    assert row.split()[-1] == "1"


def test_networks_that_failed_are_counted():
    networks = [*(known(i, trained(0.1 * i)) for i in range(4)), known(4, trained(failure="x"))]
    ranking = report(networks, [score(i) for i in range(5)], ("sahd",), 0)
    assert "left out, as they could not be trained: 1" in "\n".join(_remarks(ranking, 1))
    assert not math.isnan(ranking.rows[0].tau.value)


def test_bar():
    screen = Console(file=StringIO(), force_terminal=True, width=120)
    with ranking_progress(screen) as watcher:
        watcher.begin("training", 7)
        for _ in range(3):
            watcher.advance()
    assert "3/7" in screen.file.getvalue()
    assert "training" in screen.file.getvalue()


def started(tmp_path, workers):
    """A ranking with real trainings, as a process of its own."""
    options = ("--dataset", "npz", "--data", str(tmp_path / "arrays.npz"), *SMALL, "--workers", workers)
    command = [sys.executable, "-m", "msenas", "rank", *options, "--epochs", "60", "--out", str(tmp_path / "r")]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell has the programs that it starts in the background ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        env=os.environ | {"MSENAS_COMPILE": "0"},
    )


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_stopped_by_a_signal(tmp_path, sign, workers):
    """Ctrl-C reaches the workers too, schedulers end a process gently, and a killed one takes its workers with it."""
    small_data(tmp_path)
    process = started(tmp_path, workers)
    try:
        end = time.monotonic() + 300
        while not list((tmp_path / "r").glob("trainings/*/metrics.jsonl")):
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < end
            time.sleep(0.1)
        if sign == signal.SIGINT:
            os.killpg(process.pid, sign)
        else:
            process.send_signal(sign)
        out, err = process.communicate(timeout=300)
    finally:
        process.kill()
    assert "Traceback" not in err
    if sign != signal.SIGKILL:
        assert "leaked" not in err
        assert process.returncode == 130
        assert "rank --resume --out" in out
    assert (tmp_path / "r" / "drawn.json").exists()
    assert not (tmp_path / "r" / "ranking.json").exists()
