from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.stats import spearmanr

from msenas.errors import CheckFailed, InputError
from msenas.fitness import evaluate
from msenas.fitness.evaluate import Evaluator, ScoreError
from msenas.fitness.probe import draw_probe
from msenas.fitness.registry import FITNESSES, Fitness, Reading
from msenas.hardware.profile import load_profile
from msenas.learning.loop import Row
from msenas.phenotype.encoding import ENCODERS, Standard
from msenas.phenotype.network import Network
from tests.conftest import motif_plan
from tests.phenotype.plans import NON_EMPTY, random_plans

PAIRS = 8


@dataclass(frozen=True)
class Split:
    labels: np.ndarray
    samples: np.ndarray

    def batch(self, indices: np.ndarray) -> np.ndarray:
        return self.samples[indices]


def digits_like(count: int = 60) -> Split:
    """Blurred random strokes on 8 x 8 pixels, one pattern per class and a little variation."""
    rng = np.random.default_rng(3)
    patterns = torch.from_numpy(rng.random((3, 1, 8, 8)) < 0.25).float()
    labels = np.arange(count) % 3
    rough = patterns[labels] + 0.4 * torch.from_numpy(rng.random((count, 1, 8, 8))).float()
    smooth = F.avg_pool2d(rough, 3, stride=1, padding=1)
    return Split(labels, (smooth / smooth.max()).numpy())


def event_counts(count: int = 30) -> Split:
    rng = np.random.default_rng(4)
    return Split(np.arange(count) % 3, rng.poisson(2.0, (count, 3, 1, 8, 8)).astype(np.float32))


def evaluator(fitness: str = "rdm-contrast", encoding: str = "direct", noise: float = 0.05, **changes) -> Evaluator:
    split, events = (event_counts(), True) if encoding == "events" else (digits_like(), False)
    standard = Standard((float(split.samples.mean()),), (float(split.samples.std()),))
    probe = draw_probe(split, PAIRS, standard, events=events, seed=0, noise=noise)
    return Evaluator(probe, fitness, load_profile("generic-45nm"), lif="norse", **changes)


class School:
    """Stands for a short training: the loss depends on the weights alone."""

    def __call__(self, plan, seed, device):
        return Row(epoch=1, loss=2.0, val_accuracy=0.5, val_loss=1.5 + seed, rate=0.1, lr=0.0)


@pytest.mark.parametrize("motif", NON_EMPTY)
@pytest.mark.parametrize("fitness", FITNESSES)
def test_every_fitness_gives_a_number_on_every_motif(fitness, motif):
    scores = evaluator(fitness, school=School())(motif_plan(motif, motif))
    assert scores.live
    assert math.isfinite(scores.fitness)


@pytest.mark.parametrize("encoding", ENCODERS)
def test_every_encoding_is_scored(encoding):
    scores = evaluator(encoding=encoding)(motif_plan("FE", "LI", encoding=encoding))
    assert math.isfinite(scores.fitness)
    assert scores.spikes > 0


def test_the_same_network_has_the_same_scores():
    assert evaluator()(motif_plan("MI", "LI")) == evaluator()(motif_plan("MI", "LI"))
    bypassed = motif_plan("empty", "FE", "LI", reductions=()), motif_plan("FE", "empty", "LI", reductions=())
    assert bypassed[0] == bypassed[1]
    assert evaluator()(bypassed[0]) == evaluator()(bypassed[1])


def test_other_weights_and_other_structure_have_other_scores():
    base, plan = evaluator(), motif_plan("FE", "FI")
    assert base(plan).fitness != base.changed(seed=1)(plan).fitness
    assert base(plan).fitness != base(motif_plan("FI", "FE")).fitness
    assert base.changed() == base
    assert (base.changed(seed=5).seed, base.changed(fitness="sahd").fitness) == (5, "sahd")


