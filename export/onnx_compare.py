"""Does an ONNX model of ours fire the spikes of the trained network, and give its answers?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor

from export.comparing import compare
from export.lower import SCORES
from export.onnx_run import open_model, run_onnx
from export.trace import Trace
from export.verification import Verification
from msenas.errors import InputError
from msenas.phenotype.network import Network


def verify_onnx(
    network: Network,
    path: Path,
    frames: NDArray[Any] | Tensor,
    labels: Sequence[int] | NDArray[Any] | None = None,
    *,
    batch: int = 16,
) -> Verification:
    """Compare an ONNX model of either form, run by onnxruntime, with the trained network.

    Args:
        network: the trained network; run in inference.
        path: of the file.
        frames: [T, N, C, H, W], or [1, N, C, H, W] for an input that stays the same.
        labels: class of each sample [N].
        batch: samples at once.

    Raises:
        InputError: The file is no model of ours or of another network, or frames or labels do not fit.
    """
    model = open_model(path)
    nodes = {population: node for node, population in model.told.populations.items()}
    if missing := [name for name in network.plan.by_name if name not in nodes]:
        raise InputError(f"{path} has no population {missing[0]!r}; it was written from another network")
    fires = model.told.read != "current"
    if fires and (SCORES not in nodes or nodes[SCORES] not in model.told.theta):
        raise InputError(f"{path}: its metadata say that the output spikes, but not from which threshold on")
    threshold = model.told.theta[nodes[SCORES]] if fires else None

    def run(given: NDArray[Any]) -> Trace:
        return run_onnx(model, given)

    return compare(network, {"onnxruntime": run}, nodes, frames, labels, batch=batch, threshold=threshold)
