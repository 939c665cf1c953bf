"""The options that commands share. None means "not given": the configuration decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

DATA, NETWORK, SCORE, BUDGET, RUN = "Data", "Network", "Score", "Search", "Run"


def _option(help_text: str, panel: str, *names: str, **more: Any) -> Any:  # noqa: ANN401
    return typer.Option(*names, help=help_text, rich_help_panel=panel, show_default=False, **more)


Dataset = Annotated[str | None, _option("Name of a data set; `msenas datasets` lists them. [digits]", DATA)]
Data = Annotated[str | None, _option("Its folder, or the parent of that.", DATA, metavar="PATH")]
Window = Annotated[str | None, _option("Cut event recordings into samples, such as 200ms.", DATA)]
Size = Annotated[int | None, _option("Side in pixels that event coordinates are mapped to.", DATA)]
Download = Annotated[bool, _option("Fetch the data set if no copy is found.", DATA, "--download")]

Layers = Annotated[int | None, _option("Layers of a genome. [6; 4 below 16 pixels]", NETWORK)]
Channels = Annotated[int | None, _option("Width of the first layers. [16]", NETWORK)]
Steps = Annotated[int | None, _option("Time steps T. [4; events 10]", NETWORK)]
Neuron = Annotated[str | None, _option("lif, or if for chips without a leak. [lif]", NETWORK)]
Tau = Annotated[float | None, _option("Membrane time constant in time steps. [2.0]", NETWORK)]
Threshold = Annotated[float | None, _option("Firing threshold. [0.5]", NETWORK)]
Encoding = Annotated[str | None, _option("direct, poisson or latency; events for events.", NETWORK)]
Motifs = Annotated[str | None, _option("Motifs to use, such as FE,FI,MI. [all]", NETWORK)]

Fitness = Annotated[str | None, _option("Training-free fitness by name. [rdm-contrast]", SCORE)]
Hardware = Annotated[str | None, _option("Profile by name or TOML file. [generic-45nm]", SCORE)]
Batch = Annotated[int | None, _option("Samples of the probe batch. [32]", SCORE)]
Seed = Annotated[int | None, _option("Seed of everything random. [0]", SCORE)]
Device = Annotated[str | None, _option("cpu, cuda, ... [auto]", SCORE)]
Precision = Annotated[str | None, _option("float32 or bfloat16. [float32]", SCORE)]

Objectives = Annotated[str | None, _option("What to optimise. [fitness,energy]", BUDGET)]
Population = Annotated[int | None, _option("Networks per generation. [25]", BUDGET)]
Generations = Annotated[int | None, _option("Generations, the random one included. [12]", BUDGET)]
Strategy = Annotated[str | None, _option("evolution or random. [evolution]", BUDGET)]
Operators = Annotated[str | None, _option("default or paper. [default]", BUDGET)]
Pick = Annotated[str | None, _option("Rule for best.json: knee, fitness or energy. [knee]", BUDGET)]
Preset = Annotated[str | None, _option("paper: 50 x 80 evaluations.", BUDGET)]

Workers = Annotated[int | None, _option("Worker processes. [one per core]", RUN)]
TimeLimit = Annotated[str | None, _option("Stop after this long, such as 10m.", RUN, "--time-limit")]
Out = Annotated[Path | None, _option("The run folder. [a new one under runs/]", RUN, metavar="DIR")]
Resume = Annotated[bool, _option("Continue the run in --out.", RUN, "--resume")]
Config = Annotated[Path | None, _option("TOML file with any of these options.", RUN, metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]


def given(values: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, comma lists split, by their names in a configuration."""
    found = {name: value for name, value in values.items() if value is not None}
    for name in ("objectives", "motifs"):
        if name in found:
            found[name] = tuple(part.strip() for part in found[name].split(",") if part.strip())
    return found
