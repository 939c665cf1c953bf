"""One evaluation against the plain Norse way, and the share of an evaluation that is not the forward pass.

    python benchmarks/evaluation.py [--genomes 12] [--batch 32] [--steps 4 16] [--repeats 5]

Two processes with one thread each take turns: a worker of the search, and a plain one. An evaluation is everything the
search does with a network: building it, the forward pass of the probe batch with batch statistics, the sweep over its
spikes, the fitness, counts and energy. The plain way is the bare forward pass of the same network, without gradients.
Times are the smallest of the repeats; ratios are taken per network, then their median and range over the networks.
The overhead, as a share of the forward pass, is what an evaluation takes beyond building a network and running it:
sweep, fitness, counts and energy. The spikes are compared with running statistics, rounded like all weights and inputs
to a power-of-two grid on which float32 arithmetic is exact in any order.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

import numpy as np
import torch
from networks import SHAPE, random_plans, spread
from plain_norse import PlainNorse
from timing import seconds

from msenas.fitness.evaluate import Evaluator
from msenas.fitness.probe import Probe
from msenas.hardware.profile import load_profile
from msenas.phenotype.encoding import Standard
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan
from msenas.runs.pool import tune_process
from msenas.search.prepare import environment

GRID = 256
"""Pixels are multiples of 1 / GRID, so that the sums of the first layer are exact in any order too."""


def main() -> None:
    """Print one row per T."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--genomes", type=int, default=12)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--channels", type=int, default=16)
    options = parser.parse_args()
    about = environment()
    print(about["processor"], about["versions"])
    sides = {side: _start(side) for side in ("msenas", "plain")}
    for steps in options.steps:
        row = [compare(plan, options, sides) for plan in random_plans(options.genomes, steps, options.channels)]
        speed, overhead, same = zip(*row, strict=True)
        print(f"T={steps}, {len(row)} networks, probe batch {options.batch}")
        print(f"  plain Norse / evaluation: {spread(speed, '.2f')}")
        print(f"  overhead over the forward pass: {spread(overhead, '.1%')}")
        print(f"  equal spikes, population by population: at least {min(same):.6%}")
    for side in sides.values():
        side.send(None)


def compare(plan: Plan, options: argparse.Namespace, sides: dict[str, Connection]) -> tuple[float, float, float]:
    """Time ratio plain/evaluation, overhead of the evaluation, and the smallest share of equal spikes."""
    rng = np.random.default_rng(1)
    clean = np.round(rng.random((options.batch, *SHAPE), np.float32) * GRID) / GRID
    noisy = clean + np.round(0.05 * 0.25 * GRID * rng.standard_normal(clean.shape, np.float32)) / GRID
    probe = Probe(clean, noisy, Standard((0.5,) * 3, (0.25,) * 3), 0)
    network = Network(plan).train()
    with torch.no_grad():
        frames = probe.frames(plan.spec, torch.device("cpu"))
        for norm in network.norms.values():
            norm.momentum = 1.0
        network(frames)
        make_exact(network)
        same = agreement(network.eval(), PlainNorse(network), frames)
    best: dict[str, list[float]] = {}
    for side in sides.values():
        side.send((plan, probe))
    for _ in range(options.repeats):
        for name, side in sides.items():
            side.send("go")
            best[name] = list(map(min, zip(best.get(name, [np.inf] * 3), side.recv(), strict=False)))
    for side in sides.values():
        side.send("done")
    evaluation, forward, unscored = best["msenas"]
    return best["plain"][0] / evaluation, (evaluation - unscored) / forward, same


def make_exact(network: Network) -> None:
    """Put the normalisation on a power-of-two grid, so that no result depends on the order of operations."""
    for norm in network.norms.values():
        norm.weight.copy_(2.0 ** (norm.weight / torch.sqrt(norm.running_var + norm.eps)).log2().round())
        norm.running_mean.copy_((norm.running_mean * GRID).round() / GRID)
        norm.running_var.fill_(1.0)
        norm.eps = 0.0


def agreement(network: Network, plain: PlainNorse, frames: torch.Tensor) -> float:
    """Share of equal spikes in the population where it is smallest."""
    ours: dict[str, torch.Tensor] = {}
    network(frames, lambda name, spikes: ours.update({name: spikes}))
    theirs = plain(frames.expand(network.plan.spec.steps, *frames.shape[1:]))
    return min(float((ours[name] == theirs[name]).double().mean()) for name in theirs)


def _start(side: str) -> Connection:
    """A process that times its side of each network whenever it is told to."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    context.Process(target=_serve, args=(side, there), daemon=True).start()
    return here


def _serve(side: str, pipe: Connection) -> None:
    if side == "msenas":
        tune_process()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    while (task := pipe.recv()) is not None:
        actions = (_msenas if side == "msenas" else _plain)(*task)
        for action in actions:
            action()
        while pipe.recv() == "go":
            pipe.send([seconds(action) for action in actions])


def _msenas(plan: Plan, probe: Probe) -> list[Callable[[], object]]:
    evaluator = Evaluator(probe, "rdm-contrast", load_profile("generic-45nm"))
    network, frames = Network(plan).train(), probe.frames(plan.spec, torch.device("cpu"))
    return [lambda: evaluator(plan), lambda: network(frames), lambda: Network(plan).train()(frames)]


def _plain(plan: Plan, probe: Probe) -> list[Callable[[], object]]:
    plain = PlainNorse(Network(plan))
    frames = probe.frames(plan.spec, torch.device("cpu")).expand(plan.spec.steps, -1, -1, -1, -1).contiguous()
    return [lambda: plain(frames)]


if __name__ == "__main__":
    main()
