"""What a search can be told: one flat record with the names of the command-line options and of the TOML keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

import msgspec

from msenas.data.durations import seconds
from msenas.data.locate import user_path
from msenas.data.registry import DATASETS
from msenas.errors import InputError, unknown
from msenas.fitness.evaluate import PRECISIONS
from msenas.fitness.registry import DEFAULT, SCREEN, get_fitness
from msenas.genotype.genome import MAX_LAYERS
from msenas.genotype.motifs import MOTIFS
from msenas.genotype.space import Space
from msenas.phenotype.spec import Encoding, NetworkSpec, Neuron, default_reductions
from msenas.search.objectives import OBJECTIVES
from msenas.search.pick import PICKS
from msenas.search.variation import MUTATIONS

SMALL_SIDE = 16
"""Inputs below this many pixels get SMALL_LAYERS layers by default, others LAYERS."""
SMALL_LAYERS, LAYERS = 4, 6
IMAGE_STEPS, EVENT_STEPS = 4, 10
PROMOTED = 0.2
"""Share of a generation that is trained."""
STRATEGIES = ("evolution", "random")
SCALES: dict[str, dict[str, tuple[int, ...]]] = {
    "micro": {"micro": (1,)},
    "meso": {"motif": (1,)},
    "macro": {"g1": (1,), "g2": (1,)},
}
"""Scales of MSE-NAS, and to what their genes are fixed where a scale is not searched: 3x3, FE, the layer before."""
CHANGEABLE = ("generations", "workers", "time_limit", "device")
"""Options that may differ when a run is resumed; of these, another kind of device may round differently."""


class SearchConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True, omit_defaults=False):
    """Options of `msenas search`; None means "chosen from the data" and is filled in by `resolved`.

    Of a generation, the share `promoted` is trained for `train_steps` if the fitness trains; `screen` names the
    training-free fitness that chooses them.
    """

    dataset: str = "digits"
    data: str | None = None
    window: str | None = None
    size: int | None = None
    layers: int | None = None
    channels: int = 16
    steps: int | None = None
    neuron: str = "lif"
    tau: float = 2.0
    threshold: float = 0.5
    encoding: str | None = None
    motifs: tuple[str, ...] = tuple(m.name for m in MOTIFS)
    scales: tuple[str, ...] = tuple(SCALES)
    fitness: str = DEFAULT
    hardware: str = "generic-45nm"
    must_fit: bool = False
    objectives: tuple[str, ...] = ("fitness", "energy")
    population: int = 25
    generations: int = 12
    batch: int = 32
    seed: int = 0
    strategy: str = "evolution"
    operators: str = "default"
    pick: str = "knee"
    finalists: int = 0
    finalist_epochs: int = 8
    workers: int | None = None
    device: str = "auto"
    precision: str = "float32"
    train_steps: int | None = None
    screen: str = SCREEN
    promoted: float = PROMOTED
    time_limit: str | None = None

    def __post_init__(self) -> None:
        if self.dataset not in DATASETS:
            raise InputError(unknown("data set", self.dataset, DATASETS))
        get_fitness(self.fitness)
        if get_fitness(self.screen).trains:
            raise InputError(f"screen must be training-free, which {self.screen} is not")
        for kind, value, table in (
            ("strategy", self.strategy, STRATEGIES),
            ("operators", self.operators, MUTATIONS),
            ("pick", self.pick, PICKS),
            ("precision", self.precision, PRECISIONS),
            ("neuron", self.neuron, get_args(Neuron)),
            ("encoding", self.encoding or "direct", get_args(Encoding)),
        ):
            if value not in table:
                raise InputError(unknown(kind, value, table))
        for name in self.motifs:
            if name not in [m.name for m in MOTIFS]:
                raise InputError(unknown("motif", name, [m.name for m in MOTIFS]))
        for name in self.objectives:
            if name not in OBJECTIVES:
                raise InputError(unknown("objective", name, OBJECTIVES))
        for name in self.scales:
            if name not in SCALES:
                raise InputError(unknown("scale", name, SCALES))
        for names in (self.objectives, self.motifs, self.scales):
            if not names or len(set(names)) != len(names):
                raise InputError("objectives, motifs and scales must name at least one thing, each once")
        if "meso" not in self.scales and set(self.motifs) != {m.name for m in MOTIFS}:
            raise InputError("without the scale meso all layers are FE; leave motifs out, or search meso too")
        if self.pick in OBJECTIVES and self.pick not in self.objectives:
            raise InputError(
                f"pick {self.pick!r} needs {self.pick} among the objectives ({', '.join(self.objectives)})"
            )
        for field, least, most in (
            ("population", 2, 100_000),
            ("generations", 1, 1_000_000),
            ("batch", 2, 65_536),
            ("seed", 0, 2**63 - 1),
            ("workers", 1, 1024),
            ("layers", 1, MAX_LAYERS),
            ("finalists", 0, 1000),
            ("finalist_epochs", 1, 100_000),
            ("train_steps", 1, 1_000_000),
        ):
            value = getattr(self, field)
            if value is not None and not least <= value <= most:
                raise InputError(f"{field.replace('_', '-')} must be {least} to {most}, not {value}")
        if self.finalists == 1:
            raise InputError("finalists must be 2 at least, as a single one has no rival; 0 trains none")
        for field, low, number, high in (
            ("tau", 1.0, self.tau, 1e6),
            ("threshold", 1e-6, self.threshold, 1e6),
            ("promoted", 0.0, self.promoted, 1.0),
        ):
            if not low <= number <= high:
                raise InputError(f"{field} must be {low:g} to {high:g}, not {number}")
        for duration in (self.window, self.time_limit):
            if duration is not None:
                seconds(duration)

    @property
    def is_events(self) -> bool:
        """Whether the data set holds events."""
        return DATASETS[self.dataset].kind == "events"

    @property
    def screens(self) -> bool:
        """Whether networks are screened before they are evaluated in full."""
        return get_fitness(self.fitness).trains

    @property
    def places(self) -> int:
        """Networks of a generation that are evaluated in full."""
        return max(1, round(self.promoted * self.population)) if self.screens else self.population

    @property
    def survivors(self) -> int:
        """Networks that may become parents of the next generation."""
        return max(self.places, self.population // 2) if self.screens else self.population

    @property
    def time_steps(self) -> int:
        """T, chosen from the kind of data where it is not given."""
        return self.steps if self.steps is not None else EVENT_STEPS if self.is_events else IMAGE_STEPS

    def network(self, shape: tuple[int, int, int], classes: int) -> NetworkSpec:
        """The spec of the networks that are searched.

        Raises:
            InputError: The options do not fit each other or the data.
        """
        layers = self.layers or (SMALL_LAYERS if min(shape[1:]) < SMALL_SIDE else LAYERS)
        encoding = self.encoding or ("events" if self.is_events else "direct")
        if self.is_events != (encoding == "events"):
            raise InputError(f"encoding {encoding!r} does not fit {self.dataset}; events go with event frames only")
        return NetworkSpec(
            input_shape=shape,
            classes=classes,
            layers=layers,
            steps=self.time_steps,
            channels=self.channels,
            reductions=default_reductions(layers, min(shape[1:])),
            neuron=cast(Neuron, self.neuron),
            tau=self.tau,
            v_th=self.threshold,
            encoding=cast(Encoding, encoding),
        )

    def space(self, layers: int) -> Space:
        """The genomes that are searched."""
        names = [m.name for m in MOTIFS]
        choices: dict[str, Any] = {"motif": tuple(sorted({names.index(name) for name in self.motifs}))}
        for scale in SCALES.keys() - set(self.scales):
            choices |= SCALES[scale]
        return Space(layers, **choices)


def absolute_paths(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with the paths among them made absolute, so that they mean the same from every folder.

    Raises:
        DataError: A path begins with `~` and there is no such home folder.
    """
    hardware = options.get("hardware")
    own_profile = isinstance(hardware, str) and hardware.endswith(".toml")
    paths = {"data": options.get("data"), "hardware": hardware if own_profile else None}
    return {**options, **{name: str(user_path(p).absolute()) for name, p in paths.items() if isinstance(p, str)}}


def differences(old: SearchConfig, new: SearchConfig) -> list[str]:
    """Options that differ and may not when a run is resumed, as `name: old -> new`; finalists may be added to none."""
    added = () if old.finalists else ("finalists", "finalist_epochs")
    fixed = [f for f in SearchConfig.__struct_fields__ if f not in (*CHANGEABLE, *added)]
    if set(old.motifs) == set(new.motifs):
        fixed.remove("motifs")
    return [
        f"{f.replace('_', '-')}: {getattr(old, f)} -> {getattr(new, f)}"
        for f in fixed
        if getattr(old, f) != getattr(new, f)
    ]
