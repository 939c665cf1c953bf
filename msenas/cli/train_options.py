"""The options of `msenas train`. None means "not given": the configuration decides."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

COURSE, TERMS, RUN = "Course", "What is minimised", "Run"


def _option(help_text: str, panel: str, *names: str, **more: Any) -> Any:  # noqa: ANN401
    return typer.Option(*names, help=help_text, rich_help_panel=panel, show_default=False, **more)


Epochs = Annotated[int | None, _option("Passes over the training split. (30)", COURSE)]
Batch = Annotated[int | None, _option("Samples of a step. (64)", COURSE)]
Optimizer = Annotated[str | None, _option("adamw or sgd. (adamw)", COURSE)]
LearningRate = Annotated[float | None, _option("Largest learning rate. (0.003; sgd 0.1)", COURSE, "--lr")]
WeightDecay = Annotated[float | None, _option("Weight decay. (0.02)", COURSE)]
Warmup = Annotated[float | None, _option("Share of the steps in which the rate rises. (0.1)", COURSE)]
Ema = Annotated[float | None, _option("Decay of the running mean of the weights; 0 is off. (0.99)", COURSE)]
Clip = Annotated[float | None, _option("Largest norm of the gradient; 0 is off. (1)", COURSE)]
Augment = Annotated[
    str | None,
    _option("auto, none, or crop,flip,rotate,erase,randaugment,trivial; events: shift,flip,drop. (auto)", COURSE),
]
Mix = Annotated[float | None, _option("Strength of mixup and cutmix; 0 is off. (0)", COURSE)]
Surrogate = Annotated[str | None, _option("Surrogate gradient of Norse by name. (triangle)", COURSE)]
Precision = Annotated[str | None, _option("float32 or bfloat16. (float32)", COURSE)]
Patience = Annotated[int | None, _option("Stop after so many epochs without a better one; 0 never. (0)", COURSE)]

Loss = Annotated[str | None, _option("ce: scores averaged over time; tet: loss of each step. (ce)", TERMS)]
LabelSmoothing = Annotated[float | None, _option("Share of the target spread over all classes. (0.05)", TERMS)]
Rate = Annotated[float | None, _option("Firing rate to draw populations to. (off)", TERMS)]
RateWeight = Annotated[float | None, _option("Weight of that pull. (0.1)", TERMS)]
EnergyWeight = Annotated[float | None, _option("Weight of the energy above the budget; 0 is off. (0)", TERMS)]
EnergyBudget = Annotated[float | None, _option("Joule per inference, such as 2e-6.", TERMS)]
Hardware = Annotated[str | None, _option("Profile that prices the budget. (generic-45nm)", TERMS)]
Distill = Annotated[str | None, _option("module:function that returns a torch module to imitate.", TERMS)]
DistillWeight = Annotated[float | None, _option("Share of the imitation in the loss. (0.5)", TERMS)]

Seed = Annotated[int | None, _option("Seed of everything random but the splits of the data. (0)", RUN)]
Out = Annotated[Path | None, _option("The folder. (trained-SEED beside best.json)", RUN, metavar="DIR")]
