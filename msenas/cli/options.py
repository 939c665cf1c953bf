"""The options that commands share. None means "not given": the configuration decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

DATA, NETWORK, SCORE, BUDGET, RUN = "Data", "Network", "Score", "Search", "Run"


def option(help_text: str, panel: str, *names: str, default: str = "", **more: Any) -> Any:  # noqa: ANN401
    """An option with its help, its panel, and the default that the help shows."""
    return typer.Option(*names, help=help_text, rich_help_panel=panel, show_default=default or False, **more)


Dataset = Annotated[str | None, option("Name of a data set; `msenas datasets` lists them.", DATA, default="digits")]
Data = Annotated[str | None, option("Its folder, or the parent of that.", DATA, metavar="PATH")]
Window = Annotated[str | None, option("Cut event recordings into samples, such as 200ms.", DATA)]
Size = Annotated[int | None, option("Side in pixels that event coordinates are mapped to.", DATA)]
Download = Annotated[bool, option("Fetch the data set if no copy is found.", DATA, "--download")]

Layers = Annotated[int | None, option("Layers of a genome.", NETWORK, default="6; 4 below 16 pixels")]
Channels = Annotated[int | None, option("Width of the first layers.", NETWORK, default="16")]
Steps = Annotated[int | None, option("Time steps T.", NETWORK, default="4; events 10")]
Neuron = Annotated[str | None, option("lif, or if for chips without a leak.", NETWORK, default="lif")]
Tau = Annotated[float | None, option("Membrane time constant in time steps.", NETWORK, default="2.0")]
Threshold = Annotated[float | None, option("Firing threshold.", NETWORK, default="0.5")]
Encoding = Annotated[str | None, option("direct, poisson or latency; events for events.", NETWORK)]
Motifs = Annotated[str | None, option("Motifs to use, such as FE,FI,MI.", NETWORK, default="all")]
Scales = Annotated[
    str | None, option("Scales to search: micro (kernels), meso (motifs), macro (links).", NETWORK, default="all")
]

Fitness = Annotated[str | None, option("Fitness by name.", SCORE, default="projected-loss")]
TrainSteps = Annotated[
    int | None,
    option("Steps of a training for the fitness.", SCORE, "--train-steps", default="200, or 4 passes over the samples"),
]
Screen = Annotated[str | None, option("Fitness that chooses what is worth a training.", SCORE, default="parameters")]
Promoted = Annotated[float | None, option("Share of a generation that is trained.", SCORE, default="0.2")]
Hardware = Annotated[str | None, option("Profile by name or TOML file.", SCORE, default="generic-45nm")]
MustFit = Annotated[bool | None, option("Keep to networks that fit the chip of --hardware.", SCORE, "--must-fit")]
Batch = Annotated[int | None, option("Samples of the probe batch.", SCORE, default="32")]
Seed = Annotated[int | None, option("Seed of everything random.", SCORE, default="0")]
Device = Annotated[str | None, option("cpu, cuda, ...", SCORE, default="auto")]
Precision = Annotated[str | None, option("float32 or bfloat16.", SCORE, default="float32")]

Objectives = Annotated[str | None, option("What to optimise.", BUDGET, default="fitness,energy")]
Population = Annotated[int | None, option("Networks per generation.", BUDGET, default="25")]
Generations = Annotated[int | None, option("Generations, the random one included.", BUDGET, default="12")]
Strategy = Annotated[str | None, option("evolution or random.", BUDGET, default="evolution")]
Operators = Annotated[str | None, option("default or paper.", BUDGET, default="default")]
Pick = Annotated[str | None, option("Rule for best.json: knee, fitness or energy.", BUDGET, default="knee")]
Finalists = Annotated[
    int | None, option("Train the best of the front briefly; the best on validation data wins.", BUDGET, default="0")
]
FinalistEpochs = Annotated[int | None, option("Epochs of the finalists that get farthest.", BUDGET, default="8")]
Preset = Annotated[str | None, option("paper: 50 x 80 evaluations by rdm-paper.", BUDGET)]

Workers = Annotated[int | None, option("Worker processes.", RUN, default="one per core")]
TimeLimit = Annotated[str | None, option("Stop after this long, such as 10m.", RUN, "--time-limit")]
Out = Annotated[Path | None, option("The run folder.", RUN, metavar="DIR", default="a new one under runs/")]
Resume = Annotated[bool, option("Continue the run in --out.", RUN, "--resume")]
Config = Annotated[Path | None, option("TOML file of options, such as a run's config.toml.", RUN, metavar="FILE")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]


def given(values: dict[str, Any], *also_lists: str) -> dict[str, Any]:
    """The options that were given, comma lists split, by their names in a configuration."""
    found = {name: value for name, value in values.items() if value is not None}
    for name in ("objectives", "motifs", "scales", "augment", *also_lists):
        if name in found:
            found[name] = tuple(part.strip() for part in found[name].split(",") if part.strip())
    return found
