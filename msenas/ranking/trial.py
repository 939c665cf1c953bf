"""One training of one network, as a job for a worker process."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import torch

from msenas.errors import InputError
from msenas.genotype.genome import Genome
from msenas.hardware.census import take_census
from msenas.hardware.energy import estimate
from msenas.learning.feed import evaluation_batches
from msenas.learning.loop import without_denormals
from msenas.phenotype.decode import decode
from msenas.phenotype.network import Network
from msenas.ranking.config import RankConfig
from msenas.ranking.data import sample_rng
from msenas.ranking.folder import RankFolder
from msenas.runs.files import read_json, to_json, write_atomically
from msenas.search.prepare import Prepared
from msenas.training.brief import OUT_OF_MEMORY, BriefTraining
from msenas.training.subject import Task, make_trainer

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Amount = Annotated[float, msgspec.Meta(ge=0)]
COUNTED = 256
"""Validation samples on which the operations of a trained network are counted."""


@dataclass(frozen=True)
class Trial:
    """A network to be trained.

    Attributes:
        id: its number.
        genome: flat genome.
        repetition: 0, or 1 for a second training from other weights.
    """

    id: int
    genome: tuple[int, ...]
    repetition: int


class Trained(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What became of a training.

    Attributes:
        accuracies: share of the validation split after each epoch, with the running mean of the weights.
        losses: mean cross-entropy on the validation split after each epoch.
        train_losses: mean loss of each epoch.
        counts: operations per inference of the trained network, by name; of the SynOps also those that inhibit.
        energy_joule: low, nominal and high estimate per inference.
        failure: why there is no accuracy.
    """

    accuracies: list[Share] = []
    losses: list[float] = []
    train_losses: list[float] = []
    counts: dict[str, Amount] = {}
    energy_joule: tuple[Amount | None, Amount, Amount | None] | None = None
    failure: str | None = None

    def __post_init__(self) -> None:
        if bool(self.accuracies) == (self.failure is not None):
            raise InputError("a training has either accuracies or a failure")
        if len(self.losses) != len(self.accuracies):
            raise InputError("a training has a loss for every accuracy")


@dataclass(frozen=True)
class Trials:
    """Trains networks.

    Attributes:
        config: how.
        prepared: data (as far as they are used) and spec.
        folder: of the ranking.
        deadline: after which no step is begun (`time.monotonic`).
    """

    config: RankConfig
    prepared: Prepared
    folder: RankFolder
    deadline: float = math.inf

    def on_record(self, trial: Trial) -> Trained | None:
        """What became of a training that has ended; None for one that has not.

        Raises:
            InputError: The record is damaged.
        """
        done = self.folder.trained(trial.id, trial.repetition)
        if not done.exists():
            return None
        found = read_json(done, Trained)
        self.folder.training(trial.id, trial.repetition).state.unlink(missing_ok=True)
        return found

    def __call__(self, trial: Trial) -> Trained:
        """Train a network, or continue where its training was stopped.

        Raises:
            TimeOver: The deadline came first.
            RunError: A file cannot be written, or is damaged.
        """
        folder = self.folder.training(trial.id, trial.repetition)
        folder.create()
        if not folder.state.exists():
            # Without its weights, nothing can be counted that the network does.
            folder.metrics.unlink(missing_ok=True)
        with without_denormals():
            found = self._train(trial)
        if found.failure != OUT_OF_MEMORY:
            write_atomically(
                self.folder.trained(trial.id, trial.repetition), to_json(msgspec.to_builtins(found)) + "\n"
            )
            folder.state.unlink(missing_ok=True)
        return found

    def _train(self, trial: Trial) -> Trained:
        prepared, config = self.prepared, self.config.training(trial.repetition)
        plan = decode(Genome.from_flat(trial.genome), prepared.spec)
        task = Task(plan, prepared.dataset, prepared.evaluator.probe.standard, {})
        device = torch.device(prepared.evaluator.device)
        brief = BriefTraining(trial.id, task, config.seed, self.folder.training(trial.id, trial.repetition))
        standing = brief.trained(config.epochs, make_trainer(task, config, device, lambda loss: None), self.deadline)
        if standing.failure is not None:
            return Trained(failure=standing.failure)
        rows = brief.rows()
        return Trained(
            accuracies=[row.val_accuracy for row in rows],
            losses=[row.val_loss for row in rows],
            train_losses=[row.loss for row in rows],
            **self._counted(brief.state(config, device).average.network, task),
        )

    def _counted(self, network: Network, task: Task) -> dict[str, Any]:
        """Operations and energy of a trained network on validation samples."""
        split = task.dataset.val.some(COUNTED, sample_rng(self.config))
        device = torch.device(self.prepared.evaluator.device)
        batches = evaluation_batches(split, task.spec, task.standard, self.config.seed)
        counts = take_census(network, (frames.to(device) for frames, _ in batches)).counts
        joule = estimate(task.plan, counts, self.prepared.evaluator.profile).joule
        inhibition = sum(tally.synops for synapse, tally in counts.synapses if synapse.inhibitory) / counts.samples
        return {
            "counts": counts.total.per_inference | {"synops_inhibitory": inhibition},
            "energy_joule": (joule.low, joule.nominal, joule.high),
        }
