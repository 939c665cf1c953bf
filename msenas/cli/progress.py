"""Progress bars: quiet when stderr is no terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from msenas.hardware.quantity import joules
from msenas.runs.folder import Record
from msenas.search.loop import Progress as Callback


def columns(what: str, text: str | None = None) -> tuple[ProgressColumn, ...]:
    """Columns of a bar; behind them the field `text` of its task, if it is named."""
    parts = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return parts if text is None else (*parts, TextColumn(f"{{task.fields[{text}]}}"))


@contextmanager
def search_progress(console: Console) -> Iterator[Callback]:
    """A callback that shows evaluations, generation, best fitness and least energy so far."""
    with Progress(*columns("searching", "best"), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("search", total=None, best="starting workers")

        def update(records: Sequence[Record], total: int) -> None:
            bar.update(task, completed=len(records), total=total, best=_best(records))

        yield update


@contextmanager
def samples_progress(console: Console, what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A callback that is told how many samples are done."""
    with Progress(*columns(what), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)


def _best(records: Sequence[Record]) -> str:
    live = [r.scores for r in records if r.scores is not None and r.scores["fitness"] is not None]
    text = f"generation {records[-1].generation}"
    if live:
        energy = min(s["energy_joule"][1] for s in live)
        low, high = min(s["fitness"] for s in live), max(s["fitness"] for s in live)
        text += f"  fitness {low:.3f} .. {high:.3f}  energy from {joules(energy)}"
    return text
