"""A network of a ranking as it was drawn."""

from __future__ import annotations

from typing import Annotated

import msgspec

from msenas.errors import GenomeError, RunError
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec
from msenas.ranking.config import Half
from msenas.ranking.sample import SIZES

Number = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


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

    id: Number
    genome: list[int]
    plan: str
    motif: str
    size: Annotated[int, msgspec.Meta(ge=0, lt=SIZES)]
    half: Half

    def decoded(self, spec: NetworkSpec) -> Plan:
        """The network.

        Raises:
            RunError: The genome describes another one than `plan` says, or none.
        """
        try:
            plan = decode(Genome.from_flat(self.genome), spec)
        except GenomeError as error:
            raise RunError(f"network {self.id}: {error}") from None
        if plan.digest != self.plan:
            raise RunError(f"network {self.id} has another structure here; are data and version the same?")
        return plan
