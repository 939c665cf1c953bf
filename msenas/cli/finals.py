"""The finals of `msenas search`: their progress bar, and what is printed of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from msenas.cli.progress import columns
from msenas.cli.report import plain_table
from msenas.finals.halving import Rung
from msenas.finals.session import Held, Watcher


class Bar:
    """A progress bar over all steps of all finalists."""

    def __init__(self, bar: Progress) -> None:
        self.bar, self.task = bar, bar.add_task("finals", total=None, text="")

    def begin(self, steps: int) -> None:
        """Fix the length of the bar."""
        self.bar.update(self.task, total=steps)

    def rung(self, number: int, rung: Rung) -> None:
        """Say what is compared."""
        self.bar.update(self.task, text=f"rung {number}: {rung.entrants} networks, {rung.epochs} epochs")

    def skip(self, steps: int) -> None:
        """Advance by what is on record."""
        self.bar.advance(self.task, steps)

    def step(self, loss: float) -> None:
        """Advance by one step."""
        self.bar.advance(self.task)


@contextmanager
def finals_progress(console: Console) -> Iterator[Watcher]:
    """A watcher that shows a bar on a terminal, and nothing elsewhere."""
    with Progress(*columns("finals", "text"), console=console, disable=not console.is_terminal) as bar:
        yield Bar(bar)


def finals_table(held: Held) -> Table:
    """Every finalist after its last rung, the winner first."""
    table = plain_table("finalist", "epochs", "validation accuracy", justify="right")
    last = {place.standing.id: place for places in held.rungs for place in places}
    for place in sorted(last.values(), key=lambda place: (-place.rung, place.place or 0)):
        standing = place.standing
        found = standing.failure if standing.val_accuracy is None else f"{standing.val_accuracy:.2%}"
        table.add_row(f"no. {standing.id}", str(standing.epochs), found)
    return table
