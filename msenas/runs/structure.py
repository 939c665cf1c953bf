"""A network's structure in best.json, where no genome describes it: `structure`.

populations  name, channels, height, width, stage (resolution level), motif (a label for people)
synapses     sources, target, kernel, stride, padding, pool, inhibitory, delayed; as in `phenotype.plan.Synapse`
readout      names of the populations that are read out
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from msenas.phenotype.check import check_plan
from msenas.phenotype.picture_parts import layer_of
from msenas.phenotype.plan import Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec

Natural = Annotated[int, msgspec.Meta(ge=0, le=1 << 16)]
Side = Annotated[int, msgspec.Meta(ge=1, le=1 << 16)]
Label = Annotated[str, msgspec.Meta(max_length=100)]
Labels = Annotated[tuple[Label, ...], msgspec.Meta(min_length=1, max_length=1 << 12)]


class PopulationEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One population."""

    name: Label
    channels: Side
    height: Side
    width: Side
    stage: Natural = 0
    motif: Label = ""


class SynapseEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One synapse."""

    sources: Labels
    target: Label
    kernel: Side
    stride: Side = 1
    padding: Natural
    pool: Side = 1
    inhibitory: bool = False
    delayed: bool = False


class Structure(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """All of a network but its spec and its weights."""

    populations: Annotated[tuple[PopulationEntry, ...], msgspec.Meta(min_length=1, max_length=1 << 12)]
    synapses: Annotated[tuple[SynapseEntry, ...], msgspec.Meta(min_length=1, max_length=1 << 14)]
    readout: Labels

    def plan(self, spec: NetworkSpec) -> Plan:
        """The plan of this structure under a spec.

        Raises:
            InputError: It is none that can be computed, or does not fit the input of the spec.
        """
        layers = list(dict.fromkeys(layer_of(p.name) for p in self.populations))
        populations = (
            Population(p.name, p.channels, p.height, p.width, p.stage, layers.index(layer_of(p.name)), p.motif)
            for p in self.populations
        )
        synapses = (Synapse(**msgspec.structs.asdict(s)) for s in self.synapses)
        return check_plan(Plan(spec, tuple(populations), tuple(synapses), self.readout))


def structure_of(plan: Plan) -> Structure:
    """The structure of a plan."""
    return Structure(
        populations=tuple(
            PopulationEntry(
                name=p.name, channels=p.channels, height=p.height, width=p.width, stage=p.stage, motif=p.motif
            )
            for p in plan.populations
        ),
        synapses=tuple(
            SynapseEntry(
                sources=s.sources,
                target=s.target,
                kernel=s.kernel,
                stride=s.stride,
                padding=s.padding,
                pool=s.pool,
                inhibitory=s.inhibitory,
                delayed=s.delayed,
            )
            for s in plan.synapses
        ),
        readout=plan.readout,
    )
