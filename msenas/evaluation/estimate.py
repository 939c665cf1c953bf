"""Spikes, operations and joules of a network per inference, from real data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from msenas.errors import InputError, ProfileError
from msenas.evaluation.deployed import Deployed
from msenas.hardware.census import take_census
from msenas.hardware.placement import Cores, place
from msenas.hardware.profile import Profile
from msenas.hardware.report import Report, kinds_of_cores, report
from msenas.phenotype.plan import Plan

Advance = Callable[[int], None]
"""Told how many samples have been run."""


@dataclass(frozen=True)
class Estimated:
    """A report and where its samples came from."""

    report: Report
    split: str
    samples: int
    accuracy: float


def estimate(
    deployed: Deployed, profiles: Sequence[Profile], split: str, samples: int | None, advance: Advance
) -> Estimated:
    """Run samples of a split through a network, count, and price the counts.

    Raises:
        InputError: The split is unknown or empty, or no profile can price the network.
    """
    places = deployed.choose(split, samples)
    if not len(places):
        raise InputError(f"the {split} split of {deployed.dataset.name} has no samples")
    plan = deployed.network.plan
    possible, refused = _placeable(plan, profiles)
    census = take_census(deployed.network, counted(deployed.batches(split, places), advance), kinds_of_cores(possible))
    right = census.predicted == deployed.split(split).labels[places]
    found = report(plan, census, possible)
    found = replace(found, refused={**refused, **found.refused})
    return Estimated(found, split, len(places), float(right.mean()))


def _placeable(plan: Plan, profiles: Sequence[Profile]) -> tuple[list[Profile], dict[str, str]]:
    """Profiles on whose cores the network can be placed, and why it cannot on the others.

    Raises:
        ProfileError: There is none on which it can.
    """
    possible, refused = [], {}
    for profile in profiles:
        cores = Cores.of(profile)
        try:
            if cores is not None:
                place(plan, cores)
        except InputError as error:
            refused[profile.name] = f"hardware profile {profile.name}: {error}"
        else:
            possible.append(profile)
    if not possible:
        raise ProfileError("; ".join(refused.values()))
    return possible, refused


def counted(batches: Iterator[Tensor], advance: Advance) -> Iterator[Tensor]:
    """The batches; `advance` is told of each that has been dealt with."""
    for frames in batches:
        yield frames
        advance(frames.shape[1])
