"""Spikes, operations and joules of a network per inference, from real data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from msenas.errors import InputError
from msenas.evaluation.deployed import Deployed
from msenas.hardware.census import take_census
from msenas.hardware.profile import Profile
from msenas.hardware.report import Report, kinds_of_cores, report

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
    census = take_census(deployed.network, _counted(deployed.batches(split, places), advance), kinds_of_cores(profiles))
    right = census.predicted == deployed.split(split).labels[places]
    return Estimated(report(deployed.network.plan, census, profiles), split, len(places), float(right.mean()))


def _counted(batches: Iterator[Tensor], advance: Advance) -> Iterator[Tensor]:
    for frames in batches:
        yield frames
        advance(frames.shape[1])
