"""Writes the table of docs/peers.md: `python -m tests.peers.table` in the environment that `make peers` prepares.

Networks are trained, exported, and run by every peer; what they fire is compared with what the network itself fires.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import nir
import numpy as np

from export.simulate import simulate
from tests.peers.networks import CHAIN, NAMES, Agreement, Case, Run, run, trained
from tests.peers.peers import CONVENTIONS, ROOT, Job, Result, python_of
from tests.peers.peers import run as run_peer

DOCUMENT = ROOT / "docs" / "peers.md"
BEGIN, END = "<!-- table: made by tests/peers/table.py -->", "<!-- end of table -->"
CASES = (
    *(Case(m, k, cross) for m in NAMES for k in ("3x3", "5x5") for cross in (False, True)),
    Case("LI", cross=True, encoding="poisson"),
    Case("MI", cross=True, tau=5.0),
    Case("FbI", cross=True, tau=1.5),
    *(Case(m, cross=True, neuron="if", encoding="poisson") for m in ("FE", "FbI", "LI", "MI")),
    Case(CHAIN),
    Case(CHAIN, neuron="if", encoding="poisson"),
)


def rows(cases: Sequence[Case], steps: int, samples: int, folder: Path) -> list[str]:
    """A line of the table for each case."""
    peers = [peer for peer in CONVENTIONS if python_of(peer)]
    runs, files, jobs = [], [], {peer: [] for peer in peers}
    for number, case in enumerate(cases):
        runs.append(run(case, trained(case, folder / str(number)), steps, samples))
        given = folder / f"{number}.npz"
        np.savez(given, frames=runs[-1].frames)
        files.append(by_simulator(runs[-1], runs[-1].export(folder / f"{number}.nir", "portable")))
        for peer in peers:
            model = runs[-1].export(folder / f"{number}-{peer}.nir", CONVENTIONS[peer])
            jobs[peer].append(Job(model, given, folder / f"{number}-{peer}.npz"))
        print(case.title, flush=True)
    found = {peer: run_peer(peer, jobs[peer]) for peer in peers}
    lines = [f"| network | fired | {' | '.join(peers)} | our simulator |", f"|---|---|{'---|' * len(peers)}---|"]
    notes: list[str] = []
    for number, (case, own) in enumerate(zip(cases, runs, strict=True)):
        result, near = files[number]
        cells = [cell(own, found[peer][number]) for peer in peers] + [cell(own, result)]
        if near is not None:
            like = [peer for peer in peers if same(found[peer][number], result)]
            notes.append(
                f"- {case.title}: begins {near:.1e} from the threshold; {', '.join(like)} fire as our simulator."
            )
        share = np.mean([spikes.mean() for spikes in own.spikes.values()])
        lines.append(f"| {case.title} | {share:.1%} | {' | '.join(cells)} |")
    return [*lines, "", *notes]


def by_simulator(own: Run, model: Path) -> tuple[Result, float | None]:
    """What the file says, by our simulator of NIR; and how near to the threshold the first difference began, if any."""
    distances: dict[tuple[str, int], np.ndarray] = {}

    def watch(name: str, t: int, distance: np.ndarray) -> None:
        distances[name, t] = np.abs(distance)

    trace = simulate(nir.read(model), own.frames, watch=watch)
    near: list[tuple[int, float]] = []
    for population, fired in own.spikes.items():
        node = own.node_of(list(trace.spikes), population)
        other = trace.spikes[node] != fired
        if other.any():
            first = int(np.argmax(other.any(axis=tuple(range(1, other.ndim)))))
            near.append((first, float(distances[node, first][other[first]].min())))
    earliest = min((t for t, _ in near), default=0)
    return Result(trace.outputs, trace.spikes), min((d for t, d in near if t == earliest), default=None)


def same(one: Result, other: Result) -> bool:
    """Whether two fired the same spikes everywhere."""
    if one.error:
        return False
    numbers = {name.partition("_")[2]: spikes for name, spikes in one.spikes.items()}
    return all((numbers[name.partition("_")[2]] == spikes).all() for name, spikes in other.spikes.items())


def cell(own: Run, result: Result) -> str:
    """What a peer did, in a few characters."""
    if result.error:
        return f"✗ {result.error.partition(':')[0]}"
    return shown(own.agreement(result))


def shown(found: Agreement) -> str:
    """100 only where all spikes and predictions are equal; otherwise the share of spikes rounded down."""
    if not found.wrong and found.predictions == 1.0:
        return "100"
    return f"{np.floor(found.equal * 1e4) / 100:.2f}{'' if found.predictions == 1.0 else ' ✗'}"


def versions() -> str:
    """The versions that took part."""
    names = ("norse", "snntorch", "spikingjelly", "nirtorch", "nir", "torch")
    return ", ".join(f"{name} {metadata.version(name)}" for name in names)


def insert(lines: Sequence[str]) -> None:
    """Put the table in its place."""
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    DOCUMENT.write_text("\n".join((before + BEGIN, "", *lines, "", END + after)))


def main() -> None:
    """Make the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--samples", type=int, default=4)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = rows(CASES, chosen.steps, chosen.samples, Path(folder))
    caption = (
        f"T = {chosen.steps}, {chosen.samples} samples of the test split; {versions()}; sinabs 3.1.3 with nir 1.0.4."
    )
    insert([caption, "", *table])


if __name__ == "__main__":
    main()
