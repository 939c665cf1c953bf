"""Images per second of the exported ONNX model against those of the network that it was exported from.

    python benchmarks/onnx_throughput.py [--genomes 12] [--batch 16 64] [--steps 4 16] [--repeats 5] [--threads 1]

The networks are those of `evaluation.py`, with the numbers of trained ones: weights on no grid, normalisation with the
statistics of a batch. Both sides get the same analog images, all at once, and take turns in one process: the model of
the whole sequence in onnxruntime on the CPU, and the network in inference with its compiled neurons. Times are the
smallest of the repeats; ratios are taken per network, then their median and range over the networks.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from networks import SHAPE, random_plans, spread
from timing import smallest_seconds

from export.lower import lower
from export.onnx_model import write_onnx
from msenas.phenotype.network import Network
from msenas.phenotype.plan import Plan
from msenas.search.prepare import environment


def main() -> None:
    """Print one row per T and batch."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--genomes", type=int, default=12)
    parser.add_argument("--batch", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--steps", type=int, nargs="+", default=[4, 16])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    print(environment()["processor"], environment()["versions"], f"onnxruntime {onnxruntime.__version__}")
    for steps in options.steps:
        plans = random_plans(options.genomes, steps, options.channels)
        for batch in options.batch:
            images, ratio, same = zip(*(compare(plan, batch, options) for plan in plans), strict=True)
            print(f"T={steps}, {len(plans)} networks, {batch} images at once, threads: {options.threads}")
            print(f"  onnxruntime, images per second: {spread(images, '.0f')}")
            print(f"  onnxruntime / network, images per second: {spread(ratio, '.2f')}")
            print(f"  equal predictions: at least {min(same):.2%}")


def compare(plan: Plan, batch: int, options: argparse.Namespace) -> tuple[float, float, float]:
    """Images per second in onnxruntime, their ratio to those of the network, and the share of equal predictions."""
    images = np.random.default_rng(1).normal(size=(1, batch, *SHAPE)).astype(np.float32)
    network, frames = like_trained(plan, torch.from_numpy(images)), torch.from_numpy(images)
    session = exported(network, options.threads)
    sides: list[Callable[[], np.ndarray]] = [
        lambda: session.run(["scores"], {"frames": images})[0],
        lambda: network(frames).numpy(),
    ]
    theirs, ours = (side() for side in sides)
    best_theirs, best_ours = smallest_seconds(sides, options.repeats)
    same = float((theirs.argmax(1) == ours.argmax(1)).mean())
    return batch / best_theirs, best_ours / best_theirs, same


def like_trained(plan: Plan, frames: torch.Tensor) -> Network:
    """A network in inference whose weights lie on no grid and whose normalisation knows the frames."""
    network, rng = Network(plan).train(), np.random.default_rng(2)
    for weight in network.weights:
        weight.mul_(torch.from_numpy(rng.uniform(0.7, 1.3, weight.shape)))
    for norm in network.norms.values():
        norm.momentum = 1.0
    network(frames)
    return network.eval()


def exported(network: Network, threads: int) -> onnxruntime.InferenceSession:
    """The model of the whole sequence, written to a file and loaded."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    tensors = {name: value.numpy() for name, value in network.state_dict().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        write_onnx(path, lower(network.plan, tensors))
        return onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])


if __name__ == "__main__":
    main()
