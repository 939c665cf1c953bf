"""Scores of one network from a file: the search's evaluation, repeated or with another fitness or chip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from msenas.data.registry import DATASETS
from msenas.errors import GenomeError, InputError
from msenas.fitness.evaluate import Scores
from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.encoding import Standard
from msenas.phenotype.plan import Plan
from msenas.phenotype.spec import NetworkSpec
from msenas.runs.best import Best, read_best
from msenas.runs.files import read_json
from msenas.search.config import SearchConfig
from msenas.search.config_files import build_config
from msenas.search.prepare import Prepared, prepare

RECORDED = ("fitness", "hardware", "batch", "seed", "precision", "window", "size", "train_steps")
"""Options of a search that best.json keeps in its provenance."""
STANDARD = "standard"
"""Mean and standard deviation of each channel that images are standardised with, in the provenance."""
OF_THE_DATA = ("data", "window", "size")
"""Options that belong to one data set."""

OF_GENOMES = ("layers", "channels", "motifs")
"""Options that say how a genome is read."""

GENOME_FORMS: Any = dict[str, Any] | list[int]
"""best.json or a readable genome; or a flat genome."""


@dataclass(frozen=True)
class Subject:
    """A network read from a file, and the options that it was found with (none for a bare genome).

    Attributes:
        genome: None for a network that no genome describes.
        options: by their names in a configuration.
        recorded: scores of then.
        best: the content of best.json; None for a bare genome.
    """

    genome: Genome | None
    options: Mapping[str, Any]
    recorded: Mapping[str, Any] | None
    best: Best | None = None

    def plan(self, spec: NetworkSpec) -> Plan:
        """The network under a spec.

        Raises:
            InputError: The genome describes none, or the structure does not fit the spec.
        """
        if self.best is not None:
            return self.best.plan_for(spec)
        assert self.genome is not None
        return decode(self.genome, spec)


def read_subject(path: Path) -> Subject:
    """Read best.json (or its folder), a flat genome (a JSON list) or a readable one (a JSON object).

    Raises:
        InputError: The file is none of these.
    """
    if path.is_dir():
        path = path / "best.json"
    content = read_json(path, GENOME_FORMS)
    if isinstance(content, dict) and "schema" in content:
        return subject_of(read_best(path))
    try:
        genome = Genome.from_flat(content) if isinstance(content, list) else Genome.from_readable(content)
    except GenomeError as error:
        raise GenomeError(f"{path}: {error}") from None
    return Subject(genome, {}, None)


def subject_of(best: Best) -> Subject:
    """The network of a best.json that has been read."""
    return Subject(best.genotype, _options_of(best), best.scores, best)


def _options_of(best: Best) -> dict[str, Any]:
    """The options that make the same evaluation again."""
    spec, about = best.network, best.provenance
    data = about.get("dataset")
    options = {name: about[name] for name in RECORDED if about.get(name) is not None}
    if best.genome is not None:
        options |= {"layers": spec.layers, "channels": spec.channels}
    options |= {"steps": spec.steps, "neuron": spec.neuron, "tau": spec.tau, "threshold": spec.v_th}
    options["encoding"] = spec.encoding
    if isinstance(data, dict) and isinstance(data.get("name"), str):
        options |= {"dataset": data["name"]} | ({"data": data["path"]} if isinstance(data.get("path"), str) else {})
    return options


def prepare_subject(subject: Subject, options: Mapping[str, Any], *, download: bool = False) -> Prepared:
    """Everything needed to score a network; options given win over those it was found with.

    Raises:
        InputError: The options or the data cannot be used, or the genome has another number of layers.
    """
    if subject.recorded is not None and not {"dataset"} & (set(subject.options) | set(options)):
        raise InputError("best.json does not name its data set; give --dataset")
    if subject.genome is None and (given := [name for name in OF_GENOMES if name in options]):
        raise InputError(f"--{given[0]} does not apply: the network was imported and has no genome")
    defaults = {} if subject.genome is None else {"layers": len(subject.genome.layers)}
    found = dict(subject.options)
    if options.get("dataset", found.get("dataset")) != found.get("dataset"):
        found = _for_other_data(found, options["dataset"])
    config: SearchConfig = build_config(defaults | found | dict(options))
    prepared = prepare(config, download=download)
    return prepared if subject.best is None else _as_in(subject.best, prepared, options)


def _for_other_data(options: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    """The options without those that hold for the data set that they were recorded with only."""
    kept = {name: value for name, value in options.items() if name not in OF_THE_DATA}
    events = dataset in DATASETS and DATASETS[dataset].kind == "events"
    if (kept.get("encoding") == "events") != events:
        kept.pop("encoding", None)
    return kept


def _as_in(best: Best, prepared: Prepared, options: Mapping[str, Any]) -> Prepared:
    """The network of the file with its weight seed, as far as no option says otherwise.

    Raises:
        InputError: The data have another shape or number of classes than the file, and were not chosen by an option.
    """
    spec, own = prepared.spec, best.network
    for name in ("input_shape", "classes"):
        if getattr(spec, name) != getattr(own, name) and "dataset" not in options:
            raise InputError(f"best.json has {name} {getattr(own, name)}, its data set {getattr(spec, name)}")
    if best.genome is None:
        spec = replace(spec, layers=own.layers, channels=own.channels, reductions=own.reductions)
    elif spec.input_shape == own.input_shape:
        spec = replace(spec, reductions=own.reductions)
    seed = prepared.evaluator.seed if "seed" in options else best.weight_seed
    evaluator = replace(prepared.evaluator, seed=seed)
    if (standard := _standard(best, spec.input_shape[0])) is not None:
        school = None if evaluator.school is None else replace(evaluator.school, standard=standard)
        evaluator = replace(evaluator, probe=replace(evaluator.probe, standard=standard), school=school)
    return replace(prepared, spec=spec, evaluator=evaluator)


def _standard(best: Best, channels: int) -> Standard | None:
    """How the network wants its images, where the file says so; else by the statistics of the training split."""
    if STANDARD not in best.provenance:
        return None
    try:
        found = msgspec.convert(best.provenance[STANDARD], Standard)
    except msgspec.ValidationError as error:
        raise InputError(f"best.json: provenance.{STANDARD}: {error}") from None
    if not len(found.mean) == len(found.std) == channels or min(found.std) <= 0:
        raise InputError(f"best.json: provenance.{STANDARD} needs mean and positive std for {channels} channels")
    return found


def score(subject: Subject, prepared: Prepared, names: Sequence[str]) -> tuple[Scores, dict[str, float | None]]:
    """Scores of the network, with the first fitness, and the values of all; a further one may have none.

    Raises:
        InputError: The network has trained weights.
        GenomeError: The genome describes no network.
        ScoreError: The first value is not a finite number.
    """
    if subject.best is not None and subject.best.weights is not None:
        raise InputError(f"{subject.best.weights.file} are trained weights; only random ones can be scored")
    plan = subject.plan(prepared.spec)
    return prepared.evaluator.changed(fitness=names[0]).several(plan, names)
