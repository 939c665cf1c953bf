"""Searches and what became of their networks, as lines of JSON: `chance.py` writes them, and its tables come from them.

    python benchmarks/records.py benchmarks/searches/cifar10.jsonl
    python benchmarks/records.py benchmarks/searches/cifar10.jsonl --variants search,micro,meso,macro

The first line tells how the searches were made and their networks trained, each further one of a search. Files that
were made alike can be given together, like those of other seeds from another machine; --write FILE makes one of them.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec.structs import replace
from winners import Finished, Winner, affordable, objectives, outcomes

from msenas.errors import InputError
from msenas.ranking.record import LARGEST, Known
from msenas.runs.files import read_bytes, to_json, write_atomically


class Setting(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The first line.

    Attributes:
        networks: options of the file of networks like which these were trained.
        search: options that all searches have.
        variants: those of each variant.
        judge: the split on which networks are judged after their training.
        other_weights: final trainings of each network, from other weights than those of the search; None if from these.
        versions: of what a result depends on.
    """

    schema: Literal["msenas.chance/1"] = "msenas.chance/1"
    networks: dict[str, Any]
    search: dict[str, Any]
    variants: dict[str, dict[str, Any]]
    judge: Literal["test", "val"]
    other_weights: int | None
    versions: dict[str, str]


class Found(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A network on the front of a search.

    Attributes:
        id, genome, point: as in `Winner`.
        known: what became of it; None if it was not trained.
    """

    id: int
    genome: tuple[int, ...]
    point: tuple[float, ...]
    known: Known | None


class Searched(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A search: the fields of `Winner` that its networks share, and its front, best fitness first."""

    name: str
    seed: int
    fitness: str
    points: tuple[tuple[float, ...], ...]
    seconds: float
    random: float
    front: Annotated[tuple[Found, ...], msgspec.Meta(min_length=1)]

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
    """Write the lines in one step."""
    lines: list[Mapping[str, Any]] = [msgspec.to_builtins(line) for line in (setting, *searches)]
    write_atomically(path, "".join(to_json(line) + "\n" for line in lines))


def read_searches(path: Path) -> tuple[Setting, list[Searched]]:
    """Read what `write_searches` has written.

    Raises:
        InputError: The file is missing or too large, or a line is damaged.
    """
    lines = read_bytes(path, LARGEST).splitlines()
    if len(lines) < 2:
        raise InputError(f"{path} has no searches")
    decoded: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            decoded.append(msgspec.json.decode(line, type=Setting if number == 1 else Searched))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InputError) as error:
            raise InputError(f"{path}, line {number}: {error}") from None
    return decoded[0], decoded[1:]


def tables(setting: Setting, searches: Sequence[Searched]) -> Iterator[str]:
    """The tables that can be made: of whole fronts only where all of their networks were trained."""
    yield from objectives([one.networks[0][0] for one in searches])
    yield from outcomes(trained([one.networks[:1] for one in searches]))
    fronts = [one.networks for one in searches]
    if len(searches[0].front[0].point) == 2 and all(known is not None for front in fronts for _, known in front):
        yield from affordable(trained(fronts), setting.search["objectives"][1])


def trained(fronts: Sequence[Sequence[tuple[Winner, Known | None]]]) -> Finished:
    """Networks that were trained, by the name of their search."""
    found: dict[str, list[tuple[Winner, Known]]] = {}
    for front in fronts:
        for winner, known in front:
            if known is None:
                raise InputError(f"a network of {winner.name}, seed {winner.seed}, was not trained")
            found.setdefault(winner.name, []).append((winner, known))
    return found


def together(files: Sequence[tuple[Setting, list[Searched]]]) -> tuple[Setting, list[Searched]]:
    """The searches of several files as one; variants add up, and the versions are those of the first file.

    Raises:
        InputError: The files were made in different ways, or a search is in two of them.
    """
    setting = files[0][0]
    for other, _ in files[1:]:
        variants = setting.variants | other.variants
        if any(variants[name] != options for name, options in setting.variants.items()):
            raise InputError("the files have variants of one name and other options")
        setting = replace(setting, variants=variants)
        if replace(other, variants=variants, versions=setting.versions) != setting:
            raise InputError("the files were made with other options, and cannot be compared")
    searches = [one for _, found in files for one in found]
    if twice := [key for key, times in Counter((one.name, one.seed) for one in searches).items() if times > 1]:
        raise InputError(f"the search {twice[0][0]} from seed {twice[0][1]} comes twice")
    return setting, searches


def chosen(searches: Sequence[Searched], names: Sequence[str]) -> list[Searched]:
    """The searches of some variants, in the order of the names, from the seeds that all of them have."""
    if missing := [name for name in names if name not in {one.name for one in searches}]:
        raise InputError(f"no search is named {', '.join(missing)}")
    seeds = set.intersection(*({one.seed for one in searches if one.name == name} for name in names))
    if not seeds:
        raise InputError(f"{', '.join(names)} have no seed in common")
    return [one for name in names for one in searches if one.name == name and one.seed in seeds]


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
        print(*tables(setting, chosen(searches, names)), sep="\n")
        if options.write is not None:
            write_searches(options.write, setting, searches)
    except InputError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
