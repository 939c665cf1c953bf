"""The commands about graphs in the formats of other tools; `app` adds them to its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msenas.cli import options as opt
from msenas.cli.consoles import OUT


def check(
    file: Annotated[Path, typer.Argument(help="NIR file.")],
    target: Annotated[str, typer.Option(help="Simulators or chips by name, with commas between; or all.")] = "portable",
    as_json: opt.Json = False,
) -> None:
    """Check what simulators and chips make of a NIR file; exit code 1 if one of them cannot take it."""
    from msenas.cli.check import run_check

    run_check(file, target, as_json, OUT)
