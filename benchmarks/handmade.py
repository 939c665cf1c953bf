"""A plain network to compare a searched one with: a stack of 3x3 convolutions and neurons, equally deep and large.

    python benchmarks/handmade.py runs/NAME --out runs/NAME/handmade

writes DIR/best.json for the data of the searched network, ready for `msenas train DIR` with the same options. It has as
many populations as the longest path of the searched network, halves the resolution where default layers do, and the
width that brings its parameters closest to the searched network's.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import msgspec

from msenas.genotype.genome import BLOCK, Genome
from msenas.genotype.motifs import MOTIFS
from msenas.phenotype.decode import decode
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import INTERNEURON_SHARE, default_reductions
from msenas.runs.best import Best, forms, read_best, write_best

LAYER = next(i for i, motif in enumerate(MOTIFS) if motif.wires and str(motif.wires[0]) == "in->E1")
"""A motif of which only the first synapse is used."""
WIDEST = 1024


def stack(depth: int) -> Genome:
    """One population after the other, through 3x3 convolutions."""
    return Genome.from_flat([LAYER, 1, *[0] * (BLOCK - 2)] * depth + [1, 1])


def plain_stack(best: Best) -> tuple[Best, Plan]:
    """The hand-made counterpart of a searched network."""
    searched = best.plan
    depth, side = searched.depth, min(best.network.input_shape[1:])
    genome = stack(depth)
    spec = replace(best.network, layers=depth, reductions=default_reductions(depth, side))
    widths = range(INTERNEURON_SHARE, WIDEST, INTERNEURON_SHARE)
    plans = (decode(genome, replace(spec, channels=channels)) for channels in widths)
    plan = min(plans, key=lambda plan: abs(plan.parameters - searched.parameters))
    about = {name: value for name, value in best.provenance.items() if name != "training"}
    plain = {"genome": forms(genome), "network": plan.spec, "scores": {}, "provenance": about, "weights": None}
    return msgspec.structs.replace(best, **plain), plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    searched = read_best(options.file)
    best, plan = plain_stack(searched)
    options.out.mkdir(parents=True)
    write_best(options.out / "best.json", best)
    for name, found in (("searched", searched.plan), ("hand-made", plan)):
        width = found.spec.channels
        print(f"{name}: {found.parameters:,} parameters, {found.neurons:,} neurons, depth {found.depth}, width {width}")


if __name__ == "__main__":
    main()
