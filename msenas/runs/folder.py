"""The run folder of a search; the only place that knows its file names.

config.toml         the resolved configuration, defaults included
environment.json    versions, machine, and the commands that made the run
individuals.jsonl   one line per evaluated network, append-only, in the order in which they were asked for
timings.jsonl       seconds per evaluation (kept apart: everything else is the same for equal seeds)
state.json          generation, parents and random state: enough to resume
front.json          the Pareto front so far
best.json           the network picked from it
finalists.jsonl     one line per finalist and rung: how well it does on validation data after brief training
finalists/          rules.json, what was compared and how; and of each finalist, by number, metrics.jsonl and,
                    as long as it may have to go on, state.pt
*.png               pictures
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict

import msgspec

from msenas.errors import RunError
from msenas.runs.files import PART, read_bytes, read_json, to_json, write_atomically
from msenas.runs.lock import LOCK

LARGEST_RECORD = 4 << 30
STATE_SCHEMA: Literal["msenas.state/1"] = "msenas.state/1"
Natural = Annotated[int, msgspec.Meta(ge=0)]


class Pcg64Numbers(TypedDict):
    """The two 128-bit numbers of numpy's PCG64."""

    state: int
    inc: int


class RngState(TypedDict):
    """The state of a PCG64 generator, as numpy gives it."""

    bit_generator: Literal["PCG64"]
    state: Pcg64Numbers
    has_uint32: int
    uinteger: int


class Record(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One line of individuals.jsonl.

    Attributes:
        id: number of the evaluation, from 0.
        generation: generation in which it was asked for; 0 is the random one.
        parents: ids, empty for a random genome.
        genome: flat genome, with its neutral genes.
        plan: digest of its plan.
        scores: as `Scores.as_dict`, or None when the evaluation failed.
        failure: why it failed, or None.
        fit: how it fits the chip, where the run keeps to networks that do.
    """

    id: int
    generation: int
    parents: list[int]
    genome: list[int]
    plan: str
    scores: dict[str, Any] | None
    failure: str | None
    fit: dict[str, Any] | None = None


class Unfit(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Networks that were drawn and broke one limit of the chip; they are not evaluated.

    Attributes:
        drawn: how often one was drawn.
        first: what was wrong with the first one.
    """

    drawn: Natural
    first: str


class RunState(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The content of state.json, written after each generation.

    Attributes:
        generation: the next generation to ask for.
        evaluated: evaluations before it.
        parents: ids of the survivors.
        rng: state of the PCG64 generator.
        probe: digest of the probe batch.
        profile: digest of the hardware profile.
        finished: whether the budget is used up.
        unfit: networks that do not fit the chip, by the limit that they break.
    """

    schema: Literal["msenas.state/1"] = STATE_SCHEMA
    generation: Natural
    evaluated: Natural
    parents: list[Natural]
    rng: dict[str, Any]
    probe: str
    profile: str
    finished: bool
    unfit: dict[str, Unfit] = {}


class RunFolder:
    """A folder that holds one search."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config = path / "config.toml"
        self.environment = path / "environment.json"
        self.individuals = path / "individuals.jsonl"
        self.timings = path / "timings.jsonl"
        self.state = path / "state.json"
        self.front = path / "front.json"
        self.best = path / "best.json"
        self.finalists = path / "finalists"
        self.rules = self.finalists / "rules.json"
        self.standings = path / "finalists.jsonl"

    def create(self) -> None:
        """Make the folder, or take an existing one that is empty.

        Raises:
            RunError: It holds something, or cannot be made or written.
        """
        self.check_free()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunError(f"cannot make the run folder {self.path}: {error.strerror or error}") from None

    def check_free(self) -> None:
        """Refuse a folder that holds something; it need not exist yet.

        Raises:
            RunError: It holds something or is no folder.
        """
        try:
            if os.path.lexists(self.path) and any(map(occupies, self.path.iterdir())):
                hint = (
                    "use --resume to continue it"
                    if self.config.exists() or self.state.exists()
                    else "choose an empty folder"
                )
                raise RunError(f"{self.path} is not empty; {hint}, or give another --out")
        except OSError as error:
            raise RunError(f"cannot make the run folder {self.path}: {error.strerror or error}") from None

    def append(self, record: Record, seconds: float) -> None:
        """Add one evaluation; it is on disk when this returns.

        Raises:
            RunError: The disk is full or the file cannot be written.
        """
        _append(self.individuals, msgspec.to_builtins(record))
        _append(self.timings, {"id": record.id, "seconds": round(seconds, 4)})

    def read_records(self) -> tuple[list[Record], str | None]:
        """All evaluations, and a note when a torn last line was cut off.

        Raises:
            RunError: A line other than the last is damaged, or the ids are not 0, 1, 2, ...
        """
        complete, torn = _whole_lines(self.individuals)
        _whole_lines(self.timings)
        note = f"{self.individuals.name}: the last line was torn ({torn} bytes) and has been removed" if torn else None
        return [self._record(number, line) for number, line in enumerate(complete)], note

    def _record(self, number: int, line: bytes) -> Record:
        where = f"{self.individuals}, line {number + 1}"
        try:
            record = msgspec.json.decode(line, type=Record)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise RunError(f"{where}: {error}") from None
        if record.id != number:
            raise RunError(f"{where}: id is {record.id}, expected {number}")
        return record

    def read_state(self) -> RunState:
        """The state to resume from.

        Raises:
            RunError: The folder holds no run.
            InputError: state.json is damaged.
        """
        if not self.state.exists():
            raise RunError(f"{self.path} holds no run to resume (no {self.state.name})")
        state = read_json(self.state, RunState)
        try:
            msgspec.convert(state.rng, RngState)
        except msgspec.ValidationError as error:
            raise RunError(f"{self.state}: rng: {error}") from None
        if any(parent >= state.evaluated for parent in state.parents):
            raise RunError(f"{self.state}: parents {state.parents} are not among its {state.evaluated} evaluations")
        return state

    def write_state(self, state: RunState) -> None:
        """Replace state.json in one step."""
        write_atomically(self.state, to_json(msgspec.to_builtins(state), indent=2) + "\n")


def _whole_lines(path: Path) -> tuple[list[bytes], int]:
    """The lines of a file; a last one that does not end is cut off the file, and its bytes are counted."""
    if not path.exists():
        return [], 0
    content = read_bytes(path, LARGEST_RECORD)
    complete, _, torn = content.rpartition(b"\n")
    if torn:
        with path.open("r+b") as file:
            file.truncate(len(content) - len(torn))
    return complete.splitlines(), len(torn)


def _append(path: Path, data: Mapping[str, Any]) -> None:
    line = json.dumps(data, allow_nan=False).encode() + b"\n"
    try:
        with path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from None


def occupies(entry: Path) -> bool:
    """Whether a file makes a folder occupied: not so a lock, or a first file that was never finished."""
    return entry.name != LOCK and not (entry.name.endswith(PART) and entry.is_file())
