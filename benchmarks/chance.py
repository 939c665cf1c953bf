"""Does a search beat chance, and what does each of its parts bring? Searches of several kinds, from several seeds.

    python benchmarks/chance.py OUT --networks benchmarks/motif_bench/cifar10.jsonl --data PATH
    python benchmarks/chance.py OUT ... --variants search,random --seeds 5 --population 20 --generations 8
    python benchmarks/chance.py OUT ... --objectives fitness
    python benchmarks/chance.py OUT ... --fronts
    python benchmarks/chance.py OUT ... --transfer OTHER.jsonl --transfer-data PATH

The data set, the widths and the course of the final training are those of the file of networks (the first line of what
`msenas rank` writes). Of every search, the network with the best fitness is trained to the end and judged on the test
split (or, where that is too small, with --judge val on the samples on which the networks of the file were compared).
The training begins with the weights that the search has scored, as in `msenas train`; with --other-weights N, there are
N trainings from others, and their mean counts.

With --fronts, all networks of the fronts are trained, too, and the variants are compared at equal energy,
or whatever the second of two objectives is.

A search splits the data by its own seed: it has seen none of the test split if the data set says what is for the test,
and some of the other samples, to which a test split that is drawn belongs, too. With --transfer, the networks that were
found are also trained like those of another file, on its data: searched on the one, trained on the other.

All searches evaluate as many networks; the seconds that this took are printed. Of the searches that have the fitness of
the first variant it is also printed how far they came in their own terms, before anything is trained to the end: the
best fitness, and the hypervolume of objectives that are scaled over all variants that were asked for.

What is in OUT is not computed again, so the benchmark can be stopped at any time; with more --generations or --seeds it
goes on, and other options need another OUT. What the tables of the last command come from is in OUT/searches.jsonl, and
those of a transfer in OUT/searches-OTHER.jsonl; `records.py` makes tables of these files.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from finals import Course, course_of, finished
from records import Setting, searches_of, write_searches
from winners import Winner, affordable, objectives, outcomes

from msenas.errors import InputError
from msenas.fitness.registry import get_fitness
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.runs.files import read_json, write_atomically
from msenas.runs.folder import RunFolder
from msenas.search.config_files import build_config
from msenas.search.loop import End
from msenas.search.objectives import minimised
from msenas.search.outcome import front_of
from msenas.search.prepare import versions
from msenas.search.session import Request, search

VARIANTS: dict[str, dict[str, Any]] = {
    "search": {},
    "random": {"strategy": "random"},
    "micro": {"scales": ("micro",)},
    "meso": {"scales": ("meso",)},
    "macro": {"scales": ("macro",)},
    "no-inhibition": {"motifs": ("empty", "FE")},
    "rdm-contrast": {"fitness": "rdm-contrast"},
    "rdm-paper": {"fitness": "rdm-paper"},
    "rdm-reference": {"fitness": "rdm-reference"},
    "parameters": {"fitness": "parameters"},
}
"""Options of a search by the name of the variant; the first that is asked for is what the others are compared with."""
FIRST_SEED = 100
"""Of the searches, unless another is given: far from the seed of the file, from which other weights are counted."""
SHARED = ("dataset", "data", "window", "size", "layers", "channels", "steps", "neuron", "tau", "threshold", "encoding")
"""Options that all searches take from the file of networks."""


def asked_of(name: str, seed: int, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a search."""
    return {**options, "pick": "fitness", "seed": seed, **VARIANTS[name]}


def searched(out: Path, name: str, seed: int, options: Mapping[str, Any]) -> list[Winner]:
    """The front that a variant finds, best fitness first; a search with fewer generations goes on."""
    folder = RunFolder(out / "searches" / f"{name}-{seed}")
    begun = folder.config.exists()
    asked = {"generations": options["generations"]} if begun else asked_of(name, seed, options)
    found = search(Request(asked, out=folder.path, resume=begun), lambda *_: None, lambda note: None)
    if found.end is End.INTERRUPTED:
        raise KeyboardInterrupt
    run, records = found.run, found.run.records
    members = front_of(records, run.prepared.config)
    if not members:
        raise InputError(f"{folder.path} has found no live network; leave {name} out, or evaluate more")
    seconds = sum(json.loads(line)["seconds"] for line in folder.timings.read_text().splitlines())
    config = run.prepared.config
    plans = [decode(Genome.from_flat(r.genome), run.prepared.spec) for r in records if r.generation == 0]
    points = (minimised(r.scores, config.objectives, get_fitness(config.fitness)) for r in records)
    about = partial(
        Winner,
        name=name,
        seed=seed,
        fitness=config.fitness,
        points=tuple(point for point in points if point is not None),
        seconds=seconds,
        random=float(np.mean([np.mean([s.inhibitory for s in plan.synapses]) for plan in plans])),
    )
    return [about(id=m.id, genome=m.genome.flat(), point=m.objectives or ()) for m in members]


def names_in(text: str) -> list[str]:
    """Names between commas."""
    return text.split(",")


