"""The shipped prices against chips that were measured.

A row predicts a measured energy from published activity and from the prices of a profile; the ratio of the two must lie
in an interval. Kinds of row:
    held-out  the measurement is not among the data that the prices come from
    bracket   something was not published, so two assumptions must enclose the measurement
    identity  the prices come from this measurement: it checks units and arithmetic
    negative  a known way to be wrong, kept as a warning; the interval says how wrong
Intervals are the ratios that were found, with room for the rounding of the published figures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from msenas.hardware.energy import Energy, price
from msenas.hardware.price import Band
from msenas.hardware.profile import load_profile
from msenas.hardware.workload import CHIP, Load


@dataclass(frozen=True)
class Row:
    """A measurement.

    Attributes:
        what: it was, with the kind of row.
        profile: whose prices predict it.
        amounts: loads of one inference, or of one second where a power was measured.
        joule: measured.
        interval: of predicted over measured.
        source: of activity and measurement.
    """

    what: str
    profile: str
    amounts: Mapping[str, float]
    joule: float
    interval: tuple[float, float]
    source: str


def energy(profile: str, amounts: Mapping[str, float]) -> Energy:
    """The amounts times the prices of a profile."""
    loads = {name: Load(Band(amount, amount, amount), {CHIP: amount}) for name, amount in amounts.items()}
    return price(loads, load_profile(profile), samples=1)


SWEEP = """Merolla et al. 2014, Science 345:668, doi:10.1126/science.1254642 + supplement; Akopyan et al. 2015, IEEE \
TCAD 34(10):1537: 0.8 V, readings of 1 mW"""
TRUENORTH_SYNAPSES = 2**20 * 128
"""Neurons of the chip times the synapses of each in the random networks of the sweep."""
SEARCH = "Frady et al. 2020, NICE, arXiv:2004.12691, Table 2: one of its networks, neuro-cores only"
PATTERNS, WINDOW = 76_800, 60
"""Neurons of the search, each of which hears every spike; time steps of a query."""
KEYWORDS = "Blouw et al. 2019, NICE, doi:10.1145/3320288.3320304, rail logs in abr/power_benchmarks"
KEYWORD_SYNAPSES, KEYWORD_NEURONS, KEYWORD_STEPS = 390 * 256 + 256 * 256 + 256 * 29, 256 + 256 + 29, 10
KEYWORD_SECOND = 1 / 296.5
KEYWORD_JOULE = 110.19e-3 * KEYWORD_SECOND
BRANCH_JOULE = 1.652e-6
"""What one more branch costs in one step: slope of the measured sweep between 1 and 10 branches."""
BRANCH_SYNAPSES, BRANCH_NEURONS = 720_896, 2560
NETWORK = "Frenkel et al. 2019, IEEE TBioCAS 13(1):145, doi:10.1109/TBCAS.2018.2880425, section IV"
GMAC = 4.1e9
"""Multiply-accumulates of ResNet-50."""
IMAGES = "Modha et al. 2023, Science 382:329, doi:10.1126/science.adh1174, table of comparison"


def truenorth(hertz: float) -> dict[str, float]:
    """One second of the networks of the sweep."""
    return {"synops": TRUENORTH_SYNAPSES * hertz, "chip_seconds": 1.0}


def search(spikes: int, updates: str = "updates_idle") -> dict[str, float]:
    """One query; which of the two prices of an update holds for these neurons was not published."""
    return {"synops": spikes * PATTERNS, updates: PATTERNS * WINDOW}


def keyword(rate: float) -> dict[str, float]:
    """One inference; the firing rate was not published."""
    return {
        "synops": KEYWORD_SYNAPSES * KEYWORD_STEPS * rate,
        "updates_active": KEYWORD_NEURONS * KEYWORD_STEPS,
    }


def branch(rate: float, updates: str = "updates_idle") -> dict[str, float]:
    """One branch for one step; firing rate and kind of update were not published."""
    return {"synops": BRANCH_SYNAPSES * rate, updates: BRANCH_NEURONS}


ACTIVE = "updates_active"
ROWS = (
    Row("identity: TrueNorth at 11.58 Hz", "truenorth", truenorth(11.58), 68e-3, (0.995, 1.005), SWEEP),
    Row("held-out: TrueNorth at 20.07 Hz", "truenorth", truenorth(20.07), 71e-3, (0.985, 1.005), SWEEP),
    Row("identity: TrueNorth at 95.93 Hz", "truenorth", truenorth(95.93), 94e-3, (0.995, 1.005), SWEEP),
    Row("held-out: search, few spikes", "loihi1", search(667), 1.33e-3, (1.08, 1.10), SEARCH),
    Row("held-out: search, many spikes", "loihi1", search(750), 1.33e-3, (1.19, 1.21), SEARCH),
    Row("held-out: search, few spikes, active", "loihi1", search(667, ACTIVE), 1.33e-3, (1.18, 1.20), SEARCH),
    Row("held-out: search, many spikes, active", "loihi1", search(750, ACTIVE), 1.33e-3, (1.29, 1.31), SEARCH),
    Row("bracket: branch, rate 0.05", "loihi1", branch(0.05), BRANCH_JOULE, (0.58, 0.62), KEYWORDS),
    Row("bracket: branch, rate 0.10", "loihi1", branch(0.10), BRANCH_JOULE, (1.09, 1.13), KEYWORDS),
    Row("bracket: branch, rate 0.05, active", "loihi1", branch(0.05, ACTIVE), BRANCH_JOULE, (0.62, 0.66), KEYWORDS),
    Row("bracket: branch, rate 0.10, active", "loihi1", branch(0.10, ACTIVE), BRANCH_JOULE, (1.14, 1.17), KEYWORDS),
    Row("negative: keywords, rate 0.05", "loihi1", keyword(0.05), KEYWORD_JOULE, (0.006, 0.008), KEYWORDS),
    Row("negative: keywords, rate 0.10", "loihi1", keyword(0.10), KEYWORD_JOULE, (0.011, 0.013), KEYWORDS),
    Row("negative: keywords, all fire", "loihi1", keyword(1.0), KEYWORD_JOULE, (0.10, 0.12), KEYWORDS),
    Row("identity: NorthPole, ResNet-50", "northpole", {"macs_dense": GMAC}, 1 / 571, (0.98, 1.02), IMAGES),
    Row("identity: H100, ResNet-50", "h100", {"macs_dense": GMAC}, 1 / 116, (0.98, 1.02), IMAGES),
    Row("identity: A100, ResNet-50", "a100", {"macs_dense": GMAC}, 1 / 78, (0.98, 1.02), IMAGES),
)


@pytest.mark.parametrize("row", ROWS, ids=[row.what for row in ROWS])
def test_prediction_over_measurement(row: Row) -> None:
    predicted = energy(row.profile, row.amounts)
    assert not predicted.unpriced
    assert len(predicted.terms) == len(row.amounts)
    assert row.interval[0] < predicted.joule.nominal / row.joule < row.interval[1]


def test_an_average_is_no_price_of_one_more_event() -> None:
    """TrueNorth's 26 pJ contain its static power; as a marginal price they predict four times the measured power."""
    profile = load_profile("truenorth")
    (average,) = [figure.joule for figure in profile.published if figure.joule == 26e-12]
    static = profile.prices["static_chip"].nominal
    assert 4.1 < (average * TRUENORTH_SYNAPSES * 95.93 + static) / 94e-3 < 4.4


