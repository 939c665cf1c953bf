"""Options of commands that take best.json, where they stand in it: what is not given is as recorded there."""

from __future__ import annotations

from typing import Annotated

from msenas.cli.options import DATA, NETWORK, SCORE, option

RECORDED = "as in the file"

Dataset = Annotated[str | None, option("Name of a data set; `msenas datasets` lists them.", DATA, default=RECORDED)]
Data = Annotated[str | None, option("Its folder, or the parent of that.", DATA, metavar="PATH", default=RECORDED)]
Window = Annotated[str | None, option("Cut event recordings into samples, such as 200ms.", DATA, default=RECORDED)]
Size = Annotated[int | None, option("Side in pixels that event coordinates are mapped to.", DATA, default=RECORDED)]

Channels = Annotated[int | None, option("Width of the first layers.", NETWORK, default=RECORDED)]
Steps = Annotated[int | None, option("Time steps T.", NETWORK, default=RECORDED)]
Neuron = Annotated[str | None, option("lif, or if for chips without a leak.", NETWORK, default=RECORDED)]
Tau = Annotated[float | None, option("Membrane time constant in time steps.", NETWORK, default=RECORDED)]
Threshold = Annotated[float | None, option("Firing threshold.", NETWORK, default=RECORDED)]
Encoding = Annotated[str | None, option("direct, poisson or latency; events for events.", NETWORK, default=RECORDED)]

Hardware = Annotated[str | None, option("Profile by name or TOML file.", SCORE, default=RECORDED)]
TrainSteps = Annotated[
    int | None, option("Steps of a training for the fitness.", SCORE, "--train-steps", default=RECORDED)
]
Batch = Annotated[int | None, option("Samples of the probe batch.", SCORE, default=RECORDED)]
Seed = Annotated[int | None, option("Seed of everything random.", SCORE, default=RECORDED)]
Precision = Annotated[str | None, option("float32 or bfloat16.", SCORE, default=RECORDED)]
