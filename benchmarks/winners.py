"""What searches have found, and what became of it: numbers and tables of `chance.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pymoo.indicators.hv import HV

from msenas.errors import InputError
from msenas.fitness.registry import get_fitness
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.member import Member
from msenas.ranking.record import Known, known
from msenas.ranking.trial import Trained


@dataclass(frozen=True)
class Winner:
    """A network on the front of a search, like the one with the best fitness.

    Attributes:
        name, seed: of the search.
        id: number of the network in it.
        genome: of the network.
        point: its objectives, to be minimised; the fitness first.
        fitness: name of the fitness.
        points: the same of all networks that the search has evaluated in full.
        seconds: of all evaluations.
        random: mean share of inhibitory synapses of the random networks with which the search began.
    """

    name: str
    seed: int
    id: int
    genome: tuple[int, ...]
    point: tuple[float, ...]
    fitness: str
    points: tuple[tuple[float, ...], ...]
    seconds: float
    random: float

    def known(self, spec: NetworkSpec, trainings: Sequence[Trained]) -> Known:
        """What there is to know of it, as in a file of networks."""
        genome = list(self.genome)
        plan = decode(Genome.from_flat(self.genome), spec)
        member = Member(id=self.id, genome=genome, plan=plan.digest, motif="", size=0, half="development")
        return known(member, plan, trainings)


Finished = Mapping[str, Sequence[tuple[Winner, Known]]]
"""Networks of each variant, with what became of them; all variants have the same seeds, in one order."""
BUDGETS = 200
"""Budgets at which fronts are compared."""


def interval(values: Sequence[float], digits: int = 2) -> str:
    """Mean and standard deviation."""
    return f"{np.mean(values):.{digits}f} +- {np.std(values, ddof=min(1, len(values) - 1)):.{digits}f}"


def difference(values: Sequence[float], others: Sequence[float], digits: int = 2) -> str:
    """Mean difference of pairs, and that of the pairs which are lowest and highest."""
    gaps = np.array(values) - np.array(others)
    return f"{gaps.mean():+.{digits}f} ({gaps.min():+.{digits}f} to {gaps.max():+.{digits}f})"


def volumes(winners: Sequence[Winner]) -> list[float]:
    """Hypervolume of what each search of one seed has found, every objective scaled to 0..1 over all of it."""
    together = np.array([point for winner in winners for point in winner.points])
    low, high = together.min(0), together.max(0)
    scale = np.where(high > low, high - low, 1.0)
    volume = HV(ref_point=np.ones(len(low)))
    return [float(volume((np.array(winner.points) - low) / scale)) for winner in winners]


def objectives(winners: Sequence[Winner]) -> Iterator[str]:
    """One line for each variant that has the fitness of the first one: how far its searches came in their own terms."""
    fitness = winners[0].fitness
    own = [winner for winner in winners if winner.fitness == fitness]
    names = list(dict.fromkeys(winner.name for winner in own))
    seeds = list(dict.fromkeys(winner.seed for winner in own))
    by_seed = [volumes([winner for winner in own if winner.seed == seed]) for seed in seeds]
    volume = dict(zip(names, zip(*by_seed, strict=True), strict=True))
    best = {name: [min(winner.points)[0] for winner in own if winner.name == name] for name in names}
    shown = f"-{fitness}" if get_fitness(fitness).maximise else fitness
    yield f"variant | {shown} of the best (less is better) | minus the first | hypervolume | minus the first"
    for name in names:
        yield " | ".join(
            [
                name,
                interval(best[name], 4),
                difference(best[name], best[names[0]], 4),
                interval(volume[name], 3),
                difference(volume[name], volume[names[0]], 3),
            ]
        )


def outcomes(by_name: Finished) -> Iterator[str]:
    """One line for each variant: what its winners are, and how well they do after their training."""
    reference = [100 * (one.accuracy or 0.0) for _, one in next(iter(by_name.values()))]
    yield (
        "variant | accuracy % | minus the first | loss | parameters | depth | energy uJ | inhibitory SynOps"
        " | inhibitory synapses | of random ones | seconds"
    )
    for name, pairs in by_name.items():
        ones = [one for _, one in pairs]
        accuracies = [100 * (one.accuracy or 0.0) for one in ones]
        # A winner that could not be trained counts as 0 %, and has neither loss nor operations nor energy.
        counts = [training.counts for one in ones for training in one.succeeded[:1]]
        yield " | ".join(
            [
                name,
                interval(accuracies),
                difference(accuracies, reference),
                interval([loss for one in ones if (loss := one.loss) is not None], 3),
                f"{np.mean([one.parameters for one in ones]):,.0f}",
                f"{np.mean([one.depth for one in ones]):.1f}",
                f"{1e6 * np.mean([energy for one in ones if (energy := one.energy) is not None]):.2f}",
                f"{np.mean([c['synops_inhibitory'] / max(c['synops'], 1.0) for c in counts]):.1%}",
                f"{np.mean([one.inhibitory_synapses for one in ones]):.1%}",
                f"{np.mean([winner.random for winner, _ in pairs]):.1%}",
                f"{np.mean([winner.seconds for winner, _ in pairs]):.0f}",
            ]
        )


def affordable(by_name: Finished, price: str) -> Iterator[str]:
    """One line for each variant: accuracy of what its fronts hold for a budget, mean of all budgets.

    The budgets of a seed lie in equal ratios, from the least with which all variants can buy to the most that one asks.
    What a budget buys is the best network by the fitness, and its price the estimate of the search.

    Args:
        by_name: the networks of all fronts.
        price: name of their second objective.

    Raises:
        InputError: A network costs nothing.
    """
    seeds = list(dict.fromkeys(winner.seed for pairs in by_name.values() for winner, _ in pairs))
    worth: dict[str, list[float]] = {name: [] for name in by_name}
    for seed in seeds:
        fronts = {name: [pair for pair in pairs if pair[0].seed == seed] for name, pairs in by_name.items()}
        least = max(min(winner.point[1] for winner, _ in front) for front in fronts.values())
        if least <= 0:
            raise InputError(
                f"from seed {seed}, all variants have a network with no {price}: no budget is in ratio to it"
            )
        most = max(winner.point[1] for front in fronts.values() for winner, _ in front)
        # Rounding must not take a budget below the least.
        budgets = np.geomspace(least, most, BUDGETS).clip(least, most)
        for name, front in fronts.items():
            worth[name].append(float(np.mean([bought(front, budget) for budget in budgets])))
    reference = next(iter(worth.values()))
    yield f"variant | networks | accuracy % at equal {price} | minus the first"
    for name, values in worth.items():
        yield " | ".join([name, str(len(by_name[name])), interval(values), difference(values, reference)])


def bought(front: Sequence[tuple[Winner, Known]], budget: float) -> float:
    """Accuracy in percent of the network that a budget buys."""
    _, one = min((pair for pair in front if pair[0].point[1] <= budget), key=lambda pair: pair[0].point)
    return 100 * (one.accuracy or 0.0)
