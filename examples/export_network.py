"""Exports a network from a program: NIR and ONNX files that were read back, run, and compared with the network.

python examples/export_network.py runs/NAME/trained-0 --out exported
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

import export
from msenas.evaluation.deployed import deploy


def main() -> None:
    """Export the network of a best.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", type=Path, help="best.json or its folder")
    parser.add_argument("--out", type=Path, default=Path(), help="folder for the files")
    parser.add_argument("--samples", type=int, default=64, help="of the test split, to compare on")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)

    deployed = deploy(chosen.network, {})
    places = deployed.choose("test", chosen.samples)
    frames = torch.cat(list(deployed.batches("test", places)), dim=1)  # [T or 1, N, C, H, W]
    labels = deployed.split("test").labels[places]  # [N]
    about = {"dataset": deployed.dataset.provenance, "classes": list(deployed.dataset.classes)}

    network = deployed.network
    written = [
        export.to_nir(network, chosen.out / "model.nir", frames, labels, golden=True, about=about),
        export.to_nir(network, chosen.out / "model-8bit.nir", frames, labels, bits=8, about=about),
        export.to_onnx(network, chosen.out / "model.onnx", frames, labels, about=about),
    ]
    for done in written:
        print(f"{done.path}: {done.size:,} bytes, accuracy {done.verification.accuracy:.2%} of {done.accuracy:.2%}")

    # Any time later, by whoever has the network and the file:
    for comparison in export.verify(network, chosen.out / "model.nir", frames, labels).comparisons:
        print(f"{comparison.simulator}: {comparison.equal:.4%} equal spikes, {comparison.same_answers:.2%} answers")


if __name__ == "__main__":
    main()
