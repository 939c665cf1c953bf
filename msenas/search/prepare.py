"""From options to everything that a search or a score needs: data, network spec, probe batch, evaluator."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import msgspec
import numpy as np
import torch

from msenas import __version__
from msenas.data import Dataset, DataSpec, load
from msenas.data.durations import seconds
from msenas.errors import DataError, InputError
from msenas.fitness.evaluate import Evaluator
from msenas.fitness.probe import draw_probe
from msenas.genotype.genome import KERNEL_NAMES, Genome
from msenas.genotype.motifs import EMPTY, MOTIFS
from msenas.genotype.space import Space
from msenas.hardware.counts import SpikeCounts, count
from msenas.hardware.energy import estimate
from msenas.hardware.fit import restrict
from msenas.hardware.profile import Profile, load_profile
from msenas.learning.short import ShortTraining, usual_steps
from msenas.phenotype.decode import decode
from msenas.phenotype.encoding import Standard
from msenas.phenotype.plan import INPUT
from msenas.phenotype.spec import NetworkSpec
from msenas.search.config import SearchConfig, absolute_paths

VERSIONED = ("torch", "norse", "numpy", "pymoo", "tonic")
MOST_WORKERS = 16
EXAMPLE = EMPTY + 1
"""Motif of the network that stands for all when prices are looked for."""


@dataclass(frozen=True)
class Prepared:
    """A search that is ready to run.

    Attributes:
        config: the options, with everything filled in that the data decide.
        dataset: the data; the search sees its training split, and its validation split if it trains.
        spec: the spec of every network of the search.
        space: the genomes that are searched.
        evaluator: scores one network.
    """

    config: SearchConfig
    dataset: Dataset
    spec: NetworkSpec
    space: Space
    evaluator: Evaluator


def prepare(config: SearchConfig, *, download: bool = False, progress: bool = False) -> Prepared:
    """Load the data, fix the network spec and draw the probe batch.

    Raises:
        InputError: An option, the data or the profile cannot be used, or no network of the search fits the chip.
    """
    paths = absolute_paths({"data": config.data, "hardware": config.hardware})
    profile = load_profile(paths["hardware"])
    dataset = load(data_spec(config), download=download, progress=progress)
    if len(dataset.classes) < 2:
        raise DataError(f"{config.dataset} has {len(dataset.classes)} class; at least 2 are needed")
    if (config.finalists or config.screens) and not len(dataset.val):
        raise DataError(f"{config.dataset} has no samples in its val split, on which trained networks are compared")
    spec = config.network(dataset.shape, len(dataset.classes))
    space = _space(config, spec, profile)
    standard = Standard(dataset.mean, tuple(s if s > 0 else 1.0 for s in dataset.std))
    probe = draw_probe(dataset.train, config.batch, standard, events=dataset.kind == "events", seed=config.seed)
    device = pick_device(config.device)
    steps = config.train_steps or usual_steps(dataset)
    resolved = msgspec.structs.replace(
        config,
        **paths,
        layers=spec.layers,
        steps=spec.steps,
        encoding=spec.encoding,
        device=device,
        workers=config.workers or default_workers(device),
        train_steps=steps,
    )
    evaluator = Evaluator(
        probe,
        config.fitness,
        profile,
        seed=config.seed,
        device=device,
        precision=config.precision,
        school=ShortTraining(dataset, standard, steps) if len(dataset.val) else None,
    )
    return Prepared(resolved, dataset, spec, space, evaluator)


def _space(config: SearchConfig, spec: NetworkSpec, profile: Profile) -> Space:
    """The genomes that are searched: all, or those of which every layer fits the chip."""
    space = config.space(spec.layers)
    return restrict(space, spec, profile) if config.must_fit else space


def check_prices(prepared: Prepared) -> None:
    """Refuse a profile that prices nothing which the networks do, before anything is begun.

    What is priced depends on the encoding and the profile alone, so a network without a spike tells it.

    Raises:
        ProfileError: There is no such price, or prices that cannot be added.
    """
    spec = prepared.spec
    wires = {str(wire): KERNEL_NAMES[1] for wire in MOTIFS[EXAMPLE].wires}
    layers = [{"motif": MOTIFS[EXAMPLE].name, "synapses": wires}] * spec.layers
    plan = decode(Genome.from_readable({"layers": layers}), spec)
    maps = {p.name: np.zeros((p.height, p.width), np.int64) for p in plan.populations}
    if spec.encoding != "direct":
        maps[INPUT] = np.zeros(spec.input_shape[1:], np.int64)
    estimate(plan, count(plan, SpikeCounts(1, maps)), prepared.evaluator.profile)


def data_spec(config: SearchConfig) -> DataSpec:
    """The choice of data that a configuration makes; the seed of the split is the seed of the run."""
    window = None if config.window is None else 1000.0 * seconds(config.window)
    return DataSpec(
        config.dataset,
        config.data,
        steps=config.time_steps,
        window_ms=window,
        size=config.size,
        seed=config.seed,
    )


def pick_device(name: str) -> str:
    """`auto` is the GPU where there is one.

    Raises:
        InputError: torch does not know the device, or it is not there.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.zeros(1, device=name).cpu()
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"device {name!r} cannot be used: {str(error).splitlines()[0]}") from None
    return name


def default_workers(device: str) -> int:
    """One process per core that this process may use; one for a GPU."""
    if device != "cpu":
        return 1
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    found = {name: metadata.version(name) for name in VERSIONED}
    return {"msenas": __version__, "python": platform.python_version(), **found}


def environment() -> dict[str, object]:
    """The machine and its software, for the record of a run."""
    return {
        "versions": versions(),
        "platform": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


def command() -> str:
    """The command line of this process."""
    return shlex.join(["msenas", *sys.argv[1:]])


def _processor() -> str:
    """The name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
