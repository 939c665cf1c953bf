"""Genome to Plan: lay out every layer from the motif table, then keep what is alive.

A population is alive when it can fire (an excitatory path leads to it from the input) and is heard (a path leads from
it to the read-out). Everything else is removed, so genes that only touch dead parts are neutral by construction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from msenas.errors import GenomeError
from msenas.genotype.genome import BLOCK, G1_RANGE, G2_RANGE, KERNELS, Genome
from msenas.genotype.motifs import EMPTY, INTERNEURONS, MOTIFS, PRINCIPALS, ROLES
from msenas.genotype.motifs import INPUT as LAYER_INPUT
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import INTERNEURON_SHARE, NetworkSpec


class DisconnectedGenome(GenomeError):
    """The genome describes a network in which no spike can travel from the input to the read-out."""


@dataclass
class _Sketch:
    """The network before pruning, filled layer by layer."""

    spec: NetworkSpec
    populations: dict[str, Population] = field(default_factory=dict)
    synapses: list[Synapse] = field(default_factory=list)
    outputs: list[tuple[str, ...]] = field(default_factory=list)

    def stride(self, sources: tuple[str, ...], stage: int) -> int:
        """Ratio of the source's resolution to that of a stage."""
        before = 0 if sources == (INPUT,) else self.populations[sources[0]].stage
        return 1 << (stage - before)

    def connect(
        self, sources: tuple[str, ...], target: str, kernel: int, gene: int | None, delayed: bool = False
    ) -> None:
        inhibitory = sources[0].rpartition(".")[2] in INTERNEURONS
        stride = self.stride(sources, self.populations[target].stage)
        self.synapses.append(Synapse(sources, target, kernel, stride, inhibitory, delayed, gene))


def decode(genome: Genome, spec: NetworkSpec) -> Plan:
    """The network that a genome describes, without its dead parts.

    Raises:
        GenomeError: The genome has another number of layers than the spec.
        DisconnectedGenome: Nothing alive is left between input and read-out; the message says where it breaks.
    """
    if len(genome.layers) != spec.layers:
        raise GenomeError(f"the genome has {len(genome.layers)} layers, the network {spec.layers}")
    sketch = _Sketch(spec)
    stage = 0
    for index in range(spec.layers):
        stage += index in spec.reductions
        _add_layer(sketch, genome, index, stage)
    if not sketch.outputs:
        raise DisconnectedGenome("every layer is bypassed; no population lies between input and read-out")
    return _prune(sketch)


def canonical(genome: Genome, spec: NetworkSpec) -> Genome:
    """The same network with every neutral gene at its lowest value.

    Neutral are wires that the motif does not have, synapses of dead parts, the motif of a dead layer, and cross-layer
    genes without effect.

    Raises:
        GenomeError: As `decode`.
    """
    plan = decode(genome, spec)
    live = {s.gene for s in plan.synapses}
    layers_alive = {p.layer for p in plan.populations}
    genes = [
        value if position % BLOCK == 0 or position in live else 0 for position, value in enumerate(genome.flat()[:-2])
    ]
    for index, layer in enumerate(genome.layers):
        if layer.motif != EMPTY and index not in layers_alive:
            genes[index * BLOCK] = EMPTY + 1
    g1 = next(g for g in G1_RANGE if _decodes_to(plan, replace(genome, g1=g)))
    crosses = not _decodes_to(plan, replace(genome, g2=G2_RANGE[0] + G2_RANGE[-1] - genome.g2))
    return Genome.from_flat([*genes, g1, genome.g2 if crosses else G2_RANGE[0]])


def _decodes_to(plan: Plan, genome: Genome) -> bool:
    try:
        return decode(genome, plan.spec) == plan
    except DisconnectedGenome:
        return False


