"""Trainings from options to a folder: stopped anywhere, continued, refused."""

from __future__ import annotations

import json
import math
import shutil

import pytest
import torch
from filelock import FileLock
from norse.torch.functional.threshold import threshold

from msenas.data import Split
from msenas.errors import CheckFailed, InputError, RunError
from msenas.learning.accuracy import accuracy_and_loss
from msenas.learning.feed import evaluation_batches
from msenas.learning.loop import Trainer
from msenas.phenotype.lif import SURROGATES
from msenas.phenotype.network import Network
from msenas.runs.best import read_best
from msenas.runs.weights import load_network
from msenas.training import opening, session
from msenas.training.opening import TrainRequest
from msenas.training.session import End, train
from msenas.training.subject import open_task
from tests.learning.small import write_files, write_npz

pytestmark = pytest.mark.usefixtures("same_global_random_state", "uncompiled", "one_thread")
SHORT = {"epochs": 3, "batch": 16, "ema": 0.5}
SAME = ("metrics.jsonl", "weights.safetensors", "network.json", "config.json", "curves.png", "best.json")


class Watch:
    """Counts what it is told, and may stop the training after so many steps."""

    def __init__(self, stop=None, after=0):
        self.stop, self.after, self.steps, self.begun, self.rows = stop, after, 0, None, []

    def begin(self, epochs, done, steps):
        self.begun = epochs, done, steps

    def step(self, loss):
        self.steps += 1
        if self.stop is not None and self.steps == self.after:
            raise self.stop

    def epoch(self, row, images_per_second):
        self.rows.append(row)


@pytest.fixture
def file(tmp_path):
    return write_files(tmp_path)


def run(file, out, watch=None, said=None, **options):
    notes = [] if said is None else said
    return train(TrainRequest(file, SHORT | options, out), watch or Watch(), notes.append)


def resume(out, watch=None, said=None, **options):
    notes = [] if said is None else said
    return train(TrainRequest(None, options, out, resume=True), watch or Watch(), notes.append)


def content(folder):
    return {name: (folder / name).read_bytes() for name in SAME}


class Killed(BaseException):
    """Ends the process as a signal would: nobody handles it."""


def test_a_finished_folder(file, tmp_path):
    watch = Watch()
    done = run(file, tmp_path / "t", watch)
    assert (done.end, done.epochs) == (End.FINISHED, 3)
    assert watch.begun == (3, 0, 3)
    assert (watch.steps, [row.epoch for row in watch.rows]) == (9, [1, 2, 3])
    best = read_best(tmp_path / "t")
    about = best.provenance["training"]
    assert (about["accuracy"], about["val_accuracy"]) == (done.test_accuracy, done.val_accuracy)
    kept = max(watch.rows, key=lambda row: (row.val_accuracy, -row.val_loss))
    assert (about["val_accuracy"], about["best_epoch"]) == (kept.val_accuracy, kept.epoch)
    assert best.genome == read_best(file).genome
    lines = [json.loads(line) for line in (tmp_path / "t" / "metrics.jsonl").read_text().splitlines()]
    assert [line["loss"] for line in lines] == [row.loss for row in watch.rows]
    timings = (tmp_path / "t" / "timings.jsonl").read_text().splitlines()
    assert all(json.loads(line)["images_per_second"] > 0 for line in timings)


def test_the_recorded_accuracy_is_that_of_the_written_weights(file, tmp_path):
    done = run(file, tmp_path / "t")
    best = read_best(tmp_path / "t")
    network = load_network(best, tmp_path / "t")
    task = open_task(best, opening.build_train_config({}))
    for split, expected in ((task.dataset.test, done.test_accuracy), (task.dataset.val, done.val_accuracy)):
        batches = evaluation_batches(split, task.spec, task.standard, 0)
        assert accuracy_and_loss(network, batches, torch.device("cpu"))[0] == expected


