from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from msenas.errors import InputError
from msenas.hardware import census as module
from msenas.hardware import placement
from msenas.hardware.census import Census, sum_over_time, take_census
from msenas.hardware.placement import Cores
from msenas.phenotype.plan import INPUT
from msenas.phenotype.spec import Encoding
from tests.hardware.simulation import MOTIF_NAMES, frames_for, motif_network, run, simulate, weights_of

ENCODINGS = get_args(Encoding)
CHIP = Cores(9, per_chip=8, per_tile=2, mesh=(2, 2))


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("motif", MOTIF_NAMES)
def test_a_census_equals_an_event_by_event_simulation(motif: str, encoding: str) -> None:
    network = motif_network(motif, encoding)
    plan, frames = network.plan, frames_for(network.plan, 3)
    found = take_census(network, [frames], [CHIP])
    trains = run(network, frames)
    samples = simulate(plan, weights_of(network), trains, CHIP)
    spiking = ["spikes", "synops", "synops_nonzero"] + ["input_spikes"] * (encoding != "direct")
    assert {name: found.per_sample[name].tolist() for name in spiking} == {
        name: [sample.total[name] for sample in samples] for name in spiking
    }
    assert {name: values.tolist() for name, values in found.sent[CHIP].items()} == {
        name: [sample.total[name] for sample in samples] for name in found.sent[CHIP]
    }
    for name, train in trains.items():
        assert (found.spikes.maps[name] == train.sum((0, 1))).all()
        assert found.fired[name] == pytest.approx(np.mean(train.sum(1) > 0), rel=1e-12)
    assert found.per_sample["spikes"].sum() > 0


def totals(found: Census) -> dict[str, list[int]]:
    sent = {f"sent {name}": values for by in found.sent.values() for name, values in by.items()}
    return {name: values.tolist() for name, values in (dict(found.per_sample) | sent).items()}


@settings(max_examples=8, deadline=None)
@given(
    st.sampled_from(MOTIF_NAMES),
    st.sampled_from(ENCODINGS),
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.integers(0, 99),
)
def test_laws_of_a_census(motif: str, encoding: str, batches: list[int], seed: int) -> None:
    network = motif_network(motif, encoding, seed)
    frames = frames_for(network.plan, sum(batches), seed)
    whole = take_census(network, [frames], [CHIP])
    parts = take_census(network, frames.split(batches, 1), [CHIP])
    # splitting the samples into batches changes nothing
    assert totals(parts) == totals(whole)
    assert parts.counts == whole.counts
    assert parts.fired == pytest.approx(whole.fired, rel=1e-12)
    assert np.allclose(parts.scores, whole.scores, atol=1e-6)
    with torch.no_grad():
        assert np.allclose(whole.scores, network(frames).numpy(), atol=1e-6)
    assert whole.predicted.tolist() == [row.tolist().index(max(row)) for row in whole.scores]
    # the sums over the samples are the counts
    assert {name: sum(values) for name, values in whole.per_sample.items()} == whole.counts.total.sums()
    one = {name: np.array(values) for name, values in totals(whole).items()}
    assert (one["synops_nonzero"] <= one["synops"]).all()
    if encoding != "events":  # several events of one pixel in a step are more than "everything fires once"
        assert (one["synops"] <= one["synops_dense"]).all()
    assert (one["sent messages"] <= one["synops"]).all()
    assert (one["sent chip_crossings"] <= one["sent messages"]).all()
    assert (one["updates_active"] + one["updates_idle"] == one["updates"]).all()
    assert (one["spikes"] <= one["updates_active"]).all()


def test_each_sample_is_counted_as_if_it_were_alone() -> None:
    network = motif_network("MI", "events")
    frames = frames_for(network.plan, 4)
    together = totals(take_census(network, [frames], [CHIP]))
    for n in range(4):
        alone = totals(take_census(network, [frames[:, n : n + 1]], [CHIP]))
        assert alone == {name: values[n : n + 1] for name, values in together.items()}


