"""Rankings from options to a finished folder: stopped anywhere, continued, extended, begun from trained networks."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from importlib import resources

import pytest

from msenas.errors import DataError, InputError, RunError
from msenas.ranking import stages
from msenas.ranking.folder import RankFolder
from msenas.ranking.record import read_networks
from msenas.ranking.scoring import Scoring
from msenas.ranking.trial import Trials
from msenas.runs.lock import locked
from msenas.runs.pool import Death
from msenas.search import prepare as preparing
from msenas.search.loop import End
from tests.learning.small import write_npz
from tests.ranking.made import FREE, Watch, content, ranked

pytestmark = pytest.mark.usefixtures("uncompiled", "one_thread", "untrained")
RESULTS = ("networks.jsonl", "scores.jsonl", "ranking.json")


class Killed(BaseException):
    """Stands for the end of the process: nothing of the program may handle it."""


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_files_and_figures(whole, small_options):
    out, result = whole
    names = {p.name for p in out.iterdir()} - {".lock"}
    assert names == {"config.json", "environment.json", "drawn.json", "trainings", *RESULTS}
    about, networks = read_networks(out / "networks.jsonl")
    assert (result.end, len(networks), result.ranking.networks) == (End.FINISHED, 8, 8)
    assert sum(len(one.trainings) for one in networks) == 8 + 4
    assert {one.half for one in networks} == {"development", "held-out"}
    assert (about.options["layers"], about.options["encoding"]) == (2, "direct")
    assert not {"data", "workers", "time_limit"} & set(about.options)
    assert small_options["data"] not in (out / "networks.jsonl").read_text()
    assert {(s["id"], s["seed"]) for s in lines(out / "scores.jsonl")} == {(i, s) for i in range(8) for s in (0, 2, 3)}
    report = json.loads((out / "ranking.json").read_text())
    assert (report["schema"], report["half"], report["networks"]) == ("msenas.ranking/1", "both", 8)
    assert {row["name"] for row in report["rows"]} == set(FREE)


def test_a_ranking_that_has_ended_asks_for_no_worker(whole, here):
    before, watch = content(whole[0]), Watch()
    result = ranked(whole[0], {}, watch, resume=True)
    assert (result.end, here.counts) == (End.FINISHED, [])
    assert watch.parts == [["training", 12, 12], ["scoring", 24, 24]]
    assert content(whole[0]) == before


def test_no_more_workers_than_jobs(small_options, tmp_path, here):
    ranked(tmp_path / "r", small_options | {"workers": 100, "seeds": 1, "fitness": ("depth",)})
    assert here.counts == [12, 16]


@pytest.mark.parametrize("after", [1, 7, 12, 13, 20])
@pytest.mark.parametrize("stop", [KeyboardInterrupt(), Killed()], ids=["interrupted", "killed"])
def test_stopped_at_a_result_it_ends_with_the_same_bytes(whole, small_options, tmp_path, here, stop, after):
    out = tmp_path / "r"
    if isinstance(stop, Killed):
        with pytest.raises(Killed):
            ranked(out, small_options, Watch(stop, after))
    else:
        result = ranked(out, small_options, Watch(stop, after))
        assert (result.end, result.ranking) == (End.INTERRUPTED, None)
    begun = len(here.jobs)
    assert ranked(out, {}, resume=True).end is End.FINISHED
    assert content(out) == content(whole[0])
    assert begun + len(here.jobs[begun:]) == 12 + 24, "nothing is done twice"


def test_a_state_that_outlived_its_training_is_removed(small_options, whole, tmp_path, here):
    ranked(tmp_path / "r", small_options, Watch(KeyboardInterrupt(), 2))
    state = RankFolder(tmp_path / "r").training(0, 0).state
    state.write_bytes(b"left behind")
    ranked(tmp_path / "r", {}, resume=True)
    assert not state.exists()


def test_one_half_and_later_both(whole, small_options, tmp_path, here):
    out = tmp_path / "r"
    result = ranked(out, small_options | {"half": "development"})
    assert {one.half for one in result.networks} == {"development"}
    assert result.ranking.networks == len(result.networks) == 4
    assert {(out / "trainings").joinpath(f"{one.id}-0").exists() for one in result.networks} == {True}
    done = set(here.jobs)
    again = ranked(out, {"half": "both"}, resume=True)
    assert again.ranking.networks == 8
    fresh = here.jobs[len(done) :]
    assert not done & set(fresh), "nothing is trained or scored again"
    assert {name: (out / name).read_bytes() for name in RESULTS} == {
        name: (whole[0] / name).read_bytes() for name in RESULTS
    }


def test_fitnesses_and_seeds_are_added_and_none_is_lost(whole, small_options, tmp_path, here):
    out = tmp_path / "r"
    result = ranked(out, small_options | {"fitness": ("sahd",), "seeds": 1})
    assert [row.name for row in result.ranking.rows] == ["sahd"]
    few = set(lines(out / "scores.jsonl")[0]["values"])
    assert few == {"sahd", "parameters", "synops", "spikes", "depth"}
    trainings = [job for job in here.jobs if hasattr(job, "repetition")]
    ranked(out, {"fitness": FREE, "seeds": 2}, resume=True)
    assert [job for job in here.jobs if hasattr(job, "repetition")] == trainings
    expected = content(whole[0])
    assert content(out)["scores.jsonl"] == expected["scores.jsonl"]
    assert content(out)["ranking.json"] == expected["ranking.json"]
    result = ranked(out, {"fitness": ("depth", "naswot"), "seeds": 1}, resume=True)
    assert {row.name for row in result.ranking.rows} == {"depth", "naswot"}
    assert content(out)["scores.jsonl"] == expected["scores.jsonl"]


def test_scores_are_kept_on_the_way(small_options, tmp_path, here, monkeypatch):
    monkeypatch.setattr(stages, "KEPT", 3)
    kept = []
    monkeypatch.setattr(stages, "write_scores", lambda path, scores: kept.append(len(scores)))
    ranked(tmp_path / "r", small_options | {"epochs": 1})
    assert kept == [*range(3, 25, 3), 24]


def test_workers_that_die_are_failures_and_tried_again(whole, small_options, tmp_path, here, monkeypatch):
    death = Death("worker killed by signal 9, 2 times")
    with monkeypatch.context() as patch:
        for kind, doomed in ((Trials, lambda job: job.id == 2), (Scoring, lambda job: (job.id, job.seed) == (3, 3))):
            real = kind.__call__
            patch.setattr(
                kind, "__call__", lambda self, job, real=real, doomed=doomed: death if doomed(job) else real(self, job)
            )
        result = ranked(tmp_path / "r", small_options)
    assert result.ranking.failed == 1
    assert {t.failure for t in result.networks[2].trainings} == {death.reason}
    (bad,) = (s for s in lines(tmp_path / "r" / "scores.jsonl") if s["failure"])
    assert (bad["id"], bad["seed"], bad["failure"], set(bad["values"].values())) == (3, 3, death.reason, {None})
    assert {row.missing for row in result.ranking.rows} == {1}
    ranked(tmp_path / "r", {}, resume=True)
    assert content(tmp_path / "r") == content(whole[0])


class TestGiven:
    """Networks that have been trained elsewhere."""

    def begin(self, whole, small_options, out, more=None, **request):
        options = {"data": small_options["data"], "workers": 1} | (more or {})
        return ranked(out, options, trained=whole[0] / "networks.jsonl", **request)

    def test_nothing_is_trained_and_the_figures_are_the_same(self, whole, small_options, tmp_path, here):
        self.begin(whole, small_options, tmp_path / "r")
        assert not [job for job in here.jobs if hasattr(job, "repetition")]
        for name in RESULTS:
            assert (tmp_path / "r" / name).read_bytes() == (whole[0] / name).read_bytes(), name
        assert not (tmp_path / "r" / "trainings").exists()

    def test_it_is_resumed_without_the_file_and_trains_nothing(self, whole, small_options, tmp_path, here):
        out = tmp_path / "r"
        assert self.begin(whole, small_options, out, {"time_limit": "1ms"}).end is End.TIME_LIMIT
        ranked(out, {"time_limit": "900s"}, resume=True)
        assert not [job for job in here.jobs if hasattr(job, "repetition")]
        assert (out / "ranking.json").read_bytes() == (whole[0] / "ranking.json").read_bytes()
        with pytest.raises(InputError, match="--trained begins a ranking"):
            ranked(out, {}, resume=True, trained=whole[0] / "networks.jsonl")

    def test_one_half_of_it(self, whole, small_options, tmp_path, here):
        result = self.begin(whole, small_options, tmp_path / "r", {"half": "held-out"})
        assert {one.half for one in result.networks} == {"held-out"}
        again = ranked(tmp_path / "r", {"half": "both"}, resume=True)
        assert again.ranking == whole[1].ranking

    def test_a_half_that_it_does_not_hold(self, whole, small_options, tmp_path, here):
        path = tmp_path / "n.jsonl"
        about, *rest = (whole[0] / "networks.jsonl").read_text().splitlines()
        path.write_text("\n".join([about.replace('"half": "both"', '"half": "development"'), *rest]))
        with pytest.raises(RunError, match="holds the development networks alone, not both"):
            ranked(tmp_path / "r", {"data": small_options["data"], "half": "both"}, trained=path)

    def test_other_data(self, whole, small_options, tmp_path, here):
        for number, more in enumerate(({"seed": 1}, {"samples": 153})):
            data = write_npz(tmp_path / f"other-{number}.npz", **{"samples": 150} | more)
            with pytest.raises(RunError, match=r"networks\.jsonl was made with other data"):
                self.begin(whole, small_options, tmp_path / "r", {"data": str(data)})
        assert not (tmp_path / "r").exists()

    def test_other_options(self, whole, small_options, tmp_path, here):
        with pytest.raises(RunError, match=r"networks\.jsonl was made with other settings: epochs: 2 -> 3"):
            self.begin(whole, small_options, tmp_path / "r", {"epochs": 3})

    def test_energies_of_another_profile_are_left_out(self, whole, small_options, tmp_path, here):
        said = []
        result = self.begin(whole, small_options, tmp_path / "r", {"hardware": "loihi1"}, said=said)
        assert result.ranking.energy is None
        assert whole[1].ranking.energy is not None
        assert len(said) == 1
        assert "energies after training are left out" in said[0]
        rows = {row.name: row.tau for row in result.ranking.rows}
        assert rows == {row.name: row.tau for row in whole[1].ranking.rows}


def test_other_data_in_the_same_folder_change_nothing(whole, small_options, tmp_path, here):
    out = tmp_path / "r"
    ranked(out, small_options, Watch(KeyboardInterrupt(), 2))
    before = content(out)
    data = write_npz(tmp_path / "other.npz", samples=150, seed=1)
    with pytest.raises(RunError, match="was made with other data: the probe batch drawn now differs"):
        ranked(out, {"data": str(data)}, resume=True)
    assert content(out) == before


def test_another_profile_of_the_same_name_is_refused(small_options, tmp_path, here):
    shipped = (resources.files("hw_profiles") / "generic-45nm.toml").read_text()
    profile = tmp_path / "own.toml"
    profile.write_text(shipped)
    options = small_options | {"hardware": str(profile)}
    ranked(tmp_path / "r", options, Watch(KeyboardInterrupt(), 1))
    profile.write_text(shipped.replace("generic-45nm", "generic-46nm"))
    with pytest.raises(RunError, match="was made with another hardware profile of that name"):
        ranked(tmp_path / "r", {}, resume=True)


def test_two_processes_in_one_folder(whole, small_options, tmp_path):
    with locked(whole[0]), pytest.raises(RunError, match="another process is working in"):
        ranked(whole[0], {}, resume=True)
    (tmp_path / "new").mkdir()
    with locked(tmp_path / "new"), pytest.raises(RunError, match="another process is working in"):
        ranked(tmp_path / "new", small_options)
    with pytest.raises(RunError, match="is not empty; --resume continues it"):
        ranked(whole[0], small_options)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"samples": 1000}, r"samples must be 3 \(one of each class\) to \d+ \(the training split\), not 1000"),
        ({"samples": 2}, "samples must be 3"),
        ({"probe": 5000}, "the probe batch must have 2 to"),
        ({"augment": ("nope",)}, "unknown augmentation"),
        ({"device": "nonsense"}, "device 'nonsense' cannot be used"),
        ({"genomes": 50_000, "layers": 1, "motifs": ("FE",)}, "distinct networks were found, not 50000"),
        ({"genomes": 6, "half": "development"}, "3 of the 6 networks are development, and at least 4 are ranked"),
        ({"hardware": "nope"}, "unknown hardware profile"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_written(small_options, tmp_path, here, options, said):
    with pytest.raises(InputError, match=said):
        ranked(tmp_path / "r", small_options | options)
    assert not (tmp_path / "r").exists()


def test_data_without_validation_samples_are_refused(small_options, tmp_path, here, monkeypatch):
    real = preparing.load

    def load(*arguments, **more):
        dataset = real(*arguments, **more)
        return replace(dataset, val=replace(dataset.val, rows=dataset.val.rows[:0], labels=dataset.val.labels[:0]))

    monkeypatch.setattr(preparing, "load", load)
    with pytest.raises(DataError, match="no samples in its val split, on which networks are compared"):
        ranked(tmp_path / "r", small_options)


def test_every_network_twice(small_options, tmp_path, here):
    ranking = ranked(tmp_path / "r", small_options | {"repeated": 1, "epochs": 1, "seeds": 1, "genomes": 4}).ranking
    assert ranking.noise["accuracy"].repeated == 4


@pytest.mark.parametrize(
    ("name", "damage", "said"),
    [
        ("config.json", "{", "config.json: "),
        ("config.json", '{"genomes": 1}', "genomes must be 4 to 100000"),
        ("environment.json", "[1]", "environment.json: "),
        ("drawn.json", "{", "drawn.json: "),
        ("drawn.json", '{"probe": 3, "networks": []}', r"drawn.json: Expected `str`, got `int` - at `\$.probe`"),
        ("trainings/0-0/trained.json", "{}", "trained.json: a training has either accuracies or a failure"),
        ("trainings/0-0/trained.json", '{"accuracies": [2]}', r"trained.json: .*accuracies"),
        ("scores.jsonl", "{}\n{", "scores.jsonl, line 1: "),
        ("scores.jsonl", '{"id": 0, "seed": 0, "values": {"sahd": 1e999}}', "scores.jsonl, line 1: "),
    ],
)
def test_damaged_files_are_one_line(whole, tmp_path, here, name, damage, said):
    out = tmp_path / "r"
    shutil.copytree(whole[0], out)
    (out / name).write_text(damage)
    with pytest.raises(InputError, match=said) as caught:
        ranked(out, {}, resume=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["config.json", "drawn.json", "trainings/0-0/trained.json", "scores.jsonl"])
def test_what_is_read_is_bounded(whole, tmp_path, here, name):
    out = tmp_path / "r"
    shutil.copytree(whole[0], out)
    with (out / name).open("ab") as file:
        file.truncate(1 << 30)
    with pytest.raises(InputError, match="bytes; at most"):
        ranked(out, {}, resume=True)


def test_a_folder_that_cannot_be_written_is_one_line(small_options, tmp_path, here):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot"):
        ranked(tmp_path / "file" / "r", small_options)