@pytest.mark.parametrize(("spikes", "low", "high"), [(667, 1.52, 1.56), (750, 1.69, 1.73)])
def test_dense_synapses_of_the_fitted_set_bound_the_search(spikes: int, low: float, high: float) -> None:
    """Bracket: the upper price of an event in loihi1-sanafe is that of dense synapses, which this network has."""
    bound = energy("loihi1-sanafe", search(spikes)).joule.high
    assert low < bound / 1.33e-3 < high


@pytest.mark.parametrize(("branches", "joule"), [(2, 11.96e-6), (4, 15.05e-6), (6, 18.38e-6), (8, 21.57e-6)])
def test_energy_of_loihi_is_linear_in_the_size_of_the_network(branches: int, joule: float) -> None:
    """Held-out: slope and intercept come from 1 and 10 branches, the measurements from those between (KEYWORDS)."""
    predicted = energy("loihi1", {"io_steps": 1}).joule.nominal + branches * BRANCH_JOULE
    assert 0.985 < predicted / joule < 1.01


def test_the_rate_that_explains_a_branch_is_plausible() -> None:
    idle, firing = (energy("loihi1", branch(rate)).joule.nominal for rate in (0.0, 1.0))
    assert 0.088 < (BRANCH_JOULE - idle) / (firing - idle) < 0.091


