"""What a training is about: the network of best.json on its own data, or its genome on other data."""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from msenas.data import Dataset
from msenas.errors import InputError
from msenas.hardware.counts import SpikeCounts, count
from msenas.hardware.energy import estimate
from msenas.hardware.profile import Profile, load_profile
from msenas.learning.config import TrainConfig
from msenas.learning.feed import Feed, calibration_frames, evaluation_batches
from msenas.learning.loop import Pressure, Trainer
from msenas.learning.parallel import ALONE, Group
from msenas.phenotype.encoding import Standard
from msenas.phenotype.plan import INPUT, Plan
from msenas.phenotype.spec import NetworkSpec
from msenas.runs.best import Best
from msenas.search.scoring import prepare_subject, subject_of

DATA_OPTIONS = ("dataset", "data", "window", "size")
"""Options that choose the data; not given, they stay as the network was searched with."""


@dataclass(frozen=True)
class Task:
    """A network and the data that it is trained on.

    Attributes:
        plan: the network.
        dataset: the data, in the splits of the search, whatever the seed of the training.
        standard: statistics of the training split.
        provenance: what best.json is to say about the data.
    """

    plan: Plan
    dataset: Dataset
    standard: Standard
    provenance: dict[str, Any]

    @property
    def digest(self) -> str:
        """Of the labels, the splits and the statistics of the samples: other data have another one."""
        about = repr((self.dataset.provenance["digest"], self.standard))
        return hashlib.sha256(about.encode()).hexdigest()[:16]

    @property
    def spec(self) -> NetworkSpec:
        """The network's spec."""
        return self.plan.spec


def open_task(best: Best, config: TrainConfig, *, download: bool = False) -> Task:
    """Load the data of a training and decode the network for them.

    Raises:
        InputError: The data cannot be used, lack a split, or do not fit the network.
    """
    options = {name: getattr(config, name) for name in DATA_OPTIONS if getattr(config, name) is not None}
    # The profile of the search prices nothing here, and its file may be gone.
    options["hardware"] = config.hardware
    prepared = prepare_subject(subject_of(best), options, download=download)
    dataset = prepared.dataset
    for name in ("train", "val", "test"):
        if not len(getattr(dataset, name)):
            raise InputError(f"{dataset.name} has no samples in its {name} split")
    provenance = {
        "dataset": dataset.provenance,
        "seed": prepared.config.seed,
        "window": prepared.config.window,
        "size": prepared.config.size,
    }
    return Task(best.plan_for(prepared.spec), dataset, prepared.evaluator.probe.standard, provenance)


def check_early_steps(task: Task, config: TrainConfig) -> None:
    """Refuse early steps that are no fewer than those of the network: they would change nothing.

    Raises:
        InputError: They are.
    """
    if config.early_steps is not None and config.early_steps >= task.spec.steps:
        raise InputError(
            f"--early-steps must be fewer than the time steps of the network (T = {task.spec.steps}),"
            f" not {config.early_steps}"
        )


def make_trainer(
    task: Task, config: TrainConfig, device: torch.device, advance: Callable[[float], None], group: Group = ALONE
) -> Trainer:
    """Everything that stays the same during a training.

    Raises:
        InputError: An option does not fit the network or the data, or the teacher cannot be used.
    """
    if config.early_steps is not None and task.spec.encoding != "direct":
        raise InputError(
            f"--early-steps needs images that stay the same in every step, not {task.spec.encoding} encoding"
        )
    teacher = None
    if config.distill is not None:
        teacher = _teacher(config.distill, config.seed).to(device)
        _check_teacher(teacher, config.distill, task, device)
    return Trainer(
        config,
        Feed(task.dataset, task.spec, task.standard, config),
        lambda: calibration_frames(task.dataset.train, task.spec, task.standard, config.seed),
        lambda: evaluation_batches(task.dataset.val, task.spec, task.standard, config.seed),
        device,
        teacher=teacher,
        pressure=_pressure(task.plan, config) if config.energy_weight else None,
        advance=advance,
        group=group,
    )


def _teacher(where: str, seed: int) -> nn.Module:
    """The module that `module:function` returns; it is the user's own code, and may lie in the current folder."""
    here = os.getcwd()
    module, _, function = where.partition(":")
    if here not in sys.path:
        # The command installed with the package does not look for modules where it is called.
        sys.path.append(here)
    # Random weights of a teacher must be the same when the training is resumed.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        try:
            teacher = getattr(importlib.import_module(module), function)()
        except Exception as error:
            # The code is the user's, so it may fail in any way.
            raise InputError(
                f"--distill {where}: {_reason(error)}; write module:function, a function without arguments"
            ) from None
    if not isinstance(teacher, nn.Module):
        raise InputError(f"--distill {where} returns {type(teacher).__name__}, not a torch module")
    return teacher.requires_grad_(False).eval()


def _check_teacher(teacher: nn.Module, where: str, task: Task, device: torch.device) -> None:
    """Refuse a teacher that gives no scores for the samples of the task."""
    images = torch.from_numpy(task.dataset.train.batch(np.arange(min(2, len(task.dataset.train))))).to(device)
    try:
        with torch.no_grad():
            scores = teacher(images)
    except Exception as error:
        raise InputError(f"--distill {where}: scores of samples {list(images.shape)}: {_reason(error)}") from None
    wanted = [len(images), task.spec.classes]
    found = list(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
    if found != wanted:
        raise InputError(f"--distill {where}: scores of {len(images)} samples are {found}, not {wanted}")


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]


def _pressure(plan: Plan, config: TrainConfig) -> Pressure:
    """The energy penalty on a profile that prices synaptic operations."""
    if config.energy_budget <= 0:
        raise InputError("--energy-weight needs an --energy-budget in joule per inference")
    profile = load_profile(config.hardware)
    silent = {p.name: np.zeros((p.height, p.width), np.int64) for p in plan.populations}
    if plan.spec.encoding != "direct":
        silent[INPUT] = np.zeros(plan.spec.input_shape[1:], np.int64)
    fixed = estimate(plan, count(plan, SpikeCounts(1, silent)), profile).joule.nominal
    if fixed >= config.energy_budget:
        raise InputError(
            f"--energy-budget {config.energy_budget:g}: without a spike the network takes {fixed:.3g} J per inference"
            f" on {profile.name}; a budget must be above that"
        )
    return Pressure(_synop(profile), fixed, config.energy_budget)


def _synop(profile: Profile) -> float:
    for kind in ("synop", "ac"):
        price = profile.prices.get(kind)
        if price is not None and price.nominal is not None and price.scope == "per-term":
            return price.nominal
    raise InputError(f"hardware profile {profile.name} has no price per synaptic operation; an energy budget needs one")
