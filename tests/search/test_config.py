"""Options from defaults, presets, files and the command line; what is not allowed is named."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.errors import InputError
from msenas.fitness.registry import DEFAULT
from msenas.genotype.motifs import MOTIFS
from msenas.search.config import CHANGEABLE, SearchConfig, differences, seconds
from msenas.search.config_files import build_config, read_toml, write_toml

EVERYTHING = {
    "dataset": "nmnist",
    "data": "/data/nmnist",
    "window": "200ms",
    "size": 32,
    "layers": 5,
    "channels": 8,
    "steps": 7,
    "neuron": "if",
    "tau": 3.5,
    "threshold": 0.25,
    "encoding": "events",
    "motifs": ("FE", "MI"),
    "scales": ("meso", "macro"),
    "fitness": "sahd",
    "train_steps": 20,
    "screen": "sahd",
    "promoted": 0.5,
    "hardware": "loihi1",
    "must_fit": True,
    "objectives": ("energy",),
    "population": 10,
    "generations": 3,
    "batch": 16,
    "seed": 5,
    "strategy": "random",
    "operators": "paper",
    "pick": "energy",
    "finalists": 4,
    "finalist_epochs": 3,
    "workers": 3,
    "device": "cpu",
    "precision": "bfloat16",
    "time_limit": "1.5h",
}


def toml(tmp_path, text):
    path = tmp_path / "search.toml"
    path.write_text(text)
    return path


def test_everything_is_every_option():
    assert set(EVERYTHING) == set(SearchConfig.__struct_fields__)
    default = msgspec.structs.asdict(SearchConfig())
    assert [name for name, value in EVERYTHING.items() if default[name] == value] == []


def test_toml_with_every_key(tmp_path):
    config = SearchConfig(**EVERYTHING)
    assert build_config({}, toml(tmp_path, write_toml(config))) == config


def test_default_round_trip(tmp_path):
    assert build_config({}, toml(tmp_path, write_toml(SearchConfig()))) == SearchConfig()
    assert "None" not in write_toml(SearchConfig())


@pytest.mark.parametrize(
    ("options", "fitness"),
    [
        ({}, DEFAULT),
        ({"objectives": ("fitness",)}, DEFAULT),
        ({"objectives": ("energy",)}, "parameters"),
        ({"objectives": ("energy", "synops"), "screen": "sahd"}, "sahd"),
        ({"objectives": ("energy",), "fitness": DEFAULT}, DEFAULT),
    ],
)
def test_nothing_is_trained_for_a_fitness_that_does_not_count(options, fitness):
    assert build_config(options).fitness == fitness


@pytest.mark.parametrize("key", ["time-limit", "time_limit"])
def test_dashes_and_underscores(tmp_path, key):
    assert read_toml(toml(tmp_path, f'{key} = "10m"')) == {"time_limit": "10m"}


def test_one_option_spelt_twice_is_refused(tmp_path):
    with pytest.raises(InputError, match="time"):
        read_toml(toml(tmp_path, 'time-limit = "10m"\ntime_limit = "20m"'))


def test_unknown_key_names_the_nearest(tmp_path):
    with pytest.raises(InputError, match=r"search\.toml: unknown key 'poplation'; did you mean 'population'\?"):
        read_toml(toml(tmp_path, "poplation = 3"))


@pytest.mark.parametrize("text", ["population = ", "[population]\nx = 1", "population = 1\npopulation = 2", "\x00"])
def test_damaged_toml_is_one_line(tmp_path, text):
    with pytest.raises(InputError, match=r"search\.toml: ") as caught:
        build_config({}, toml(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_toml_that_is_no_text(tmp_path):
    (tmp_path / "search.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"search\.toml: "):
        read_toml(tmp_path / "search.toml")


def test_later_sources_win(tmp_path):
    file = toml(tmp_path, "generations = 7")
    assert build_config({}).generations == SearchConfig().generations
    assert build_config({}, None, "paper").generations == 80
    assert build_config({}, file, "paper").generations == 7
    assert build_config({}, file, "paper").population == 50
    assert build_config({"generations": 9}, file, "paper").generations == 9


def test_unknown_preset_names_the_nearest():
    with pytest.raises(InputError, match="unknown preset 'papr'; did you mean 'paper'"):
        build_config({}, None, "papr")


@pytest.mark.parametrize(
    ("field", "value", "near"),
    [
        ("dataset", "digit", "digits"),
        ("fitness", "rdm-contrst", "rdm-contrast"),
        ("strategy", "evolutions", "evolution"),
        ("operators", "papers", "paper"),
        ("pick", "kne", "knee"),
        ("precision", "float23", "float32"),
        ("motifs", ("FE", "Fbi"), "FbI"),
        ("objectives", ("energie",), "energy"),
        ("neuron", "liff", "lif"),
        ("encoding", "poison", "poisson"),
    ],
)
def test_unknown_name_names_the_nearest(field, value, near):
    with pytest.raises(InputError, match=f"did you mean '{near}'"):
        build_config({field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("population", 1),
        ("population", 100_001),
        ("generations", 0),
        ("batch", 1),
        ("batch", 65_537),
        ("seed", -1),
        ("seed", 2**63),
        ("workers", 0),
        ("workers", 1025),
        ("layers", 0),
        ("layers", -1),
        ("layers", 65),
    ],
)
def test_number_out_of_range_is_named(field, value):
    with pytest.raises(InputError, match=rf"{field} must be .* to .*, not {value}"):
        build_config({field: value})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("population", "8"),
        ("population", 8.5),
        ("population", True),
        ("tau", "slow"),
        ("motifs", "FE"),
        ("motifs", [1]),
        ("dataset", 3),
        ("window", 200),
        ("workers", []),
    ],
)
def test_wrong_type_names_the_option(field, value):
    with pytest.raises(InputError, match=field):
        build_config({field: value})


@pytest.mark.parametrize("pick", ["fitness", "energy"])
def test_pick_needs_its_objective(pick):
    with pytest.raises(InputError, match=rf"pick '{pick}' needs {pick} among the objectives \(spikes, synops\)"):
        build_config({"pick": pick, "objectives": ("spikes", "synops")})
    assert build_config({"pick": pick, "objectives": (pick,)}).pick == pick


@pytest.mark.parametrize("field", ["motifs", "objectives", "scales"])
@pytest.mark.parametrize("twice", [False, True])
def test_lists_name_each_thing_once(field, twice):
    names = tuple(EVERYTHING[field][:1]) * 2 if twice else ()
    with pytest.raises(InputError, match="at least one thing, each once"):
        build_config({field: names})


@pytest.mark.parametrize(
    ("text", "value"),
    [("200ms", 0.2), ("90s", 90), ("10m", 600), ("1.5h", 5400), (" 2s ", 2)],
)
def test_duration(text, value):
    assert seconds(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["10", "", "s", "-1s", "0s", "1 s", "1e3s", "1d", ".5s", "nans", "infh", "1s2", "0.0m"]
)
def test_no_duration(text):
    with pytest.raises(InputError, match="is no duration; write a number and ms, s, m or h"):
        seconds(text)
    for field in ("window", "time_limit"):
        with pytest.raises(InputError, match=re.escape(repr(text))):
            build_config({field: text})


def test_network_of_the_defaults():
    config = SearchConfig()
    small, large = config.network((1, 8, 8), 10), config.network((3, 32, 32), 10)
    assert (small.layers, small.steps, small.encoding) == (4, 4, "direct")
    assert (large.layers, large.reductions) == (6, (1, 3, 4))
    events = SearchConfig(dataset="nmnist").network((2, 34, 34), 10)
    assert (events.steps, events.encoding) == (10, "events")


def test_network_takes_every_option():
    spec = SearchConfig(**EVERYTHING).network((2, 34, 34), 10)
    assert (spec.layers, spec.channels, spec.steps, spec.neuron, spec.tau, spec.v_th, spec.encoding) == (
        5,
        8,
        7,
        "if",
        3.5,
        0.25,
        "events",
    )


@pytest.mark.parametrize(("dataset", "encoding"), [("digits", "events"), ("nmnist", "direct"), ("nmnist", "poisson")])
def test_encoding_that_does_not_fit_the_data(dataset, encoding):
    with pytest.raises(InputError, match=f"encoding '{encoding}' does not fit {dataset}"):
        SearchConfig(dataset=dataset, encoding=encoding).network((1, 8, 8), 10)


@pytest.mark.parametrize(("field", "value"), [("tau", float("inf")), ("tau", float("nan")), ("tau", 0.5)])
def test_tau_must_be_a_time(field, value):
    with pytest.raises(InputError, match="tau"):
        build_config({field: value}).network((1, 8, 8), 10)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_message_about_the_threshold_uses_the_name_of_the_option(value):
    with pytest.raises(InputError, match="threshold"):
        build_config({"threshold": value}).network((1, 8, 8), 10)


@pytest.mark.parametrize(
    ("scales", "choices"),
    [
        (("micro",), ((1,), (0, 1, 2), (1,), (1,))),
        (("meso",), ((0, 1, 2, 3, 4, 5), (1,), (1,), (1,))),
        (("macro",), ((1,), (1,), (1, 2, 3), (1, 2))),
        (("macro", "micro", "meso"), ((0, 1, 2, 3, 4, 5), (0, 1, 2), (1, 2, 3), (1, 2))),
    ],
)
def test_a_scale_that_is_not_searched_is_fixed(scales, choices):
    space = SearchConfig(scales=scales).space(4)
    assert (space.motif, space.micro, space.g1, space.g2) == choices


def test_motifs_are_not_chosen_where_they_are_not_searched():
    with pytest.raises(InputError, match="without the scale meso"):
        SearchConfig(scales=("micro",), motifs=("FI", "FE"))


def test_space_holds_the_chosen_motifs():
    assert SearchConfig(motifs=("MI", "FE")).space(3).motif == (1, 5)
    assert SearchConfig().space(2).motif == tuple(range(len(MOTIFS)))


def test_differences_name_what_may_not_change():
    old, new = SearchConfig(finalists=2), SearchConfig(**EVERYTHING)
    named = {line.partition(":")[0] for line in differences(old, new)}
    assert named == {f.replace("_", "-") for f in EVERYTHING} - {f.replace("_", "-") for f in CHANGEABLE}
    assert "population: 25 -> 10" in differences(old, new)
    assert differences(old, old) == []


def test_finalists_may_be_added_but_not_changed():
    none, some, more = (SearchConfig(finalists=n) for n in (0, 4, 5))
    assert differences(none, SearchConfig(finalists=4, finalist_epochs=2)) == []
    assert differences(some, more) == ["finalists: 4 -> 5"]
    assert differences(some, none) == ["finalists: 4 -> 0"]
    assert differences(some, SearchConfig(finalists=4, finalist_epochs=2)) == ["finalist-epochs: 8 -> 2"]


@given(st.fixed_dictionaries({}, optional={k: st.just(v) for k, v in EVERYTHING.items()}))
def test_some_options_round_trip(options):
    if options.get("encoding") == "events" and "dataset" not in options:
        del options["encoding"]
    config = build_config(options)
    data = {k.replace("-", "_"): v for k, v in _toml(write_toml(config)).items()}
    assert build_config(data) == config


def _toml(text):
    from msenas.search.config_files import tomllib

    return tomllib.loads(text)