def test_equal_seeds_give_equal_bytes_and_others_do_not(file, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run(file, tmp_path / name, seed=seed)
    first, again, other = (content(tmp_path / name) for name in "abc")
    assert first == again
    assert first["weights.safetensors"] != other["weights.safetensors"]


def test_each_seed_starts_from_weights_of_its_own(file, tmp_path, monkeypatch):
    starts = []
    monkeypatch.setattr(session, "Network", lambda *about, **more: starts.append(about[1]) or Network(*about, **more))
    for seed in (0, 2):
        run(file, tmp_path / str(seed), epochs=1, seed=seed)
    own = read_best(file).weight_seed
    assert starts == [own, own + 2]


def test_killed_before_any_write_it_continues_with_the_same_bytes(file, tmp_path, monkeypatch):
    run(file, tmp_path / "whole", augment=("rotate",), mix=1.0, epochs=2)
    whole, real = content(tmp_path / "whole"), opening.write_atomically
    written = []
    writing = ("training.opening", "search.starts", "runs.train_folder", "runs.weights", "runs.best", "runs.figures")
    for module in writing:
        monkeypatch.setattr(f"msenas.{module}.write_atomically", lambda path, data: _write(path, data))
    allowed = math.inf

    def _write(path, data):
        if len(written) >= allowed:
            raise Killed
        written.append(path.name)
        real(path, data)

    run(file, tmp_path / "count", augment=("rotate",), mix=1.0, epochs=2)
    total = len(written)
    assert written[:2] == ["network.json", "config.json"]
    assert written[-1] == "best.json"
    for moment in range(2, total):
        out = tmp_path / f"killed-{moment}"
        written.clear()
        allowed = moment
        with pytest.raises(Killed):
            run(file, out, augment=("rotate",), mix=1.0, epochs=2)
        allowed = math.inf
        assert not (out / "best.json").exists()
        resume(out)
        assert content(out) == whole, moment


@pytest.mark.parametrize("after", [1, 6])
def test_interrupted_it_continues_with_the_same_bytes(file, tmp_path, after):
    run(file, tmp_path / "whole")
    done = run(file, tmp_path / "t", Watch(KeyboardInterrupt(), after))
    assert (done.end, done.test_accuracy) == (End.INTERRUPTED, None)
    assert done.epochs == (after - 1) // 3
    said, watch = [], Watch()
    assert resume(tmp_path / "t", watch, said).end is End.FINISHED
    assert watch.begun == (3, done.epochs, 3)
    assert said == ([f"resuming {tmp_path / 't'} after epoch {done.epochs}"] if done.epochs else [])
    assert content(tmp_path / "t") == content(tmp_path / "whole")


def test_the_time_limit_leaves_a_training_to_resume(file, tmp_path):
    done = run(file, tmp_path / "t", time_limit="1ms")
    assert (done.end, done.epochs, done.val_accuracy) == (End.TIME_LIMIT, 0, None)
    assert resume(tmp_path / "t", time_limit="1h").end is End.FINISHED


def test_a_finished_training_is_not_evaluated_again(file, tmp_path, monkeypatch):
    done = run(file, tmp_path / "t")
    before = content(tmp_path / "t")
    file.with_name("arrays.npz").unlink()
    monkeypatch.setattr(Split, "batch", lambda *a: pytest.fail("data were read"))
    said = []
    again = resume(tmp_path / "t", said=said)
    assert (again.end, again.epochs, again.best_epoch) == (done.end, done.epochs, done.best_epoch)
    assert (again.val_accuracy, again.test_accuracy) == (done.val_accuracy, done.test_accuracy)
    assert said == [f"{tmp_path / 't'} had ended; these are the accuracies of then"]
    assert content(tmp_path / "t") == before


def test_the_test_split_is_read_once_at_the_end(file, tmp_path, monkeypatch):
    order, rows, read = [], {}, Split.batch
    opened = session.open_task

    def remember(*a, **b):
        task = opened(*a, **b)
        rows.update({tuple(getattr(task.dataset, n).rows): n for n in ("train", "val", "test")})
        return task

    monkeypatch.setattr(session, "open_task", remember)
    monkeypatch.setattr(Split, "batch", lambda self, i: (order.append(rows.get(tuple(self.rows))), read(self, i))[1])
    run(file, tmp_path / "t")
    assert order.count("test") == 1
    assert order[-1] == "test"
    assert order.count("val") == 3


def test_a_record_that_is_damaged_is_one_line(file, tmp_path):
    run(file, tmp_path / "t")
    best = tmp_path / "t" / "best.json"
    data = json.loads(best.read_text())
    del data["provenance"]["training"]["accuracy"]
    best.write_text(json.dumps(data))
    with pytest.raises(RunError, match=r"best.json: provenance.training: .*accuracy"):
        resume(tmp_path / "t")


def test_early_stopping(file, tmp_path, monkeypatch):
    values = iter([0.5, 0.9, 0.7, 0.6, 0.8, 0.9])
    monkeypatch.setattr("msenas.learning.loop.accuracy_and_loss", lambda *a: (next(values), 1.0))
    done = run(file, tmp_path / "t", epochs=9, patience=2)
    assert (done.end, done.epochs, done.best_epoch, done.val_accuracy) == (End.EARLY, 4, 2, 0.9)
    assert resume(tmp_path / "t").end is End.EARLY


def halfway(file, out, **options):
    """A training that was interrupted in its third epoch."""
    assert run(file, out, Watch(KeyboardInterrupt(), 7), **options).epochs == 2
    return out


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 1}, "seed: 0 -> 1"),
        ({"epochs": 4, "lr": 0.1}, "epochs: 3 -> 4; lr: None -> 0.1"),
        ({"optimizer": "sgd"}, "optimizer: adamw -> sgd"),
        ({"dataset": "digits"}, "dataset: None -> digits"),
    ],
)
def test_other_settings_are_refused(file, tmp_path, options, said):
    out = halfway(file, tmp_path / "t")
    before = {p: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(RunError) as caught:
        resume(out, **options)
    assert str(caught.value) == f"{out} was made with other settings: {said}"
    assert {p: p.read_bytes() for p in out.iterdir()} == before


@pytest.mark.parametrize("idle", [{"early_steps": 2}, {"early_share": 0.25}], ids=str)
def test_a_training_that_was_begun_with_idle_options_is_resumed(file, tmp_path, idle):
    run(file, tmp_path / "whole")
    out = halfway(file, tmp_path / "t")
    config = out / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | idle))
    assert resume(out).end is End.FINISHED
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("name", ["metrics.jsonl", "timings.jsonl", "weights.safetensors"])
@pytest.mark.parametrize("damage", ["torn", "gone", "nonsense"])
def test_the_state_is_enough(file, tmp_path, name, damage):
    run(file, tmp_path / "whole")
    out = halfway(file, tmp_path / "t")
    path = out / name
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] if damage == "torn" else b"[3]\n\xff\n")
    assert resume(out).end is End.FINISHED
    assert content(out) == content(tmp_path / "whole")