def parsed() -> tuple[argparse.ArgumentParser, argparse.Namespace]:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--networks", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--variants", type=names_in, default=[*VARIANTS])
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="so many searches of each variant")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED, help="of the searches, which are counted from it")
    parser.add_argument("--population", type=int, default=20)
    parser.add_argument("--generations", type=int, default=8)
    parser.add_argument(
        "--objectives", type=names_in, default=["fitness", "energy"], help="of the searches, the fitness first"
    )
    parser.add_argument("--train-steps", type=int, default=None, help="of short trainings; as in a search")
    parser.add_argument("--other-weights", type=int, default=None, metavar="N", help="final trainings of every winner")
    parser.add_argument("--fronts", action="store_true", help="train all networks of every front to the end")
    parser.add_argument("--judge", choices=("test", "val"), default="test")
    parser.add_argument("--transfer", type=Path, default=None, help="file of networks of other data")
    parser.add_argument("--transfer-data", type=Path, default=None)
    parser.add_argument("--transfer-judge", choices=("test", "val"), default="test")
    options = parser.parse_args()
    if unknown := sorted({*options.variants} - {*VARIANTS}):
        parser.error(f"unknown variant {', '.join(unknown)}; there are {', '.join(VARIANTS)}")
    if len({*options.variants}) < len(options.variants):
        parser.error(f"--variants {','.join(options.variants)} has a name twice")
    if options.objectives[0] != "fitness":
        parser.error(
            f"--objectives {','.join(options.objectives)} must begin with fitness, by which winners are picked"
        )
    if options.seeds < 1 or (options.other_weights is not None and options.other_weights < 1):
        parser.error("--seeds and --other-weights must be at least 1")
    if options.fronts and len(options.objectives) != 2:
        parser.error("--fronts needs two objectives, the second one the budget")
    if options.transfer is None and (options.transfer_data is not None or options.transfer_judge != "test"):
        parser.error("--transfer-data and --transfer-judge need --transfer FILE")
    return parser, options


def note(folder: Path, asked: Mapping[str, Any]) -> None:
    """Write down the options that a folder is made with.

    Raises:
        InputError: It was made with others, or cannot be used.
    """
    noted, content = folder / "options.json", json.dumps(asked, indent=1)
    if noted.exists():
        if read_json(noted, dict[str, Any]) != json.loads(content):
            raise InputError(f"{folder} was made with other options; move it away, or give another OUT")
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror or error}") from None
    write_atomically(noted, content)


def main() -> None:
    """Run the command line; what cannot be used is one line."""
    parser, options = parsed()
    try:
        run(options)
    except InputError as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        parser.exit(130, "stopped; the same command goes on\n")


def other_course(options: argparse.Namespace, course: Course) -> Course | None:
    """The course of the data to which winners are transferred, if they are."""
    if options.transfer is None:
        return None
    other = course_of(options.transfer, options.transfer_data, options.transfer_judge)
    if other.config.layers != course.config.layers:
        raise InputError(
            f"the networks of {options.transfer} have {other.config.layers} layers, not {course.config.layers}"
        )
    return other


def searching(options: argparse.Namespace, course: Course) -> dict[str, Any]:
    """The options that all searches share; what a search refuses is refused here, before anything is written.

    Raises:
        InputError: An option, or a seed, cannot be used.
    """
    given = {name: value for name in SHARED if (value := getattr(course.config, name)) is not None}
    given |= {name: getattr(options, name) for name in ("population", "generations", "objectives")}
    if options.train_steps is not None:
        given["train_steps"] = options.train_steps
    for name in options.variants:
        for seed in seeds_of(options)[:: max(options.seeds - 1, 1)]:
            build_config(asked_of(name, seed, given))
    return given


def seeds_of(options: argparse.Namespace) -> range:
    """Seeds of the searches."""
    return range(options.first_seed, options.first_seed + options.seeds)


def check_weights(options: argparse.Namespace, course: Course) -> None:
    """Refuse other weights that are those of a search.

    Raises:
        InputError: They are: the seeds of weights are counted from that of the file.
    """
    seeds, others = seeds_of(options), range(course.config.seed, course.config.seed + (options.other_weights or 0))
    if max(seeds.start, others.start) < min(seeds.stop, others.stop):
        raise InputError(
            f"the other weights, of seeds {others[0]} to {others[-1]}, are not others than those of searches from"
            f" {seeds[0]} to {seeds[-1]}; give another --first-seed"
        )


def run(options: argparse.Namespace) -> None:
    """Search, train what was found, and print a table for each data set."""
    course = course_of(options.networks, options.data, options.judge)
    other = other_course(options, course)
    for one in (course,) if other is None else (course, other):
        check_weights(options, one)
    given = searching(options, course)
    # Searches can go on for more generations, and where the data lie is a matter of this machine.
    note(options.out, {"networks": course.about, **given, "judge": options.judge, "data": None, "generations": None})
    if other is not None:
        elsewhere = options.out / f"trained-{options.transfer.stem}"
        # Another file can have the same name.
        note(elsewhere, {"networks": other.about, "judge": options.transfer_judge})
    # Seed by seed, so that whatever is there after a stop can be compared.
    fronts = [searched(options.out, name, seed, given) for seed in seeds_of(options) for name in options.variants]
    winners = [front[0] for front in fronts]
    ends = partial(finished, others=options.other_weights)
    setting = partial(
        Setting,
        search={name: value for name, value in given.items() if name not in ("data", "objectives")},
        objectives=tuple(options.objectives),
        variants={name: VARIANTS[name] for name in options.variants},
        other_weights=options.other_weights,
        versions=versions(),
    )
    print(*objectives(winners), sep="\n")
    found = ends(options.out / "trained", course, winners)
    print(course.config.dataset, *outcomes(found), sep="\n")
    if options.fronts:
        found = ends(options.out / "trained", course, [winner for front in fronts for winner in front])
        print(*affordable(found, options.objectives[1]), sep="\n")
    here = setting(networks=dict(course.about), judge=options.judge)
    write_searches(options.out / "searches.jsonl", here, searches_of(fronts, found))
    if other is not None:
        found = ends(elsewhere, other, winners)
        print(f"searched on {course.config.dataset}, trained on {other.config.dataset}", *outcomes(found), sep="\n")
        there = setting(networks=dict(other.about), judge=options.transfer_judge)
        write_searches(options.out / f"searches-{options.transfer.stem}.jsonl", there, searches_of(fronts, found))


if __name__ == "__main__":
    main()
