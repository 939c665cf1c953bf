"""Genomes, the circuit motifs they name, and the space they are drawn from. Nothing here knows a network."""

from msenas.genotype.genome import Genome, LayerGenes
from msenas.genotype.motifs import MOTIFS, SLOTS, Motif, Wire
from msenas.genotype.space import Space

__all__ = ["MOTIFS", "SLOTS", "Genome", "LayerGenes", "Motif", "Space", "Wire"]
