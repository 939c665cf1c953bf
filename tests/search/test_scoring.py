"""Networks read from files of three kinds, with the options that they were found with."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from msenas.errors import InputError
from msenas.phenotype.encoding import Standard
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from msenas.runs.best import SCHEMA, SCHEMA_STRUCTURE, Best, Weights, forms, write_best
from msenas.runs.structure import structure_of
from msenas.search.config import SearchConfig
from msenas.search.outcome import best_of
from msenas.search.prepare import prepare
from msenas.search.scoring import RECORDED, STANDARD, prepare_subject, read_subject, score, subject_of
from tests.conftest import motif_genome, small_spec
from tests.data import make_files
from tests.search.conftest import record

OPTIONS = {"layers": 1, "batch": 4, "seed": 3, "steps": 3, "channels": 8, "tau": 3.0, "threshold": 0.25, "neuron": "if"}


@pytest.fixture
def prepared():
    return prepare(SearchConfig(**OPTIONS))


def foreign(**changes):
    """A network of two dense layers for the digits that no genome describes."""
    spec = NetworkSpec((1, 8, 8), 10, 1, **({"steps": 3, "tau": 3.0, "v_th": 0.25} | changes))
    populations = (Population("a.E1", 6, 1, 1, 0, 0, "a"), Population("b.E1", 10, 1, 1, 0, 1, "b"))
    synapses = (
        Synapse((INPUT,), "a.E1", 8, 1, False, False, padding=0),
        Synapse(("a.E1",), "b.E1", 1, 1, False, False),
    )
    structure = structure_of(Plan(spec, populations, synapses, ("b.E1",)))
    about = {"dataset": {"name": "digits"}, STANDARD: {"mean": [0.0], "std": [1.0]}}
    return Best(schema=SCHEMA_STRUCTURE, structure=structure, network=spec, provenance=about)


def test_a_structure_brings_its_options(tmp_path):
    write_best(tmp_path / "best.json", foreign())
    subject = read_subject(tmp_path)
    found = prepare_subject(subject, {})
    assert (subject.genome, found.spec) == (None, foreign().network)
    assert found.evaluator.probe.standard == found.evaluator.school.standard == Standard((0.0,), (1.0,))
    assert subject.plan(found.spec) == foreign().plan
    assert prepare_subject(subject, {"steps": 5}).spec.steps == 5
    scores, values = score(subject, found, ["rdm-contrast", "depth"])
    assert values == {"rdm-contrast": scores.fitness, "depth": 2.0}


@pytest.mark.parametrize("name", ["layers", "channels", "motifs"])
def test_a_structure_has_no_options_of_genomes(name):
    with pytest.raises(InputError, match=f"--{name} does not apply"):
        prepare_subject(subject_of(foreign()), {name: 4})


@pytest.mark.parametrize(
    "standard", [3, {"mean": [0.0]}, {"mean": [0.0], "std": [0.0]}, {"mean": [0, 0], "std": [1, 1]}]
)
def test_a_damaged_standard_is_refused(standard):
    best = msgspec.structs.replace(foreign(), provenance=foreign().provenance | {STANDARD: standard})
    with pytest.raises(InputError, match=r"provenance\.standard"):
        prepare_subject(subject_of(best), {})


@pytest.mark.parametrize("form", ["flat", "readable"])
def test_bare_genome(tmp_path, form):
    genome = motif_genome("FE", "MI", cross=2)
    path = tmp_path / "genome.json"
    path.write_text(json.dumps(list(genome.flat()) if form == "flat" else genome.readable()))
    subject = read_subject(path)
    assert (subject.genome, subject.options, subject.recorded) == (genome, {}, None)
    assert prepare_subject(subject, {"batch": 2}).spec.layers == 2


def test_best_json_brings_its_options(tmp_path, prepared):
    found = record(0, fitness=2.0)
    write_best(tmp_path / "best.json", best_of(found, prepared))
    for path in (tmp_path, tmp_path / "best.json"):
        subject = read_subject(path)
        assert subject.recorded == found.scores
        assert prepare_subject(subject, {}).spec == prepared.spec
        assert prepare_subject(subject, {}).evaluator.probe.digest == prepared.evaluator.probe.digest
        assert prepare_subject(subject, {"batch": 6}).evaluator.probe.pairs == 6


@pytest.mark.parametrize(
    ("searched", "wanted"),
    [
        ({"dataset": "event-folder", "data": "EVENTS", "window": "1ms", "size": 6}, {"dataset": "digits"}),
        ({"dataset": "digits"}, {"dataset": "event-folder", "data": "EVENTS"}),
        ({"dataset": "digits", "encoding": "poisson"}, {"dataset": "npz", "data": "IMAGES"}),
    ],
    ids=["events to images", "images to events", "images to images"],
)
def test_other_data_bring_their_own_options(tmp_path, searched, wanted):
    places = {"EVENTS": str(tmp_path / "events"), "IMAGES": str(tmp_path / "images.npz")}
    searched, wanted = ({k: places.get(v, v) for k, v in options.items()} for options in (searched, wanted))
    for name in "ab":
        for number in range(4):
            make_files.nmnist_bin(tmp_path / "events" / name / f"{number}.bin", [(0, 0, 0, 1), (7, 7, 900, 0)])
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "images.npz", x=images, y=np.arange(60) % 3)
    found = prepare(SearchConfig(layers=1, batch=2, **searched))
    write_best(tmp_path / "best.json", best_of(record(0), found))
    scored = prepare_subject(read_subject(tmp_path), wanted).config
    assert (scored.dataset, scored.data) == (wanted["dataset"], wanted.get("data"))
    assert (scored.window, scored.size) == (None, None)
    expected = "events" if scored.is_events else searched.get("encoding", "direct")
    assert scored.encoding == expected


def test_every_recorded_option_is_in_the_file(prepared):
    assert set(RECORDED) <= set(best_of(record(0), prepared).provenance)


@pytest.mark.parametrize("provenance", [{}, {"dataset": 3}, {"dataset": {"name": 3}}])
def test_unnamed_data_can_be_given(tmp_path, provenance):
    genome = motif_genome("FE")
    best = Best(schema=SCHEMA, genome=forms(genome), network=small_spec(1), provenance=provenance)
    write_best(tmp_path / "best.json", best)
    with pytest.raises(InputError, match="give --dataset"):
        prepare_subject(read_subject(tmp_path), {"batch": 2})
    assert prepare_subject(read_subject(tmp_path), {"batch": 2, "dataset": "digits"}).config.dataset == "digits"


def test_damaged_provenance_is_one_line(tmp_path, prepared):
    best = best_of(record(0), prepared)
    damaged = msgspec.structs.replace(best, provenance=dict(best.provenance) | {"batch": "many"})
    write_best(tmp_path / "best.json", damaged)
    with pytest.raises(InputError, match="batch"):
        prepare_subject(read_subject(tmp_path), {})


def test_the_network_of_the_file_is_scored(tmp_path, prepared):
    best = best_of(record(0), prepared)
    best = msgspec.structs.replace(best, network=replace(best.network, reductions=(0,)), weight_seed=11)
    write_best(tmp_path / "best.json", best)
    again = prepare_subject(read_subject(tmp_path), {})
    assert again.spec == best.network
    assert again.evaluator.seed == 11
    assert prepare_subject(read_subject(tmp_path), {"seed": 5}).evaluator.seed == 5


@pytest.mark.parametrize("other", [{"classes": 7}, {"input_shape": (3, 8, 8)}])
def test_another_network_than_the_data_want_is_refused(tmp_path, prepared, other):
    best = best_of(record(0), prepared)
    write_best(tmp_path / "best.json", msgspec.structs.replace(best, network=replace(best.network, **other)))
    with pytest.raises(InputError, match=next(iter(other))):
        prepare_subject(read_subject(tmp_path), {})


def test_trained_weights_are_refused(tmp_path, prepared):
    best = msgspec.structs.replace(best_of(record(0), prepared), weights=Weights("w.safetensors", "0"))
    write_best(tmp_path / "best.json", best)
    subject = read_subject(tmp_path)
    with pytest.raises(InputError, match="trained weights"):
        score(subject, prepared, ["synops"])
