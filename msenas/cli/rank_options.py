"""The options of `msenas rank` that other commands do not have, or have with another meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msenas.cli.options import NETWORK, RUN, SCORE, option

TRAINING = "Training"

Channels = Annotated[int | None, option("Width of the first layers.", NETWORK, default="8")]
Genomes = Annotated[int | None, option("Networks that are drawn.", NETWORK, default="24")]
Samples = Annotated[int | None, option("Training samples that are used.", TRAINING, default="all")]
Judged = Annotated[
    int | None,
    option(
        "Samples on which they are compared: beyond the validation split, of training samples that are not used.",
        TRAINING,
        default="the validation split",
    ),
]
Epochs = Annotated[int | None, option("Epochs for which each network is trained.", TRAINING, default="10")]
Batch = Annotated[int | None, option("Samples of a step.", TRAINING, default="32")]
LearningRate = Annotated[float | None, option("Largest learning rate.", TRAINING, "--lr", default="0.01")]
Augment = Annotated[str | None, option("Augmentations, as of msenas train.", TRAINING, default="none")]
Precision = Annotated[str | None, option("Of convolutions: float32 or bfloat16.", TRAINING, default="bfloat16")]
Repeated = Annotated[
    float | None, option("Share of the networks that are trained twice, from other weights.", TRAINING, default="1/3")
]
Fitness = Annotated[str | None, option("Fitnesses by name, with commas between; or all.", SCORE, default="all")]
Seeds = Annotated[int | None, option("Weight seeds with which each network is scored.", SCORE, default="3")]
Probe = Annotated[int | None, option("Samples of the probe batch.", SCORE, default="32")]
Half = Annotated[
    str | None, option("Networks to train and report: development, held-out or both.", RUN, default="both")
]
Trained = Annotated[
    Path | None,
    option("Networks that have been trained (networks.jsonl); they are scored only.", RUN, metavar="FILE"),
]
Out = Annotated[Path | None, option("The folder.", RUN, metavar="DIR", default="a new one under runs/")]
Resume = Annotated[bool, option("Continue the ranking in --out.", RUN, "--resume")]
