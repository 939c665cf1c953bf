"""Trainings of a ranking: stopped at every file that they write, failed, and in worker processes."""

from __future__ import annotations

import math

import pytest

from msenas.learning.loop import Trainer
from msenas.ranking import stages
from msenas.ranking.folder import RankFolder
from msenas.runs import files
from msenas.runs.pool import workers
from msenas.search.loop import End
from tests.ranking.made import Watch, content, ranked

pytestmark = pytest.mark.usefixtures("uncompiled", "one_thread")
WRITERS = ("ranking.session", "ranking.drawing", "ranking.record", "ranking.scoring", "ranking.trial")
RESULTS = ("networks.jsonl", "scores.jsonl", "ranking.json")


class Killed(BaseException):
    """Stands for the end of the process: nothing of the program may handle it."""


def test_what_a_training_says(few):
    out, result = few
    assert (result.end, len(result.networks), result.ranking.networks) == (End.FINISHED, 5, 5)
    twice = [one.trainings for one in result.networks if len(one.trainings) > 1]
    assert len(twice) == 1
    assert twice[0][0].losses != twice[0][1].losses, "from other weights"
    for training in (t for one in result.networks for t in one.trainings):
        assert len(training.accuracies) == len(training.losses) == len(training.train_losses) == 2
        assert training.counts["synops"] >= training.counts["synops_inhibitory"] >= 0
        assert training.energy_joule[1] > 0
    assert {p.name for p in (out / "trainings" / "0-0").iterdir()} == {"metrics.jsonl", "trained.json"}


def test_two_workers_find_the_same(few, few_options, tmp_path, here, monkeypatch):
    """These are real processes."""
    monkeypatch.setattr(stages, "workers", workers)
    ranked(tmp_path / "r", few_options | {"workers": 2})
    for name in RESULTS:
        assert (tmp_path / "r" / name).read_bytes() == (few[0] / name).read_bytes(), name


@pytest.mark.slow
def test_killed_before_any_file_it_ends_with_the_same_bytes(few_options, tmp_path, here, monkeypatch):
    options = few_options | {"epochs": 1}
    real, written = files.write_atomically, []
    allowed = math.inf

    def write(path, data):
        if len(written) >= allowed:
            raise Killed
        written.append(path.name)
        real(path, data)

    for module in (*WRITERS, "runs.train_folder", "search.starts"):
        monkeypatch.setattr(f"msenas.{module}.write_atomically", write)
    ranked(tmp_path / "count", options)
    total = list(written)
    assert total[:3] == ["config.json", "environment.json", "drawn.json"]
    assert total[-3:] == ["networks.jsonl", "scores.jsonl", "ranking.json"]
    expected = content(tmp_path / "count")
    for moment in range(len(total)):
        out, allowed = tmp_path / f"killed-{moment}", moment
        written.clear()
        with pytest.raises(Killed):
            ranked(out, options)
        allowed = math.inf
        ranked(out, options if moment == 0 else {}, resume=moment > 0)
        assert content(out) == expected, (moment, total[moment])


def test_a_record_without_its_weights_is_trained_again(few, few_options, tmp_path, here):
    out = tmp_path / "r"
    ranked(out, few_options, Watch(KeyboardInterrupt(), 1))
    folder = RankFolder(out)
    folder.trained(0, 0).unlink()
    assert folder.training(0, 0).metrics.exists()
    assert not folder.training(0, 0).state.exists()
    ranked(out, {}, resume=True)
    assert content(out) == content(few[0])


def spoil(monkeypatch, *bad):
    """Losses of some networks are no numbers."""
    real = Trainer._loss

    def loss(self, network, batch):
        value, rate = real(self, network, batch)
        return (value * math.nan if network.plan.digest in bad else value), rate

    monkeypatch.setattr(Trainer, "_loss", loss)


def test_a_training_that_fails_is_left_out_and_counted(few, few_options, tmp_path, here, monkeypatch):
    spoil(monkeypatch, few[1].networks[1].plan)
    result = ranked(tmp_path / "r", few_options)
    assert (result.ranking.networks, result.ranking.failed) == (4, 1)
    assert result.networks[1].trainings[0].failure.startswith("the loss is nan")
    assert ranked(tmp_path / "r", {}, resume=True).ranking == result.ranking, "it is not tried again"


def test_too_few_trainings_that_succeed(few, few_options, tmp_path, here, monkeypatch):
    spoil(monkeypatch, *(one.plan for one in few[1].networks[:2]))
    result = ranked(tmp_path / "r", few_options)
    assert (result.end, result.ranking) == (End.FINISHED, None)


def test_weights_that_give_no_loss_on_validation_samples_are_a_failure(few, few_options, tmp_path, here, monkeypatch):
    monkeypatch.setattr(Trainer, "judge", lambda self, state: (0.5, math.nan))
    result = ranked(tmp_path / "r", few_options)
    assert result.networks[0].trainings[0].failure == "the loss on validation samples is nan after epoch 1"


def test_lack_of_memory_is_tried_again(few, few_options, tmp_path, here, monkeypatch):
    def loss(self, network, batch):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_loss", loss)
        result = ranked(tmp_path / "r", few_options)
    assert result.networks[0].trainings[0].failure == "out of memory"
    ranked(tmp_path / "r", {}, resume=True)
    assert content(tmp_path / "r") == content(few[0])


@pytest.mark.parametrize("limit", ["1ms", "900s"])
def test_the_time_limit_holds_within_a_training(few_options, few, tmp_path, here, limit):
    result = ranked(tmp_path / "r", few_options | {"time_limit": limit})
    assert result.end is (End.TIME_LIMIT if limit == "1ms" else End.FINISHED)
    if limit == "1ms":
        assert not list((tmp_path / "r").glob("trainings/*/trained.json"))
        result = ranked(tmp_path / "r", {"time_limit": "900s"}, resume=True)
    same = {name: value for name, value in content(tmp_path / "r").items() if name != "config.json"}
    assert same == {name: value for name, value in content(few[0]).items() if name != "config.json"}


def test_few_samples_one_epoch_and_no_second_training(few_options, tmp_path, here):
    options = {"samples": 3, "epochs": 1, "repeated": 0, "genomes": 4, "fitness": ("random",)}
    ranking = ranked(tmp_path / "r", few_options | options).ranking
    assert (ranking.networks, ranking.noise, ranking.settled) == (4, {}, {})


def test_a_fitness_that_trains_has_one_value_for_each_network(few_options, tmp_path, here):
    more = {"fitness": ("short-training", "depth"), "seeds": 2}
    result = ranked(tmp_path / "r", few_options | more)
    rows = {row.name: row for row in result.ranking.rows}
    assert rows["short-training"].missing == 0
    assert math.isnan(rows["short-training"].stability.value)
    assert not math.isnan(rows["depth"].stability.value)
    before = content(tmp_path / "r")
    assert ranked(tmp_path / "r", {}, resume=True).ranking == result.ranking
    assert content(tmp_path / "r") == before
