"""Trained networks of all motifs, exported; and what they do themselves, which is what peers are compared with."""

from __future__ import annotations

from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from io import StringIO
from pathlib import Path

import numpy as np
import torch

from export.lower import lower
from export.nir_write import write_nir
from msenas.evaluation.deployed import deploy
from msenas.genotype.genome import Genome
from msenas.genotype.motifs import MOTIFS
from msenas.phenotype.decode import decode
from msenas.phenotype.network import Network
from msenas.phenotype.spec import NetworkSpec
from msenas.runs.best import SCHEMA, Best, forms, write_best
from msenas.training.opening import TrainRequest
from msenas.training.session import train
from tests.peers.peers import Result

NAMES = tuple(motif.name for motif in MOTIFS)
CHAIN = "chain"
"""Stands for layers of one population each."""
TRAINED_STEPS = 4


@dataclass(frozen=True)
class Case:
    """A network of three layers with a motif in the middle.

    Attributes:
        motif: name of the motif, or CHAIN.
        kernel: of all its synapses, "3x3" or "5x5".
        cross: whether the last layer also reads the first two by cross-layer synapses.
        neuron, encoding: see `NetworkSpec`.
        tau: membrane time constant in steps.
    """

    motif: str
    kernel: str = "3x3"
    cross: bool = False
    neuron: str = "lif"
    encoding: str = "direct"
    tau: float = 2.0

    @property
    def title(self) -> str:
        """The case in a few words."""
        extra = ["IF"] if self.neuron == "if" else [f"tau {self.tau:g}"] if self.tau != 2.0 else []
        parts = [self.motif, self.kernel, "cross-layer" if self.cross else "plain", self.encoding, *extra]
        return " ".join(parts)

    @cached_property
    def genome(self) -> Genome:
        """FE, the motif, FE, every synapse present."""
        wires = {m.name: {str(w): self.kernel for w in m.wires} for m in MOTIFS} | {CHAIN: {}}
        layers = [{"motif": name, "synapses": wires[name]} for name in ("FE", self.motif, "FE")]
        if self.motif == CHAIN:
            layers = [{"motif": "FE", "synapses": {"in->E1": self.kernel}}] * 3
        cross = {"layers": 3 if self.cross else 1, "kernel": self.kernel}
        return Genome.from_readable({"layers": layers, "cross": cross})

    def spec(self, steps: int, channels: int) -> NetworkSpec:
        """8 x 8 pixels, 10 classes, the resolution halved once."""
        more = {"neuron": self.neuron, "encoding": self.encoding, "tau": self.tau, "reductions": (1,)}
        return NetworkSpec((1, 8, 8), 10, 3, steps=steps, channels=channels, **more)


@dataclass(frozen=True)
class Run:
    """A network, what it was shown, and what it did.

    Attributes:
        network: in inference mode, its neurons those of Norse, step by step.
        frames: [T, B, C, H, W].
        scores: of each step [T, B, classes].
        spikes: of each population [T, B, C, H, W].
    """

    network: Network
    frames: np.ndarray
    scores: np.ndarray
    spikes: dict[str, np.ndarray]

    def export(self, path: Path, convention: str) -> Path:
        """Write the network as NIR."""
        tensors = {name: value.numpy() for name, value in self.network.state_dict().items()}
        write_nir(path, lower(self.network.plan, tensors), convention)
        return path

    def node_of(self, graph_nodes: list[str], population: str) -> str:
        """The node of a population: its name behind the number that puts it in order."""
        (found,) = [n for n in graph_nodes if n.partition("_")[2] == population.replace(".", "_")]
        return found

    def agreement(self, result: Result) -> Agreement:
        """How far a peer did the same."""
        assert result.output is not None, result.error
        wrong = total = 0
        for name, own in self.spikes.items():
            theirs = result.spikes[self.node_of(list(result.spikes), name)].reshape(own.shape)
            wrong += int((theirs != own).sum())
            total += own.size
        output = result.output
        if output.size != self.scores.size:
            return Agreement(total, wrong, 0.0, float("inf"))
        output = output.reshape(self.scores.shape)
        decided = (output.mean(0).argmax(1), self.scores.mean(0).argmax(1))
        apart = float(np.abs(output - self.scores).max())
        return Agreement(total, wrong, float((decided[0] == decided[1]).mean()), apart)


@dataclass(frozen=True)
class Agreement:
    """Spikes that could differ and those that do, share of equal predictions, largest difference of a score.

    Where the output has another shape, no prediction is equal and the difference is infinite.
    """

    total: int
    wrong: int
    predictions: float
    apart: float

    @property
    def equal(self) -> float:
        """Share of equal spikes."""
        return 1.0 - self.wrong / self.total


class Silent:
    """A watcher of trainings that says nothing."""

    def begin(self, epochs: int, done: int, steps: int) -> None: ...
    def step(self, loss: float) -> None: ...
    def epoch(self, row: object, images_per_second: float) -> None: ...


def trained(case: Case, folder: Path, channels: int = 8) -> Path:
    """Train a network for one epoch on the digits that come with scikit-learn; its folder."""
    folder.mkdir(parents=True)
    spec = case.spec(TRAINED_STEPS, channels)
    about = {"dataset": {"name": "digits"}, "seed": 0}
    best = Best(schema=SCHEMA, genome=forms(case.genome), network=spec, weight_seed=1, provenance=about)
    write_best(folder / "best.json", best)
    options = {"epochs": 1, "device": "cpu", "augment": ("none",)}
    with redirect_stdout(StringIO()):
        return train(
            TrainRequest(folder / "best.json", options, folder / "trained"), Silent(), lambda text: None
        ).folder


@torch.no_grad()
def run(case: Case, folder: Path, steps: int, samples: int) -> Run:
    """Run a trained network for any time on samples of the test split."""
    deployed = deploy(folder, {})
    spec = replace(deployed.network.plan.spec, steps=steps)
    deployed = deployed.with_network(Network(decode(case.genome, spec), lif="norse"))
    network = deployed.network
    (frames,) = deployed.batches("test", deployed.choose("test", samples))
    frames = frames.expand(steps, *frames.shape[1:])
    spikes: dict[str, np.ndarray] = {}

    def keep(name: str, fired: torch.Tensor) -> None:
        spikes[name] = fired.to(torch.uint8).contiguous().numpy().copy()

    scores = network.scores(frames, keep)
    return Run(network, frames.contiguous().numpy(), scores.numpy(), spikes)
