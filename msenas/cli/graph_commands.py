"""The commands about graphs in the formats of other tools; `app` adds them to its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msenas.cli import options as opt
from msenas.cli.consoles import ERR, OUT
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


def export(
    file: Annotated[Path, typer.Argument(help="best.json, its folder, or a genome as JSON.")],
    formats: Annotated[str, typer.Option("--format", help="nir, onnx, onnx-step; several with commas.")] = "nir",
    target: Annotated[str, typer.Option(help="What NIR files are for; `msenas check --help`.")] = "portable",
    readout: Annotated[
        str, typer.Option(help="current: scores of each step; spikes: a neuron for each class.")
    ] = "current",
    bits: Annotated[
        int | None, typer.Option(help="Round weights to 8 or 4 bits.", show_default="float32 weights")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            help="poisson or latency: feed a network of the direct code with spikes.", show_default="as trained"
        ),
    ] = None,
    verify: Annotated[int, typer.Option(help="Samples of the test split to verify with.", min=1)] = 64,
    golden: Annotated[
        bool, typer.Option("--golden", help="Also write inputs, spikes and outputs of 16 samples (npz).")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="The file.", metavar="FILE", show_default="model.* beside best.json")
    ] = None,
    dataset: opt.Dataset = None,
    data: opt.Data = None,
    window: opt.Window = None,
    size: opt.Size = None,
    download: opt.Download = False,
    as_json: opt.Json = False,
) -> None:
    """Export a network to NIR or ONNX; the file is read back, run, and compared with the network spike by spike."""
    chosen = opt.given({"dataset": dataset, "data": data, "window": window, "size": size})
    from msenas.cli.export import ExportRequest, run_export

    how = formats, out, target, readout, bits, encoding, verify, golden
    run_export(ExportRequest(file, *how, chosen, download), as_json, OUT, ERR)


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
