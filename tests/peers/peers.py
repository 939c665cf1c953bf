"""The other simulators: where each is installed, and how it is called."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN_PEER = Path(__file__).with_name("run_peer.py")
SINABS_PYTHON = ROOT / ".venv-sinabs" / "bin" / "python"
"""Sinabs needs an older version of nir than all others."""
CONVENTIONS = {
    "norse": "norse",
    "snntorch": "portable",
    "spikingjelly": "portable",
    "nirtorch": "portable",
    "sinabs": "sinabs",
}
"""How files for each peer are written."""
SECONDS = 1800


@dataclass(frozen=True)
class Job:
    """Files of one run: the graph, the frames [T, B, C, H, W], and what the peer makes of them."""

    model: Path
    given: Path
    out: Path


@dataclass(frozen=True)
class Result:
    """What a peer gave: the output [T, B, ...] and the spikes [T, B, C, H, W] of each node; or an error."""

    output: np.ndarray | None
    spikes: dict[str, np.ndarray]
    error: str = ""


def python_of(peer: str) -> Path | None:
    """The interpreter that has a peer; None where it is not installed."""
    if peer == "sinabs":
        return SINABS_PYTHON if SINABS_PYTHON.exists() else None
    return Path(sys.executable) if importlib.util.find_spec(peer) else None


def present(*peers: str) -> list:
    """Parameters of a test, of which those that are not installed are skipped."""
    skip = pytest.mark.skip(reason="not installed; `make peers` does")
    return [pytest.param(peer, marks=() if python_of(peer) else skip) for peer in peers]


def run(peer: str, jobs: Sequence[Job]) -> list[Result]:
    """Run a peer in a process of its own."""
    files = [str(path) for job in jobs for path in (job.model, job.given, job.out)]
    command = [str(python_of(peer)), str(RUN_PEER), peer, *files]
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    return [_result(job.out) for job in jobs]


def _result(path: Path) -> Result:
    with np.load(path) as found:
        if "error" in found:
            return Result(None, {}, str(found["error"]))
        spikes = {name.removeprefix("spikes/"): found[name] for name in found if name.startswith("spikes/")}
        return Result(found["output"], spikes)
