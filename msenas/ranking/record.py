"""What is known of the networks of a ranking, as lines of JSON: a benchmark that others can read and score.

The first line tells of the ranking, each further one of a network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from msenas.errors import InputError, RunError
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.config import Half
from msenas.ranking.member import Member, Number
from msenas.ranking.sample import motifs_of
from msenas.ranking.trial import Share, Trained
from msenas.runs.files import read_bytes, to_json, write_atomically

SCHEMA: Literal["msenas.networks/1"] = "msenas.networks/1"
LARGEST = 256 << 20
"""Bytes of a file of networks that are read."""
Positive = Annotated[int, msgspec.Meta(ge=1, le=10**12)]


class About(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The first line.

    Attributes:
        options: of the ranking, resolved.
        data: provenance of the data set.
        network: the spec of every network.
        probe: digest of the probe batch.
        profile: digest of the hardware profile.
        versions: of what a result depends on.
    """

    schema: Literal["msenas.networks/1"] = SCHEMA
    options: dict[str, Any]
    data: dict[str, Any]
    network: dict[str, Any]
    probe: str
    profile: str
    versions: dict[str, str]


class Known(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What is known of one network.

    Attributes:
        id, genome, plan, motif, size, half: as drawn.
        parameters, neurons, synapses, populations, depth: of the network.
        motifs: live layers by their motif.
        inhibitory_neurons, inhibitory_synapses: shares.
        recurrent: whether a population hears itself, by way of others and a time step.
        trainings: what became of each.
    """

    id: Number
    genome: list[int]
    plan: str
    motif: str
    size: int
    half: Half
    parameters: Positive
    neurons: Positive
    synapses: Positive
    populations: Positive
    depth: Positive
    motifs: dict[str, Number]
    inhibitory_neurons: Share
    inhibitory_synapses: Share
    recurrent: bool
    trainings: Annotated[list[Trained], msgspec.Meta(min_length=1)]

    @property
    def member(self) -> Member:
        """As it was drawn."""
        return Member(**{name: getattr(self, name) for name in Member.__struct_fields__})

    @property
    def succeeded(self) -> list[Trained]:
        """The trainings that did not fail."""
        return [t for t in self.trainings if t.failure is None]

    @property
    def accuracy(self) -> float | None:
        """Mean final accuracy of the trainings that did not fail; None if all failed."""
        found = [t.accuracies[-1] for t in self.succeeded]
        return sum(found) / len(found) if found else None

    @property
    def loss(self) -> float | None:
        """Mean final loss on the validation split of the trainings that did not fail; None if all failed."""
        found = [t.losses[-1] for t in self.succeeded]
        return sum(found) / len(found) if found else None

    @property
    def energy(self) -> float | None:
        """Nominal joule per inference of the first training that did not fail; None if all failed."""
        return next((t.energy_joule[1] for t in self.trainings if t.energy_joule is not None), None)


def known(member: Member, plan: Plan, trainings: Sequence[Trained]) -> Known:
    """All about a network."""
    return Known(
        **msgspec.structs.asdict(member),
        parameters=plan.parameters,
        neurons=plan.neurons,
        synapses=len(plan.synapses),
        populations=len(plan.populations),
        depth=plan.depth,
        motifs=dict(sorted(motifs_of(plan).items())),
        inhibitory_neurons=sum(p.neurons for p in plan.populations if p.inhibitory) / plan.neurons,
        inhibitory_synapses=sum(s.inhibitory for s in plan.synapses) / len(plan.synapses),
        recurrent=any(block.recurrent for block in plan.schedule),
        trainings=list(trainings),
    )


def write_networks(path: Path, about: About, networks: Sequence[Known]) -> None:
    """Write the lines in one step.

    Raises:
        RunError: The file cannot be written.
    """
    lines: list[Mapping[str, Any]] = [msgspec.to_builtins(line) for line in (about, *networks)]
    write_atomically(path, "".join(to_json(line) + "\n" for line in lines))


def read_networks(path: Path) -> tuple[About, list[Known]]:
    """Read what `write_networks` has written.

    Raises:
        InputError: The file is missing or too large, or a line is damaged; the message says which.
    """
    lines = read_bytes(path, LARGEST).splitlines()
    if not lines:
        raise InputError(f"{path} is empty")
    about: About = _line(path, 1, lines[0], About)
    networks: dict[int, Known] = {}
    for number, line in enumerate(lines[1:], 2):
        one = _line(path, number, line, Known)
        if one.id in networks:
            raise InputError(f"{path}, line {number}: network {one.id} comes twice")
        networks[one.id] = one
    return about, list(networks.values())


def check_networks(path: Path, networks: Sequence[Known], spec: NetworkSpec) -> None:
    """Refuse networks that are others here: with this data set, or in this version.

    Args:
        path: the file from which they were read.
        networks: in the order of the file.
        spec: of every network.

    Raises:
        RunError: A network is not what its line says.
    """
    for number, one in enumerate(networks, 2):
        try:
            same = known(one.member, one.member.decoded(spec), one.trainings) == one
        except RunError as error:
            raise RunError(f"{path}, line {number}: {error}") from None
        if not same:
            raise RunError(f"{path}, line {number}: what it says of network {one.id} does not fit the genome")


def _line(path: Path, number: int, line: bytes, kind: type[Any]) -> Any:  # noqa: ANN401
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InputError) as error:
        raise InputError(f"{path}, line {number}: {error}") from None
