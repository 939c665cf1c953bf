"""Evaluations on a GPU against the CPU: the share of equal spikes, and seconds per evaluation.

    python benchmarks/device.py [--device cuda] [--genomes 12] [--batch 32] [--steps 4 16]

Networks and probe are those of `evaluation.py`. Both sides run in this process; times are the smallest of the repeats.
"""

from __future__ import annotations

import argparse
import statistics

import numpy as np
import torch
from evaluation import GRID, make_exact
from networks import SHAPE, random_plans
from timing import smallest_seconds

from msenas.fitness.evaluate import Evaluator
from msenas.fitness.probe import Probe
from msenas.hardware.profile import load_profile
from msenas.phenotype.encoding import Standard
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan
from msenas.search.prepare import environment


def main() -> None:
    """Print one row per T."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--genomes", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 16])
    options = parser.parse_args()
    about = environment()
    print(about["gpu"], about["processor"], about["versions"])
    torch.set_grad_enabled(False)
    clean = np.round(np.random.default_rng(1).random((options.batch, *SHAPE), np.float32) * GRID) / GRID
    probe = Probe(clean, np.roll(clean, 1, axis=3), Standard((0.5,) * 3, (0.25,) * 3), 0)
    for steps in options.steps:
        found = random_plans(options.genomes, steps, options.channels)
        print(f"T={steps}, {len(found)} networks, probe batch {options.batch}")
        same = min(equal(plan, probe, options.device) for plan in found)
        print(f"  equal spikes, population by population: at least {same:.6%}")
        for device, precision in (("cpu", "float32"), (options.device, "float32"), (options.device, "bfloat16")):
            evaluator = Evaluator(probe, "rdm-contrast", load_profile("generic-45nm"), 0, device, precision)
            seconds = [smallest_seconds([lambda e=evaluator, p=plan: e(p)], 4)[0] for plan in found]
            print(f"  {device} {precision}: median {statistics.median(seconds) * 1e3:.1f} ms per evaluation")


def equal(plan: Plan, probe: Probe, device: str) -> float:
    """Share of equal spikes on the device and on the CPU, in the population where it is smallest."""
    network = Network(plan).train()
    frames = probe.frames(plan.spec, torch.device("cpu"))
    for norm in network.norms.values():
        norm.momentum = 1.0
    network(frames)
    make_exact(network)
    network.eval()
    here: dict[str, torch.Tensor] = {}
    there: dict[str, torch.Tensor] = {}
    network(frames, lambda name, spikes: here.update({name: spikes.float()}))
    network.to(device)(frames.to(device), lambda name, spikes: there.update({name: spikes.float().cpu()}))
    return min(float((here[name] == there[name]).double().mean()) for name in here)


if __name__ == "__main__":
    main()
