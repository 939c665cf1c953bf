"""Searches and what became of their networks, as lines of JSON: `chance.py` writes them, and its tables come from them.

    python benchmarks/records.py benchmarks/searches/cifar10.jsonl
    python benchmarks/records.py benchmarks/searches/cifar10.jsonl --variants search,micro,meso,macro

The first line tells how the searches were made and their networks trained, each further one of a search. Files that
were made alike can be given together, like those of other seeds; --write FILE makes one of them. Variants are compared
on the seeds that all of them have.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import replace
from winners import Finished, Winner, affordable, objectives, outcomes

from msenas.errors import InputError
from msenas.ranking.member import Number
from msenas.ranking.record import LARGEST, Known
from msenas.ranking.trial import Amount, Share
from msenas.runs.files import read_bytes, to_json, write_atomically
from msenas.search.objectives import OBJECTIVES

Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]{1,40}\Z")]
Point = Annotated[tuple[float, ...], msgspec.Meta(min_length=1, max_length=len(OBJECTIVES))]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Setting(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The first line.

    Attributes:
        networks: options of the file of networks like which these were trained.
        search: options that all searches have.
        objectives: of the searches.
        variants: those of each variant.
        judge: the split on which networks are judged after their training.
        other_weights: final trainings of each network, from other weights than those of the search; None if from these.
        versions: of what a result depends on.
    """

    schema: Literal["msenas.chance/1"] = "msenas.chance/1"
    networks: dict[str, Any]
    search: dict[str, Any]
    objectives: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1)]
    variants: dict[Name, dict[str, Any]]
    judge: Literal["test", "val"]
    other_weights: int | None
    versions: dict[str, str]


