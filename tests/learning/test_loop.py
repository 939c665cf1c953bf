"""Steps and epochs: batches in parts, failures, and a state from which the same numbers follow."""

from __future__ import annotations

import copy
import math
import time

import pytest
import torch
from torch import nn

from msenas.errors import CheckFailed
from msenas.learning.config import TrainConfig
from msenas.learning.feed import Batch, Feed, calibration_frames, evaluation_batches
from msenas.learning.loop import Pressure, Row, State, Trainer, without_denormals
from msenas.phenotype.network import Network
from tests.conftest import motif_plan
from tests.learning.small import dataset, standard

pytestmark = pytest.mark.usefixtures("same_global_random_state", "uncompiled", "one_thread")
PLAN = motif_plan("FE", "LI", steps=2)
CPU = torch.device("cpu")


def trainer(data=None, **options):
    more = {name: options.pop(name) for name in ("teacher", "pressure", "advance") if name in options}
    config = TrainConfig(**({"epochs": 3, "batch": 16, "augment": ("none",)} | options))
    data = data or dataset()
    about = (PLAN.spec, standard(data), config.seed)
    return Trainer(
        config,
        Feed(data, PLAN.spec, standard(data), config),
        lambda: calibration_frames(data.train, *about),
        lambda: evaluation_batches(data.val, *about),
        CPU,
        **more,
    )


def fresh(how, plan=PLAN):
    return State.fresh(Network(plan, 5, lif="norse"), how.config)


def one_batch(how):
    return next(how.feed.epoch(0))


def weights(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_a_row_for_each_epoch():
    told = []
    how = trainer(advance=told.append)
    state = fresh(how)
    rows = [how.epoch(state) for _ in range(2)]
    assert [row.epoch for row in rows] == [1, 2] == [1, state.epoch]
    assert len(told) == 2 * how.feed.steps
    assert rows[0].loss == pytest.approx(told[how.feed.steps - 1])
    assert all(0 <= row.val_accuracy <= 1 and 0 < row.rate < 1 for row in rows)


def test_training_lowers_the_loss_and_finds_the_classes():
    how = trainer(epochs=8, ema=0.5, lr=0.02)
    state = fresh(how)
    rows = [how.epoch(state) for _ in range(8)]
    assert rows[-1].loss < 0.8 * rows[0].loss
    assert rows[-1].val_accuracy == 1.0


@pytest.mark.parametrize(
    "options", [{}, {"optimizer": "sgd"}, {"precision": "bfloat16"}, {"loss": "tet", "mix": 1.0}], ids=str
)
def test_a_saved_state_continues_with_the_same_numbers(options):
    how = trainer(augment=("rotate",), **options)
    state = fresh(how)
    state.note(how.epoch(state))
    saved = copy.deepcopy(state.saved())
    state.note(how.epoch(state))
    again = fresh(how)
    again.restore(saved)
    again.note(how.epoch(again))
    assert again.rows == state.rows
    assert again.best_epoch == state.best_epoch
    for part in ("network", "average", "best"):
        assert same(state.saved()[part], again.saved()[part]), part


@pytest.mark.parametrize("damage", ["network", "average", "best", "optimizer", "rows", "epoch", "parts"])
def test_a_state_that_lacks_something_is_refused(damage):
    how = trainer()
    state = fresh(how)
    state.note(how.epoch(state))
    saved = state.saved()
    del saved[damage]
    with pytest.raises(KeyError, match=damage):
        fresh(how).restore(saved)


def test_states_of_another_training_are_refused():
    how = trainer()
    state = fresh(how)
    state.note(how.epoch(state))
    with pytest.raises(RuntimeError, match="Missing key"):
        fresh(how, motif_plan("FI", "LI", steps=2)).restore(state.saved())
    with pytest.raises(ValueError, match="another optimizer"):
        fresh(trainer(optimizer="sgd")).restore(state.saved())
    with pytest.raises(ValueError, match="1 rows for 2 epochs"):
        fresh(how).restore(state.saved() | {"epoch": 2})
    with pytest.raises(ValueError, match="best epoch is 3 of 1"):
        fresh(how).restore(state.saved() | {"best_epoch": 3})


def test_the_best_weights_are_kept_apart():
    state = fresh(trainer())
    assert state.note(Row(1, 1.0, 0.5, 0.7, 0.1, 0.1))
    kept = weights(state.average.network)
    with torch.no_grad():
        state.average.network.readout.weight.zero_()
    assert not state.note(Row(2, 1.0, 0.5, 0.7, 0.1, 0.1))
    assert not state.note(Row(3, 1.0, 0.4, 0.6, 0.1, 0.1))
    assert state.best_epoch == 1
    assert same(state.best, kept)


def test_among_equal_accuracies_the_smaller_loss_is_better():
    state = fresh(trainer())
    losses = [0.7, 0.8, 0.6]
    assert [state.note(Row(i + 1, 1.0, 0.5, loss, 0.1, 0.1)) for i, loss in enumerate(losses)] == [True, False, True]


def gradients(how, batch, parts):
    state = fresh(how)
    state.parts = parts
    loss, rate = how._in_parts(state, batch)
    return {name: p.grad.clone() for name, p in state.network.named_parameters()}, loss, rate


@pytest.mark.parametrize("options", [{}, {"loss": "tet"}, {"rate": 0.3}, {"clip": 0.0}], ids=str)
def test_parts_with_equal_statistics_have_the_gradient_of_the_whole(options):
    how = trainer(**options)
    half = one_batch(how)
    batch = Batch(half.images.repeat(2, 1, 1, 1), half.frames.repeat(1, 2, 1, 1, 1), half.targets.repeat(2, 1))
    whole, parts = gradients(how, batch, 1), gradients(how, batch, 2)
    assert parts[1:] == pytest.approx(whole[1:], rel=1e-5)
    largest = max(float(g.abs().max()) for g in whole[0].values())
    assert largest > 0
    for name, gradient in whole[0].items():
        assert float((parts[0][name] - gradient).abs().max()) < 1e-4 * largest, name


def test_parts_of_other_samples_differ_by_their_batch_statistics_alone():
    how = trainer()
    whole, parts = (gradients(how, one_batch(how), n)[0]["readout.weight"] for n in (1, 2))
    cosine = float(nn.functional.cosine_similarity(whole.flatten(), parts.flatten(), 0))
    assert 0.5 < cosine < 0.999999


class Short:
    """A network's `scores` on a machine that has memory for so many samples."""

    def __init__(self, network, most, failure):
        self.scores, self.most, self.failure, self.asked = network.scores, most, failure, []

    def __call__(self, frames, observe=None):
        self.asked.append(frames.shape[1])
        if frames.shape[1] > self.most:
            raise self.failure
        return self.scores(frames, observe)


FAILURES = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes. Error code 12"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
]


