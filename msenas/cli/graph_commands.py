"""The commands about graphs in the formats of other tools; `app` adds them to its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msenas.cli import options as opt
from msenas.cli.consoles import OUT
from msenas.cli.options import DATA, NETWORK, option

TOLD = "as the file tells"


def check(
    file: Annotated[Path, typer.Argument(help="NIR file.")],
    target: Annotated[str, typer.Option(help="Simulators or chips by name, with commas between; or all.")] = "portable",
    as_json: opt.Json = False,
) -> None:
    """Check what simulators and chips make of a NIR file; exit code 1 if one of them cannot take it."""
    from msenas.cli.check import run_check

    run_check(file, target, as_json, OUT)


def import_graph(
    file: Annotated[Path, typer.Argument(help="NIR file.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for best.json and its weights.", metavar="DIR", show_default="named after the file"),
    ] = None,
    input_shape: Annotated[
        str | None, option("Channels, height, width, where the input is a vector; such as 1,28,28.", NETWORK)
    ] = None,
    steps: Annotated[int | None, option("Time steps T.", NETWORK, default=f"{TOLD}; else 4, events 10")] = None,
    dt: Annotated[
        float | None, option("Time step in seconds that it is meant for.", NETWORK, default=f"{TOLD}; else 0.0001")
    ] = None,
    encoding: Annotated[
        str | None,
        option(
            "direct, poisson, latency or events.", NETWORK, default=f"{TOLD}; else events for 2 channels, or direct"
        ),
    ] = None,
    dataset: Annotated[
        str | None, option("Data set to run it on; `msenas datasets` lists them.", DATA, default=TOLD)
    ] = None,
    data: Annotated[str | None, option("Its folder, or the parent of that.", DATA, metavar="PATH")] = None,
    standardise: Annotated[
        bool,
        option("Standardise images by the training samples, as msenas does; else 0..1.", DATA, "--standardise"),
    ] = False,
    as_json: opt.Json = False,
) -> None:
    """Import a network from a NIR file, for all commands that take best.json."""
    values = locals()
    from msenas.cli.import_ import ImportRequest, run_import

    run_import(ImportRequest(**{name: value for name, value in values.items() if name != "as_json"}), as_json, OUT)
