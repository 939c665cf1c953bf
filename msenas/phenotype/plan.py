"""The Plan: a decoded network as data - populations, synapses, shapes, signs, delays.

Everything that reads a network reads its Plan: the torch module, the picture, the operation counts, the chip fit and
the exported graph. It has no weights and needs no torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from functools import cached_property

import networkx as nx

from msenas.errors import GenomeError
from msenas.genotype.motifs import INTERNEURONS
from msenas.phenotype.spec import NetworkSpec

INPUT = "input"
"""Name of the input in the sources of a synapse."""
HALF_THE_KERNEL = -1
"""Padding of a synapse that is not given."""


@dataclass(frozen=True)
class Population:
    """Spiking neurons of one sign on one feature map.

    Attributes:
        name: `L<n>.<role>`, n counting the live layers from 1.
        channels, height, width: shape of the feature map.
        stage: resolution level, counted from 0 at the input's resolution.
        layer: layer of the genome (from 0) that it came from; a label, not part of equality.
        motif: motif that it came from; a label, not part of equality.
    """

    name: str
    channels: int
    height: int
    width: int
    stage: int
    layer: int = field(compare=False)
    motif: str = field(compare=False)

    @property
    def role(self) -> str:
        """E1, E2, I1 or I2."""
        return self.name.rpartition(".")[2]

    @property
    def inhibitory(self) -> bool:
        """Whether these are interneurons."""
        return self.role in INTERNEURONS

    @property
    def shape(self) -> tuple[int, int, int]:
        """[C, H, W]."""
        return self.channels, self.height, self.width

    @property
    def neurons(self) -> int:
        """Neurons of the population."""
        return self.channels * self.height * self.width


@dataclass(frozen=True)
class Synapse:
    """One convolution; the spikes of its sources are summed in front of it.

    Attributes:
        sources: populations of one sign and shape, or the single INPUT.
        target: population that receives the current.
        kernel: side of the square kernel.
        stride: ratio of the resolutions, or of those after pooling.
        inhibitory: the sign; an inhibitory synapse has weights <= 0.
        delayed: it carries the spikes of the previous time step.
        gene: position in the flat genome that chose it (None: chosen by the motif); not part of equality.
        padding: pixels of zeros on each side; half the kernel unless it is given.
        pool: side of the windows over which spikes are summed in front of the convolution; 1 is no pooling. Windows do
            not overlap, and those that would reach over the edge are left out.
    """

    sources: tuple[str, ...]
    target: str
    kernel: int
    stride: int
    inhibitory: bool
    delayed: bool
    gene: int | None = field(default=None, compare=False)
    padding: int = HALF_THE_KERNEL
    pool: int = 1

    def __post_init__(self) -> None:
        if self.padding == HALF_THE_KERNEL:
            object.__setattr__(self, "padding", self.kernel // 2)

    @property
    def from_input(self) -> bool:
        """Whether it reads the input of the network (analog under the direct code, spikes under the others)."""
        return self.sources == (INPUT,)


@dataclass(frozen=True)
class Block:
    """Populations that must be computed together: one, or several that form a cycle through time."""

    populations: tuple[str, ...]
    recurrent: bool


@dataclass(frozen=True)
class Plan:
    """A network without weights. Equal plans are the same network; labels do not count.

    The read-out averages the summed spikes of `readout` over the map and the time steps and applies one affine map.
    """

    spec: NetworkSpec
    populations: tuple[Population, ...]
    synapses: tuple[Synapse, ...]
    readout: tuple[str, ...]

    @cached_property
    def by_name(self) -> dict[str, Population]:
        """Population for each name."""
        return {population.name: population for population in self.populations}

    @cached_property
    def incoming(self) -> dict[str, tuple[Synapse, ...]]:
        """Synapses onto each population, in plan order."""
        return {p.name: tuple(s for s in self.synapses if s.target == p.name) for p in self.populations}

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the structure as hex: equal for equal plans."""
        data = {
            "spec": asdict(self.spec) | {"tau": float(self.spec.tau), "v_th": float(self.spec.v_th)},
            "populations": [[p.name, *p.shape, p.stage] for p in self.populations],
            "synapses": [_digested(s) for s in self.synapses],
            "readout": self.readout,
        }
        return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()

    @cached_property
    def schedule(self) -> tuple[Block, ...]:
        """Blocks in an order in which every input is ready; cycles (through delayed synapses) are one block."""
        graph = nx.DiGraph()
        graph.add_nodes_from(p.name for p in self.populations)
        graph.add_edges_from(_edges(self.synapses))
        instant = nx.DiGraph()
        instant.add_nodes_from(graph)
        instant.add_edges_from(_edges([s for s in self.synapses if not s.delayed]))
        try:
            rank = {name: i for i, name in enumerate(nx.lexicographical_topological_sort(instant))}
        except nx.NetworkXUnfeasible:
            raise GenomeError("a cycle of populations has no delayed synapse; it cannot be computed") from None
        groups = nx.condensation(graph)
        blocks = [tuple(sorted(groups.nodes[i]["members"], key=rank.__getitem__)) for i in nx.topological_sort(groups)]
        return tuple(Block(b, len(b) > 1 or graph.has_edge(b[0], b[0])) for b in blocks)

    @cached_property
    def depth(self) -> int:
        """Populations on the longest path from input to read-out within one time step."""
        longest: dict[str, int] = {}
        for name in (n for block in self.schedule for n in block.populations):
            before = [longest[s] for w in self.incoming[name] if not w.delayed for s in w.sources if s != INPUT]
            longest[name] = 1 + max(before, default=0)
        return max(longest[name] for name in self.readout)

    @property
    def neurons(self) -> int:
        """Spiking neurons of the network."""
        return sum(p.neurons for p in self.populations)

    def source_channels(self, synapse: Synapse) -> int:
        """Input channels of a synapse's convolution."""
        return self.source_shape(synapse)[0]

    def source_shape(self, synapse: Synapse) -> tuple[int, int, int]:
        """[C, H, W] of the sources of a synapse."""
        if synapse.from_input:
            return self.spec.input_shape
        return self.by_name[synapse.sources[0]].shape

    def read_shape(self, synapse: Synapse) -> tuple[int, int, int]:
        """[C, H, W] of what a synapse's convolution reads: of the source after pooling."""
        channels, height, width = self.source_shape(synapse)
        return channels, height // synapse.pool, width // synapse.pool

    def is_dense(self, synapse: Synapse) -> bool:
        """Whether a synapse connects everything that it reads with each channel of a single place."""
        _, *side = self.read_shape(synapse)
        _, *target = self.by_name[synapse.target].shape
        return target == [1, 1] and not synapse.padding and side == [synapse.kernel] * 2

    def weights_of(self, synapse: Synapse) -> int:
        """Weights of a synapse's convolution."""
        return self.source_channels(synapse) * self.by_name[synapse.target].channels * synapse.kernel**2

    @cached_property
    def parameters(self) -> int:
        """Trainable numbers: convolution weights, scale and shift per normalised channel, read-out."""
        weights = sum(map(self.weights_of, self.synapses))
        norms = sum(2 * p.channels for p in self.populations if any(not s.inhibitory for s in self.incoming[p.name]))
        readout = (self.by_name[self.readout[0]].channels + 1) * self.spec.classes
        return weights + norms + readout


def _digested(synapse: Synapse) -> list[object]:
    """What the digest depends on; padding and pooling enter only where no genome could have chosen them."""
    s = synapse
    more = [] if s.padding == s.kernel // 2 and s.pool == 1 else [s.padding, s.pool]
    return [s.sources, s.target, s.kernel, s.stride, s.inhibitory, s.delayed, *more]


def _edges(synapses: tuple[Synapse, ...] | list[Synapse]) -> list[tuple[str, str]]:
    return [(source, s.target) for s in synapses for source in s.sources if source != INPUT]
