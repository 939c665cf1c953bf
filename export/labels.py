"""What the populations of an imported network are called, and which genome it came from, if its file tells."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from export.told import Told
from msenas.errors import SHOWN, InputError
from msenas.genotype.genome import Genome
from msenas.genotype.motifs import PRINCIPALS, ROLES
from msenas.phenotype.check import NAME
from msenas.phenotype.decode import decode
from msenas.phenotype.picture_parts import layer_of
from msenas.phenotype.plan import INPUT, Plan
from msenas.phenotype.spec import NetworkSpec

DECODED = re.compile(rf"L(\d{{1,6}})\.({'|'.join(ROLES)})")
"""Name of a population that a genome describes."""
LABEL = 40
"""Characters of a node's name that are kept as a label."""


@dataclass(frozen=True)
class Family:
    """The parts of a spec that only say how genomes are read."""

    layers: int = 1
    channels: int = 16
    reductions: tuple[int, ...] = ()
    tau: float = 2.0


def named(nodes: Sequence[str], told: Told) -> dict[str, str]:
    """Population of each node that fires, in the order of a plan: what the file tells, or `<node>.E1`.

    Raises:
        InputError: The file tells a name that no population can have, or one twice.
    """
    names: dict[str, str] = {}
    for node in nodes:
        name = told.populations.get(node)
        if name is None or not NAME.fullmatch(name):
            name = _layer(node, names) + f".{PRINCIPALS[0]}"
        if name in names.values():
            raise InputError(f"the metadata of the file call two nodes {name!r}")
        names[node] = name
    decoded = {node: DECODED.fullmatch(name) for node, name in names.items()}
    found = {node: match for node, match in decoded.items() if match}
    if len(found) < len(names):
        return names
    order = sorted(found, key=lambda node: (int(found[node][1]), ROLES.index(found[node][2])))
    return {node: names[node] for node in order}


def _layer(node: str, taken: Mapping[str, str]) -> str:
    """A node's name without what the name of a layer may not hold, different from those that are taken."""
    plain = re.sub(r"\W", "_", node, flags=re.ASCII)[:LABEL] or "n"
    plain = plain if plain[0].isalpha() and plain != INPUT else f"n{plain}"
    layers = {layer_of(name) for name in taken.values()}
    number, layer = 1, plain
    while layer in layers:
        number += 1
        layer = f"{plain}_{number}"
    return layer


def family(told: Told) -> Family:
    """What the file tells of the spec that its network was searched under."""
    try:
        spec = msgspec.convert(told.about.get("network"), NetworkSpec)
    except (msgspec.ValidationError, InputError):
        return Family()
    return Family(spec.layers, spec.channels, spec.reductions, spec.tau)


def labelled(plan: Plan, nodes: Mapping[str, str], told: Told) -> tuple[Plan, Genome | None]:
    """The plan with labels: those of the genome that the file tells if it describes this plan, or names of nodes.

    Args:
        plan: without labels.
        nodes: node for each population.
        told: what the file tells.

    Returns:
        The plan, and the genome (None without one).
    """
    try:
        genome = Genome.from_flat(msgspec.convert(told.about.get("genome"), list[int]))
        decoded = decode(genome, plan.spec)
    except (msgspec.ValidationError, InputError):
        decoded = None
    if decoded == plan:
        return decoded, genome
    motif = {
        name: "" if DECODED.fullmatch(name) else _printable(node if node not in told.populations else layer_of(name))
        for name, node in nodes.items()
    }
    return replace(plan, populations=tuple(replace(p, motif=motif[p.name]) for p in plan.populations)), None


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[: min(LABEL, SHOWN)]
