from __future__ import annotations

import copy
import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msenas.errors import InputError
from msenas.phenotype import network as network_module
from msenas.phenotype.decode import decode
from msenas.phenotype.encoding import ENCODERS, Standard, encode
from msenas.phenotype.lif import norse_step
from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan, Population, Synapse
from msenas.phenotype.spec import NetworkSpec
from tests.conftest import motif_genome, motif_plan, small_spec

from .plans import NON_EMPTY, dense_plan, random_plans

Spikes = dict[str, Tensor]
MIXED = ("LI", "FbI")


def frames_of(plan: Plan, batch: int = 5, seed: int = 0) -> Tensor:
    """Encoded random samples."""
    generator, spec = torch.Generator().manual_seed(seed), plan.spec
    shape = (batch, spec.steps, *spec.input_shape) if spec.encoding == "events" else (batch, *spec.input_shape)
    samples = torch.rand(shape, generator=generator)
    return encode(
        (4 * samples).floor() if spec.encoding == "events" else samples, spec, Standard((0.5,), (0.25,)), generator
    )


def watch(network: Network, frames: Tensor) -> tuple[Tensor, Spikes]:
    seen: Spikes = {}
    return network(frames, lambda name, spikes: seen.update({name: spikes.detach().float()})), seen


def on_a_grid(network: Network, seed: int = 0) -> Network:
    """Fixed statistics and parameters on a grid of powers of two, so that every sum is exact in float32."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in network.weights:
            weight.copy_((weight * 32).round() / 32)
        for norm in network.norms.values():
            norm.eps = 0.0
            norm.running_var.fill_(0.25)
            norm.running_mean.copy_(torch.randint(-4, 5, norm.running_mean.shape, generator=generator) / 8)
            norm.bias.copy_(torch.randint(-2, 3, norm.bias.shape, generator=generator) / 4)
    return network.eval()


def by_hand(network: Network, frames: Tensor) -> Spikes:
    """Step by step and population by population from the Plan alone, [T, B, C, H, W]."""
    plan, neuron = network.plan, network.neuron
    history: dict[str, list[Tensor]] = {p.name: [] for p in plan.populations}
    potential: dict[str, Tensor] = {}
    for t in range(plan.spec.steps):
        now, before = {INPUT: frames[t % len(frames)]}, {n: h[-1] for n, h in history.items() if h}
        for name in instant_order(plan):
            drive, inhibition = (torch.zeros(frames.shape[1], *plan.by_name[name].shape) for _ in range(2))
            for synapse, weight in zip(plan.synapses, network.weights, strict=True):
                if synapse.target != name or (synapse.delayed and t == 0):
                    continue
                spikes = sum(((before if synapse.delayed else now)[s] for s in synapse.sources), torch.zeros(()))
                pool = synapse.pool
                whole = [side // pool * pool for side in spikes.shape[2:]]
                spikes = spikes[:, :, : whole[0], : whole[1]].unfold(2, pool, pool).unfold(3, pool, pool).sum((4, 5))
                current = F.conv2d(spikes, weight.abs() if synapse.inhibitory else weight, None, synapse.stride,
                                   synapse.padding)  # fmt: skip
                drive, inhibition = (
                    (drive, inhibition + current) if synapse.inhibitory else (drive + current, inhibition)
                )
            norm = network.norms[name.replace(".", "_")]
            mean, var, gain, shift = (
                x[:, None, None] for x in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
            )
            current = (drive - mean) / var.sqrt() * gain + shift - inhibition
            now[name], potential[name] = norse_step(current, potential.get(name, torch.zeros_like(current)), neuron)
        for name, steps in history.items():
            steps.append(now[name])
    return {name: torch.stack(steps) for name, steps in history.items()}


def instant_order(plan: Plan) -> Iterator[str]:
    done, left = {INPUT}, [p.name for p in plan.populations]
    while left:
        ready = next(n for n in left if all(s.delayed or set(s.sources) <= done for s in plan.incoming[n]))
        left.remove(ready)
        done.add(ready)
        yield ready


@torch.no_grad()
@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("motif", NON_EMPTY)
def test_spikes_are_those_of_a_plain_loop_over_time(motif, encoding):
    plan = motif_plan(motif, motif, encoding=encoding)
    network, frames = on_a_grid(Network(plan, seed=3, lif="norse")), (frames_of(plan) * 8).round() / 8
    scores, spikes = watch(network, frames)
    expected = by_hand(network, frames)
    assert {n: int((spikes[n] != s).sum()) for n, s in expected.items()} == dict.fromkeys(expected, 0)
    assert sum(s.sum() for s in spikes.values()) > 0
    pooled = sum(expected[name] for name in plan.readout).mean((0, 3, 4))
    torch.testing.assert_close(scores, network.readout(pooled))


@torch.no_grad()
@pytest.mark.parametrize("encoding", ENCODERS)
def test_pooling_and_dense_layers(encoding):
    plan = dense_plan(encoding=encoding, neuron="if", v_th=0.25)
    network, frames = on_a_grid(Network(plan, seed=0, lif="norse")), (frames_of(plan) * 8).round() / 8
    scores, spikes = watch(network, frames)
    expected = by_hand(network, frames)
    assert {n: int((spikes[n] != s).sum()) for n, s in expected.items()} == dict.fromkeys(expected, 0)
    assert all(s.any() for s in spikes.values())
    torch.testing.assert_close(scores, network.readout(expected["d.E1"].mean((0, 3, 4))))
    with torch.enable_grad():
        assert torch.equal(network(frames), scores)


@torch.no_grad()
def test_excitation_that_is_late_alone_is_nothing_in_the_first_step():
    plan = dense_plan()
    late = {("b.E1", "c.E1"), ("a.E1", "c.E1")}
    synapses = tuple(replace(s, delayed=s.delayed or (s.sources[0], s.target) in late) for s in plan.synapses)
    network = on_a_grid(Network(replace(plan, synapses=synapses), seed=3, lif="norse"))
    frames = (frames_of(plan) * 8).round() / 8
    spikes, expected = watch(network, frames)[1], by_hand(network, frames)
    assert all(torch.equal(spikes[name], train) for name, train in expected.items())


@torch.no_grad()
def test_random_networks_fire_as_the_plain_loop_says():
    for seed, plan in enumerate(random_plans(12, 4, seed=5, neuron="if")):
        network, frames = on_a_grid(Network(plan, seed, lif="norse"), seed), (frames_of(plan, 2, seed) * 8).round() / 8
        spikes = watch(network, frames)[1]
        expected = by_hand(network, frames)
        assert all(torch.equal(spikes[name], train) for name, train in expected.items())


def trained(plan: Plan, lif: str) -> tuple[Spikes, list[Tensor]]:
    network = Network(plan, seed=1, lif=lif)
    scores, spikes = watch(network, frames_of(plan))
    F.cross_entropy(scores, torch.arange(5) % plan.spec.classes).backward()
    return spikes, [p.grad for p in network.parameters() if p.grad is not None]


@pytest.mark.parametrize("encoding", ENCODERS)
@pytest.mark.parametrize("motif", NON_EMPTY)
def test_compiled_neurons_train_as_those_of_norse(motif, encoding):
    plan = motif_plan(motif, motif, encoding=encoding)
    (spikes, mine), (oracle, theirs) = (trained(plan, lif) for lif in ("compiled", "norse"))
    assert all(torch.equal(spikes[name], oracle[name]) for name in oracle)
    assert len(mine) == len(theirs) > len(plan.synapses)
    scale = max(float(g.abs().max()) for g in theirs)
    assert scale > 0
    for found, expected in zip(mine, theirs, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6 * max(scale, 1.0))


def hand_made(steps: int, *wires: tuple[str, str, bool]) -> Network:
    """Single IF neurons with threshold 0.5 joined by weights of +1 and -1; (source, target, delayed)."""
    spec = NetworkSpec((1, 1, 1), classes=2, layers=1, steps=steps, neuron="if", encoding="events")
    names = sorted({target for _, target, _ in wires})
    populations = tuple(Population(name, 1, 1, 1, 0, 0, "test") for name in names)
    synapses = tuple(Synapse((a,), b, 1, 1, ".I" in a, delayed, None) for a, b, delayed in wires)
    network = Network(Plan(spec, populations, synapses, ("L1.E1",)), lif="norse")
    with torch.no_grad():
        for weight in network.weights:
            weight.fill_(1.0)
    for norm in network.norms.values():
        norm.eps = 0.0
    return network.eval()


IN, E, I = INPUT, "L1.E1", "L1.I1"  # noqa: E741


@torch.no_grad()
@pytest.mark.parametrize(
    ("wires", "shown", "fired"),
    [
        ([(IN, E, False), (IN, I, False), (I, E, True)], [1, 0, 1, 1, 0, 1], [1, 0, 0, 0, 0, 0]),
        ([(IN, E, False), (IN, I, False), (I, E, False)], [1, 0, 1, 1, 0, 1], [0, 0, 0, 0, 0, 0]),
        ([(IN, E, False), (E, I, False), (I, E, True)], [1, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, 0]),
        ([(IN, E, False)], [1, 0, 1, 1, 0, 1], [1, 0, 1, 1, 0, 1]),
    ],
    ids=["delayed without a cycle", "instant", "delayed in a cycle", "no inhibition"],
)
def test_a_delayed_synapse_delivers_one_step_late_by_hand(wires, shown, fired):
    frames = torch.tensor(shown, dtype=torch.float32).view(-1, 1, 1, 1, 1)
    spikes = watch(hand_made(len(shown), *wires), frames)[1]
    assert spikes[E].flatten().tolist() == fired


@pytest.mark.parametrize("motif", ["FI", "FbI", "LI", "MI"])
def test_inhibition_stays_inhibition_whatever_the_optimiser_does(motif):
    plan = motif_plan(motif, motif)
    network = Network(plan, lif="norse")
    inhibitory = [(s, w) for s, w in zip(plan.synapses, network.weights, strict=True) if s.inhibitory]
    optimiser = torch.optim.SGD(network.parameters(), lr=50.0)
    for step in range(4):
        optimiser.zero_grad()
        network(frames_of(plan, seed=step)).square().sum().backward()
        if step == 0:
            assert all(float(w.grad.abs().sum()) > 0 for _, w in inhibitory)
        optimiser.step()
    with torch.no_grad():
        for _, weight in inhibitory:
            weight += torch.randn(weight.shape)
    assert any((w > 0).any() for _, w in inhibitory)
    assert all((network.weight(s) <= 0).all() for s, _ in inhibitory)


def test_weights_follow_from_structure_and_seed():
    first, same, seeded = (Network(motif_plan("LI", "FE"), seed).state_dict() for seed in (4, 4, 5))
    other = Network(motif_plan("LI", "FE", steps=4), 4).state_dict()
    key = "weights.0"
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first[key], seeded[key])
    assert not torch.equal(first[key], other[key])
    assert not torch.equal(first["readout.weight"], seeded["readout.weight"])


def test_random_weights_leave_the_global_generator_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    Network(motif_plan("FE"))
    assert torch.equal(torch.rand(1), expected)


@torch.no_grad()
@pytest.mark.parametrize("motif", NON_EMPTY)
def test_a_static_input_is_the_same_input_in_every_step(motif):
    plan = motif_plan(motif, motif)
    network, frames = on_a_grid(Network(plan, lif="norse")), (frames_of(plan) * 8).round() / 8
    (score, static), (repeated, shown) = watch(network, frames), watch(network, frames.expand(3, -1, -1, -1, -1))
    assert all(torch.equal(static[name], shown[name]) for name in static)
    assert torch.equal(score, repeated)


@pytest.mark.parametrize("motif", NON_EMPTY)
def test_a_static_input_is_normalised_as_a_repeated_one(motif):
    plan = motif_plan(motif, motif)
    frames = frames_of(plan)
    static = watch(Network(plan, lif="norse"), frames)[1]
    shown = watch(Network(plan, lif="norse"), frames.expand(3, -1, -1, -1, -1))[1]
    different = sum(float((static[name] != shown[name]).sum()) for name in static)
    assert different <= 1e-3 * sum(s.numel() for s in static.values()), "more than rounding of the statistics explains"


@torch.no_grad()
@pytest.mark.parametrize("encoding", ENCODERS)
def test_an_observer_sees_every_population_once_as_binary_spikes(encoding):
    plan, seen = motif_plan(*MIXED, "MI", encoding=encoding), []
    network = Network(plan, lif="norse")

    def observe(name: str, spikes: Tensor) -> None:
        seen.append(name)
        assert spikes.shape == (plan.spec.steps, 5, *plan.by_name[name].shape)
        assert spikes.permute(0, 1, 3, 4, 2).is_contiguous()
        assert ((spikes == 0) | (spikes == 1)).all()

    assert network(frames_of(plan), observe).shape == (5, plan.spec.classes)
    assert sorted(seen) == sorted(plan.by_name)


def test_half_precision_runs_and_trains():
    plan = motif_plan(*MIXED, steps=2)
    network = Network(plan)
    scores, spikes = watch(network, frames_of(plan).bfloat16())
    assert scores.isfinite().all()
    assert 0 < sum(s.mean() for s in spikes.values()) / len(spikes) < 1
    scores.sum().backward()
    assert all(w.grad.isfinite().all() for w in network.weights)


@torch.no_grad()
@pytest.mark.parametrize("value", [0.5, -1.0, 300.0])
def test_inputs_that_fit_no_byte_are_not_changed(value):
    plan = motif_plan("FE", encoding="events")
    network = on_a_grid(Network(plan, lif="norse"))
    frames = torch.full((3, 2, 1, 8, 8), value)
    spikes, expected = watch(network, frames)[1], by_hand(network, frames)
    assert all(torch.equal(spikes[name], train) for name, train in expected.items())


def test_autocast_runs_and_trains():
    plan = motif_plan(*MIXED, steps=2)
    network = Network(plan)
    with torch.autocast("cpu", torch.bfloat16):
        scores = network(frames_of(plan))
    assert scores.isfinite().all()
    scores.float().square().sum().backward()
    assert all(w.grad.isfinite().all() for w in network.weights)


@torch.no_grad()
def test_signals_are_dropped_when_nobody_reads_them_any_more(monkeypatch):
    held: list[set[str]] = []

    class Recorded(network_module.Signals):
        def forget(self, block):
            super().forget(block)
            held.append({name for key in self.sums for name in key})

    monkeypatch.setattr(network_module, "Signals", Recorded)
    plan = motif_plan("FE", "FE", "FE", "FE")
    Network(plan, lif="norse")(frames_of(plan))
    assert len(held) == len(plan.schedule)
    for number, names in enumerate(held[1:], start=1):
        assert len(names) <= 3, f"after block {number} still held: {sorted(names)}"
    assert held[-1] == set(plan.readout)


class WithoutInterneurons(Network):
    """Loses every spike of the populations of one channel, which are the interneurons of networks of C = 4."""

    def sent(self, spikes: Tensor) -> Tensor:
        return torch.zeros_like(spikes) if spikes.shape[1] == 1 else spikes


INHIBITING = [name for name in NON_EMPTY if any(s.inhibitory for s in motif_plan(name).synapses)]


@pytest.mark.parametrize("motif", INHIBITING)
@torch.no_grad()
def test_spikes_that_are_not_sent_reach_nobody(motif):
    plan = motif_plan(motif, motif)
    frames, whole, cut, lossy = frames_of(plan), Network(plan).eval(), Network(plan).eval(), WithoutInterneurons(plan)
    interneurons = {p.name for p in plan.populations if p.channels == 1}
    for synapse, weight in zip(plan.synapses, cut.weights, strict=True):
        if interneurons & set(synapse.sources):
            weight.zero_()
    scores, expected = watch(cut, frames)
    found, seen = watch(lossy.eval(), frames)
    assert torch.equal(found, scores)
    assert not any(seen[name].any() for name in interneurons)
    principal = expected.keys() - interneurons
    assert all(torch.equal(seen[name], expected[name]) for name in principal)
    intact = watch(whole, frames)[1]
    assert any(not torch.equal(seen[name], intact[name]) for name in principal)


def test_a_deep_copy_is_a_network_of_its_own():
    network = Network(motif_plan(*MIXED), lif="norse")
    frames, other = frames_of(network.plan), copy.deepcopy(network)
    assert torch.equal(other(frames), network(frames))
    with torch.no_grad():
        other.readout.weight += 1.0
    assert not torch.equal(other(frames), network(frames))


def test_every_parameter_is_counted():
    for plan in random_plans(20, 3):
        network: nn.Module = Network(plan)
        assert sum(p.numel() for p in network.parameters()) == plan.parameters


def test_weights_of_a_synapse_have_its_shape():
    plan = motif_plan("MI", "LI")
    network = Network(plan)
    for synapse in plan.synapses:
        target = plan.by_name[synapse.target].channels
        assert network.weight(synapse).shape == (target, plan.source_channels(synapse), synapse.kernel, synapse.kernel)


def test_one_time_step_is_enough():
    plan = motif_plan(*MIXED, steps=1)
    assert Network(plan, lif="norse")(frames_of(plan)).isfinite().all()
    assert small_spec(2, steps=1) == plan.spec


@torch.no_grad()
def test_networks_of_many_sizes_run_in_one_process():
    """Every shape may make torch.compile specialise its loops again; that must end in no error."""
    for side, channels, batch in itertools.product((4, 6), (4, 12), (1, 5)):
        plan = decode(motif_genome("FE", "LI"), NetworkSpec((1, side, side), 3, 2, steps=3, channels=channels))
        frames = frames_of(plan, batch)
        compiled, oracle = (watch(Network(plan, lif=lif), frames)[1] for lif in ("compiled", "norse"))
        assert all(torch.equal(compiled[name], oracle[name]) for name in oracle)


@pytest.mark.parametrize(
    "shape", [(2, 1, 1, 8, 8), (5, 1, 1, 8, 8), (4, 1, 1, 8, 7), (4, 1, 2, 8, 8), (4, 0, 1, 8, 8), (1, 8, 8)]
)
def test_frames_of_another_shape_are_refused(shape):
    genome, spec = motif_genome("FE"), NetworkSpec((1, 8, 8), 3, 1, channels=4)
    with pytest.raises(InputError, match="frames are"):
        Network(decode(genome, spec), lif="norse")(torch.zeros(shape))


def test_weights_that_were_exchanged_are_seen():
    genome, spec = motif_genome("FE"), NetworkSpec((1, 8, 8), 3, 1, channels=4, encoding="events")
    networks = [Network(decode(genome, spec), seed, lif="norse") for seed in (0, 1)]
    frames = torch.ones(4, 2, 1, 8, 8)
    with torch.no_grad():
        networks[0](frames)
        for mine, other in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
            mine.data = other.data.clone()
        assert torch.equal(networks[0](frames), networks[1](frames))


def test_a_network_can_be_made_in_inference_mode():
    genome, spec = motif_genome("FE"), NetworkSpec((1, 8, 8), 3, 1, channels=4, encoding="events")
    with torch.inference_mode():
        assert Network(decode(genome, spec), lif="norse")(torch.ones(4, 2, 1, 8, 8)).shape == (2, 3)
