"""What a ranking can be told: one flat record with the names of the command-line options and of the TOML keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

import msgspec

from msenas.data.durations import seconds
from msenas.errors import InputError, unknown
from msenas.fitness.registry import FITNESSES, get_fitness
from msenas.genotype.motifs import EMPTY, MOTIFS
from msenas.learning.config import TrainConfig
from msenas.search.config import SearchConfig, absolute_paths

ALL = "all"
Half = Literal["development", "held-out"]
HALVES: tuple[Half, ...] = get_args(Half)
BOTH = "both"
TRAININGS = 2
"""Trainings of a network, at most."""
SAFE = "parameters"
"""A fitness that always has a value."""
LEAST = 4
"""Networks without which nothing can be said."""
SEARCHED = (
    *("dataset", "data", "window", "size", "layers", "channels", "steps", "neuron", "tau", "threshold"),
    *("encoding", "motifs", "train_steps", "hardware", "seed", "workers", "device"),
)
"""Options that are those of a search."""
TRAINED = ("epochs", "batch", "lr", "augment", "precision", "device")
"""Options that are those of a training."""
CHANGEABLE = ("data", "fitness", "train_steps", "seeds", "half", "workers", "device", "time_limit")
"""Options that may differ when a ranking is resumed: what was trained stays as it is."""


class RankConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Options of `msenas rank`; those that are None are chosen from the data, as in a search.

    Attributes:
        dataset, data, window, size, layers, channels, steps, neuron, tau, threshold, encoding, motifs, hardware: as in
            a search.
        genomes: networks that are drawn.
        samples: training samples that are used, balanced over the classes; None uses all.
        judged: samples on which trained networks are compared: of the validation split, and beyond it training samples
            that are not used; None takes the validation split.
        epochs: for which each network is trained.
        batch: samples per step.
        lr, augment, precision: as in a training.
        repeated: share of the networks that are trained a second time from other weights, for the noise ceiling.
        fitness: fitnesses by name, or "all".
        train_steps: of fitnesses that train.
        seeds: weight seeds with which each network is scored.
        probe: samples of the probe batch.
        half: "development", "held-out" or "both": which networks are trained and reported.
        seed: seeds everything random.
        workers, device, time_limit: as in a search.
    """

    dataset: str = "digits"
    data: str | None = None
    window: str | None = None
    size: int | None = None
    layers: int | None = None
    channels: int = 8
    steps: int | None = None
    neuron: str = "lif"
    tau: float = 2.0
    threshold: float = 0.5
    encoding: str | None = None
    motifs: tuple[str, ...] = tuple(m.name for m in MOTIFS)
    hardware: str = "generic-45nm"
    genomes: int = 24
    samples: int | None = None
    judged: int | None = None
    epochs: int = 10
    batch: int = 32
    lr: float | None = None
    augment: tuple[str, ...] = ("none",)
    precision: str = "bfloat16"
    repeated: float = 1 / 3
    fitness: tuple[str, ...] = (ALL,)
    train_steps: int | None = None
    seeds: int = 3
    probe: int = 32
    half: str = BOTH
    seed: int = 0
    workers: int | None = None
    device: str = "auto"
    time_limit: str | None = None

    def __post_init__(self) -> None:
        if self.half not in (*HALVES, BOTH):
            raise InputError(unknown("half", self.half, (*HALVES, BOTH)))
        for name in self.fitness:
            if name != ALL:
                get_fitness(name)
        for field, least, most in (
            ("genomes", LEAST, 100_000),
            ("samples", 2, None),
            ("judged", 1, None),
            ("seeds", 1, 1000),
            ("probe", 2, 65_536),
            ("seed", 0, 2**62),
            ("repeated", 0, 1),
        ):
            value = getattr(self, field)
            if value is not None and not least <= value <= (math.inf if most is None else most):
                allowed = f"{least} at least" if most is None else f"{least} to {most}"
                raise InputError(f"{field} must be {allowed}, not {value}")
        if not self.fitness:
            raise InputError("fitness must name a fitness, or be all")
        if set(self.motifs) == {MOTIFS[EMPTY].name}:
            raise InputError("motifs must name one that has synapses")
        if self.time_limit is not None:
            seconds(self.time_limit)
        # What a search and a training refuse is refused here, in their words.
        _ = self.search, self.training(0)

    @property
    def fitnesses(self) -> tuple[str, ...]:
        """Names of the fitnesses, each once, in the order of the registry."""
        return tuple(FITNESSES) if ALL in self.fitness else tuple(n for n in FITNESSES if n in self.fitness)

    @property
    def weight_seeds(self) -> range:
        """Of the weights from which networks are scored; no training starts from them, so its luck is not shared."""
        return range(self.seed + TRAININGS, self.seed + TRAININGS + self.seeds)

    @property
    def search(self) -> SearchConfig:
        """A search for networks such as are drawn here."""
        same = {name: getattr(self, name) for name in SEARCHED}
        return SearchConfig(**same, batch=self.probe, fitness=SAFE)

    def training(self, repetition: int) -> TrainConfig:
        """How each network is trained, for the first time (0) or once more (1)."""
        same = {name: getattr(self, name) for name in TRAINED}
        return TrainConfig(**same, seed=self.seed + repetition)


def build_rank_config(options: Mapping[str, Any]) -> RankConfig:
    """A configuration from options; everything not given has its default, and paths are made absolute.

    Raises:
        InputError: A key is unknown or a value is not allowed.
    """
    known = [f.replace("_", "-") for f in RankConfig.__struct_fields__]
    for key in options:
        if key.replace("_", "-") not in known:
            raise InputError(unknown("option of a ranking", key, known))
    try:
        return msgspec.convert(absolute_paths(options), RankConfig)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, InputError):
            raise error.__cause__ from None
        raise InputError(f"options of the ranking: {error}") from None


def differences(old: RankConfig, new: RankConfig, *also: str) -> list[str]:
    """Options that differ and may not when a ranking is resumed, as `name: old -> new`; `also` may differ as well."""
    fixed = [f for f in RankConfig.__struct_fields__ if f not in (*CHANGEABLE, *also)]
    if set(old.motifs) == set(new.motifs):
        fixed.remove("motifs")
    pairs = [(f, getattr(old, f), getattr(new, f)) for f in fixed]
    return [f"{f.replace('_', '-')}: {before} -> {after}" for f, before, after in pairs if before != after]
