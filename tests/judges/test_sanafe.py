"""SANA-FE simulates the same networks on its Loihi: counts, traffic and energy must be ours.

SANA-FE (doi:10.1109/TCAD.2025.3537971, GPL-3.0) shares its prices with the profile loihi1-sanafe. It judges counts,
placement, messages, hops and arithmetic, not the prices.

An update is active in SANA-FE if an event arrives, whatever its weight, if the potential is not 0, or if there is a
bias. This differs from ours where weights are 0 and where currents cancel; `loihi.on_grid` avoids both, and
`test_where_activity_differs` shows them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch

from msenas.genotype.genome import Genome
from msenas.hardware.census import take_census
from msenas.hardware.counts import SpikeCounts, count
from msenas.hardware.energy import price
from msenas.hardware.placement import Cores, Placement, place
from msenas.hardware.profile import load_profile
from msenas.hardware.traffic import traffic
from msenas.hardware.workload import Load, loads_of_census
from msenas.phenotype.decode import decode
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.judges import gesture, loihi, playback

LOIHI = Cores(neurons=1024, per_chip=128, per_tile=4, mesh=(8, 4))
SMALL_CORES = Cores(neurons=50, per_chip=128, per_tile=4, mesh=(8, 4))
"""Loihi with populations on several cores whose borders are inside of channels, and many tiles."""
EXACT = 1e-9
PARTS = {
    "synapse": ("synops",),
    "soma": ("updates_active", "updates_idle", "spikes"),
    "network": ("messages", "hops_ew", "hops_ns"),
}
"""Parts of SANA-FE's energy, and what we call their causes."""


def counted(network: Network, frames: torch.Tensor, cores: Cores) -> tuple[dict[str, float], Placement]:
    """Our counts of one sample [T, 1, C, H, W], and where the neurons are."""
    census = take_census(network, [frames], [cores])
    loads = loads_of_census(network.plan, census, cores)
    return {name: load.amount.nominal for name, load in loads.items()}, census.traffics[cores].placement


def priced(numbers: Mapping[str, float]) -> dict[str, float]:
    """J of each part, with the shipped profile."""
    causes = [cause for part in PARTS.values() for cause in part]
    energy = price({name: Load.of({"": numbers[name]}) for name in causes}, load_profile("loihi1-sanafe"), samples=1)
    assert not energy.unpriced
    joule = {term.cause: term.joule.nominal for term in energy.terms}
    return {part: sum(joule[cause] for cause in part_of) for part, part_of in PARTS.items()} | {
        "total": energy.joule.nominal
    }


def agree(run: loihi.Run, numbers: Mapping[str, float], spikes: Mapping[str, torch.Tensor]) -> None:
    """Spikes one by one, then all counts, are equal."""
    for name, fired in run.fired.items():
        assert np.array_equal(fired, spikes[name].flatten(1).numpy() != 0), name
    theirs = (run.spikes, run.events, run.active, run.messages, run.hops_ew, run.hops_ns)
    ours = ("spikes", "synops", "updates_active", "messages", "hops_ew", "hops_ns")
    assert dict(zip(ours, theirs, strict=True)) == {name: numbers[name] for name in ours}
    assert min(run.spikes, run.events, run.active, run.messages) > 0


@pytest.mark.parametrize(("neuron", "bias"), [("lif", 0), ("if", 0), ("lif", 500)])
@pytest.mark.parametrize("motif", playback.MOTIF_NAMES)
def test_each_population_of_a_network(motif: str, neuron: str, bias: int, rng: np.random.Generator) -> None:
    plan = playback.plan_around(motif, encoding="events", neuron=neuron, steps=4, v_th=3000.0)
    network = loihi.on_grid(Network(plan), rng, bias)
    frames = playback.binary_frames(plan.spec, 1, rng)
    numbers, placement = counted(network, frames, SMALL_CORES)
    spikes = {name: train[:, 0] for name, train in playback.play(network, frames).items()}
    run = loihi.replayed(network, spikes, placement)
    agree(run, numbers, spikes)
    assert (numbers["updates_idle"] == 0) == bool(bias)
    assert min(run.hops_ew, run.hops_ns) > 0
    assert run.joule == pytest.approx(priced(numbers), rel=EXACT, abs=0)


SIZES = {
    "small": NetworkSpec((1, 8, 8), 3, 3, steps=6, channels=4, reductions=(1,), encoding="events", v_th=3000.0),
    "large": NetworkSpec((2, 24, 20), 3, 5, steps=4, channels=8, reductions=(4,), encoding="events", v_th=3000.0),
}