def test_idle_power_is_what_the_keyword_network_costs() -> None:
    """Identity: of 372 uJ, 99 are idle after boot and 225 more once the embedded processors have run (KEYWORDS).

    For networks of this size (172,800 synapses) on Loihi, static power and the host are the energy, and operations are
    not: the negative rows above. With the static power of the same logs the estimate is 0.88 of the measurement.
    """
    static = load_profile("loihi1").prices["static_chip"]
    after_boot, awake = static.low * KEYWORD_SECOND, static.nominal * KEYWORD_SECOND
    assert after_boot == pytest.approx(99e-6, rel=0.01)
    assert awake - after_boot == pytest.approx(225e-6, rel=0.01)
    assert KEYWORD_JOULE - awake == pytest.approx(47e-6, rel=0.01)
    estimate = energy("loihi1", keyword(0.075) | {"chip_seconds": KEYWORD_SECOND}).joule.nominal
    assert 0.87 < estimate / KEYWORD_JOULE < 0.90


@pytest.mark.parametrize(("megahertz", "watt"), [(75.0, 477e-6), (1.3, 35e-6)])
def test_power_of_odin(megahertz: float, watt: float) -> None:
    """Identity: its published law of leakage, clock and operations, one for two cycles (NETWORK)."""
    cycles = megahertz * 1e6
    operations = energy("odin", {"synops": cycles / 2, "chip_seconds": 1.0}).joule.nominal
    clock = load_profile("odin").prices["clock_cycle"].nominal * cycles
    assert (operations + clock) / watt == pytest.approx(1, abs=0.005)


SPECK = {
    "gesture": (1.0e6, 9.5e-3),
    "gesture, attention": (0.4e6, 3.8e-3),
    "gait by day": (2.9e6, 16.1e-3),
    "gait by day, attention": (1.2e6, 7.3e-3),
    "gait by night": (3.3e6, 46.8e-3),
    "gait by night, attention": (1.5e6, 12.3e-3),
}
"""Spikes in 540 ms, total power in W: Yao et al. 2024, Nat Commun 15:4464, doi:10.1038/s41467-024-47811-6, Table 1."""
SPECK_SECOND = 0.54


def per_spike(spikes: float, watt: float) -> float:
    """J above the power at rest."""
    rest = load_profile("speck2f").prices["static_chip"].nominal
    return (watt - rest) * SPECK_SECOND / spikes


@pytest.mark.parametrize("run", SPECK)
def test_each_run_of_speck_from_the_others(run: str) -> None:
    """Held-out: the geometric mean of the other five predicts each within a factor of two, and not much better."""
    spikes, watt = SPECK[run]
    others = [per_spike(*SPECK[name]) for name in SPECK if name != run]
    rest = load_profile("speck2f").prices["static_chip"].nominal
    predicted = rest + math.prod(others) ** (1 / len(others)) * spikes / SPECK_SECOND
    assert 0.50 < predicted / watt < 1.60


def test_price_of_a_spike_on_speck_spans_its_runs() -> None:
    found = sorted(per_spike(*values) for values in SPECK.values())
    shipped = load_profile("speck2f").prices["all_in_spike"]
    assert shipped.low == pytest.approx(found[0], rel=0.02)
    assert shipped.nominal == pytest.approx(math.prod(found) ** (1 / len(found)), rel=0.02)
    assert shipped.high == pytest.approx(found[-1], rel=0.02)


@pytest.mark.parametrize(
    ("images_per_second", "watt", "images_per_joule"), [(42_460, 74, 571), (81_292, 700, 116), (30_814, 400, 78)]
)
def test_throughput_over_power_is_the_published_efficiency(
    images_per_second: int, watt: int, images_per_joule: int
) -> None:
    """Identity: NorthPole, H100 and A100 on ResNet-50 (IMAGES)."""
    assert images_per_second / watt / images_per_joule == pytest.approx(1, abs=0.02)
