"""The search space: which values each gene of the flat genome may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from msenas.errors import GenomeError
from msenas.genotype.genome import BLOCK, G1_RANGE, G2_RANGE, KERNELS, MAX_LAYERS, Genome, LayerGenes
from msenas.genotype.motifs import MOTIFS, SLOTS

DRAWS = 10_000
"""Random layers that are tried before a place counts as one that admits none."""


def anything(place: int, genes: LayerGenes) -> bool:
    """Admit every layer."""
    return True


@dataclass(frozen=True)
class Space:
    """Choices per kind of gene. A narrower space (a chip without 5x5 kernels, say) is a Space with fewer choices.

    Attributes:
        layers: number of layers of a genome.
        motif, micro, g1, g2: values that each kind of gene may take.
        admits: whether the genes of a layer may stand together at a place (from 0).
    """

    layers: int = 6
    motif: tuple[int, ...] = tuple(range(len(MOTIFS)))
    micro: tuple[int, ...] = tuple(KERNELS)
    g1: tuple[int, ...] = G1_RANGE
    g2: tuple[int, ...] = G2_RANGE
    admits: Callable[[int, LayerGenes], bool] = field(default=anything, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= self.layers <= MAX_LAYERS:
            raise GenomeError(f"layers must be 1 to {MAX_LAYERS}, not {self.layers}")
        full = {"motif": range(len(MOTIFS)), "micro": KERNELS, "g1": G1_RANGE, "g2": G2_RANGE}
        for name, allowed in full.items():
            choices: tuple[int, ...] = getattr(self, name)
            if not choices or not set(choices) <= set(allowed):
                raise GenomeError(f"choices of {name} are {choices}; allowed: some of {tuple(allowed)}")

    @property
    def size(self) -> int:
        """Genes of a flat genome of this space."""
        return self.layers * BLOCK + 2

    def choices(self, position: int) -> tuple[int, ...]:
        """The values that the gene at a position of the flat genome may take."""
        if position >= self.layers * BLOCK:
            return self.g1 if position == self.layers * BLOCK else self.g2
        return self.motif if position % BLOCK == 0 else self.micro

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Smallest and largest value of each gene, int64 [size]."""
        choices = [self.choices(i) for i in range(self.size)]
        return np.array([min(c) for c in choices]), np.array([max(c) for c in choices])

    def sample(self, rng: np.random.Generator) -> Genome:
        """Draw every gene uniformly from its choices; the layers are drawn again until they are admitted.

        Raises:
            GenomeError: No layer was found that is admitted at some place.
        """
        layers = tuple(self._layer(place, rng) for place in range(self.layers))
        return Genome(layers, int(rng.choice(self.g1)), int(rng.choice(self.g2)))

    def _layer(self, place: int, rng: np.random.Generator) -> LayerGenes:
        for _ in range(DRAWS):
            motif = int(rng.choice(self.motif))
            genes = LayerGenes(motif, tuple(int(rng.choice(self.micro)) for _ in range(SLOTS)))
            if self.admits(place, genes):
                return genes
        raise GenomeError(f"layer {place + 1}: none of {DRAWS} random layers is admitted")

    def contains(self, genome: Genome) -> bool:
        """Whether every gene is among its choices (micro genes may be 0; those of no wire, anything) and admitted."""
        if len(genome.layers) != self.layers:
            return False
        for place, layer in enumerate(genome.layers):
            used = len(MOTIFS[layer.motif].wires)
            if layer.motif not in self.motif or not set(layer.micro[:used]) <= {0, *self.micro}:
                return False
            if not self.admits(place, layer):
                return False
        return genome.g1 in self.g1 and genome.g2 in self.g2

    def used_positions(self, genome: Genome) -> list[int]:
        """Positions of genes that the decoding reads at all: motifs, the wires they have, g1 and g2."""
        positions: list[int] = []
        for index, layer in enumerate(genome.layers):
            start = index * BLOCK
            positions += [start, *range(start + 1, start + 1 + min(SLOTS, len(MOTIFS[layer.motif].wires)))]
        return [*positions, self.layers * BLOCK, self.layers * BLOCK + 1]
