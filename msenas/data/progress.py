"""Progress of long work, on stderr and only if that is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from msenas.data.decoded import Tick


def silent(done: int, total: int) -> None:
    """A `Tick` that shows nothing."""


@contextmanager
def ticking(title: str, show: bool) -> Iterator[Tick]:
    """A bar for the duration of the context, or nothing."""
    if not (show and sys.stderr.isatty()):
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(title, total=None)

        def tick(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        yield tick


class DownloadBar:
    """What pooch asks of a progress bar, as one line on stderr, so that no download goes unseen."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self.total = size
        self.done = 0
        self.shown = -1

    def update(self, count: int) -> None:
        """`count` more bytes have come."""
        self.done += count
        percent = min(100, 100 * self.done // max(1, self.total))
        if sys.stderr.isatty() and percent != self.shown:
            self.shown = percent
            sys.stderr.write(f"\rdownloading {self.name} ({self.total / 1e6:,.1f} MB): {percent} %")
            sys.stderr.flush()

    def reset(self) -> None:
        """Start again from nothing."""
        self.done = 0

    def close(self) -> None:
        """Leave the line."""
        if sys.stderr.isatty():
            sys.stderr.write("\n")
