"""The networks of a ranking: drawn once, and kept."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from msenas.errors import RunError
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.config import HALVES, RankConfig
from msenas.ranking.folder import RankFolder
from msenas.ranking.sample import Drawn, draw
from msenas.runs.files import read_json, to_json, write_atomically
from msenas.search.prepare import Prepared


class Member(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A network of the ranking.

    Attributes:
        id: its number, from 0.
        genome: flat genome.
        plan: digest of its plan.
        motif: its most frequent motif.
        size: third of all that were drawn, by parameters, from 0.
        half: "development" or "held-out".
    """

    id: int
    genome: list[int]
    plan: str
    motif: str
    size: int
    half: str

    def decoded(self, spec: NetworkSpec) -> Plan:
        """The network.

        Raises:
            GenomeError: The genome describes none.
        """
        return decode(Genome.from_flat(self.genome), spec)


class Members(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The content of drawn.json; `probe` is the digest of the probe batch, and with it of the data."""

    probe: str
    networks: list[Member]


@dataclass(frozen=True)
class Job:
    """A training that is asked for: of which network, and for which time (0 or 1)."""

    member: Member
    repetition: int


def members_of(config: RankConfig, prepared: Prepared, folder: RankFolder) -> list[Member]:
    """The networks: those of the folder, or, if it has none yet, newly drawn ones, which are written into it.

    Raises:
        InputError: The space does not hold so many live networks.
        RunError: The folder was made with other data, or cannot be written.
    """
    probe = prepared.evaluator.probe.digest
    if folder.drawn.exists():
        kept = read_json(folder.drawn, Members)
        if kept.probe != probe:
            raise RunError(f"{folder.path} was made with other data: the probe batch drawn now differs")
        return kept.networks
    drawn = draw(prepared.space, prepared.spec, config.genomes, config.seed, lambda p: prepared.evaluator(p).live)
    networks = [_member(number, one) for number, one in enumerate(drawn)]
    content = msgspec.to_builtins(Members(probe=probe, networks=networks))
    write_atomically(folder.drawn, to_json(content) + "\n")
    return networks


def _member(number: int, drawn: Drawn) -> Member:
    return Member(
        id=number,
        genome=list(drawn.genome.flat()),
        plan=drawn.plan.digest,
        motif=drawn.motif,
        size=drawn.size,
        half=HALVES[drawn.half],
    )


def jobs_of(config: RankConfig, members: list[Member]) -> list[Job]:
    """All trainings that are asked for: of each half first those of all networks, then those that are repeated."""
    jobs = []
    for half in HALVES:
        if config.half in (half, *("both",)):
            own = [member for member in members if member.half == half]
            again = [m for i, m in enumerate(own) if int((i + 1) * config.repeated) > int(i * config.repeated)]
            jobs += [Job(member, 0) for member in own] + [Job(member, 1) for member in again]
    return jobs
