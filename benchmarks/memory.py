"""Memory and time of forward and backward against SpikingJelly, for the same plain stack of convolutions and neurons.

    make .venv-peers/installed    # an environment with SpikingJelly; any other will do: --python PATH
    python benchmarks/memory.py [--steps 4 16] [--batch 32] [--channels 16] [--repeats 5]

Six 3x3 convolutions with batch norm and LIF neurons at CIFAR shape, of which the third and the fifth halve the map and
double the width, then the mean over the map and a linear read-out. Both sides have the same weights, frames (others in
each time step), neurons and surrogate gradient, run on one thread, and are measured by the same code in processes of
their own:

- peak: physical memory at the highest point of a step over that before it, with an allocator that gives back what is
  freed; the largest of three steps after one that is not counted.
- saved: bytes that autograd keeps from forward to backward.
- time: the smallest of the repeats, in which the sides take turns, in further processes with the usual allocator.

SpikingJelly runs its PyTorch implementation in multi-step mode and float32. Its loss in the first step must be ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
from msenas_stack import plan_of
from networks import CLASSES, SHAPE

from msenas.phenotype.network import Network
from msenas.search.prepare import environment

HERE = Path(__file__).parent
GIVES_BACK = {"MALLOC_MMAP_THRESHOLD_": str(1 << 16), "MALLOC_TRIM_THRESHOLD_": str(1 << 16)}
"""Makes glibc return memory to the system as soon as it is freed."""
SIDES = {"SpikingJelly": "float32", "msenas": "float32", "msenas bfloat16": "bfloat16"}
MIB = 1 << 20
ALIKE = 0.02
"""Losses may differ by this share: sums in another order, and spikes at the very threshold."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--python", type=Path, default=Path(".venv-peers/bin/python"), help="one that has SpikingJelly")
    options = parser.parse_args()
    print(environment()["processor"])
    for steps in options.steps:
        compare(steps, options)


def compare(steps: int, options: argparse.Namespace) -> None:
    """Measure all sides with T = steps, and print a line for each."""
    with tempfile.TemporaryDirectory() as folder:
        tasks = {side: Path(folder) / f"{side}.pt" for side in SIDES}
        for side, path in tasks.items():
            torch.save(task(steps, options, SIDES[side]), path)
        found = {side: _start(side, path, options, GIVES_BACK)[1] for side, path in tasks.items()}
        seconds = timed({side: _start(side, path, options)[0] for side, path in tasks.items()}, options.repeats)
    first = found["SpikingJelly"]
    print(f"T={steps}, batch {options.batch}, {first['parameters']:,} parameters; {first['version']}; ", end="")
    print(found["msenas"]["version"])
    for side, about in found.items():
        assert about["parameters"] == first["parameters"]
        assert SIDES[side] != "float32" or abs(about["loss"] / first["loss"] - 1) < ALIKE, found
        (peak, most), least = (max(x["peaks"]) for x in (about, first)), seconds["SpikingJelly"]
        print(f"  {side:<16} peak {peak / MIB:7.1f} MiB ({peak / most:.2f})", end="")
        print(f"  saved {about['saved'] / MIB:7.1f} MiB ({about['saved'] / first['saved']:.2f})", end="")
        print(f"  time {seconds[side]:6.3f} s ({seconds[side] / least:.2f})  loss {about['loss']:.4f}")


def task(steps: int, options: argparse.Namespace, precision: str) -> dict[str, Any]:
    """What both sides read; see `footprint.Make`."""
    plan = plan_of(steps, options.channels)
    network, draw = Network(plan), torch.Generator().manual_seed(0)
    return {
        "frames": torch.randn(steps, options.batch, *SHAPE, generator=draw),
        "targets": torch.randint(0, CLASSES, (options.batch,), generator=draw),
        "weights": [network.weight(synapse).detach() for synapse in plan.synapses],
        "strides": [synapse.stride for synapse in plan.synapses],
        "readout": network.readout.weight.detach(),
        "tau": plan.spec.tau,
        "v_th": plan.spec.v_th,
        "precision": precision,
    }


def timed(sides: dict[str, subprocess.Popen[str]], repeats: int) -> dict[str, float]:
    """Seconds of a step of each side, the smallest of the repeats."""
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(repeats):
        for name, side in sides.items():
            assert side.stdin is not None
            assert side.stdout is not None
            print(file=side.stdin, flush=True)
            best[name] = min(best[name], float(side.stdout.readline()))
    for side in sides.values():
        side.communicate()
    return best


def _start(
    side: str, path: Path, options: argparse.Namespace, settings: dict[str, str] | None = None
) -> tuple[subprocess.Popen[str], dict[str, Any]]:
    """A process for one side, and what it says about memory; with `settings` of its allocator it is ended."""
    peer = side == "SpikingJelly"
    script = HERE / ("spikingjelly_stack.py" if peer else "msenas_stack.py")
    command = [str(options.python) if peer else sys.executable, str(script), str(path)]
    env = os.environ | (settings or {})
    process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    if settings or not line:
        process.communicate()
    if not line:
        raise SystemExit(f"{' '.join(command)} failed")
    return process, json.loads(line)


if __name__ == "__main__":
    main()