def test_several_fitnesses_are_read_in_one_pass(monkeypatch):
    passes, real = [], Network.forward
    monkeypatch.setattr(Network, "forward", lambda self, *a: (passes.append(1), real(self, *a))[1])
    judge, plan = evaluator("parameters", school=School()), motif_plan("FE", "LI")
    scores, values = judge.several(plan, tuple(FITNESSES))
    assert len(passes) == 1
    assert scores == judge(plan)
    assert values == {name: judge.changed(fitness=name)(plan).fitness for name in FITNESSES}


def test_the_training_starts_from_the_weights_of_the_seed():
    judge, plan = evaluator("short-training", school=School()), motif_plan("FE", "FE")
    scores = judge.changed(seed=3)(plan)
    assert (scores.fitness, scores.details) == (4.5, {"val_accuracy": 0.5, "train_loss": 2.0})


def test_a_projected_loss_is_smaller_for_a_larger_network():
    judge, plan = evaluator("projected-loss", school=School()), motif_plan("FE", "FE")
    scores = judge.changed(seed=3)(plan)
    assert scores.fitness == pytest.approx(4.5 / plan.parameters**0.03)
    assert scores.details == {"val_loss": 4.5, "val_accuracy": 0.5, "train_loss": 2.0}


def test_several_fitnesses_share_one_training():
    trained = []

    def school(plan, seed, device):
        trained.append(seed)
        return School()(plan, seed, device)

    judge = evaluator("short-training", school=school)
    judge.several(motif_plan("FE", "FE"), tuple(FITNESSES))
    assert trained == [judge.seed]


def test_what_cannot_be_trained_has_no_value():
    tried = []

    def spoilt(plan, seed, device):
        tried.append(seed)
        raise CheckFailed("the loss is nan")

    with pytest.raises(ScoreError, match="short-training is nan"):
        evaluator("short-training", school=spoilt)(motif_plan("FE", "FE"))
    tried.clear()
    _, values = evaluator("spikes", school=spoilt).several(motif_plan("FE", "FE"), tuple(FITNESSES))
    assert values["short-training"] is values["projected-loss"] is None
    assert values["depth"] > 0
    assert len(tried) == 1
    with pytest.raises(InputError, match="data to train on"):
        evaluator("short-training")(motif_plan("FE", "FE"))


def test_structure_is_reported():
    plan = motif_plan("FbI", "MI")
    scores = evaluator()(plan)
    found = (scores.parameters, scores.synapses, scores.depth, scores.neurons, scores.batch)
    assert found == (plan.parameters, len(plan.synapses), plan.depth, plan.neurons, PAIRS)
    assert scores.firing_rate == pytest.approx(scores.spikes / plan.neurons / plan.spec.steps)
    assert 0 < scores.firing_rate < 1


@torch.no_grad()
@pytest.mark.parametrize("encoding", ["direct", "events"])
def test_synops_are_the_spikes_that_reach_a_neuron(encoding):
    plan, judge = motif_plan("LI", "FbI", encoding=encoding), evaluator(encoding=encoding)
    frames = judge.probe.frames(plan.spec, torch.device("cpu"))
    signals = {} if encoding == "direct" else {"input": frames[:, :PAIRS]}
    network = Network(plan, 0, lif="norse")
    network(frames, lambda name, spikes: signals.update({name: spikes[:, :PAIRS].float()}))
    delivered = 0.0
    for synapse in plan.synapses:
        for source in set(synapse.sources) & set(signals):
            ones = torch.ones_like(network.weight(synapse))
            spikes = signals[source].flatten(0, 1)
            delivered += F.conv2d(spikes, ones, stride=synapse.stride, padding=synapse.padding).sum().item()
    scores = judge(plan)
    fired = sum(float(s.sum()) for name, s in signals.items() if name != "input")
    assert scores.synops == delivered / PAIRS
    assert scores.spikes == fired / PAIRS


def test_a_silent_network_is_not_live_and_has_no_number():
    scores = evaluator()(motif_plan("FE", "LI", v_th=1e6))
    assert not scores.live
    assert scores.fitness is None
    assert scores.details == {}
    assert scores.reason.startswith("silent head")
    assert scores.spikes == 0


