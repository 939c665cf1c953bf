"""A network as it would be deployed - trained, or calibrated at random - with the data that it runs on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from msenas.data import Dataset, Split
from msenas.errors import InputError, unknown
from msenas.hardware.report import INDEX
from msenas.phenotype.calibrate import calibrate
from msenas.phenotype.encoding import Standard, encode
from msenas.phenotype.network import Network
from msenas.runs.weights import load_network
from msenas.search.prepare import Prepared
from msenas.search.scoring import Subject, prepare_subject, read_subject

SPLITS = ("test", "val", "train")
BATCH = 64
"""Samples that run together."""
NOISE = 0x4E01
"""Sets the random numbers of noise apart from those of the encoder."""
CALIBRATION = 256
"""Training samples that set the normalisation of an untrained network."""

UNUSED = {"hardware": INDEX}
"""Options of the search that have no effect here: a profile of the user's own need not be there any more."""


Disturb = Callable[[Tensor, torch.Generator], Tensor]
"""Changes inputs as they come from the data, [B, C, H, W] in 0..1 or event counts [B, T, C, H, W]."""


def undisturbed(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """The inputs as they are."""
    return inputs


@dataclass(frozen=True)
class Deployed:
    """A network in inference mode and its data.

    Attributes:
        network: ready to run.
        trained: whether its weights were trained; otherwise they are random and its normalisation was calibrated.
        dataset: the data.
        standard: statistics of the training split, for the direct code.
        seed: seeds the choice of samples, the encoder and any noise.
        disturb: what happens to the inputs before they are encoded.
    """

    network: Network
    trained: bool
    dataset: Dataset
    standard: Standard
    seed: int
    disturb: Disturb = undisturbed

    def split(self, name: str) -> Split:
        """A split of the data.

        Raises:
            InputError: There is none of that name.
        """
        if name not in SPLITS:
            raise InputError(unknown("split", name, SPLITS))
        chosen: Split = getattr(self.dataset, name)
        return chosen

    def choose(self, split: str, samples: int | None) -> np.ndarray:
        """Places in a split: `samples` of them drawn without repetition, or all if there are no more; int64 [n].

        Raises:
            InputError: Less than one sample is asked for.
        """
        if samples is not None and samples < 1:
            raise InputError(f"samples must be at least 1, not {samples}")
        there = len(self.split(split))
        if samples is None or samples >= there:
            return np.arange(there)
        rng = np.random.default_rng([self.seed, 0xE57])
        return np.sort(rng.choice(there, samples, replace=False))

    def batches(self, split: str, places: np.ndarray) -> Iterator[Tensor]:
        """Encoded frames [T or 1, B, C, H, W] of some samples, in order."""
        source, spec = self.split(split), self.network.plan.spec
        for number, start in enumerate(range(0, len(places), BATCH)):
            inputs = torch.from_numpy(source.batch(places[start : start + BATCH]))
            inputs = self.disturb(inputs, self.generator(number, NOISE))
            yield encode(inputs, spec, self.standard, self.generator(number))

    def with_network(self, other: Network) -> Deployed:
        """The same data for another network of the same weights, which are copied into it."""
        other.load_state_dict(self.network.state_dict())
        return replace(self, network=other.eval())

    def generator(self, *numbers: int) -> torch.Generator:
        """A generator of its own for any numbers that are not negative."""
        return torch.Generator().manual_seed(_seed(self.seed, *numbers))


def deploy(path: Path, options: Mapping[str, Any], *, download: bool = False) -> Deployed:
    """Read best.json (or a bare genome) and its data; an untrained network is calibrated on training samples.

    Args:
        path: best.json, its folder, or a genome as JSON.
        options: options of the search that win over those of the file, such as "dataset" or "data".
        download: fetch the data set if no copy is found.

    Raises:
        InputError: The file, its weights, the options or the data cannot be used, or do not fit each other.
    """
    subject = read_subject(path)
    prepared = prepare_subject(subject, UNUSED | dict(options), download=download)
    network, trained = _network(subject, prepared, path)
    standard, seed = prepared.evaluator.probe.standard, prepared.evaluator.seed
    deployed = Deployed(network, trained, prepared.dataset, standard, seed)
    if not trained:
        calibrate(network, deployed.batches("train", deployed.choose("train", CALIBRATION)))
    network.eval()
    return deployed


def _seed(*numbers: int) -> int:
    """A seed of its own for any numbers that are not negative, in the range that torch takes."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _network(subject: Subject, prepared: Prepared, path: Path) -> tuple[Network, bool]:
    best = subject.best
    if best is None or best.weights is None:
        return Network(subject.plan(prepared.spec), prepared.evaluator.seed), False
    if prepared.spec != best.network:
        differing = [n for n in vars(best.network) if getattr(best.network, n) != getattr(prepared.spec, n)]
        raise InputError(f"{path}: its weights were trained with another {', '.join(differing)}")
    if prepared.config.seed != (known := subject.options.get("seed", prepared.config.seed)):
        raise InputError(f"{path}: its weights were trained with seed {known}; another one draws other splits")
    return load_network(best, path if path.is_dir() else path.parent), True
