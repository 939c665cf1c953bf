"""The files of hw_profiles: what all of them obey, figures against their sources, and the README beside them."""

from __future__ import annotations

import math
import re
from dataclasses import fields
from importlib import resources
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

from msenas.hardware.price import GRADES, KINDS, SCOPES
from msenas.hardware.profile import Profile, Published, Timing, load_profile, profile_names

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "hw_profiles" / "README.md").read_text(encoding="utf-8")
PICO, NANO, MICRO, MILLI = 1e-12, 1e-9, 1e-6, 1e-3
GENERIC = ("generic-45nm", "generic-45nm-int8", "generic-45nm-fp16", "generic-45nm-memory")
SPIKING = (
    "loihi1",
    "loihi1-sanafe",
    "loihi2",
    "truenorth",
    "spinnaker1",
    "spinnaker2",
    "speck2f",
    "xylo-audio2",
    "akida-akd1000",
    "odin",
    "brainscales2",
    "reckon",
    "tianjic",
    "innatera",
)
COMPARISON = ("northpole", "h100", "a100", "jetson-orin", "xeon-e5-2630", "quadro-k4000")
NOT_PUBLISHED = ("loihi2", "akida-akd1000", "brainscales2", "innatera", "jetson-orin")
"""Chips without any figure that could be multiplied by a count."""
CAPACITY = get_args(get_type_hints(Profile, include_extras=True)["capacity"])[0]
SECONDS = [f.name for f in fields(Timing) if f.name.endswith("_second")]


def nominal(profile: Profile, kind: str) -> float:
    figure = profile.prices[kind].nominal
    assert figure is not None
    return figure


def test_every_chip_has_a_file() -> None:
    assert {*GENERIC, *SPIKING, *COMPARISON} <= set(profile_names())


@pytest.mark.parametrize("name", profile_names())
def test_the_name_is_the_stem_of_the_file(name: str) -> None:
    assert load_profile(name).name == name
    assert resources.files("hw_profiles").joinpath(f"{name}.toml").is_file()


@pytest.mark.parametrize("name", profile_names())
def test_unknown_is_never_zero_and_every_figure_has_a_source(name: str) -> None:
    for price in load_profile(name).prices.values():
        assert len(price.source) > 5
        figures = [figure for figure in (price.low, price.nominal, price.high) if figure is not None]
        assert all(math.isfinite(figure) and figure > 0 for figure in figures)
        assert bool(figures) == (price.grade != "unknown")


@pytest.mark.parametrize("name", profile_names())
def test_times_and_figures_of_whole_runs_are_positive(name: str) -> None:
    profile = load_profile(name)
    times = [getattr(profile.timing, key) for key in SECONDS] if profile.timing else []
    whole = [figure for p in profile.published for figure in (p.joule, p.watt, p.second)]
    for value in (v for v in (*times, *whole) if v is not None):
        assert min(value if isinstance(value, tuple) else (value,)) > 0


@pytest.mark.parametrize("name", NOT_PUBLISHED)
def test_what_nobody_published_has_no_figure(name: str) -> None:
    profile = load_profile(name)
    assert {price.nominal for price in profile.prices.values()} == {None}
    assert {price.grade for price in profile.prices.values()} == {"unknown"}


def test_xylo_has_its_power_at_rest_and_nothing_else() -> None:
    known = {kind for kind, price in load_profile("xylo-audio2").prices.items() if price.nominal is not None}
    assert known == {"static_chip"}


@pytest.mark.parametrize(
    ("name", "kind", "figure"),
    [
        ("truenorth", "synop", 2.297 * PICO),
        ("truenorth", "static_chip", 64.43 * MILLI),
        ("loihi1", "synop", 23.6 * PICO),
        ("loihi1", "update_active", 81 * PICO),
        ("loihi1", "update_idle", 52 * PICO),
        ("loihi1-sanafe", "synop", 24.0 * PICO),
        ("loihi1-sanafe", "update_active", 72.8 * PICO),
        ("loihi1-sanafe", "update_idle", 51.2 * PICO),
        ("loihi1-sanafe", "spike_out", 69.3 * PICO),
        ("loihi1-sanafe", "message", 111 * PICO),
        ("spinnaker1", "synop", 13.3 * NANO),
        ("spinnaker2", "synop", 450 * PICO),
        ("spinnaker2", "update_active", 2.19 * NANO),
        ("speck2f", "all_in_spike", 4.3 * NANO),
        ("speck2f", "static_chip", 0.42 * MILLI),
        ("xylo-audio2", "static_chip", 219 * MICRO),
        ("odin", "synop", 8.43 * PICO),
        ("reckon", "all_in_synop", 5.3 * PICO),
        ("tianjic", "all_in_synop", 1.54 * PICO),
        ("generic-45nm-memory", "sram_32k_64b", 20 * PICO),
    ],
)
def test_figures_as_published(name: str, kind: str, figure: float) -> None:
    assert nominal(load_profile(name), kind) == pytest.approx(figure, rel=1e-12)


