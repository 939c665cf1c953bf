"""The options of `msenas evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from msenas.cli.options import option

ASKED, RUN = "What is asked", "Run"

File = Annotated[Path, typer.Argument(help="best.json, a run folder, or a genome as JSON.")]
Split = Annotated[str, option("test, val or train.", ASKED, default="test")]
Samples = Annotated[int | None, option("Samples to run.", ASKED, min=1, default="the whole split")]
Hardware = Annotated[
    str | None,
    option("Profiles by name or TOML file, with commas between; or all.", ASKED, default="generic-45nm"),
]
Steps = Annotated[str | None, option("Also run with these time steps, such as 1,2,4,8.", ASKED, metavar="LIST")]
Noise = Annotated[
    str | None,
    option("gaussian, salt, drop-spikes, weights-Nbit (or weights-4bit), with commas between.", ASKED, metavar="LIST"),
]
Seed = Annotated[
    int | None,
    option("Seed of the choice of samples, the encoder and the noise.", RUN, min=0, default="that of the file"),
]
Out = Annotated[Path | None, option("Folder for pictures; made if it is not there.", RUN, metavar="DIR")]