@pytest.mark.parametrize("fitness", FITNESSES)
def test_no_fitness_gives_a_silent_network_a_number(fitness):
    assert evaluator(fitness)(motif_plan("FE", v_th=1e6)).fitness is None


def test_identical_copies_do_not_move_at_all():
    scores = evaluator(noise=0.0)(motif_plan("FE", "MI"))
    assert scores.details["mean_q"] == 0.0
    assert scores.details["last_stage_q"] == 0.0
    assert scores.details["head_identification"] == 1.0


def test_scores_become_data_for_json():
    scores = evaluator()(motif_plan("FE"))
    data = scores.as_dict()
    assert data["fitness"] == scores.fitness
    assert set(data["details"]) == {"stages", "silent_share", "last_stage_q", "mean_q", "head_identification"}


class Hungry(Network):
    """A network that needs more memory than there is for more than `most` samples."""

    most = 0

    def forward(self, frames, observe=None):
        if frames.shape[1] > 2 * self.most:
            raise MemoryError
        return super().forward(frames, observe)


@pytest.mark.parametrize("most", [2, 4])
def test_short_of_memory_the_probe_is_halved(monkeypatch, most):
    monkeypatch.setattr(evaluate, "Network", type("Limited", (Hungry,), {"most": most}))
    scores = evaluator()(motif_plan("FE"))
    assert scores.batch == most
    monkeypatch.undo()
    base = evaluator()
    while base.probe.pairs > most:
        base = replace(base, probe=base.probe.halved())
    assert base(motif_plan("FE")) == scores


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: not enough memory")], ids=repr)
def test_without_memory_for_the_smallest_probe_there_is_a_score_error(monkeypatch, error):
    def fail(*args, **options):
        raise error

    monkeypatch.setattr(evaluate, "Network", fail)
    with pytest.raises(ScoreError, match="memory"):
        evaluator()(motif_plan("FE"))


def test_other_errors_are_not_taken_for_a_lack_of_memory(monkeypatch):
    calls = []

    def fail(*args, **options):
        calls.append(args)
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(evaluate, "Network", fail)
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        evaluator()(motif_plan("FE"))
    assert len(calls) == 1


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_no_number_is_an_error(monkeypatch, value):
    monkeypatch.setitem(FITNESSES, "broken", Fitness("broken", "x", True, lambda e: Reading(value)))
    with pytest.raises(ScoreError, match=f"fitness broken is {value}"):
        evaluator("broken")(motif_plan("FE"))


def test_an_unknown_fitness_is_named():
    with pytest.raises(InputError, match="unknown fitness 'rdm'"):
        evaluator("rdm")(motif_plan("FE"))


def test_two_seeds_rank_alike():
    plans = random_plans(30, 4, seed=11)
    scores = [(evaluator()(plan), evaluator(seed=1)(plan)) for plan in plans]
    pairs = [(a.fitness, b.fitness) for a, b in scores if a.live and b.live]
    assert len(pairs) >= 25
    assert spearmanr(*zip(*pairs, strict=True)).statistic > 0.6


def test_the_score_is_no_spike_count():
    scores = [s for s in map(evaluator(), random_plans(60, 4, seed=12)) if s.live]
    assert len(scores) >= 50
    assert abs(spearmanr([s.fitness for s in scores], [s.spikes for s in scores]).statistic) < 0.9


def test_several_fitnesses_of_a_silent_network_have_no_value():
    scores, values = evaluator().several(motif_plan("FE", v_th=1e6), ("sahd", "depth"))
    assert (scores.live, values) == (False, {"sahd": None, "depth": None})


def test_a_further_fitness_that_is_no_number_has_no_value(monkeypatch):
    monkeypatch.setitem(FITNESSES, "broken", Fitness("broken", "x", True, lambda e: Reading(math.nan)))
    scores, values = evaluator("depth").several(motif_plan("FE"), ("broken", "depth"))
    assert values == {"broken": None, "depth": scores.fitness}
