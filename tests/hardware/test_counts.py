from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.errors import InputError
from msenas.genotype.genome import Genome, LayerGenes
from msenas.genotype.motifs import MOTIFS, SLOTS
from msenas.hardware.counts import SpikeCounts, count, fan_out
from msenas.phenotype.decode import decode
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import Encoding, NetworkSpec


def one_synapse(height: int, width: int, kernel: int, stride: int, out_channels: int = 4) -> tuple[Plan, Synapse]:
    spec = NetworkSpec((2, height, width), classes=2, layers=1, encoding="events")
    target = Population("L1.E1", out_channels, -(-height // stride), -(-width // stride), 0, 0, "FE")
    synapse = Synapse((INPUT,), "L1.E1", kernel, stride, False, False, None)
    return Plan(spec, (target,), (synapse,), ("L1.E1",)), synapse


def scatter(plan: Plan, synapse: Synapse, y: int, x: int) -> int:
    """Target neurons that one spike reaches: push it through every kernel tap and look where it lands."""
    target, landed = plan.by_name[synapse.target], 0
    for tap_y in range(synapse.kernel):
        for tap_x in range(synapse.kernel):
            down, rest_y = divmod(y + synapse.padding - tap_y, synapse.stride)
            right, rest_x = divmod(x + synapse.padding - tap_x, synapse.stride)
            if rest_y == rest_x == 0 and 0 <= down < target.height and 0 <= right < target.width:
                landed += target.channels
    return landed


def test_fan_out_of_a_3x3_kernel_by_hand() -> None:
    plan, synapse = one_synapse(3, 3, kernel=3, stride=1)
    # 4 channels; a corner is read by 2 x 2 positions, an edge by 2 x 3, the middle by 3 x 3
    assert fan_out(plan, synapse).tolist() == [[16, 24, 16], [24, 36, 24], [16, 24, 16]]


def test_fan_out_of_a_strided_kernel_by_hand() -> None:
    plan, synapse = one_synapse(4, 4, kernel=3, stride=2, out_channels=1)
    # outputs 0 and 1 read rows -1..1 and 1..3: row 1 is read twice, the others once
    assert fan_out(plan, synapse).tolist() == np.outer([1, 2, 1, 1], [1, 2, 1, 1]).tolist()


@given(
    st.integers(1, 11),
    st.integers(1, 11),
    st.sampled_from([1, 3, 5, 7]),
    st.sampled_from([1, 2, 3, 4]),
    st.integers(1, 5),
)
def test_fan_out_equals_scattering_single_spikes(
    height: int, width: int, kernel: int, stride: int, channels: int
) -> None:
    plan, synapse = one_synapse(height, width, kernel, stride, channels)
    places = [[scatter(plan, synapse, y, x) for x in range(width)] for y in range(height)]
    assert fan_out(plan, synapse).tolist() == places


@given(st.integers(1, 12), st.sampled_from([1, 2, 3, 4, 5]), st.integers(1, 4), st.integers(0, 3))
def test_any_padding_reads_what_a_convolution_reads(size: int, kernel: int, stride: int, padding: int) -> None:
    positions = max(0, (size + 2 * padding - kernel) // stride + 1)

    spec = NetworkSpec((1, size, size), classes=2, layers=1, encoding="events")
    target = Population("L1.E1", 1, positions, positions, 0, 0, "FE")
    synapse = Synapse((INPUT,), "L1.E1", kernel, stride, False, False, None, padding)
    read = [0] * (size + 2 * padding)
    for position in range(positions):
        for tap in range(kernel):
            read[position * stride + tap] += 1
    inner = read[padding : padding + size]
    assert fan_out(Plan(spec, (target,), (synapse,), ("L1.E1",)), synapse).tolist() == [
        [row * column for column in inner] for row in inner
    ]


def test_pooled_spikes_reach_what_their_window_reaches() -> None:
    plan, synapse = pooled(5, pool=2)
    # windows of 2 leave a map of 2 x 2, of which a 3x3 kernel reads all four for each of the four targets
    row = [4, 4, 4, 4, 0]
    assert fan_out(plan, synapse).tolist() == [[row[y] and n for n in row] for y in range(5)]


def pooled(side: int, pool: int, encoding: Encoding = "events") -> tuple[Plan, Synapse]:
    """One channel of side x side, summed over windows, through a 3x3 kernel onto one channel."""
    spec = NetworkSpec((1, side, side), classes=2, layers=1, encoding=encoding)
    target = Population("L1.E1", 1, side // pool, side // pool, 0, 0, "FE")
    synapse = Synapse((INPUT,), "L1.E1", 3, 1, False, False, None, pool=pool)
    return Plan(spec, (target,), (synapse,), ("L1.E1",)), synapse


def test_an_analog_input_is_pooled_before_it_is_multiplied() -> None:
    plan, _ = pooled(4, 2, "direct")
    silent = SpikeCounts(1, {"L1.E1": np.zeros((2, 2), np.int64)})
    # 2 x 2 places that each see 2 x 2 values
    assert count(plan, silent).total.macs_input == 16


def test_fan_out_is_safe_to_change() -> None:
    plan, synapse = one_synapse(3, 3, 3, 1)
    fan_out(plan, synapse)[:] = 0
    assert fan_out(plan, synapse)[1, 1] == 36


def test_counts_by_hand(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    counts = count(events_plan, events_spikes)
    total = counts.total
    assert (total.spikes, total.input_spikes) == (5, 4)
    # an event in the corner reaches 2 * 2 places, the three inside 3 * 3 each, times 4 channels
    assert total.synops == (1 * 4 + 3 * 9) * 4
    # taps in bounds on 4 x 4: (2 + 3 + 3 + 2) squared; 1 x 4 channels, 2 steps, 2 samples
    assert total.synops_dense == 100 * 1 * 4 * 2 * 2
    # 64 neurons, 2 steps, 2 samples
    assert (total.updates, total.updates_active, total.updates_idle) == (256, 9, 247)
    # 4 channels to 3 classes, 2 samples
    assert (total.macs_input, total.macs_readout, total.macs) == (0, 24, 24)
    assert counts.samples == 2
    assert total.per_inference["synops"] == 62
    assert counts.populations["L1.E1"].per_inference["updates_idle"] == 123.5


def test_all_updates_are_active_unless_activity_is_given(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    total = count(events_plan, replace(events_spikes, active={})).total
    assert (total.updates, total.updates_active, total.updates_idle) == (256, 256, 0)


def test_an_analog_input_is_macs_once_per_inference(direct_plan: Plan, events_spikes: SpikeCounts) -> None:
    fired = {"L1.E1": events_spikes.maps["L1.E1"]}
    counts = count(direct_plan, SpikeCounts(2, fired))
    # 100 taps in bounds, 1 x 4 channels, 2 samples; the time steps do not matter
    assert counts.total.macs_input == 100 * 4 * 2
    assert counts.total.synops == counts.total.synops_dense == counts.total.input_spikes == 0
    assert counts.synapses[0][1].macs == 800


def one_motif(motif: int, kernel_gene: int, encoding: Encoding) -> Plan:
    """Three layers of one motif, the second reducing the resolution, with cross-layer synapses."""
    layer = LayerGenes(motif, (kernel_gene,) * SLOTS)
    spec = NetworkSpec((2, 6, 5), classes=3, layers=3, steps=2, channels=4, reductions=(1,), encoding=encoding)
    return decode(Genome((layer, layer, layer), g1=2, g2=2), spec)


@pytest.mark.parametrize("encoding", ["events", "direct"])
@pytest.mark.parametrize("kernel_gene", [1, 2])
@pytest.mark.parametrize("motif", range(1, len(MOTIFS)), ids=[m.name for m in MOTIFS[1:]])
def test_counts_equal_an_event_by_event_simulation(motif: int, kernel_gene: int, encoding: Encoding) -> None:
    plan, samples, draw = one_motif(motif, kernel_gene, encoding), 2, np.random.default_rng(motif)
    shapes = {p.name: p.shape for p in plan.populations} | {INPUT: plan.spec.input_shape}
    if encoding == "direct":
        del shapes[INPUT]
    trains = {name: draw.random((samples, plan.spec.steps, *shape)) < 0.2 for name, shape in shapes.items()}
    maps = {name: train.sum(axis=(0, 1, 2)) for name, train in trains.items()}
    counts = count(plan, SpikeCounts(samples, maps))
    for synapse, tally in counts.synapses:
        events = [e for source in synapse.sources if source in trains for e in np.argwhere(trains[source])]
        delivered = sum(scatter(plan, synapse, int(y), int(x)) for *_, y, x in events)
        assert tally.synops == delivered
        channels, height, width = plan.source_shape(synapse)
        places = np.ndindex(height, width)
        everywhere = sum(scatter(plan, synapse, y, x) for y, x in places) * channels * samples
        analog = synapse.from_input and encoding == "direct"
        assert tally.macs == (everywhere if analog else 0)
        assert tally.synops_dense == (0 if analog else everywhere * len(synapse.sources) * plan.spec.steps)
    assert counts.total.synops == sum(tally.synops for _, tally in counts.synapses) > 0
    assert counts.total.spikes == sum(int(t.sum()) for name, t in trains.items() if name != INPUT)
    assert counts.total.updates == plan.neurons * plan.spec.steps * samples


@pytest.mark.parametrize("motif", range(1, len(MOTIFS)), ids=[m.name for m in MOTIFS[1:]])
def test_synops_are_dense_when_everything_fires(motif: int) -> None:
    plan = one_motif(motif, 1, "poisson")
    full = {p.name: np.full((p.height, p.width), p.channels * 2) for p in plan.populations}
    full[INPUT] = np.full((6, 5), 2 * 2)
    counts = count(plan, SpikeCounts(1, full))
    assert counts.total.synops == counts.total.synops_dense
    assert counts.total.updates_idle == 0


def test_a_delayed_synapse_delivers_the_spikes_of_every_step() -> None:
    spec = NetworkSpec((1, 4, 4), classes=2, layers=1, steps=1, channels=4)
    populations = (Population("L1.E1", 4, 4, 4, 0, 0, "FbI"), Population("L1.I1", 1, 4, 4, 0, 0, "FbI"))
    synapses = (
        Synapse((INPUT,), "L1.E1", 3, 1, False, False, None),
        Synapse(("L1.I1",), "L1.E1", 3, 1, True, True, None),
        Synapse(("L1.E1",), "L1.I1", 3, 1, False, False, None),
    )
    fired = np.zeros((4, 4), np.int64)
    fired[0, 0] = 1
    spikes = SpikeCounts(1, {"L1.E1": np.zeros((4, 4), np.int64), "L1.I1": fired})
    counts = count(Plan(spec, populations, synapses, ("L1.E1",)), spikes)
    # with T = 1 the only spike is of the last step; the corner reaches 2 * 2 places of 4 channels
    assert counts.synapses[1][1].synops == 16


def test_to_dict_is_json(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    data = json.loads(json.dumps(count(events_plan, events_spikes).to_dict()))
    assert data["total"]["synops"] == 124
    assert data["per_inference"]["synops"] == 62
    assert data["populations"]["L1.E1"]["spikes"] == 5
    assert data["synapses"][0]["sources"] == [INPUT]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"L1.E1": None}, "lack the population 'L1.E1'"),
        ({INPUT: None}, "lack the population 'input'"),
        ({"L1.E2": np.zeros((4, 4), np.int64)}, "did you mean 'L1.E1'"),
        ({"L1.E1": np.zeros((4, 5), np.int64)}, r"must be integers \[4, 4\]"),
        ({"L1.E1": np.zeros((4, 4))}, "not float64"),
        ({"L1.E1": np.full((4, 4), -1)}, "must be 0 to 16"),
        ({"L1.E1": np.full((4, 4), 17)}, "found 17"),
    ],
)
def test_spikes_that_are_not_of_the_plan_are_refused(
    events_plan: Plan, events_spikes: SpikeCounts, change: dict[str, Any], message: str
) -> None:
    maps = {name: m for name, m in {**events_spikes.maps, **change}.items() if m is not None}
    with pytest.raises(InputError, match=message):
        count(events_plan, replace(events_spikes, maps=maps))


def test_an_analog_input_has_no_spikes(direct_plan: Plan, events_spikes: SpikeCounts) -> None:
    with pytest.raises(InputError, match="unknown population of spike counts 'input'"):
        count(direct_plan, events_spikes)


def test_no_samples_are_refused(events_plan: Plan, events_spikes: SpikeCounts) -> None:
    with pytest.raises(InputError, match="at least 1 sample"):
        count(events_plan, replace(events_spikes, samples=0))