def _add_layer(sketch: _Sketch, genome: Genome, index: int, stage: int) -> None:
    """Append the populations and synapses of one layer."""
    spec, genes = sketch.spec, genome.layers[index]
    reduces = index in spec.reductions
    if genes.motif == EMPTY and not reduces:
        return
    main = sketch.outputs[-1] if sketch.outputs else (INPUT,)
    motif = MOTIFS[genes.motif]
    roles = {wire.target for wire in motif.wires} | {PRINCIPALS[0]}
    for role in ROLES:
        if role in roles:
            name = f"{index}.{role}"
            sketch.populations[name] = _population(spec, name, index, stage, motif.name)
    if genes.motif == EMPTY:
        sketch.connect(main, f"{index}.E1", 3, None)
    for slot, wire in enumerate(motif.wires):
        kernel = KERNELS[genes.micro[slot]]
        if kernel is not None:
            sources = main if wire.source == LAYER_INPUT else (f"{index}.{wire.source}",)
            sketch.connect(sources, f"{index}.{wire.target}", kernel, index * BLOCK + 1 + slot, wire.delayed)
    cross_kernel = KERNELS[genome.g2]
    assert cross_kernel is not None
    for sources in sketch.outputs[-genome.g1 : -1]:
        sketch.connect(sources, f"{index}.E1", cross_kernel, len(genome.layers) * BLOCK + 1)
    sketch.outputs.append(tuple(f"{index}.{role}" for role in PRINCIPALS if role in roles))


def _population(spec: NetworkSpec, name: str, layer: int, stage: int, motif: str) -> Population:
    channels = spec.channels << stage
    if name.rpartition(".")[2] in INTERNEURONS:
        channels //= INTERNEURON_SHARE
    _, height, width = spec.input_shape
    for _ in range(stage):
        height, width = -(-height // 2), -(-width // 2)
    return Population(name, channels, height, width, stage, layer, motif)


def _prune(sketch: _Sketch) -> Plan:
    """Keep what can fire and is heard, and name it so that equal networks get equal plans."""
    output = sketch.outputs[-1]
    can_fire = _spread({INPUT}, lambda fired: [s.target for s in _excited(sketch.synapses, fired)])
    if not can_fire & set(output):
        raise DisconnectedGenome(_break_point(sketch, can_fire))
    synapses = [
        replace(s, sources=tuple(n for n in s.sources if n in can_fire))
        for s in sketch.synapses
        if s.target in can_fire and can_fire & set(s.sources)
    ]
    heard = _spread(can_fire & set(output), lambda known: [n for s in synapses if s.target in known for n in s.sources])
    alive = [p for p in sketch.populations.values() if p.name in can_fire & heard]
    names = _canonical_names(alive)
    order = {name: i for i, name in enumerate([INPUT, *names])}
    kept = [s for s in synapses if s.target in names]
    kept.sort(key=lambda s: (order[s.target], s.inhibitory, s.delayed, [order[n] for n in s.sources], s.kernel))
    names[INPUT] = INPUT
    return Plan(
        sketch.spec,
        tuple(replace(p, name=names[p.name]) for p in alive),
        tuple(replace(s, sources=tuple(names[n] for n in s.sources), target=names[s.target]) for s in kept),
        tuple(names[n] for n in output if n in names),
    )


def _excited(synapses: list[Synapse], fired: set[str]) -> list[Synapse]:
    return [s for s in synapses if not s.inhibitory and fired & set(s.sources)]


def _spread(start: set[str], reach: Callable[[set[str]], list[str]]) -> set[str]:
    """Grow a set until `reach` adds nothing."""
    known = set(start)
    while True:
        grown = known | set(reach(known))
        if grown == known:
            return known
        known = grown


def _canonical_names(alive: list[Population]) -> dict[str, str]:
    """Old name to new: live layers count from 1, and so do the live populations of one sign in a layer."""
    names: dict[str, str] = {}
    layers = list(dict.fromkeys(p.layer for p in alive))
    for number, layer in enumerate(layers, start=1):
        for sign in "EI":
            members = [p for p in alive if p.layer == layer and p.role[0] == sign]
            for count, population in enumerate(members, start=1):
                names[population.name] = f"L{number}.{sign}{count}"
    return {p.name: names[p.name] for p in alive}


def _break_point(sketch: _Sketch, can_fire: set[str]) -> str:
    silent = [p for p in sketch.populations.values() if p.role in PRINCIPALS and p.name not in can_fire]
    layer, motif = silent[0].layer, silent[0].motif
    for first, second in zip(sketch.outputs, sketch.outputs[1:], strict=False):
        if can_fire & set(first) and not can_fire & set(second):
            broken = sketch.populations[second[0]]
            layer, motif = broken.layer, broken.motif
    return f"no excitatory path from input to read-out: it ends before layer {layer + 1} ({motif})"