@pytest.mark.parametrize(
    ("name", "key", "second"),
    [
        ("loihi1", "synop_second", 3.5 * NANO),
        ("loihi1", "barrier_second", (113 * NANO, 465 * NANO)),
        ("loihi1-sanafe", "synop_second", 3.1 * NANO),
        ("loihi1-sanafe", "update_active_second", (6.0 + 3.7) * NANO),
        ("loihi1-sanafe", "update_idle_second", 6.0 * NANO),
        ("loihi1-sanafe", "spike_out_second", 30 * NANO),
        ("loihi1-sanafe", "message_out_second", 5.1 * NANO),
        ("loihi1-sanafe", "message_in_second", 16 * NANO),
        ("loihi1-sanafe", "hop_ew_second", 4.1 * NANO),
        ("loihi1-sanafe", "hop_ns_second", 6.5 * NANO),
        ("loihi1-sanafe", "barrier_second", (0.6 * MICRO, 1.8 * MICRO)),
        ("truenorth", "tick_second", (47.6 * MICRO, 1 * MILLI)),
        ("spinnaker1", "tick_second", (1 * MILLI, 1 * MILLI)),
        ("speck2f", "event_second", 3.36 * MICRO / 9),
    ],
)
def test_times_as_published(name: str, key: str, second: float | tuple[float, float]) -> None:
    assert getattr(load_profile(name).timing, key) == pytest.approx(second, rel=1e-3)


def test_the_two_sets_of_loihi_give_the_prices_of_their_own_authors() -> None:
    ours, fitted = load_profile("loihi1"), load_profile("loihi1-sanafe")
    per_operation = {"synop", "update_active", "update_idle", "message"}
    assert all("Davies" in ours.prices[kind].source for kind in per_operation)
    assert all("Boyle" in fitted.prices[kind].source for kind in per_operation | {"spike_out"})
    assert "spike_out" in ours.left_out


def test_the_famous_figure_of_truenorth_is_for_the_record_only() -> None:
    profile = load_profile("truenorth")
    assert 26 * PICO in [entry.joule for entry in profile.published]
    assert all(price.nominal != 26 * PICO for price in profile.prices.values())
    for hertz, watt in ((11.58, 68 * MILLI), (20.07, 71 * MILLI), (95.93, 94 * MILLI)):
        work = nominal(profile, "synop") * hertz * 128 * 2**20
        assert work + nominal(profile, "static_chip") == pytest.approx(watt, abs=0.5 * MILLI)


def test_the_figures_of_odin_add_up_to_its_all_in_figure() -> None:
    profile = load_profile("odin")
    assert profile.timing is not None
    assert profile.timing.clock_second is not None
    assert profile.timing.synop_second is not None
    clock = nominal(profile, "clock_cycle") / profile.timing.clock_second
    work = nominal(profile, "synop") / profile.timing.synop_second
    watt = nominal(profile, "static_chip") + clock + work
    assert watt == pytest.approx(477 * MICRO, rel=0.01)
    assert watt * profile.timing.synop_second == pytest.approx(12.7 * PICO, rel=0.01)


@pytest.mark.parametrize(
    ("name", "images", "watt"), [("northpole", 42_460, 74), ("h100", 81_292, 700), ("a100", 30_814, 400)]
)
def test_all_in_figures_of_accelerators_are_power_by_throughput(name: str, images: int, watt: float) -> None:
    profile = load_profile(name)
    assert nominal(profile, "all_in_mac") == pytest.approx(watt / (images * 4.1e9), rel=0.03)
    assert profile.timing is not None
    assert profile.timing.mac_second is not None
    assert profile.timing.mac_second[1] == pytest.approx(1 / (images * 4.1e9), rel=0.03)


@pytest.mark.parametrize(("name", "rate"), [("xeon-e5-2630", 1814), ("quadro-k4000", 770)])
def test_time_of_a_mac_at_batch_1_is_the_throughput_of_the_measured_network(name: str, rate: float) -> None:
    timing = load_profile(name).timing
    assert timing is not None
    assert timing.mac_second == pytest.approx([1 / (rate * (390 * 256 + 256 * 256 + 256 * 29))] * 2, rel=0.005)


def test_the_index_counts_arithmetic_and_the_memory_profile_adds_memory_only() -> None:
    index, memory = load_profile("generic-45nm"), load_profile("generic-45nm-memory")
    assert index.label == "compute-only index (45 nm)"
    assert set(index.prices) == {"ac", "mac"}
    added = {kind: price for kind, price in memory.prices.items() if kind not in index.prices}
    assert {kind: memory.prices[kind] for kind in index.prices} == index.prices
    assert set(added) == {"sram_8k_64b", "sram_32k_64b", "sram_1m_64b", "dram_64b"}


@pytest.mark.parametrize(
    "key",
    sorted(
        {f.name for kind in (Profile, Timing, Published, CAPACITY) for f in fields(kind)}
        | {f"{bound}_{unit}" for bound in ("low", "nominal", "high") for unit in ("joule", "watt")}
        | set(KINDS)
        | set(GRADES)
        | set(SCOPES)
    ),
)
def test_the_readme_explains_every_key(key: str) -> None:
    assert re.search(rf"`{key}`", README), f"hw_profiles/README.md does not explain {key}"


@pytest.mark.parametrize("kind", KINDS)
def test_the_readme_gives_unit_and_meaning_of_every_kind(kind: str) -> None:
    assert f"| `{kind}` | {KINDS[kind].unit} | {KINDS[kind].meaning} |" in README
