"""One network, one forward pass of the probe batch: liveness, fitness, counts and energy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache, partial

import torch

from msenas.errors import CheckFailed, MsenasError
from msenas.fitness.contrast import SILENT, head_distance
from msenas.fitness.probe import Probe
from msenas.fitness.registry import Evidence, Reading, get_fitness
from msenas.fitness.statistics import PopulationStatistics, measure
from msenas.hardware.counts import SpikeCounts, count
from msenas.hardware.energy import estimate
from msenas.hardware.profile import Profile
from msenas.learning.loop import Row
from msenas.learning.short import ShortTraining
from msenas.phenotype.memory import out_of_memory
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan

PRECISIONS: dict[str, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class ScoreError(MsenasError):
    """An evaluation gave no usable number."""


@dataclass(frozen=True)
class Scores:
    """Everything that an evaluation says about a network; one line of a run's record.

    Attributes:
        live: whether the read-out can tell the samples apart at all; if not, `reason` says why and `fitness` is None.
        fitness: value of the chosen fitness.
        details: numbers that explain it.
        energy_joule: low, nominal and high estimate per inference on the profile.
        unpriced: causes that the profile gives no price for; the energy is then "at least".
        firing_rate: spikes per neuron and time step.
        batch: pairs of the probe batch that were used (fewer than asked for when memory was short).
    """

    live: bool
    reason: str | None
    fitness: float | None
    details: Mapping[str, float | list[float]]
    energy_joule: tuple[float | None, float, float | None]
    unpriced: tuple[str, ...]
    spikes: float
    synops: float
    firing_rate: float
    parameters: int
    synapses: int
    depth: int
    neurons: int
    batch: int

    def as_dict(self) -> dict[str, object]:
        """JSON-able form."""
        return asdict(self)


@dataclass(frozen=True)
class Evaluator:
    """All that is fixed while networks are compared; the fitness is given by its name.

    `school` is the training of fitnesses that train; without it, only the others can be read.
    """

    probe: Probe
    fitness: str
    profile: Profile
    seed: int = 0
    device: str = "cpu"
    precision: str = "float32"
    lif: str = "compiled"
    school: ShortTraining | None = None

    def changed(self, seed: int | None = None, fitness: str | None = None) -> Evaluator:
        """The same with other random weights, or another fitness; None leaves it as it is."""
        return replace(self, seed=self.seed if seed is None else seed, fitness=fitness or self.fitness)

    def __call__(self, plan: Plan) -> Scores:
        """Evaluate one network; short of memory, the probe batch is halved until it fits.

        Raises:
            ScoreError: The value is not a finite number, or memory does not suffice for four pairs.
        """
        return self.several(plan, ())[0]

    def several(self, plan: Plan, names: Sequence[str]) -> tuple[Scores, dict[str, float | None]]:
        """Evaluate one network, and read further fitnesses by name in the same pass; a value is None for none.

        Raises:
            ScoreError: The value of the evaluator's own fitness is not a finite number, or memory does not suffice.
        """
        probe = self.probe
        while True:
            try:
                return self._evaluate(plan, probe, names)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
                if probe.pairs < 4:
                    raise ScoreError(f"memory does not suffice for a probe of {probe.pairs} pairs") from error
            probe = probe.halved()

    def _evaluate(self, plan: Plan, probe: Probe, names: Sequence[str]) -> tuple[Scores, dict[str, float | None]]:
        network = Network(plan, self.seed, lif=self.lif).to(self.device)
        network.train()
        statistics: dict[str, PopulationStatistics] = {}
        fitnesses = {name: get_fitness(name) for name in (self.fitness, *names)}
        watched = {name: f.watch(plan, probe.pairs) for name, f in fitnesses.items() if f.watch is not None}

        def observe(name: str, spikes: torch.Tensor) -> None:
            statistics[name] = measure(spikes)
            for watch in watched.values():
                watch(name, spikes)

        with torch.no_grad():
            frames = probe.frames(plan.spec, torch.device(self.device))
            network(frames.to(PRECISIONS[self.precision]), observe)
        counts = count(plan, _spike_counts(plan, statistics, frames, probe.pairs))
        reason = _why_dead(plan, statistics)
        evidence = Evidence(network, statistics, counts, None, self._training(plan))
        readings = {
            name: None if reason else fitness.read(replace(evidence, watched=watched.get(name)))
            for name, fitness in fitnesses.items()
        }
        scores = self._scores(evidence, probe, reason, readings[self.fitness])
        return scores, {name: _value(readings[name]) for name in names}

    def _training(self, plan: Plan) -> Callable[[], Row | None] | None:
        if self.school is None:
            return None
        # Several fitnesses read one training.
        return cache(partial(_trained, self.school, plan, self.seed, torch.device(self.device)))

    def _scores(self, evidence: Evidence, probe: Probe, reason: str | None, reading: Reading | None) -> Scores:
        plan, counts = evidence.plan, evidence.counts
        energy, mean = estimate(plan, counts, self.profile), counts.total.per_inference
        if reading is not None and not math.isfinite(reading.value):
            raise ScoreError(f"fitness {self.fitness} is {reading.value}, not a finite number")
        return Scores(
            live=reason is None,
            reason=reason,
            fitness=None if reading is None else reading.value,
            details={} if reading is None else _finite(reading.details),
            energy_joule=(energy.joule.low, energy.joule.nominal, energy.joule.high),
            unpriced=tuple(cause for cause, _ in energy.unpriced),
            spikes=mean["spikes"],
            synops=mean["synops"],
            firing_rate=mean["spikes"] / (plan.neurons * plan.spec.steps),
            parameters=plan.parameters,
            synapses=len(plan.synapses),
            depth=plan.depth,
            neurons=plan.neurons,
            batch=probe.pairs,
        )


def _trained(school: ShortTraining, plan: Plan, seed: int, device: torch.device) -> Row | None:
    try:
        return school(plan, seed, device)
    except CheckFailed:
        return None


def _value(reading: Reading | None) -> float | None:
    return reading.value if reading is not None and math.isfinite(reading.value) else None


def _spike_counts(
    plan: Plan, statistics: Mapping[str, PopulationStatistics], frames: torch.Tensor, pairs: int
) -> SpikeCounts:
    maps = {name: s.spike_map for name, s in statistics.items()}
    if plan.spec.encoding != "direct":
        maps[INPUT] = frames[:, :pairs].double().sum((0, 1, 2)).cpu().numpy().round().astype("int64")
    return SpikeCounts(pairs, maps)


def _why_dead(plan: Plan, statistics: Mapping[str, PopulationStatistics]) -> str | None:
    distance = head_distance(plan, statistics)
    if distance > SILENT:
        return None
    return f"silent head: the samples differ by {distance:.2g} spikes per neuron in what is read out"


def _finite(details: Mapping[str, float | list[float]]) -> dict[str, float | list[float]]:
    """Details without the entries that have no value (JSON has no NaN)."""
    return {k: v for k, v in details.items() if isinstance(v, list) or math.isfinite(v)}
