"""The options of `msenas train`. None means "not given": the configuration decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msenas.cli.options import option

COURSE, TERMS, RUN = "Course", "What is minimised", "Run"


Epochs = Annotated[int | None, option("Passes over the training split.", COURSE, default="30")]
Batch = Annotated[int | None, option("Samples of a step.", COURSE, default="64")]
EarlySteps = Annotated[
    int | None, option("Time steps in the first part of the training, to save time.", COURSE, default="all")
]
EarlyShare = Annotated[float | None, option("That part, as a share of the epochs.", COURSE, default="0.5")]
Optimizer = Annotated[str | None, option("adamw or sgd.", COURSE, default="adamw")]
LearningRate = Annotated[float | None, option("Largest learning rate.", COURSE, "--lr", default="0.01; sgd 0.1")]
WeightDecay = Annotated[float | None, option("Weight decay.", COURSE, default="0.02")]
Warmup = Annotated[float | None, option("Share of the steps in which the rate rises.", COURSE, default="0.1")]
Ema = Annotated[float | None, option("Decay of the running mean of the weights; 0 is off.", COURSE, default="0.99")]
Clip = Annotated[float | None, option("Largest norm of the gradient; 0 is off.", COURSE, default="1")]
Augment = Annotated[
    str | None,
    option(
        "auto, none, or crop,flip,rotate,erase,randaugment,trivial; events: shift,flip,drop.", COURSE, default="auto"
    ),
]
Mix = Annotated[float | None, option("Strength of mixup and cutmix; 0 is off.", COURSE, default="0")]
Surrogate = Annotated[
    str | None,
    option(
        "Surrogate gradient of Norse: triangle, tanh, circ, heavi_erfc, or super (whose alpha Norse 1.1.0 ignores).",
        COURSE,
        default="triangle",
    ),
]
Precision = Annotated[str | None, option("float32 or bfloat16.", COURSE, default="float32")]
Patience = Annotated[
    int | None, option("Stop after so many epochs without a better one; 0 never.", COURSE, default="0")
]

Loss = Annotated[str | None, option("ce: scores averaged over time; tet: loss of each step.", TERMS, default="ce")]
LabelSmoothing = Annotated[float | None, option("Share of the target spread over all classes.", TERMS, default="0.05")]
Rate = Annotated[float | None, option("Firing rate to draw populations to.", TERMS, default="off")]
RateWeight = Annotated[float | None, option("Weight of that pull.", TERMS, default="0.1")]
EnergyWeight = Annotated[float | None, option("Weight of the energy above the budget; 0 is off.", TERMS, default="0")]
EnergyBudget = Annotated[float | None, option("Joule per inference, such as 2e-6.", TERMS)]
Hardware = Annotated[str | None, option("Profile that prices the budget.", TERMS, default="generic-45nm")]
Distill = Annotated[str | None, option("module:function that returns a torch module to imitate.", TERMS)]
DistillWeight = Annotated[float | None, option("Share of the imitation in the loss.", TERMS, default="0.5")]

Seed = Annotated[int | None, option("Seed of everything random but the splits of the data.", RUN, default="0")]
Out = Annotated[Path | None, option("The folder.", RUN, metavar="DIR", default="trained-SEED beside best.json")]