class Found(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A network on the front of a search.

    Attributes:
        id, genome, point: as in `Winner`.
        known: what became of it; None if it was not trained.
    """

    id: Number
    genome: tuple[int, ...]
    point: Point
    known: Known | None

    def __post_init__(self) -> None:
        if self.known is None:
            return
        if (self.id, list(self.genome)) != (self.known.id, self.known.genome):
            raise InputError(f"what is known of network {self.id} is of another one")
        if any(not {"synops", "synops_inhibitory"} <= {*training.counts} for training in self.known.succeeded):
            raise InputError(f"network {self.id} has no numbers of SynOps")


class Searched(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A search: the fields of `Winner` that its networks share, and its front, best fitness first."""

    name: Name
    seed: Seed
    fitness: Name
    points: Annotated[tuple[Point, ...], msgspec.Meta(min_length=1)]
    seconds: Amount
    random: Share
    front: Annotated[tuple[Found, ...], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        front = [one.point for one in self.front]
        if len({len(point) for point in self.points}) > 1:
            raise InputError("the networks have different numbers of objectives")
        if front != sorted(front) or front[0][0] != min(self.points)[0] or not {*front} <= {*self.points}:
            raise InputError("the front is not of the best networks that were evaluated, best fitness first")

    @property
    def networks(self) -> list[tuple[Winner, Known | None]]:
        """The networks of the front, with what became of them."""
        shared = {name: getattr(self, name) for name in self.__struct_fields__ if name != "front"}
        return [(Winner(**shared, id=one.id, genome=one.genome, point=one.point), one.known) for one in self.front]


def searches_of(fronts: Sequence[Sequence[Winner]], became: Finished) -> list[Searched]:
    """The lines of searches, of which some networks were trained."""
    ends = {(winner.name, winner.seed, winner.id): one for pairs in became.values() for winner, one in pairs}
    searches: list[Searched] = []
    for front in fronts:
        shared = {name: getattr(front[0], name) for name in Searched.__struct_fields__ if name != "front"}
        found = [Found(id=w.id, genome=w.genome, point=w.point, known=ends.get((w.name, w.seed, w.id))) for w in front]
        searches.append(Searched(**shared, front=tuple(found)))
    return searches


def write_searches(path: Path, setting: Setting, searches: Sequence[Searched]) -> None:
    """Write the lines in one step.

    Raises:
        RunError: The file cannot be written.
    """
    lines: list[Mapping[str, Any]] = [msgspec.to_builtins(line) for line in (setting, *searches)]
    write_atomically(path, "".join(to_json(line) + "\n" for line in lines))


def read_searches(path: Path) -> tuple[Setting, list[Searched]]:
    """Read what `write_searches` has written.

    Raises:
        InputError: The file is missing, too large or without searches, or a line is damaged or does not fit the first.
    """
    lines = read_bytes(path, LARGEST).splitlines()
    if len(lines) < 2:
        raise InputError(f"{path} has no searches")
    setting: Setting | None = None
    searches: list[Searched] = []
    for number, line in enumerate(lines, 1):
        try:
            if setting is None:
                setting = msgspec.json.decode(line, type=Setting)
            else:
                searches.append(msgspec.json.decode(line, type=Searched))
                fits(searches, setting)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InputError) as error:
            raise InputError(f"{path}, line {number}: {error}") from None
    assert setting is not None
    return setting, searches


def fits(searches: Sequence[Searched], setting: Setting) -> None:
    """Check the last of some searches.

    Raises:
        InputError: It is none of the setting's, or has another fitness than others of its name.
    """
    last = searches[-1]
    if last.name not in setting.variants:
        raise InputError(f"the first line has no variant {last.name}")
    if len(last.points[0]) != len(setting.objectives):
        raise InputError("the networks have other objectives than the first line says")
    if last.fitness != next(one.fitness for one in searches if one.name == last.name):
        raise InputError(f"the searches {last.name} have more than one fitness")


def tables(setting: Setting, searches: Sequence[Searched]) -> Iterator[str]:
    """The tables that can be made: of whole fronts only where all of their networks were trained.

    Raises:
        InputError: A winner was not trained.
    """
    yield f"searched on {setting.search['dataset']}, trained on {setting.networks['dataset']}"
    yield from objectives([one.networks[0][0] for one in searches])
    yield from outcomes(trained([one.networks[:1] for one in searches]))
    fronts = [one.networks for one in searches]
    if len(setting.objectives) == 2 and all(known is not None for front in fronts for _, known in front):
        yield from affordable(trained(fronts), setting.objectives[1])


def trained(fronts: Sequence[Sequence[tuple[Winner, Known | None]]]) -> Finished:
    """Networks that were trained, by the name of their search.

    Raises:
        InputError: One was not.
    """
    found: dict[str, list[tuple[Winner, Known]]] = {}
    for front in fronts:
        for winner, known in front:
            if known is None:
                raise InputError(f"a network of {winner.name}, seed {winner.seed}, was not trained")
            found.setdefault(winner.name, []).append((winner, known))
    return found


def together(files: Sequence[tuple[Setting, list[Searched]]]) -> tuple[Setting, list[Searched]]:
    """The searches of several files as one, to which each may add variants.

    Raises:
        InputError: The files were made in different ways or by other versions, or a search is in two of them.
    """
    setting = files[0][0]
    for other, _ in files[1:]:
        variants = setting.variants | other.variants
        if any(variants[name] != options for name, options in setting.variants.items()):
            raise InputError("the files have variants of one name and other options")
        setting = replace(setting, variants=variants)
        if replace(other, variants=variants) != setting:
            raise InputError("the files were made with other options or versions, and cannot be compared")
    searches = [one for _, found in files for one in found]
    if twice := [key for key, times in Counter((one.name, one.seed) for one in searches).items() if times > 1]:
        raise InputError(f"the search {twice[0][0]} from seed {twice[0][1]} comes twice")
    return setting, searches


def chosen(searches: Sequence[Searched], names: Sequence[str]) -> list[Searched]:
    """The searches of some variants, in the order of the names, from the seeds that all of them have, in their order.

    Raises:
        InputError: A name has no searches or comes twice, or there is no seed that all have.
    """
    if missing := [name for name in names if name not in {one.name for one in searches}]:
        raise InputError(f"no search is named {', '.join(map(repr, missing))}")
    if len({*names}) < len(names):
        raise InputError(f"{','.join(names)} has a name twice")
    seeds = set.intersection(*({one.seed for one in searches if one.name == name} for name in names))
    if not seeds:
        raise InputError(f"{', '.join(names)} have no seed in common")
    by_key = {(one.name, one.seed): one for one in searches}
    return [by_key[name, seed] for name in names for seed in sorted(seeds)]


def left_out(searches: Sequence[Searched], names: Sequence[str], seeds: Container[int]) -> Iterator[str]:
    """What is not compared, since other variants have no search from its seed."""
    for name in names:
        if alone := sorted(one.seed for one in searches if one.name == name and one.seed not in seeds):
            yield f"left out: {name} from {', '.join(map(str, alone))}, since not all variants have these seeds"


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--variants", type=lambda text: text.split(","), default=None)
    parser.add_argument("--write", type=Path, default=None, metavar="FILE", help="one file of all searches")
    options = parser.parse_args()
    try:
        setting, searches = together([read_searches(path) for path in options.files])
        names = options.variants or list(dict.fromkeys(one.name for one in searches))
        compared = chosen(searches, names)
        for line in left_out(searches, names, {one.seed for one in compared}):
            print(line, file=sys.stderr)
        print(*tables(setting, compared), sep="\n")
        if options.write is not None:
            write_searches(options.write, setting, searches)
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
