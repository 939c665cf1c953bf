"""Trained weights beside best.json: safetensors with a checksum, never a pickle."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from msenas.errors import SHOWN, InputError
from msenas.phenotype.network import Network
from msenas.runs.best import Best, Weights
from msenas.runs.files import read_bytes, write_atomically

BYTES_PER_NUMBER = 8
"""More than any number of a network takes; with the room for names this bounds the file."""
ROOM = 1 << 20


def write_weights(path: Path, network: Network) -> Weights:
    """Write all parameters and running statistics of a network in one step.

    Raises:
        RunError: The file cannot be written.
    """
    content = save({name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()})
    write_atomically(path, content)
    return Weights(path.name, hashlib.sha256(content).hexdigest())


def load_network(best: Best, folder: Path, lif: str = "compiled", surrogate: str = "triangle") -> Network:
    """The network of best.json with its trained weights, or with the random ones of its seed.

    Args:
        best: the content of best.json.
        folder: where best.json lies.
        lif: key of `network.LIF`.
        surrogate: key of `lif.SURROGATES`, used only in training.

    Raises:
        InputError: The weights are missing, damaged, not those that best.json was written with, or do not fit.
    """
    network = Network(best.plan, best.weight_seed, lif=lif, surrogate=surrogate)
    if best.weights is not None:
        read_weights(folder / best.weights.file, best.weights.sha256, network)
    return network


def read_weights(path: Path, sha256: str | None, network: Network) -> None:
    """Load a weights file into a network.

    Raises:
        InputError: The file is missing, damaged, has another checksum, or does not fit the network.
    """
    own = network.state_dict()
    content = read_bytes(path, ROOM + BYTES_PER_NUMBER * sum(v.numel() for v in own.values()))
    found = hashlib.sha256(content).hexdigest()
    if sha256 is not None and found != sha256:
        raise InputError(f"{path}: sha256 is {found}; best.json was written with {sha256}")
    try:
        stored = load(content)
    except (SafetensorError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a safetensors file: {error}") from None
    for name in sorted(own.keys() ^ stored.keys()):
        raise InputError(f"{path}: {name[:SHOWN]} is {'missing' if name in own else 'not part of this network'}")
    for name, value in stored.items():
        if problem := _misfit(name, value, own[name]):
            raise InputError(f"{path}: {name} {problem}")
    network.load_state_dict(stored)


def _misfit(name: str, value: Tensor, own: Tensor) -> str:
    """What is wrong with a stored tensor; empty if it can take the place of the network's own."""
    if value.shape != own.shape:
        return f"has shape {list(value.shape)}, the network {list(own.shape)}"
    if value.dtype != own.dtype:
        return f"holds {value.dtype}, the network {own.dtype}"
    if not torch.isfinite(value).all():
        return "holds a number that is not finite"
    if name.endswith("running_var") and (value < 0).any():
        return "holds a negative variance"
    return ""