def chain(spec: NetworkSpec) -> Plan:
    """One population per layer, each hears the one before it only."""
    genes = {"motif": "FE", "synapses": {"in->E1": "3x3", "E1->E2": "none", "in->E2": "none"}}
    readable = {"layers": [genes] * spec.layers, "cross": {"layers": 1, "kernel": "3x3"}}
    return decode(Genome.from_readable(readable), spec)


@pytest.mark.parametrize(("size", "bias"), [("small", 0), ("large", 0), ("large", 300)])
def test_a_whole_network(size: str, bias: int, rng: np.random.Generator) -> None:
    plan = chain(SIZES[size])
    assert all(len(s.sources) == 1 for s in plan.synapses)
    assert len(plan.synapses) == len(plan.populations) == plan.depth == plan.spec.layers
    network = loihi.on_grid(Network(plan), rng, bias)
    frames = playback.binary_frames(plan.spec, 1, rng)
    numbers, placement = counted(network, frames, LOIHI)
    spikes = {name: train[:, 0] for name, train in playback.play(network, frames).items()}
    depth = {p.name: number for number, p in enumerate(plan.populations, start=1)}
    run = loihi.whole(network, spikes[INPUT], placement, depth)
    agree(run, numbers, spikes)
    numbers["updates_idle"] += plan.neurons * plan.depth  # while the chain fills and empties
    assert run.joule == pytest.approx(priced(numbers), rel=EXACT, abs=0)


@pytest.mark.parametrize(("weights", "theirs", "ours"), [((2, 1), 12, 12), ((2, -2), 4, 12), ((0, 0), 4, 0)])
def test_where_activity_differs(weights: tuple[int, int], theirs: int, ours: int) -> None:
    """Two events reach 4 neurons in the first of 3 steps; the neurons keep what they are given.

    Currents of 2 and -2 leave a potential of 0, which SANA-FE sees and we do not. An event through a weight of 0 is
    activity to SANA-FE and not to us.
    """
    spec = NetworkSpec((2, 4, 4), 3, 1, steps=3, channels=4, neuron="if", encoding="events", v_th=100.0)
    synapse = Synapse((INPUT,), "L1.E1", 1, 1, False, False, None)
    plan = Plan(spec, (Population("L1.E1", 4, 4, 4, 0, 0, "FE"),), (synapse,), ("L1.E1",))
    network = loihi.on_grid(Network(plan), np.random.default_rng(0))
    with torch.no_grad():
        network.weights[0].copy_(torch.tensor(weights).view(1, 2, 1, 1).expand(4, 2, 1, 1))
    frames = torch.zeros(3, 1, 2, 4, 4)
    frames[0, 0, :, 1, 2] = 1
    numbers, placement = counted(network, frames, LOIHI)
    spikes = {name: train[:, 0] for name, train in playback.play(network, frames).items()}
    assert loihi.replayed(network, spikes, placement).active == theirs
    assert numbers["updates_active"] == ours


@pytest.mark.slow
def test_the_gesture_network_of_the_package() -> None:
    """The network that SANA-FE's authors ran on Loihi and in SANA-FE, for one frame of 100 steps.

    Measured on Loihi: 1 to 4 uJ and 10 to 30 us per step over the frames (Boyle et al. 2025, figure). The expected
    counts were found with SANA-FE 2.2.9. Activity is SANA-FE's own; the rest of the energy is ours.
    """
    steps, cores = 100, Cores(neurons=512, per_chip=128, per_tile=4, mesh=(8, 4))
    plan = gesture.plan(steps)
    sent = traffic(plan, place(plan, cores))
    run = gesture.simulate(plan, sent.placement)
    assert (run.events, run.spikes, run.updates) == (4_172_959, 29_252, 919_404)
    maps = {p.name: run.fired[p.name].sum(0).reshape(p.shape) for p in plan.populations}
    numbers = count(plan, SpikeCounts(1, maps)).total.sums()
    numbers |= {"updates_active": run.updates, "updates_idle": numbers["updates"] - run.updates}
    for name, by_population in sent.per_spike.items():
        numbers[name] = sum(int((per * maps[p]).sum()) for p, per in by_population.items())
    assert numbers["synops"] == run.events
    assert run.joule == pytest.approx(priced(numbers), rel=EXACT, abs=0)
    assert 1e-6 < run.joule["total"] / steps < 4e-6
    assert 10e-6 < run.second / steps < 30e-6
