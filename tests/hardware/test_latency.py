from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from msenas.hardware.census import Census, take_census
from msenas.hardware.latency import MODELS, Scene, latency
from msenas.hardware.placement import Cores
from msenas.hardware.price import Band
from msenas.hardware.profile import Timing, load_profile, profile_names
from msenas.hardware.workload import loads_of_census
from msenas.phenotype.network import Network
from tests.hardware.simulation import frames_for, motif_network, run, simulate, weights_of

KIND = Cores(9, per_chip=8, per_tile=2, mesh=(2, 2))
FIGURES = {
    "tick": {"tick_second": (1e-4, 1e-3)},
    "cores": {"synop_second": 1e-9},
    "events": {"event_second": 1e-6},
    "throughput": {"mac_second": (1e-12, 4e-12)},
}


def scene(timing: Timing, encoding: str = "events", cores: Cores | None = KIND) -> tuple[Scene, Network, torch.Tensor]:
    network = motif_network("FbI", encoding)
    frames = frames_for(network.plan, 3)
    census: Census = take_census(network, [frames], [] if cores is None else [cores])
    loads = loads_of_census(network.plan, census, cores)
    told = None if cores is None else census.traffics[cores]
    return Scene(network.plan, timing, loads, census, told), network, frames


def timing(**figures: object) -> Timing:
    return Timing("measured", "a test", **figures)  # type: ignore[arg-type]


@pytest.mark.parametrize("model", MODELS)
def test_each_model_needs_its_own_figure(model: str) -> None:
    found = latency(scene(timing(**FIGURES[model]))[0])
    assert found is not None
    assert found.model == model
    assert (found.seconds.low or 0) <= found.seconds.nominal <= (found.seconds.high or 0)
    others = {key: value for name, one in FIGURES.items() if name != model for key, value in one.items()}
    assert MODELS[model](scene(timing(**others))[0]) is None


def test_without_figures_there_is_no_time() -> None:
    assert latency(scene(timing())[0]) is None
    assert latency(scene(timing(**FIGURES["cores"]), cores=None)[0]) is None


def test_the_first_model_with_figures_is_taken() -> None:
    everything = {key: value for one in FIGURES.values() for key, value in one.items()}
    found = latency(scene(timing(**everything))[0])
    assert found is not None
    assert found.model == next(iter(MODELS))


def test_a_fixed_tick_by_hand() -> None:
    # FbI twice: in -> E1 -> E2 in each layer, 4 populations on the way; T = 3
    found = latency(scene(timing(tick_second=(1e-4, 1e-3)))[0])
    assert found is not None
    assert found.seconds == Band(pytest.approx(7e-4), pytest.approx(7e-3), pytest.approx(7e-3))


def test_events_pass_every_population_on_the_way() -> None:
    found = latency(scene(timing(event_second=2e-6))[0])
    assert found is not None
    assert found.seconds == Band(pytest.approx(8e-6), pytest.approx(8e-6), pytest.approx(8e-6))


def test_throughput_is_of_every_synapse_in_every_step() -> None:
    view, *_ = scene(timing(mac_second=(1e-12, 4e-12)))
    found = latency(view)
    total = view.census.counts.total
    dense = (total.synops_dense + total.macs) / 3
    assert found is not None
    assert found.seconds == Band(
        pytest.approx(dense * 1e-12), pytest.approx(dense * 2e-12), pytest.approx(dense * 4e-12)
    )


FULL = {
    "synop_second": 3e-9,
    "update_active_second": 10e-9,
    "update_idle_second": 6e-9,
    "spike_out_second": 30e-9,
    "message_out_second": 5e-9,
    "message_in_second": 16e-9,
}


@pytest.mark.parametrize("encoding", ["direct", "events"])
@pytest.mark.parametrize("only", [None, *FULL])
def test_the_busiest_core_equals_an_event_by_event_simulation(only: str | None, encoding: str) -> None:
    chosen = FULL if only is None else {"synop_second": 0.0, only: FULL[only]}
    view, network, frames = scene(timing(**chosen), encoding)
    samples = simulate(network.plan, weights_of(network), run(network, frames), KIND)
    t = {name: chosen.get(name, 0.0) for name in FULL}
    t["update_idle_second"] = chosen.get("update_idle_second", t["update_active_second"])
    assert view.traffic is not None
    updates = np.zeros(view.traffic.placement.used)
    for p in network.plan.populations:
        tally = view.census.counts.populations[p.name]
        spent = tally.updates_active * t["update_active_second"] + tally.updates_idle * t["update_idle_second"]
        for core in view.traffic.placement.core[p.name].ravel():
            updates[core] += spent / 3 / p.neurons
    busy = [
        updates[core]
        + sum(
            s.arrivals[core] * t["synop_second"]
            + s.received[core] * t["message_in_second"]
            + s.fired[core] * t["spike_out_second"]
            + s.sent[core] * t["message_out_second"]
            for s in samples
        )
        / 3
        for core in range(len(updates))
    ]
    found = MODELS["cores"](view)
    assert found is not None
    assert found.nominal == pytest.approx(max(busy), rel=1e-9)
    assert found.low == found.nominal == found.high


def test_barriers_and_measured_steps_bound_the_time() -> None:
    bare = MODELS["cores"](scene(timing(synop_second=1e-9))[0])
    paced = MODELS["cores"](scene(timing(synop_second=1e-9, barrier_second=(1e-7, 4e-7)))[0])
    slow = MODELS["cores"](scene(timing(synop_second=1e-9, barrier_second=(1e-7, 4e-7), step_second=(1e-6, 1.0)))[0])
    assert bare is not None
    assert paced is not None
    assert slow is not None
    assert paced.low == pytest.approx(bare.nominal + 7 * 1e-7)
    assert paced.nominal == pytest.approx(bare.nominal + 7 * 2e-7)
    assert paced.high == pytest.approx(bare.nominal + 7 * 4e-7)
    assert slow == replace(paced, high=7.0)


@pytest.mark.parametrize("name", [name for name in profile_names() if load_profile(name).timing is not None])
def test_shipped_figures_give_a_time_in_order(name: str) -> None:
    profile = load_profile(name)
    assert profile.timing is not None
    kind = Cores.of(profile)
    view, *_ = scene(profile.timing, cores=kind)
    found = latency(view)
    if found is None:
        known = {f.name for f in fields(Timing) if getattr(profile.timing, f.name) is not None}
        assert not known & {"tick_second", "event_second", "mac_second"}
        assert kind is None or "synop_second" not in known
    else:
        assert 0 < (found.seconds.low or 0) <= found.seconds.nominal <= (found.seconds.high or 0)
