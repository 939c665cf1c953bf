"""`msenas rank`: what it does once its options are parsed."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from msenas.cli.commands import INTERRUPTED_CODE, print_json
from msenas.cli.progress import columns
from msenas.cli.render import program
from msenas.cli.report import plain_table
from msenas.errors import CheckFailed
from msenas.fitness.registry import SCREEN
from msenas.ranking.agreement import LEVEL, RESAMPLES, Figure
from msenas.ranking.config import LEAST
from msenas.ranking.opening import RankRequest
from msenas.ranking.report import Ranking
from msenas.ranking.rows import GIVEN, LIKE
from msenas.ranking.session import Ranked, rank
from msenas.ranking.stages import Watcher
from msenas.search.config import PROMOTED
from msenas.search.loop import End

NONE = "none"
"""In the place of a figure that has no value, as all are equal of what is compared."""


class Bar:
    """A progress bar over the networks, for one part after the other."""

    def __init__(self, bar: Progress) -> None:
        self.bar, self.task = bar, bar.add_task("ranking", total=None, text="")

    def begin(self, what: str, total: int) -> None:
        """Start from 0 again."""
        self.bar.reset(self.task, total=total, text=what)

    def advance(self) -> None:
        """Advance by one network."""
        self.bar.advance(self.task)


@contextmanager
def ranking_progress(console: Console) -> Iterator[Watcher]:
    """A watcher that shows a bar on a terminal, and nothing elsewhere."""
    with Progress(*columns("ranking", "text"), console=console, disable=not console.is_terminal) as bar:
        yield Bar(bar)


def run_rank(request: RankRequest, as_json: bool, out: Console, err: Console) -> None:
    """Run or resume a ranking, and print its report; exit code 130 after Ctrl-C."""
    with ranking_progress(err) as watcher:
        ranked = rank(request, watcher, lambda note: err.print(f"note: {note}"), err.is_terminal)
    if as_json:
        print_json(_about(ranked))
    else:
        _print(ranked, out)
    if ranked.end is End.INTERRUPTED:
        raise typer.Exit(INTERRUPTED_CODE)
    if ranked.ranking is None and ranked.end is End.FINISHED:
        failures = [t.failure for one in ranked.networks for t in one.trainings if t.failure is not None]
        why = f"; the first failure: {failures[0]}" if failures else ""
        raise CheckFailed(f"fewer than {LEAST} networks were trained, which is too few to rank{why}")


def _about(ranked: Ranked) -> dict[str, object]:
    about = {"out": str(ranked.folder), "end": ranked.end.value, "seconds": round(ranked.seconds, 2)}
    return about | (ranked.ranking.as_dict() if ranked.ranking is not None else {})


def _print(ranked: Ranked, out: Console) -> None:
    folder, ranking = shlex.quote(str(ranked.folder)), ranked.ranking
    out.print(f"{ranked.end.value} in {ranked.seconds:.0f} s")
    if ranked.end is not End.FINISHED:
        out.print(f"next: {program()} rank --resume --out {folder}")
    if ranking is None:
        return
    out.print(_table(ranking))
    out.print(_others(ranking))
    out.print(_given(ranking))
    out.print(_like(ranking))
    for line in _remarks(ranking, ranked.config.epochs):
        out.print(line)
    out.print(f"report: {folder}/ranking.json; networks: {folder}/networks.jsonl; pictures: {folder}/scatter.png")


def _table(ranking: Ranking) -> Table:
    gaps = any(row.missing for row in ranking.rows)
    titles = ("tau-b", f"{LEVEL} %", "beyond", "top 10 %", "regret", "seeds", *("missing",) * gaps)
    table = plain_table("fitness", *titles, justify="right")
    for row in ranking.rows:
        numbers = (_number(row.tau), _interval(row.tau), _interval(row.beyond))
        shares = (_share(row.top), _share(row.regret), _number(row.stability))
        table.add_row(row.name, *numbers, *shares, *(str(row.missing or ""),) * gaps)
    return table


def _others(ranking: Ranking) -> Table:
    table = plain_table("agreement", "same start", "beyond", "loss", "rho", justify="right")
    for row in ranking.rows:
        figures = (_both(row.start), _interval(row.start_beyond), _number(row.loss), _both(row.spearman))
        table.add_row(row.name, *figures)
    return table


def _given(ranking: Ranking) -> Table:
    table = plain_table("rho given", *GIVEN, justify="right")
    for row in ranking.rows:
        table.add_row(row.name, *(_both(row.given[name]) if name in row.given else "" for name in GIVEN))
    return table


def _like(ranking: Ranking) -> Table:
    table = plain_table("rho with", *LIKE, justify="right")
    for row in ranking.rows:
        table.add_row(row.name, *(_both(row.like[name]) if name in row.like else "" for name in LIKE))
    return table


def _remarks(ranking: Ranking, epochs: int) -> Iterator[str]:
    low, *_, high = ranking.accuracy
    yield f"{ranking.networks} networks, accuracies {low:.1%} to {high:.1%}, median {ranking.accuracy[2]:.1%}"
    yield f"their mean is {_share(ranking.mean)}; that of the tenth that turned out best, {_share(ranking.hindsight)}"
    if ranking.failed:
        yield f"left out, as they could not be trained: {ranking.failed}"
    for row in ranking.rows:
        if not math.isnan(row.staged.value):
            yield f"top 10 % by {row.name} among the best {PROMOTED:.0%} by {SCREEN}: {_share(row.staged)}"
    if ranking.best_trivial is not None:
        yield f"beyond: tau minus that of {ranking.best_trivial}, the best trivial one"
    settled = [f"{_number(figure) or NONE} at {share}" for share, figure in ranking.settled.items()]
    if settled:
        yield f"tau of the order within the {epochs} epochs with the last one: {', '.join(settled)}"
    yield from _noise(ranking)
    if ranking.energy is not None and ranking.energy_ratio is not None:
        low, mid, high = ranking.energy_ratio
        yield (
            f"energy: tau {_both(ranking.energy) or NONE} between the estimates before and after training; after it,"
            f" {mid:.2f} times as much ({low:.2f} to {high:.2f} for 90 % of the networks)"
        )
    yield "same start: tau if fitness and training begin with the same weights, as in search and train"
    yield "loss: tau with the loss on validation samples in the place of the accuracy"
    yield "rho given: with the accuracy, that quantity held fixed; rho with: whether a fitness is that in disguise"
    yield f"intervals: {LEVEL} % of {RESAMPLES} resamples of the networks"


def _noise(ranking: Ranking) -> Iterator[str]:
    for name, noise in ranking.noise.items():
        if noise.ceiling is None or noise.perfect is None:
            continue
        spread = f"{noise.spread:.2%}" if name == "accuracy" else f"{noise.spread:.3f}"
        true = _both(noise.perfect)
        yield (
            f"noise of the {name}: tau {_both(noise.ceiling) or NONE} between two trainings of {noise.repeated}"
            f" networks, which differ by {spread} on average" + (f"; the true order would have {true}" if true else "")
        )


def _number(figure: Figure) -> str:
    return _short(figure.value)


def _interval(figure: Figure) -> str:
    return "" if math.isnan(figure.value) else f"{_short(figure.low)}, {_short(figure.high)}"


def _both(figure: Figure) -> str:
    return "" if math.isnan(figure.value) else f"{_number(figure)} [{_interval(figure)}]"


def _short(value: float) -> str:
    """A correlation, without the 0 in front of its point."""
    return "" if math.isnan(value) else f"{value:.2f}".replace("0.", ".")


def _share(figure: Figure) -> str:
    return "" if math.isnan(figure.value) else f"{figure.value:.1%}"
