"""What comes out of a search: front.json, best.json, pictures, and the summary that is printed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from pymoo.indicators.hv import HV

from msenas.fitness.contrast import SATURATED
from msenas.fitness.registry import get_fitness
from msenas.genotype.genome import Genome
from msenas.hardware.fit import check
from msenas.phenotype.decode import canonical, decode
from msenas.runs.best import SCHEMA, Best, forms, write_best
from msenas.runs.files import to_json, write_atomically
from msenas.runs.folder import Record, RunFolder, Unfit
from msenas.search.config import SearchConfig
from msenas.search.evolution import Individual, front
from msenas.search.objectives import minimised, screened_out, values
from msenas.search.pick import ORDERS, PICKS
from msenas.search.plots import plot_history, plot_pareto
from msenas.search.prepare import Prepared, versions
from msenas.search.workers import Job, Outcome

RESEEDED = 2
"""Further weight seeds with which the networks of the front are scored once more at the end."""


@dataclass(frozen=True)
class Gain:
    """What evolution added to its own random part (generation 0).

    Attributes:
        random_evaluations: live networks of the random generation, without those that were screened out.
        best_random, best: best value of each objective in the random generation, and in the whole run.
        hypervolume_random, hypervolume: dominated volume of both fronts with every objective scaled to 0..1 over the
            run's own front and random part; None where no random network is live.
    """

    random_evaluations: int
    best_random: dict[str, float]
    best: dict[str, float]
    hypervolume_random: float | None
    hypervolume: float | None


@dataclass(frozen=True)
class Summary:
    """The result of a search in numbers.

    Attributes:
        evaluations, distinct, dead, screened, failed: networks that were evaluated, and some of them.
        front: networks on the front.
        pick, best_id, best, best_fit: the rule of choice; number, scores and fit of the network that it chose.
        gain: what evolution added.
        unfit: how often a network was passed over because it does not fit the chip, by the rule that it breaks.
        warnings: what a reader of the numbers must know.
    """

    evaluations: int
    distinct: int
    dead: int
    screened: int
    failed: int
    front: int
    pick: str
    best_id: int | None
    best: dict[str, Any] | None
    best_fit: dict[str, Any] | None
    gain: Gain | None
    unfit: dict[str, int]
    warnings: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-able form."""
        return asdict(self)


Evaluate = Callable[[Sequence[Job]], Iterator[Outcome]]


def write_results(
    folder: RunFolder, prepared: Prepared, records: Sequence[Record], evaluate: Evaluate | None = None
) -> None:
    """Write front.json and best.json from all evaluations so far; with `evaluate`, this is the end of the run.

    At the end the networks of the front are scored with RESEEDED more weight seeds, unless that takes trainings, and
    the pictures are drawn.
    """
    config = prepared.config
    members = front_of(records, config)
    if not members:
        return
    picked = members[_pick(members, config)]
    reseeded = _reseed(members, prepared, evaluate) if evaluate and not config.screens else {}
    data = {
        "schema": "msenas.front/1",
        "fitness": config.fitness,
        "maximise": get_fitness(config.fitness).maximise,
        "objectives": config.objectives,
        "hardware": config.hardware,
        "pick": {"rule": config.pick, "id": picked.id},
        "individuals": [_member(records[m.id], config, reseeded.get(m.id)) for m in members],
    }
    write_atomically(folder.front, to_json(data, indent=1) + "\n")
    write_best(folder.best, best_of(records[picked.id], prepared))
    if evaluate:
        plot_pareto(folder.path / "pareto.png", records, members, picked.id, config)
        plot_history(folder.path / "history.png", records, config)


def front_of(records: Sequence[Record], config: SearchConfig) -> list[Individual]:
    """The Pareto front of everything that was evaluated."""
    fitness = get_fitness(config.fitness)
    return front(
        [Individual(r.id, Genome.from_flat(r.genome), minimised(r.scores, config.objectives, fitness)) for r in records]
    )


def best_of(record: Record, prepared: Prepared) -> Best:
    """best.json of one evaluated network."""
    config, genome = prepared.config, Genome.from_flat(record.genome)
    return Best(
        schema=SCHEMA,
        genome=forms(canonical(genome, prepared.spec)),
        network=prepared.spec,
        weight_seed=config.seed,
        scores=record.scores or {},
        provenance={
            "dataset": prepared.dataset.provenance,
            "fitness": config.fitness,
            "hardware": config.hardware,
            "must_fit": config.must_fit,
            "fit": _fit(genome, prepared),
            "batch": config.batch,
            "seed": config.seed,
            "precision": config.precision,
            "train_steps": config.train_steps,
            "device": config.device,
            "window": config.window,
            "size": config.size,
            "id": record.id,
            "pick": config.pick,
            "probe": prepared.evaluator.probe.digest,
            "versions": versions(),
        },
    )


