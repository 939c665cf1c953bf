"""best.json: one network, from genome to weights, in a versioned file.

schema      "msenas.best/1", or "msenas.best/2" for a network that no genome describes
genome      {"flat": integers, "readable": names}; both forms must agree (only in /1)
structure   populations, synapses and read-out, see `runs.structure` (only in /2)
network     the NetworkSpec: input, classes, T, widths, neuron, encoding
scores      what the search measured
provenance  data set, seeds and versions; the commands are in environment.json
weights     {"file": name beside best.json, "sha256": hex}, or null: untrained, rebuilt from `weight_seed`
"""

from __future__ import annotations

import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import msgspec

from msenas.errors import GenomeError, InputError, unknown
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec
from msenas.runs.files import read_json, to_json, write_atomically
from msenas.runs.structure import Structure

SCHEMA, SCHEMA_STRUCTURE = "msenas.best/1", "msenas.best/2"
GIVEN = {SCHEMA: "genome", SCHEMA_STRUCTURE: "structure"}
"""What describes the network under each schema."""
NETWORK_KEYS = tuple(f.name for f in fields(NetworkSpec))
PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
"""A file beside best.json, on every system."""


class GenomeForms(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The genome twice: for programs and for people."""

    flat: list[int]
    readable: dict[str, Any]


class Weights(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Trained weights beside the file."""

    file: str
    sha256: str


class NetworkKeys(msgspec.Struct, frozen=True):
    """The keys of `network`; msgspec lets unknown ones of a dataclass pass."""

    network: dict[str, msgspec.Raw]


class Best(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The content of best.json."""

    schema: str
    genome: GenomeForms | None = None
    structure: Structure | None = None
    network: NetworkSpec
    weight_seed: int = 0
    scores: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    weights: Weights | None = None

    @property
    def genotype(self) -> Genome | None:
        """The genome; None for a network that none describes.

        Raises:
            GenomeError: It is malformed, or its two forms differ.
        """
        if self.genome is None:
            return None
        genome = Genome.from_flat(self.genome.flat)
        if Genome.from_readable(self.genome.readable).readable() != genome.readable():
            raise GenomeError("the flat and the readable form of the genome are different networks")
        return genome

    @property
    def plan(self) -> Plan:
        """The network's structure.

        Raises:
            InputError: As `plan_for`.
        """
        return self.plan_for(self.network)

    def plan_for(self, spec: NetworkSpec) -> Plan:
        """The network's structure under another spec.

        Raises:
            GenomeError: As `genotype`, or the genome is disconnected.
            InputError: There is a structure in the place of the genome, and it is impossible or does not fit the spec.
        """
        genome = self.genotype
        if genome is not None:
            return decode(genome, spec)
        assert self.structure is not None
        return self.structure.plan(spec)


def forms(genome: Genome) -> GenomeForms:
    """Both forms of a genome."""
    return GenomeForms(list(genome.flat()), genome.readable())


def read_best(path: Path) -> Best:
    """Read best.json, or the best.json of a run folder; everything is validated.

    Raises:
        InputError: The file is missing, malformed, of another schema, or describes no network.
    """
    if path.is_dir():
        path = path / "best.json"
    best = read_json(path, Best)
    if best.schema not in GIVEN:
        raise InputError(f"{path}: schema is {best.schema!r}; this version reads {' and '.join(map(repr, GIVEN))}")
    for schema, part in GIVEN.items():
        if (getattr(best, part) is not None) != (schema == best.schema):
            rule = "needs" if schema == best.schema else "has no"
            raise InputError(f"{path}: a file of schema {best.schema!r} {rule} {part}")
    for key in read_json(path, NetworkKeys).network:
        if key not in NETWORK_KEYS:
            raise InputError(f"{path}: {unknown('key of network', key, NETWORK_KEYS)}")
    if best.weights and not PLAIN_NAME.fullmatch(best.weights.file):
        raise InputError(f"{path}: weights.file must be a plain file name, not {best.weights.file!r}")
    try:
        _ = best.plan
    except InputError as error:
        raise type(error)(f"{path}: {error}") from None
    return best


def write_best(path: Path, best: Best) -> None:
    """Write best.json in one step.

    Raises:
        RunError: The file cannot be written.
    """
    described = GIVEN[best.schema]
    data = {
        "schema": best.schema,
        described: msgspec.to_builtins(getattr(best, described)),
        "network": asdict(best.network),
        "weight_seed": best.weight_seed,
        "scores": best.scores,
        "provenance": best.provenance,
        "weights": msgspec.to_builtins(best.weights),
    }
    write_atomically(path, to_json(data, indent=2) + "\n")