def test_a_damaged_state_is_one_line_and_stays(file, tmp_path):
    out = halfway(file, tmp_path / "t")
    torn = (out / "state.pt").read_bytes()[:-100]
    (out / "state.pt").write_bytes(torn)
    with pytest.raises(RunError, match=r"state.pt is damaged"):
        resume(out)
    assert (out / "state.pt").read_bytes() == torn


def test_a_state_of_another_training_is_refused(file, tmp_path):
    out = halfway(file, tmp_path / "t")
    other = tmp_path / "other"
    other.mkdir()
    halfway(write_files(other, "FI", "LI"), other / "t")
    shutil.copy(other / "t" / "state.pt", out)
    with pytest.raises(RunError, match=r"state.pt does not fit the network: RuntimeError"):
        resume(out)
    halfway(file, tmp_path / "sgd", optimizer="sgd")
    shutil.copy(tmp_path / "sgd" / "state.pt", out)
    with pytest.raises(RunError, match="another optimizer"):
        resume(out)


def test_data_that_have_moved_can_be_named(file, tmp_path):
    run(file, tmp_path / "whole")
    out = halfway(file, tmp_path / "t")
    (tmp_path / "elsewhere").mkdir()
    moved = file.with_name("arrays.npz").rename(tmp_path / "elsewhere" / "arrays.npz")
    with pytest.raises(InputError, match=r"arrays.npz does not exist"):
        resume(out)
    assert resume(out, data=str(moved)).end is End.FINISHED
    for name in ("metrics.jsonl", "weights.safetensors"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


@pytest.mark.parametrize("change", [{"seed": 3}, {"samples": 75}], ids=str)
def test_data_that_have_changed_are_refused(file, tmp_path, change):
    out = halfway(file, tmp_path / "t")
    write_npz(file.with_name("arrays.npz"), **change)
    with pytest.raises(RunError, match="npz holds other samples or splits than"):
        resume(out)


def test_data_of_another_shape_are_refused(file, tmp_path):
    write_npz(file.with_name("arrays.npz"), channels=3)
    with pytest.raises(InputError, match=r"best.json has input_shape \(1, 8, 8\), its data set \(3, 8, 8\)"):
        run(file, tmp_path / "t")
    assert not (tmp_path / "t").exists()


def test_another_data_set(file, tmp_path):
    done = run(file, tmp_path / "t", dataset="digits", epochs=1, batch=256)
    best = read_best(tmp_path / "t")
    assert (best.network.classes, best.network.layers) == (10, 2)
    assert best.genome == read_best(file).genome
    assert best.provenance["dataset"]["name"] == "digits"
    assert best.provenance["training"]["accuracy"] == done.test_accuracy
    assert load_network(best, tmp_path / "t").readout.out_features == 10


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"augment": ("sepia",)}, "unknown augmentation of images 'sepia'"),
        ({"augment": ("randaugment",)}, "needs 3 channels; npz has 1"),
        ({"time_limit": "soon"}, "'soon' is no duration"),
        ({"device": "abacus"}, "device 'abacus' cannot be used"),
        ({"hardware": "abacus"}, "unknown hardware profile 'abacus'"),
        ({"energy_weight": 1.0}, "--energy-weight needs an --energy-budget"),
        ({"energy_weight": 1.0, "energy_budget": 1e-15}, "without a spike the network takes"),
        ({"distill": "no_such_module:make"}, "No module named 'no_such_module'"),
        ({"dataset": "abacus"}, "unknown data set 'abacus'"),
        ({"size": 16}, "size is for event recordings"),
        ({"early_steps": 2}, "--early-steps must be fewer than the time steps of the network (T = 2), not 2"),
        ({"early_share": 0.7}, "--early-share needs --early-steps"),
    ],
)
def test_what_cannot_be_done_leaves_no_folder(file, tmp_path, options, said):
    with pytest.raises(InputError) as caught:
        run(file, tmp_path / "t", **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "t").exists()


