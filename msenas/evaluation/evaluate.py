"""Everything that is asked of a finished network at once: accuracy, activity and energy, other steps, noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msenas.evaluation.accuracy import Accuracy, judge
from msenas.evaluation.curve import Point, run_at
from msenas.evaluation.deployed import Deployed
from msenas.evaluation.estimate import Advance, Estimated, estimate
from msenas.evaluation.robustness import Noise, check_noises, rounds
from msenas.evaluation.steps import at_steps, check_steps
from msenas.hardware.profile import Profile


@dataclass(frozen=True)
class Question:
    """What is asked of a network.

    Attributes:
        profiles: chips whose energy is estimated.
        split: name of the split.
        samples: how many of it; None is all.
        steps: other time steps to run it for.
        noises: by name.
    """

    profiles: Sequence[Profile]
    split: str
    samples: int | None = None
    steps: Sequence[int] = ()
    noises: Mapping[str, Noise] = field(default_factory=dict)


@dataclass(frozen=True)
class Firing:
    """What a population fires.

    Attributes:
        neurons: of the population.
        spikes: per inference.
        rate: spikes per neuron and time step.
        share: of its neurons that fire at all in an inference, mean over the samples.
    """

    neurons: int
    spikes: float
    rate: float
    share: float


@dataclass(frozen=True)
class Evaluated:
    """The answers.

    Attributes:
        estimated: spikes, operations and energy, with the samples that they are from.
        accuracy: on the same samples.
        firing: by population.
        steps: against time steps, with the network's own ones; empty if not asked for.
        noises: against the strengths of each noise; strength 0 is `accuracy`.
    """

    estimated: Estimated
    accuracy: Accuracy
    firing: Mapping[str, Firing]
    steps: tuple[Point, ...]
    noises: Mapping[str, tuple[Point, ...]]


def passes(deployed: Deployed, question: Question) -> int:
    """How many samples are run in all, repetitions counted.

    Raises:
        InputError: The split, the number of samples, the steps or a noise do not fit the data.
    """
    check_steps(deployed, question.steps)
    check_noises(deployed, question.noises)
    repeated = len(_others(deployed, question)) + rounds(question.noises.values())
    return len(deployed.choose(question.split, question.samples)) * (1 + repeated)


def evaluate(deployed: Deployed, question: Question, advance: Advance) -> Evaluated:
    """Run the samples once for accuracy, activity and energy, and once more for each other condition.

    Raises:
        InputError: The split is unknown or empty, or no profile can price the network.
    """
    where = (question.split, question.samples)
    estimated = estimate(deployed, question.profiles, *where, advance)
    census, places = estimated.report.census, deployed.choose(*where)
    labels = deployed.split(question.split).labels[places]
    own = Point.of(deployed.network.plan.spec.steps, census, labels)
    steps = [run_at(t, at_steps(deployed, t), *where, advance) for t in _others(deployed, question)]
    noises = {
        name: tuple(run_at(s, noise.apply(deployed, s), *where, advance) for s in noise.strengths)
        for name, noise in question.noises.items()
    }
    curve = tuple(sorted([*steps, own], key=lambda point: point.at)) if question.steps else ()
    return Evaluated(estimated, judge(census.scores, labels), _firing(estimated), curve, noises)


def _others(deployed: Deployed, question: Question) -> list[int]:
    return [t for t in question.steps if t != deployed.network.plan.spec.steps]


def _firing(estimated: Estimated) -> dict[str, Firing]:
    plan, census = estimated.report.plan, estimated.report.census
    found = {}
    for name, tally in census.counts.populations.items():
        neurons, spikes = plan.by_name[name].neurons, tally.spikes / census.counts.samples
        found[name] = Firing(neurons, spikes, spikes / (neurons * plan.spec.steps), census.fired[name])
    return found
