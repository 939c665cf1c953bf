"""The networks of a ranking: drawn once, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import msgspec

from msenas.errors import InputError, RunError
from msenas.phenotype.plan import Plan
from msenas.ranking.config import BOTH, HALVES, LEAST, SAFE, RankConfig
from msenas.ranking.folder import RankFolder
from msenas.ranking.member import Member
from msenas.ranking.sample import Drawn, draw
from msenas.runs.files import read_json, to_json, write_atomically
from msenas.search.prepare import Prepared

OTHER = {
    "data": "other data: their labels or splits differ",
    "probe": "other data: the probe batch drawn now differs",
    "profile": "another hardware profile of that name",
}
"""What is to be said where a digest of a folder is not that of now."""


class Members(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The content of drawn.json.

    Attributes:
        probe: digest of the probe batch.
        data: digest of the labels and the splits of the data set; None if it was not noted.
        profile: digest of the hardware profile; None if it was not noted.
        networks: those that were drawn.
    """

    probe: str
    data: str | None = None
    profile: str | None = None
    networks: list[Member]


@dataclass(frozen=True)
class Job:
    """A training that is asked for: of which network, and for which time (0 or 1)."""

    member: Member
    repetition: int


def draw_members(config: RankConfig, prepared: Prepared, advance: Callable[[], None]) -> list[Member]:
    """Draw the networks.

    Args:
        config: how many, and the seed.
        prepared: the space, and the probe batch by which networks are seen to live.
        advance: called for every network that is tried.

    Raises:
        InputError: The space does not hold so many live networks.
    """
    judge = replace(prepared.evaluator, fitness=SAFE)

    def live(plan: Plan) -> bool:
        advance()
        return judge(plan).live

    drawn = draw(prepared.space, prepared.spec, config.genomes, config.seed, live)
    return [_member(number, one) for number, one in enumerate(drawn)]


def write_members(folder: RankFolder, prepared: Prepared, networks: Sequence[Member]) -> None:
    """Keep the networks.

    Raises:
        RunError: The file cannot be written.
    """
    members = Members(**digests(prepared), networks=list(networks))
    write_atomically(folder.drawn, to_json(msgspec.to_builtins(members)) + "\n")


def read_members(config: RankConfig, prepared: Prepared, folder: RankFolder) -> list[Member]:
    """The networks that were kept.

    Raises:
        InputError: The file is damaged.
        RunError: The folder was made with other data, with another profile, or by a version that decodes otherwise.
    """
    kept = read_json(folder.drawn, Members)
    for name, now in digests(prepared).items():
        if getattr(kept, name) not in (now, None):
            raise RunError(f"{folder.path} was made with {OTHER[name]}")
    if [member.id for member in kept.networks] != list(range(config.genomes)):
        raise RunError(f"{folder.drawn} is damaged: its networks are not numbered from 0 to {config.genomes - 1}")
    for member in kept.networks:
        try:
            member.decoded(prepared.spec)
        except RunError as error:
            raise RunError(f"{folder.drawn}: {error}") from None
    return kept.networks


def jobs_of(config: RankConfig, members: Sequence[Member]) -> list[Job]:
    """All trainings that are asked for: of each half first those of all networks, then those that are repeated.

    Raises:
        InputError: A half alone has too few networks to be ranked.
    """
    jobs: list[Job] = []
    for half in HALVES:
        if config.half in (half, BOTH):
            own = [member for member in members if member.half == half]
            again = [m for i, m in enumerate(own) if int((i + 1) * config.repeated) > int(i * config.repeated)]
            jobs += [Job(member, 0) for member in own] + [Job(member, 1) for member in again]
    trained = sum(job.repetition == 0 for job in jobs)
    if trained < LEAST:
        raise InputError(f"{trained} of the {len(members)} networks are {config.half}, and at least {LEAST} are ranked")
    return jobs


def digests(prepared: Prepared) -> dict[str, str]:
    """Of what the networks belong to: data, probe batch and hardware profile."""
    return {
        "data": str(prepared.dataset.provenance["digest"]),
        "probe": prepared.evaluator.probe.digest,
        "profile": prepared.evaluator.profile.digest,
    }


def _member(number: int, drawn: Drawn) -> Member:
    return Member(
        id=number,
        genome=list(drawn.genome.flat()),
        plan=drawn.plan.digest,
        motif=drawn.motif,
        size=drawn.size,
        half=HALVES[drawn.half],
    )