def test_the_profile_of_the_search_may_be_gone(file, tmp_path):
    data = json.loads(file.read_text())
    data["provenance"]["hardware"] = str(tmp_path / "gone.toml")
    file.write_text(json.dumps(data))
    assert run(file, tmp_path / "t", epochs=1).end is End.FINISHED


def test_a_loss_that_is_no_number_keeps_the_last_checkpoint(file, tmp_path, monkeypatch):
    real, calls = Trainer._loss, []

    def spoiled(self, network, batch):
        loss, rate = real(self, network, batch)
        calls.append(1)
        return (loss * math.nan if len(calls) > 4 else loss), rate

    monkeypatch.setattr(Trainer, "_loss", spoiled)
    out = tmp_path / "t"
    with pytest.raises(CheckFailed) as caught:
        run(file, out)
    assert str(caught.value).startswith("the loss is nan")
    assert f"in epoch 2, step 2; {out / 'state.pt'} holds epoch 1;" in str(caught.value)
    assert (out / "metrics.jsonl").read_bytes().count(b"\n") == 1
    monkeypatch.setattr(Trainer, "_loss", real)
    run(file, tmp_path / "whole")
    resume(out)
    assert content(out) == content(tmp_path / "whole")


def test_a_loss_that_is_no_number_in_the_first_epoch(file, tmp_path, monkeypatch):
    real = Trainer._loss
    monkeypatch.setattr(Trainer, "_loss", lambda *a: (real(*a)[0] * math.nan, 0.0))
    with pytest.raises(CheckFailed, match="in epoch 1, step 1; no epoch was finished;"):
        run(file, tmp_path / "t")


def test_a_loss_on_validation_samples_that_is_no_number(file, tmp_path, monkeypatch):
    real = Trainer.judge
    monkeypatch.setattr(Trainer, "judge", lambda self, state: real(self, state) if state.epoch < 1 else (0.5, math.inf))
    with pytest.raises(CheckFailed, match="the loss on validation samples is inf after epoch 2;"):
        run(file, tmp_path / "t")
    assert (tmp_path / "t" / "metrics.jsonl").read_bytes().count(b"\n") == 1


def test_memory_that_runs_out_halves_the_batch_and_says_so(file, tmp_path, monkeypatch):
    real = Network.scores

    def scores(self, frames, observe=None):
        if frames.shape[1] > 8:
            raise MemoryError
        return real(self, frames, observe)

    monkeypatch.setattr(Network, "scores", scores)
    said = []
    assert run(file, tmp_path / "t", said=said).end is End.FINISHED
    assert said == ["out of memory: batches are taken in 2 parts, with the gradients added up"]


