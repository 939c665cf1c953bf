"""Narrow a search space to layers that, taken alone, fit a chip.

A layer is tried in the simplest network around it: one excitatory population in every other layer. What does not fit
there fits nowhere, so it need never be drawn. What fits there may still not fit together with the other layers; the
check of the whole plan decides that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from msenas.errors import InputError
from msenas.genotype.genome import Genome, LayerGenes
from msenas.genotype.motifs import EMPTY, MOTIFS, PRINCIPALS, SLOTS
from msenas.genotype.motifs import INPUT as LAYER_INPUT
from msenas.genotype.space import Space
from msenas.hardware.fit.finding import Finding
from msenas.hardware.fit.rules import check
from msenas.hardware.profile import Profile
from msenas.phenotype.decode import DisconnectedGenome, decode
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec

BYPASS = LayerGenes(EMPTY, (0,) * SLOTS)


def restrict(space: Space, spec: NetworkSpec, profile: Profile) -> Space:
    """The space without layers that fit at no place, and without cross-layer genes that no layer can use in full.

    Raises:
        InputError: No layer fits at all, or none at some place that hears the layer before it (only networks with
            dead layers might then remain); the message names the limits and what to change.
        ProfileError: The profile has no [capacity].
    """
    trial = Trial(space, spec, profile)
    possible = [trial.motifs(place) for place in range(spec.layers)]
    motifs = {motif for found in possible for motif in found}
    for place, found in enumerate(possible):
        if not motifs or (not found and not trial.may_be_bypassed(place)):
            raise InputError(_refusal(trial, place, anywhere=bool(motifs)))
    crossing = [(g1, g2) for g1 in space.g1 for g2 in space.g2 if g1 > 1 and trial.crosses(g1, g2)]
    return replace(
        space,
        motif=tuple(m for m in space.motif if m in motifs or m == EMPTY),
        g1=tuple(g for g in space.g1 if g == min(space.g1) or g in {g1 for g1, _ in crossing}),
        g2=tuple(g for g in space.g2 if g in {g2 for _, g2 in crossing}) or space.g2,
        admits=trial.admits,
    )


@dataclass(frozen=True)
class Trial:
    """Layers on trial, each judged once."""

    space: Space
    spec: NetworkSpec
    profile: Profile
    known: dict[tuple[int, int, tuple[int, ...]], bool] = field(default_factory=dict)

    def admits(self, place: int, genes: LayerGenes) -> bool:
        """Whether a layer fits at a place (from 0); one that is dead there is admitted."""
        used = genes.micro[: len(MOTIFS[genes.motif].wires)]
        key = place, genes.motif, used
        if key not in self.known:
            self.known[key] = not all(self.faults(place, genes, start) for start in self._starts(place))
        return self.known[key]

    def motifs(self, place: int) -> list[int]:
        """Motifs of which some live layer fits at a place."""
        found = (m for m in self.space.motif if any(self._fits(place, genes) for genes in self.simplest(m)))
        return list(found)

    def _fits(self, place: int, genes: LayerGenes) -> bool:
        starts = self._starts(place)
        return self.admits(place, genes) and any(self._fragment(place, genes, start) for start in starts)

    def may_be_bypassed(self, place: int) -> bool:
        """Whether a place can be left empty, without any population."""
        return EMPTY in self.space.motif and place not in self.spec.reductions

    def crosses(self, g1: int, g2: int) -> bool:
        """Whether some network has cross-layer synapses of this reach and kernel."""
        layers = [genes for motif in self.space.motif for genes in self.simplest(motif)]
        trials = ((place, genes) for place in range(g1, self.spec.layers) for genes in layers)
        fragments = (self._fragment(place, genes, 0, g1, g2) for place, genes in trials)
        crossed = (f for f in fragments if f and any(s.gene == self.space.size - 1 for s in f.synapses))
        return any(not self._failed(fragment) for fragment in crossed)

    def simplest(self, motif: int) -> Iterator[LayerGenes]:
        """Layers of a motif with no synapse, and with one, of each kernel."""
        fewest = (min(self.space.micro),) * SLOTS
        yield LayerGenes(motif, fewest)
        for slot in range(len(MOTIFS[motif].wires)):
            for gene in self.space.micro:
                if gene != fewest[slot]:
                    yield LayerGenes(motif, (*fewest[:slot], gene, *fewest[slot + 1 :]))

    def faults(self, place: int, genes: LayerGenes, start: int = 0) -> tuple[Finding, ...]:
        """The rules that keep a layer off the chip when the layers before `start` are bypassed."""
        fragment = self._fragment(place, genes, start)
        return self._failed(fragment) if fragment else ()

    def _failed(self, fragment: Plan) -> tuple[Finding, ...]:
        return check(fragment, self.profile).failed

    def _starts(self, place: int) -> Sequence[int]:
        """First live layer of the networks around a place: the layer hears another layer, or the input itself."""
        return (0, place) if 0 < place <= min(self.spec.reductions, default=place) else (0,)

    def _fragment(self, place: int, genes: LayerGenes, start: int, g1: int = 1, g2: int = 1) -> Plan | None:
        """A layer with the populations that it hears; None where nothing of it is alive."""
        layers = [BYPASS] * start + [_simplest_layer()] * (self.spec.layers - start)
        layers[place] = genes
        try:
            plan = decode(Genome(tuple(layers), g1, g2), self.spec)
        except DisconnectedGenome:
            return None
        own = {p.name for p in plan.populations if p.layer == place}
        synapses = tuple(s for s in plan.synapses if s.target in own)
        heard = own | {name for s in synapses for name in s.sources}
        populations = tuple(p for p in plan.populations if p.name in heard)
        return Plan(self.spec, populations, synapses, ()) if own else None


def _simplest_layer() -> LayerGenes:
    """One population, excited by the input of its layer."""
    wired = (
        (motif, slot)
        for motif, wires in enumerate(m.wires for m in MOTIFS)
        for slot, wire in enumerate(wires)
        if wire.source == LAYER_INPUT and wire.target == PRINCIPALS[0]
    )
    motif, slot = next(wired)
    return LayerGenes(motif, tuple(int(i == slot) for i in range(SLOTS)))


def _refusal(trial: Trial, place: int, *, anywhere: bool) -> str:
    """One line: the limits that the nearest of the simplest layers breaks, and what to change."""
    tried = (trial.faults(place, genes) for motif in trial.space.motif for genes in trial.simplest(motif))
    faults = min((found for found in tried if found), key=len, default=())
    reasons = "; ".join(f"{f.text()}, try {f.verdict.advice}" for f in faults)
    heard = f"layer {place}" if place else "the input"
    what = f"layer {place + 1} that hears {heard}" if anywhere else "network of this search"
    return f"no {what} fits {trial.profile.name}: {reasons}"
