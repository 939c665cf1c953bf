"""`msenas train`: what it does once its options are parsed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import Progress

from msenas.cli.commands import INTERRUPTED_CODE, print_json
from msenas.cli.progress import columns
from msenas.cli.render import program
from msenas.learning.loop import Row
from msenas.learning.parallel import Elsewhere, Group, processes
from msenas.phenotype.memory import keep_freed_memory
from msenas.training.opening import TrainRequest
from msenas.training.session import End, Trained, Watcher, train


class Silent:
    """A watcher that shows nothing."""

    def begin(self, epochs: int, done: int, steps: int) -> None:
        """Nothing."""

    def step(self, loss: float) -> None:
        """Nothing."""

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Nothing."""


class Bar(Silent):
    """A progress bar over all steps, and one line for each epoch."""

    def __init__(self, bar: Progress) -> None:
        self.bar, self.task, self.text = bar, bar.add_task("training", total=None, text=""), ""

    def begin(self, epochs: int, done: int, steps: int) -> None:
        """Fix the length of the bar."""
        self.bar.update(self.task, total=epochs * steps, completed=done * steps)

    def step(self, loss: float) -> None:
        """Advance by one step."""
        self.bar.update(self.task, advance=1, text=f"loss {loss:.3f}{self.text}")

    def epoch(self, row: Row, images_per_second: float) -> None:
        """Keep the numbers of the last epoch in sight."""
        self.text = f"  val {row.val_accuracy:.2%}  rate {row.rate:.3f}  {images_per_second:.0f}/s  epoch {row.epoch}"


@contextmanager
def training_progress(console: Console) -> Iterator[Watcher]:
    """A watcher that shows a bar on a terminal, and nothing elsewhere."""
    if not console.is_terminal:
        yield Silent()
        return
    with Progress(*columns("training", "text"), console=console) as bar:
        yield Bar(bar)


def run_train(request: TrainRequest, as_json: bool, out: Console, err: Console) -> None:
    """Train a network, alone or with the other processes of torchrun; exit code 130 after Ctrl-C.

    The first process prints the accuracy; the others say only why they cannot go on.
    """
    keep_freed_memory()
    with processes() as group:
        if group.leads:
            with training_progress(err) as watcher:
                trained = train(request, watcher, lambda note: err.print(f"note: {note}"), group)
        else:
            trained = _follow(request, group)
    if not group.leads:
        raise typer.Exit(INTERRUPTED_CODE if trained.end is End.INTERRUPTED else 0)
    if as_json:
        print_json(_about(trained))
    else:
        _print(trained, out)
    if trained.end is End.INTERRUPTED:
        raise typer.Exit(INTERRUPTED_CODE)


def _follow(request: TrainRequest, group: Group) -> Trained:
    """Train without a word; what another process has said is not said again."""
    try:
        return train(request, Silent(), lambda note: None, group)
    except Elsewhere as failure:
        raise typer.Exit(failure.exit_code) from None


def _about(trained: Trained) -> dict[str, object]:
    return {
        "out": str(trained.folder),
        "end": trained.end.value,
        "epochs": trained.epochs,
        "best_epoch": trained.best_epoch,
        "val_accuracy": trained.val_accuracy,
        "accuracy": trained.test_accuracy,
        "seconds": round(trained.seconds, 2),
    }


def _print(trained: Trained, out: Console) -> None:
    out.print(f"{trained.end.value} after epoch {trained.epochs} in {trained.seconds:.0f} s")
    folder = shlex.quote(str(trained.folder))
    if trained.test_accuracy is None or trained.val_accuracy is None:
        out.print(f"next: {program()} train --resume --out {folder}")
        return
    out.print(f"validation accuracy {trained.val_accuracy:.2%} (epoch {trained.best_epoch})")
    out.print(f"test accuracy {trained.test_accuracy:.2%}, read once")
    out.print(f"trained network: {Path(folder) / 'best.json'}")
    out.print(f"next: {program()} evaluate {folder}")
    out.print(f"next: {program()} estimate {folder} --hardware all")