@pytest.mark.parametrize("where", ["scores", "forward"])
def test_no_memory_at_all_is_one_line(file, tmp_path, monkeypatch, where):
    def scores(self, frames, observe=None):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory\nmore")

    with monkeypatch.context() as patch:
        patch.setattr(Network, where, scores)
        with pytest.raises(CheckFailed, match=r"^out of memory after epoch 0.*; no epoch was finished; --resume"):
            run(file, tmp_path / "t")
    assert resume(tmp_path / "t").end is End.FINISHED


def test_a_full_disk_keeps_the_last_checkpoint(file, tmp_path, monkeypatch):
    from msenas.runs import files

    run(file, tmp_path / "whole")
    real, out = files.os.fsync, tmp_path / "t"

    def sync(descriptor):
        if (out / "metrics.jsonl").exists() and (out / "state.pt").exists():
            raise OSError(28, "No space left on device")
        real(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", sync)
        with pytest.raises(RunError, match=r"cannot write .*: No space left on device"):
            run(file, out)
    assert not list(out.glob("*.part"))
    said = []
    resume(out, said=said)
    assert said == [f"resuming {out} after epoch 1"]
    assert content(out) == content(tmp_path / "whole")


def test_two_trainings_in_one_folder(file, tmp_path):
    out = halfway(file, tmp_path / "t")
    with FileLock(out / ".lock"), pytest.raises(RunError, match="another process is working in"):
        resume(out)
    with pytest.raises(RunError, match="holds a training; --resume continues it"):
        run(file, out)


def test_a_folder_that_was_taken_meanwhile_is_left_alone(file, tmp_path, monkeypatch):
    out, opened = tmp_path / "t", session.open_task

    def slow(*a, **b):
        task = opened(*a, **b)
        out.mkdir()
        (out / "network.json").write_text("{}")
        return task

    monkeypatch.setattr(session, "open_task", slow)
    with pytest.raises(RunError, match="is not empty"):
        run(file, out)
    assert (out / "network.json").read_text() == "{}"


def test_the_folder_beside_the_file(file):
    found = [train(TrainRequest(file, SHORT | {"epochs": 1}), Watch(), print).folder.name for _ in range(2)]
    assert found == ["trained-0", "trained-0-2"]
    again = train(TrainRequest(file.parent / "trained-0", SHORT | {"epochs": 1, "seed": 4}), Watch(), print)
    assert again.folder == file.parent / "trained-0" / "trained-4"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (lambda f, t: TrainRequest(None, {}), "name the best.json to train"),
        (lambda f, t: TrainRequest(None, {}, resume=True), "--resume needs --out DIR"),
        (lambda f, t: TrainRequest(f, {}, t, resume=True), "--resume takes the network from the folder"),
        (lambda f, t: TrainRequest(None, {}, t / "nothing", resume=True), "holds no training to resume"),
        (lambda f, t: TrainRequest(t / "gone.json", {}), "cannot read"),
        (lambda f, t: TrainRequest(f, {}, f), "cannot use"),
        (lambda f, t: TrainRequest(f, {}, t), "is not empty"),
        (lambda f, t: TrainRequest(f, {"epoch": 1}, t / "x"), "unknown option of a training"),
    ],
)
def test_requests_that_make_no_sense(file, tmp_path, request_, said):
    before = sorted(tmp_path.iterdir())
    with pytest.raises(InputError, match=said):
        train(request_(file, tmp_path), Watch(), print)
    assert sorted(tmp_path.iterdir()) == before


def test_a_surrogate_that_ignores_its_alpha_is_said(file, tmp_path):
    for surrogate, count in (("super", 1), ("triangle", 0)):
        said = []
        run(file, tmp_path / surrogate, said=said, epochs=1, surrogate=surrogate)
        assert sum("ignores the alpha" in line for line in said) == count


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_what_is_said_of_surrogates_is_so(surrogate):
    slopes = []
    for alpha in (1.0, 3.0):
        distance = torch.tensor([-0.5, -0.1, 0.3], requires_grad=True)
        slopes.append(torch.autograd.grad(threshold(distance, surrogate, alpha).sum(), distance)[0])
    assert torch.equal(*slopes) == (surrogate in opening.SURROGATE_REMARKS)
    if surrogate == "super":
        torch.testing.assert_close(slopes[0], 1 / (1 + distance.detach().abs()) ** 2)
