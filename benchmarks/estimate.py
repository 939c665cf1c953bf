"""What counting adds to a forward pass, and how long pricing takes.

    python benchmarks/estimate.py [--genomes 8] [--samples 256] [--repeats 7]

Networks of the default width at CIFAR-10 shape, T = 4, with weights that lie on no 8-bit grid, like trained ones. The
bare forward pass and the census take turns in one process with one thread; the ratio is that of their smallest times,
then the median and range over the networks. Pricing is the report on all shipped profiles from a finished census.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from networks import SHAPE, random_plans, spread
from timing import smallest_seconds

from msenas.hardware.census import take_census
from msenas.hardware.profile import load_profile, profile_names
from msenas.hardware.report import kinds_of_cores, report
from msenas.phenotype.calibrate import calibrate
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan
from msenas.runs.pool import tune_process
from msenas.search.prepare import environment

BATCH = 64


def main() -> None:
    """Print the overhead of counting and the time of pricing."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--genomes", type=int, default=8)
    parser.add_argument("--samples", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    about = environment()
    print(about["processor"], about["versions"])
    tune_process()
    rows = [_row(plan, options) for plan in random_plans(options.genomes)]
    counting, everything, pricing = zip(*rows, strict=True)
    print(f"{len(rows)} networks, {options.samples} samples, {len(profile_names())} profiles")
    print(f"  counting over the forward pass: {spread(counting, '.1%')}")
    print(f"  with messages and hops for every kind of cores: {spread(everything, '.1%')}")
    print(f"  pricing on all profiles: {spread(pricing, '.1f')} ms")


def _row(plan: Plan, options: argparse.Namespace) -> tuple[float, float, float]:
    rng = np.random.default_rng(0)
    images = rng.standard_normal((options.samples, *SHAPE)).astype(np.float32)
    batches = [torch.from_numpy(images[i : i + BATCH])[None] for i in range(0, len(images), BATCH)]
    network = Network(plan)
    with torch.no_grad():
        for weight in network.weights:
            weight.mul_(1.001)
    calibrate(network, batches[:2])
    profiles = [load_profile(name) for name in profile_names()]
    cores = kinds_of_cores(profiles)
    census = take_census(network, batches, cores)

    @torch.no_grad()
    def forward() -> None:
        for frames in batches:
            network(frames)

    actions = [
        forward,
        lambda: take_census(network, batches),
        lambda: take_census(network, batches, cores),
        lambda: report(plan, census, profiles),
    ]
    bare, counted, everything, priced = smallest_seconds(actions, options.repeats)
    return counted / bare - 1, everything / bare - 1, 1e3 * priced


if __name__ == "__main__":
    main()
