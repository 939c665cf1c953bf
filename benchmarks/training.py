"""A step of a training against the plain Norse way: forward, backward and update of the same network.

    python benchmarks/training.py [--genomes 8] [--batch 64] [--steps 4] [--repeats 5] [--precision float32]

Two processes with one thread each take turns. The plain way lifts convolutions and normalisations over time, runs eager
LIFBox cells with the same surrogate gradient and lets autograd record all of it, in float32. Both average the scores
over time, take the cross-entropy and step AdamW. Times are the smallest of the repeats after two steps that are not
counted; ratios are taken per network, then their median and range over the networks.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

import torch
import torch.nn.functional as F
from networks import CLASSES, SHAPE, random_plans, spread
from plain_norse import PlainNorse
from torch import Tensor, nn

from msenas.phenotype.memory import keep_freed_memory
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan
from msenas.search.prepare import environment

SURROGATE = "triangle"


def main() -> None:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--genomes", type=int, default=8)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    options = parser.parse_args()
    about = environment()
    print(about["processor"], about["versions"])
    sides = {side: _start(side, options) for side in ("msenas", "plain")}
    rows = [compare(plan, options, sides) for plan in random_plans(options.genomes, options.steps)]
    ratios, images = zip(*rows, strict=True)
    print(f"T={options.steps}, {len(rows)} networks, batch {options.batch}, {options.precision}")
    print(f"  plain Norse / msenas: {spread(ratios, '.2f')}")
    print(f"  images per second of msenas: {spread(images, '.0f')}")
    for side in sides.values():
        side.send(None)


def compare(plan: Plan, options: argparse.Namespace, sides: dict[str, Connection]) -> tuple[float, float]:
    """Time ratio plain/msenas, and images per second of msenas."""
    best = dict.fromkeys(sides, float("inf"))
    for side in sides.values():
        side.send(plan)
        side.recv()
    for _ in range(options.repeats):
        for name, side in sides.items():
            side.send("go")
            best[name] = min(best[name], side.recv())
    for side in sides.values():
        side.send("done")
    return best["plain"] / best["msenas"], options.batch / best["msenas"]


def ours(plan: Plan, images: Tensor, options: argparse.Namespace) -> tuple[nn.Module, Callable[[], Tensor]]:
    """The network, and its scores in training."""
    network = Network(plan, surrogate=SURROGATE).train()
    frames = images[None].to(getattr(torch, options.precision))
    return network, lambda: network.scores(frames).mean(0)


def plain(plan: Plan, images: Tensor, options: argparse.Namespace) -> tuple[nn.Module, Callable[[], Tensor]]:
    """The same of a network in plain Norse."""
    network = PlainNorse(Network(plan), SURROGATE)
    network.readout = nn.Linear(plan.by_name[plan.readout[0]].channels, CLASSES)
    frames = images.expand(plan.spec.steps, *images.shape)

    def scores() -> Tensor:
        spikes = network(frames)
        return network.readout(sum(spikes[name] for name in plan.readout).mean((3, 4))).mean(0)

    return network, scores


SIDES = {"msenas": ours, "plain": plain}


def _start(side: str, options: argparse.Namespace) -> Connection:
    """A process that trains its side of each network for a step whenever it is told to."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    context.Process(target=_serve, args=(side, options, there), daemon=True).start()
    return here


def _serve(side: str, options: argparse.Namespace, pipe: Connection) -> None:
    if side == "msenas":
        keep_freed_memory()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(options.batch, *SHAPE, generator=generator)
    targets = torch.randint(0, CLASSES, (options.batch,), generator=generator)
    while (plan := pipe.recv()) is not None:
        network, scores = SIDES[side](plan, images, options)
        optimizer = torch.optim.AdamW(network.parameters(), 1e-3)
        for _ in range(2):
            _step(optimizer, scores, targets)
        pipe.send("ready")
        while pipe.recv() == "go":
            start = time.perf_counter()
            _step(optimizer, scores, targets)
            pipe.send(time.perf_counter() - start)


def _step(optimizer: torch.optim.Optimizer, scores: Callable[[], Tensor], targets: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(F.cross_entropy(scores(), targets))
    optimizer.step()


if __name__ == "__main__":
    main()
