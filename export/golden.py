"""Golden vectors: an input and what the exported network makes of it, for whoever runs the file elsewhere."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from export.trace import Trace
from msenas.errors import InputError
from msenas.runs.files import write_atomically


def write_golden(path: Path, frames: NDArray[Any], trace: Trace, dt: float) -> None:
    """Write an input and its trace as an npz file in one step; equal arguments give equal bytes.

    Its arrays are `input` [T, B, ...], `output` [T, B, ...], `spikes/<node>` [T, B, ...] in uint8 for each node that
    spikes, `dt` in seconds and `steps` T.

    Args:
        path: of the file.
        frames: [T, B, ...], or [1, B, ...] for an input that stays the same.
        trace: of these frames.
        dt: seconds of a time step.

    Raises:
        InputError: The frames are not those of the trace.
        RunError: The file cannot be written; nothing is left behind.
    """
    steps, batch = trace.outputs.shape[:2]
    if frames.ndim < 2 or frames.shape[0] not in (1, steps) or frames.shape[1] != batch:
        raise InputError(f"frames are {list(frames.shape)}, the trace has {steps} steps of {batch} samples")
    arrays: dict[str, Any] = {
        "input": np.broadcast_to(frames, (steps, *frames.shape[1:])),
        "output": trace.outputs,
        "dt": np.float64(dt),
        "steps": np.int64(steps),
    }
    arrays |= {f"spikes/{name}": trace.spikes[name] for name in sorted(trace.spikes)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    write_atomically(path, buffer.getvalue())