def test_sums_too_large_for_float32_are_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    network = motif_network("LI", "events")
    frames = frames_for(network.plan, 3)
    narrow = totals(take_census(network, [frames], [CHIP]))
    monkeypatch.setattr(module, "EXACT", 0)
    assert totals(take_census(network, [frames], [CHIP])) == narrow


def test_a_pixel_with_millions_of_events() -> None:
    network = motif_network("FE", "events", steps=1)
    frames = torch.zeros(1, 2, *network.plan.spec.input_shape)
    frames[0, 0, 0, 2, 2], frames[0, 1, 1, 0, 0] = 2**24 - 1, 3.0
    found = take_census(network, [frames], [CHIP])
    assert found.per_sample["input_spikes"].tolist() == [2**24 - 1, 3]
    (sample,) = simulate(network.plan, weights_of(network), {INPUT: _one_event(network.plan.spec.input_shape)}, CHIP)
    from_input = found.per_sample["synops"][0] - _from_populations(network, frames[:, :1])
    assert from_input == (2**24 - 1) * sample.total["synops"]


def _one_event(shape: tuple[int, int, int]) -> np.ndarray:
    event = np.zeros((1, 1, *shape), int)
    event[0, 0, 0, 2, 2] = 1
    return event


def _from_populations(network, frames: torch.Tensor) -> int:
    trains = {name: train for name, train in run(network, frames).items() if name != INPUT}
    return simulate(network.plan, weights_of(network), trains, CHIP)[0].total["synops"]


def test_bfloat16_frames_are_counted_exactly() -> None:
    # 300 steps with one event each: bfloat16 holds no odd number above 256
    network = motif_network("empty", "events", steps=301)
    frames = torch.zeros(301, 1, *network.plan.spec.input_shape)
    frames[:, 0, 0, 1, 1] = 1.0
    assert take_census(network, [frames.bfloat16()]).per_sample["input_spikes"].tolist() == [301]


@pytest.mark.parametrize(("motif", "steps"), [("FbI", 1), ("empty", 255), ("empty", 256)])
def test_one_and_many_steps(motif: str, steps: int) -> None:
    network = motif_network(motif, "direct", steps=steps)
    frames = frames_for(network.plan, 2)
    found = take_census(network, [frames])
    trains = run(network, frames)
    assert found.per_sample["spikes"].tolist() == [sum(int(t[n].sum()) for t in trains.values()) for n in range(2)]
    assert found.counts.total.updates == 2 * steps * network.plan.neurons


@pytest.mark.parametrize("steps", [1, 7, 255, 256, 400])
@pytest.mark.parametrize("channels", [1, 3, 8])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.bfloat16])
def test_sums_over_time_never_overflow(steps: int, channels: int, dtype: torch.dtype) -> None:
    spikes = torch.ones(steps, 2, 3, 4, channels, dtype=dtype).permute(0, 1, 4, 2, 3)
    total = sum_over_time(spikes)
    assert total.shape == (2, channels, 3, 4)
    assert (total.double() == steps).all()


@pytest.mark.parametrize("encoding", ["poisson", "latency", "events"])
def test_one_frame_of_spikes_is_sent_in_every_step(encoding: str) -> None:
    network = motif_network("FE", encoding)
    frames = frames_for(network.plan, 2)[:1]
    found = take_census(network, [frames], [CHIP])
    repeated = take_census(network, [frames.repeat(network.plan.spec.steps, 1, 1, 1, 1)], [CHIP])
    assert totals(found) == totals(repeated)


def test_a_dead_network_is_counted() -> None:
    network = motif_network("FE", "direct")
    with torch.no_grad():
        for norm in network.norms.values():
            norm.weight.zero_()
            norm.bias.zero_()
    found = take_census(network, [frames_for(network.plan, 2)], [CHIP])
    assert found.counts.total.spikes == found.counts.total.synops == 0
    assert set(found.fired.values()) == {0.0}
    assert found.sent[CHIP]["messages"].tolist() == [0, 0]


def test_too_many_cores_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "MOST_CORES", 100)
    network = motif_network("FE", "direct")
    with pytest.raises(InputError, match="at most 100 are placed"):
        take_census(network, [frames_for(network.plan, 1)], [Cores(1)])
