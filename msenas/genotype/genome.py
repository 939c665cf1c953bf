"""The genome of MSE-NAS: `[(m_1, x_1^1..x_1^b), ..., (m_l, x_l^1..x_l^b), g1, g2]`.

Per layer a motif m (meso scale) and b kernel choices x (micro scale); for the whole network g1, the number of
preceding layers that feed a layer, and g2, the kernel of those cross-layer synapses (macro scale).
A genome has two equal forms: a flat vector of integers, and a readable mapping.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msenas.errors import GenomeError, unknown
from msenas.genotype.motifs import MOTIFS, SLOTS

KERNELS: dict[int, int | None] = {0: None, 1: 3, 2: 5}
"""Micro gene (and g2) to kernel side; None is no synapse."""
KERNEL_NAMES: tuple[str, ...] = ("none", "3x3", "5x5")
G1_RANGE = (1, 2, 3)
G2_RANGE = (1, 2)
BLOCK = 1 + SLOTS
"""Genes of one layer."""
MAX_LAYERS = 64
"""Largest genome that is read from outside."""


@dataclass(frozen=True)
class LayerGenes:
    """One layer: the motif's index and one kernel choice for each of the SLOTS wires."""

    motif: int
    micro: tuple[int, ...]

    def __post_init__(self) -> None:
        _check("motif", self.motif, range(len(MOTIFS)))
        if len(self.micro) != SLOTS:
            raise GenomeError(f"a layer has {SLOTS} micro genes, not {len(self.micro)}")
        for value in self.micro:
            _check("micro gene", value, KERNELS)


@dataclass(frozen=True)
class Genome:
    """A genotype. Equal genomes are equal gene by gene; equal networks are compared by their Plan."""

    layers: tuple[LayerGenes, ...]
    g1: int = 1
    g2: int = 1

    def __post_init__(self) -> None:
        if not 1 <= len(self.layers) <= MAX_LAYERS:
            raise GenomeError(f"a genome has 1 to {MAX_LAYERS} layers, not {len(self.layers)}")
        _check("g1", self.g1, G1_RANGE)
        _check("g2", self.g2, G2_RANGE)

    def flat(self) -> tuple[int, ...]:
        """The genome as len(layers) * BLOCK + 2 integers."""
        genes: list[int] = []
        for layer in self.layers:
            genes += [layer.motif, *layer.micro]
        return (*genes, self.g1, self.g2)

    @classmethod
    def from_flat(cls, genes: Sequence[int]) -> Genome:
        """Read the flat form.

        Raises:
            GenomeError: The length is not layers * BLOCK + 2, or a gene is out of bounds.
        """
        count, rest = divmod(len(genes) - 2, BLOCK)
        if count < 1 or rest:
            raise GenomeError(
                f"a flat genome has layers * {BLOCK} + 2 integers (such as {BLOCK + 2}), not {len(genes)}"
            )
        values = [_integer(value) for value in genes]
        layers = tuple(LayerGenes(values[i], tuple(values[i + 1 : i + BLOCK])) for i in range(0, count * BLOCK, BLOCK))
        return cls(layers, values[-2], values[-1])

    def readable(self) -> dict[str, object]:
        """The genome as names: motifs, kernels per wire, and the cross-layer pattern.

        Micro genes beyond the motif's wires name nothing and are left out, so the readable form holds a genome up to
        genes that cannot matter.
        """
        layers = [
            {
                "motif": MOTIFS[layer.motif].name,
                "synapses": {
                    str(wire): KERNEL_NAMES[gene]
                    for wire, gene in zip(MOTIFS[layer.motif].wires, layer.micro, strict=False)
                },
            }
            for layer in self.layers
        ]
        return {"layers": layers, "cross": {"layers": self.g1, "kernel": KERNEL_NAMES[self.g2]}}

    @classmethod
    def from_readable(cls, data: Mapping[str, object]) -> Genome:
        """Read the readable form; wires that are not named have no synapse.

        Raises:
            GenomeError: A motif, wire, kernel or key is unknown, or a part is missing.
        """
        _keys(data, {"layers", "cross"}, "genome")
        layers, cross = data.get("layers"), data.get("cross", {})
        if not isinstance(layers, Sequence) or isinstance(layers, str) or not isinstance(cross, Mapping):
            raise GenomeError("a readable genome has a list `layers` and a table `cross`")
        _keys(cross, {"layers", "kernel"}, "genome.cross")
        g2 = _index("kernel", cross.get("kernel", KERNEL_NAMES[1]), KERNEL_NAMES)
        return cls(tuple(_layer(layer) for layer in layers), _integer(cross.get("layers", 1)), g2)


def _layer(data: object) -> LayerGenes:
    if not isinstance(data, Mapping):
        raise GenomeError("each layer of a readable genome is a table with `motif` and `synapses`")
    _keys(data, {"motif", "synapses"}, "genome.layers")
    motif = _index("motif", data.get("motif"), [m.name for m in MOTIFS])
    synapses = data.get("synapses", {})
    if not isinstance(synapses, Mapping):
        raise GenomeError("genome.layers: `synapses` is a table from wire to kernel")
    wires = [str(wire) for wire in MOTIFS[motif].wires]
    micro = [0] * SLOTS
    for wire, kernel in synapses.items():
        micro[_index(f"synapse of {MOTIFS[motif].name}", wire, wires)] = _index("kernel", kernel, KERNEL_NAMES)
    return LayerGenes(motif, tuple(micro))


def _index(kind: str, name: object, names: Sequence[str]) -> int:
    if name not in names:
        raise GenomeError(unknown(kind, str(name), names))
    return list(names).index(str(name))


def _keys(data: Mapping[str, object], known: set[str], where: str) -> None:
    for key in data:
        if key not in known:
            raise GenomeError(unknown(f"key of {where}", str(key), known))


def _integer(value: object) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise GenomeError(f"a gene is an integer, not {value!r}")
    return int(value.__index__())


def _check(what: str, value: int, allowed: Sequence[int] | Mapping[int, object] | range) -> None:
    if value not in allowed:
        raise GenomeError(f"{what} {value} is out of bounds; allowed: {', '.join(map(str, allowed))}")