@pytest.mark.parametrize("failure", FAILURES, ids=lambda f: type(f).__name__ + str(f)[:3])
def test_short_of_memory_the_batch_is_taken_in_parts(failure):
    how = trainer()
    state = fresh(how)
    state.network.scores = short = Short(state.network, 4, failure)
    loss, _ = how._step(state, one_batch(how))
    assert math.isfinite(loss)
    assert short.asked == [16, 8, 4, 4, 4, 4]
    assert state.parts == 4
    how._step(state, one_batch(how))
    assert short.asked[6:] == [4, 4, 4, 4]


def test_without_memory_for_two_samples_nothing_goes():
    how = trainer()
    state = fresh(how)
    state.network.scores = short = Short(state.network, 1, MemoryError())
    with pytest.raises(MemoryError):
        how._step(state, one_batch(how))
    assert short.asked == [16, 8, 4, 2]


def test_other_errors_are_no_lack_of_memory():
    how = trainer()
    state = fresh(how)
    state.network.scores = short = Short(state.network, 1, RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        how._step(state, one_batch(how))
    assert short.asked == [16]


def spoil(state, after, value):
    """Scores that are `value` from some call on."""
    scores, calls = state.network.scores, []

    def spoiled(frames, observe=None):
        calls.append(1)
        return scores(frames, observe) * (1.0 if len(calls) <= after else value)

    state.network.scores = spoiled


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_the_training_and_says_where(value):
    how = trainer()
    state = fresh(how)
    how.epoch(state)
    spoil(state, 1, value)
    with pytest.raises(CheckFailed, match=r"the loss is nan .* in epoch 2, step 2$"):
        how.epoch(state)
    assert state.epoch == 1
    assert all(bool(torch.isfinite(p).all()) for p in state.network.parameters())
    assert all(bool(torch.isfinite(p).all()) for p in state.average.network.parameters())


@pytest.mark.parametrize("clip", [0.0, 1.0])
def test_a_gradient_that_is_no_number_changes_no_weight(clip):
    how = trainer(clip=clip)
    state = fresh(how)
    state.network.readout.weight.register_hook(lambda gradient: gradient * math.inf)
    before = weights(state.network)
    with pytest.raises(CheckFailed, match=r"norm of its gradient (inf|nan) in epoch 1, step 1"):
        how.epoch(state)
    assert all(torch.equal(p, before[name]) for name, p in state.network.named_parameters())


def test_the_gradient_is_clipped():
    norms = {}
    for clip in (0.0, 1e-3):
        how = trainer(clip=clip)
        found, *_ = gradients(how, one_batch(how), 1)
        norms[clip] = math.sqrt(sum(float((g**2).sum()) for g in found.values()))
    assert norms[0.0] > 1e-2
    assert norms[1e-3] == pytest.approx(1e-3, rel=1e-2)


def test_a_deadline_ends_the_epoch_without_a_row():
    how = trainer()
    state = fresh(how)
    assert how.epoch(state, time.monotonic() - 1) is None
    assert state.epoch == 0


class Teacher(nn.Module):
    """Says what class has the brightest stripe, or always the same."""

    def __init__(self, always=None):
        super().__init__()
        self.always, self.seen = always, []

    def forward(self, images):
        self.seen.append(images)
        places = torch.stack([images[..., 2 * c : 2 * c + 3].mean((1, 2, 3)) for c in range(3)], 1)
        return 20 * places if self.always is None else torch.eye(3)[[self.always] * len(images)] * 20


def test_scores_of_a_teacher_are_imitated():
    teacher = Teacher(always=1)
    how = trainer(teacher=teacher, distill_weight=1.0, epochs=6, ema=0.0, lr=0.05)
    state = fresh(how)
    for _ in range(6):
        how.epoch(state)
    batch = one_batch(how)
    chosen = state.average.network.eval()(batch.frames).argmax(1)
    assert chosen.tolist() == [1] * 16
    assert 0.0 <= float(teacher.seen[0].min()) <= float(teacher.seen[0].max()) <= 1.0


def test_share_of_the_imitation():
    teacher = Teacher()
    losses = [
        float(how._loss(fresh(how).network.train(), one_batch(how))[0].detach())
        for how in (trainer(teacher=teacher, distill_weight=w) for w in (0.0, 0.25, 1.0))
    ]
    assert losses[1] == pytest.approx(0.75 * losses[0] + 0.25 * losses[2], rel=1e-5)
    assert losses[0] != pytest.approx(losses[2], rel=1e-2)


def test_energy_falls_under_pressure():
    spent = {}
    for weight in (0.0, 3.0):
        how = trainer(pressure=Pressure(1e-12, 0.0, 1e-10), energy_weight=weight, epochs=5, lr=0.02)
        state = fresh(how)
        spent[weight] = [how.epoch(state).rate for _ in range(5)][-1]
    assert spent[3.0] < 0.8 * spent[0.0]


def test_an_early_epoch_runs_for_fewer_steps():
    how = trainer(epochs=3, early_steps=1, early_share=0.34)
    state, seen = fresh(how), []
    run = state.network.scores
    state.network.scores = lambda *args: seen.append(run(*args)) or seen[-1]
    for _ in range(2):
        how.epoch(state)
    assert [len(scores) for scores in seen] == [1] * how.feed.steps + [state.network.plan.spec.steps] * how.feed.steps


@pytest.mark.parametrize("before", [False, True])
def test_denormal_numbers_are_flushed_for_a_while_only(before):
    tiny = torch.tensor([2.0**-140])
    torch.set_flush_denormal(before)
    try:
        with without_denormals():
            assert float(tiny + tiny) == 0.0
        assert (float(tiny + tiny) == 0.0) == before
    finally:
        torch.set_flush_denormal(False)