def _fit(genome: Genome, prepared: Prepared) -> dict[str, Any] | None:
    """How a network fits the chip of the run, in brief; None for a profile without limits."""
    profile = prepared.evaluator.profile
    return None if profile.capacity is None else check(decode(genome, prepared.spec), profile).brief()


def summarise(records: Sequence[Record], config: SearchConfig, unfit: Mapping[str, Unfit] | None = None) -> Summary:
    """The numbers of a run, finished or not.

    Args:
        records: all evaluations.
        config: the options of the run.
        unfit: networks that were passed over because they do not fit the chip, by rule.
    """
    members = front_of(records, config)
    picked = members[_pick(members, config)] if members else None
    return Summary(
        evaluations=len(records),
        distinct=len({r.plan for r in records}),
        dead=sum(r.scores is not None and not r.scores["live"] for r in records),
        screened=sum(r.scores is not None and screened_out(r.scores) for r in records),
        failed=sum(r.scores is None for r in records),
        front=len(members),
        pick=config.pick,
        best_id=picked.id if picked else None,
        best=records[picked.id].scores if picked else None,
        gain=gain(records, config),
        best_fit=records[picked.id].fit if picked else None,
        unfit={rule: entry.drawn for rule, entry in (unfit or {}).items()},
        warnings=tuple(_warnings(records, config)),
    )


def gain(records: Sequence[Record], config: SearchConfig) -> Gain | None:
    """How far the front of the whole run is ahead of that of its random generation; None before both exist."""
    fitness = get_fitness(config.fitness)
    points = {r.id: minimised(r.scores, config.objectives, fitness) for r in records}
    live = {i: p for i, p in points.items() if p is not None}
    random = {i: p for i, p in live.items() if records[i].generation == 0}
    if config.strategy == "random" or not random or len(random) == len(live):
        return None
    everything, part = np.array(list(live.values())), np.array(list(random.values()))
    ends = np.vstack([np.array([m.objectives for m in front_of(records, config)]), part])
    low, high = ends.min(0), ends.max(0)
    scale = np.where(high > low, high - low, 1.0)
    volume = HV(ref_point=np.ones(len(low)))
    signs = np.array([-1.0 if n == "fitness" and fitness.maximise else 1.0 for n in config.objectives])
    return Gain(
        random_evaluations=len(random),
        best_random=dict(zip(config.objectives, map(float, signs * part.min(0)), strict=True)),
        best=dict(zip(config.objectives, map(float, signs * everything.min(0)), strict=True)),
        hypervolume_random=float(volume((part - low) / scale)),
        hypervolume=float(volume((everything - low) / scale)),
    )


def _pick(members: Sequence[Individual], config: SearchConfig) -> int:
    points = np.array([m.objectives for m in members], dtype=float)
    return PICKS[config.pick](points, config.objectives)


def ordered(members: Sequence[Individual], config: SearchConfig) -> list[Individual]:
    """The front with the network that the rule of choice picks first, then the others by the same rule."""
    points = np.array([m.objectives for m in members], dtype=float)
    return [members[int(i)] for i in ORDERS[config.pick](points, config.objectives)] if members else []


def _reseed(members: Sequence[Individual], prepared: Prepared, evaluate: Evaluate) -> dict[int, list[float | None]]:
    """Fitness of each network of the front with other weights, by id."""
    seeds = [prepared.config.seed + 1 + i for i in range(RESEEDED)]
    outcomes = evaluate([Job(m.genome, seed) for m in members for seed in seeds])
    fitness = [o.scores["fitness"] if o.scores else None for o in outcomes]
    return {m.id: fitness[i * RESEEDED : (i + 1) * RESEEDED] for i, m in enumerate(members)}


def _member(record: Record, config: SearchConfig, reseeded: list[float | None] | None) -> dict[str, Any]:
    assert record.scores is not None
    return {
        "id": record.id,
        "objectives": values(record.scores, config.objectives),
        "fitness_other_seeds": reseeded,
        "genome": record.genome,
        "plan": record.plan,
        "scores": record.scores,
        "fit": record.fit,
    }


def _warnings(records: Sequence[Record], config: SearchConfig) -> Iterator[str]:
    scored = [r.scores for r in records if r.scores is not None and r.scores["live"] and not screened_out(r.scores)]
    last = [s["details"]["last_stage_q"] for s in scored if "last_stage_q" in s["details"]]
    if last and statistics.median(last) > SATURATED:
        yield (
            f"rdm-contrast is saturated: the median last-stage q is {statistics.median(last):.3f} (above {SATURATED});"
            " its ranking of networks this deep is not validated"
        )
    missing = sorted({cause for s in scored for cause in s["unpriced"]})
    if missing:
        yield f'energy on {config.hardware} is "at least": no price is known for {", ".join(missing)}'
    halved = sum(s["batch"] < config.batch for s in scored)
    if halved:
        yield f"{halved} networks were scored on a smaller probe batch because memory was short"
    failed = [r for r in records if r.scores is None]
    if failed:
        yield f"{len(failed)} evaluations failed; the first: {failed[0].failure}"
