"""For programs: write a network to a file, and compare a file with a network. `export` offers these functions itself.

    import export
    done = export.to_nir(network, "model.nir", frames, labels)
    done.verification.comparisons[0].equal

Shapes: T time steps, N samples, C channels, H x W pixels. `frames` are what the network reads, [T, N, C, H, W], or
[1, N, C, H, W] if they stay the same in all steps; `labels` [N] are classes, and only tell accuracies.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from export.comparing import verify as verify_nir
from export.exporting import Exported, Wanted, export
from export.formats import FORMATS
from export.onnx_compare import verify_onnx
from export.sources import Source
from export.verification import Verification
from msenas.errors import CheckFailed, InputError
from msenas.phenotype.encoding import Standard
from msenas.phenotype.network import Network

Frames = NDArray[Any] | Tensor
Labels = Sequence[int] | NDArray[Any] | None


def to_nir(
    network: Network,
    path: str | Path,
    frames: Frames,
    labels: Labels = None,
    *,
    target: str = "portable",
    readout: str = "current",
    bits: int | None = None,
    encoding: str | None = None,
    standard: Standard | None = None,
    golden: bool = False,
    about: Mapping[str, Any] | None = None,
) -> Exported:
    """Write a network as NIR, read the file back, run it, and compare spikes and answers.

    Args:
        network: a trained network, in float32 on the CPU.
        path: of the file, which ends in .nir; it is replaced only by one that has passed.
        frames: samples to verify with [T or 1, N, C, H, W].
        labels: their classes [N].
        target: the reader that the file is for; key of `export.targets.table.TARGETS`.
        readout: "current" gives scores [classes] of each step; "spikes" gives those of one neuron for each class, whose
            threshold keeps most answers of the network on `frames`.
        bits: 8 or 4, of the weights; None leaves them in float32.
        encoding: "poisson" or "latency", to have a network of the direct code read spikes; None leaves the code.
        standard: with which its images were standardised; needed for `encoding`.
        golden: also write inputs, spikes and outputs of the first samples beside the file.
        about: what the file tells; plain values for JSON. `msenas import` reads "dataset", "genome" and "network".

    Returns:
        The report. It compares with the network that has the changes that were asked for.

    Raises:
        CheckFailed: The file does not do what the network does, and is kept as `*.failed.nir`; or the target cannot
            take the network (`export.exporting.Refused`, with the findings).
        InputError: An argument cannot be used; the message says which.
        RunError: The file cannot be written; nothing is left behind.
    """
    wanted = Wanted("nir", Path(path), target, readout, bits, golden, encoding)
    return _passed(wanted, network, frames, labels, standard, about)


def to_onnx(
    network: Network,
    path: str | Path,
    frames: Frames,
    labels: Labels = None,
    *,
    step: bool = False,
    readout: str = "current",
    bits: int | None = None,
    encoding: str | None = None,
    standard: Standard | None = None,
    golden: bool = False,
    about: Mapping[str, Any] | None = None,
) -> Exported:
    """Write a network as ONNX, run the file by onnxruntime, and compare spikes and answers.

    Args:
        network: a trained network, in float32 on the CPU.
        path: of the file, which ends in .onnx; it is replaced only by one that has passed.
        frames: samples to verify with [T or 1, N, C, H, W].
        labels: their classes [N].
        step: a model of one time step, with the state going in and out, in the place of one of the whole sequence.
        readout: as of `to_nir`.
        bits: as of `to_nir`.
        encoding: as of `to_nir`.
        standard: as of `to_nir`.
        golden: as of `to_nir`.
        about: what the file tells; plain values for JSON.

    Returns:
        As `to_nir`.

    Raises:
        CheckFailed, InputError, RunError: As `to_nir`.
    """
    wanted = Wanted("onnx-step" if step else "onnx", Path(path), "portable", readout, bits, golden, encoding)
    return _passed(wanted, network, frames, labels, standard, about)


def verify(network: Network, path: str | Path, frames: Frames, labels: Labels = None) -> Verification:
    """Compare a file with a network as it was trained.

    What was changed on purpose (`bits`, `encoding`) shows as a difference. NIR files are run by the numpy simulator
    and by nirtorch, files for sinabs excepted; ONNX files by onnxruntime.

    Args:
        network: in float32 on the CPU.
        path: of a .nir or .onnx file that was written from it.
        frames: samples [T or 1, N, C, H, W].
        labels: their classes [N].

    Raises:
        InputError: The file cannot be read or run, or frames or labels do not fit.
    """
    source = _source(network, frames, labels, None, None)
    path = Path(path)
    if path.suffix not in COMPARED:
        raise InputError(f"{path} ends in {path.suffix!r}; files that end in {' or '.join(COMPARED)} can be verified")
    return COMPARED[path.suffix](network, path, source.frames, source.labels)


COMPARED: Mapping[str, Callable[[Network, Path, Tensor, NDArray[np.int64] | None], Verification]] = {
    FORMATS["nir"].suffix: verify_nir,
    FORMATS["onnx"].suffix: verify_onnx,
}
"""How files are compared with a network, by the end of their names."""


def _passed(
    wanted: Wanted,
    network: Network,
    frames: Frames,
    labels: Labels,
    standard: Standard | None,
    about: Mapping[str, Any] | None,
) -> Exported:
    suffix = FORMATS[wanted.format].suffix
    if wanted.path.suffix != suffix:
        raise InputError(f"{wanted.path}: a file of format {wanted.format} ends in {suffix}")
    done = export(_source(network, frames, labels, standard, about), wanted)
    if not done.passed:
        raise CheckFailed(done.failure)
    return done


def _source(
    network: Network, frames: Frames, labels: Labels, standard: Standard | None, about: Mapping[str, Any] | None
) -> Source:
    try:
        classes = None if labels is None else np.asarray(labels, np.int64)
        given = (
            frames.detach().cpu().float()
            if isinstance(frames, Tensor)
            else torch.from_numpy(np.array(frames, np.float32))
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"frames and labels must be arrays of numbers: {error}") from None
    return Source(network, given, classes, about or {}, standard=standard)
