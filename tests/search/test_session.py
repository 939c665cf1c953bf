"""A run from options to a finished folder, stopped at every evaluation and resumed; a stand-in scores the networks."""

from __future__ import annotations

import json
from contextlib import contextmanager, suppress
from importlib import resources

import numpy as np
import pytest
from filelock import FileLock

from msenas.errors import InputError, RunError
from msenas.phenotype.decode import decode
from msenas.runs.best import read_best
from msenas.search import loop, outcome, prepare, session
from msenas.search.loop import End
from msenas.search.objectives import OBJECTIVES
from msenas.search.session import Request
from msenas.search.workers import Outcome
from tests.data.make_files import cifar10
from tests.search.conftest import scores

SMALL = {"population": 4, "generations": 3, "batch": 4, "layers": 2, "workers": 1, "fitness": "rdm-contrast"}
BUDGET = 12
SAME = ("individuals.jsonl", "front.json", "best.json", "state.json")


class Crash(BaseException):
    """Stands for the end of the process: nothing of the program may handle it."""


class StandIn:
    """Scores from the numbers of a plan; stops the run at the evaluation whose number is `stop_at`."""

    def __init__(self, spec, stop_at=None, stop=None):
        self.spec, self.stop_at, self.stop, self.done = spec, stop_at, stop, 0

    def evaluate(self, jobs):
        for job in jobs:
            if self.done == self.stop_at:
                raise self.stop
            self.done += 1
            plan = decode(job.genome, self.spec)
            energy = float(plan.parameters + (job.seed or 0))
            yield Outcome(scores(fitness=float(int(plan.digest[:4], 16)), energy=energy), None, 0.1)


@pytest.fixture
def run(monkeypatch):
    """A search as the command line starts it; the stand-ins that were made, in `run.pools`."""

    def start(out, options=SMALL, *, stop_at=None, stop=None, plots=False, **request):
        @contextmanager
        def workers(evaluator, spec, count):
            start.pools.append(StandIn(spec, stop_at, stop))
            yield start.pools[-1]

        monkeypatch.setattr(session, "workers", workers)
        for name in () if plots else ("plot_pareto", "plot_history"):
            monkeypatch.setattr(outcome, name, lambda *_: None)
        start.said = []
        return session.search(Request(options, out=out, **request), lambda *_: None, start.said.append)

    start.pools = []
    return start


def resume(run, out, options=None, **request):
    return run(out, options or {}, resume=True, **request)


def content(folder):
    return {name: (folder / name).read_bytes() for name in SAME}


@pytest.fixture
def whole(run, tmp_path):
    """A run that was never stopped."""
    run(tmp_path / "whole")
    return tmp_path / "whole"


def test_finished_run_holds_its_files(run, tmp_path):
    result = run(tmp_path / "r", plots=True)
    assert (result.end, result.summary.evaluations, result.summary.distinct) == (End.FINISHED, BUDGET, BUDGET)
    names = {p.name for p in (tmp_path / "r").iterdir()} - {".lock"}
    assert names == {*SAME, "config.toml", "environment.json", "timings.jsonl", "pareto.png", "history.png"}
    records = [json.loads(line) for line in (tmp_path / "r" / "individuals.jsonl").read_text().splitlines()]
    assert [r["generation"] for r in records] == [0] * 4 + [1] * 4 + [2] * 4
    assert len({r["plan"] for r in records}) == BUDGET
    best = read_best(tmp_path / "r")
    assert best.plan.digest == records[result.summary.best_id]["plan"]
    assert best.scores == records[result.summary.best_id]["scores"]
    assert json.loads((tmp_path / "r" / "state.json").read_text())["finished"] is True


@pytest.mark.parametrize("stop", [Crash(), KeyboardInterrupt()], ids=["killed", "ctrl-c"])
@pytest.mark.parametrize("stop_at", range(BUDGET + 2))
def test_run_stopped_at_any_evaluation_ends_with_the_same_files(run, tmp_path, whole, stop_at, stop):
    """Numbers from the budget on are the scorings with other seeds at the end."""
    out = tmp_path / "stopped"
    with suppress(Crash, KeyboardInterrupt):
        assert run(out, stop_at=stop_at, stop=stop).end is End.INTERRUPTED
    assert json.loads((out / "state.json").read_text())["finished"] is False
    assert resume(run, out).end is End.FINISHED
    assert run.pools[-1].done < run.pools[0].done or stop_at == 0
    assert content(out) == content(whole)


def test_run_stopped_again_and_again(run, tmp_path, whole):
    out = tmp_path / "stopped"
    with pytest.raises(Crash):
        run(out, stop_at=1, stop=Crash())
    for _ in range(BUDGET - 1):
        with pytest.raises(Crash):
            resume(run, out, stop_at=1, stop=Crash())
    resume(run, out)
    assert content(out) == content(whole)


def test_torn_line_is_repaired_and_said(run, tmp_path, whole):
    out = tmp_path / "stopped"
    with pytest.raises(Crash):
        run(out, stop_at=6, stop=Crash())
    with (out / "individuals.jsonl").open("r+b") as file:
        file.truncate((out / "individuals.jsonl").stat().st_size - 20)
    resume(run, out)
    assert "torn" in run.said[0]
    assert content(out) == content(whole)


def test_run_killed_between_state_and_results(run, tmp_path, whole, monkeypatch):
    def crash(*_):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(loop, "write_results", crash)
        with pytest.raises(Crash):
            run(tmp_path / "stopped")
    resume(run, tmp_path / "stopped")
    assert content(tmp_path / "stopped") == content(whole)


def test_run_killed_before_its_state_was_written_starts_anew(run, tmp_path, whole, monkeypatch):
    def crash(*_):
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(session, "start", crash)
        with pytest.raises(Crash):
            run(tmp_path / "stopped")
    resume(run, tmp_path / "stopped")
    assert content(tmp_path / "stopped") == content(whole)


def test_time_limit_stops_and_resumes(run, tmp_path, whole):
    out = tmp_path / "limited"
    result = run(out, SMALL | {"time_limit": "1ms"})
    assert (result.end, result.summary.evaluations) == (End.TIME_LIMIT, 1)
    assert resume(run, out, {"time_limit": "1h"}).end is End.FINISHED
    assert content(out) == content(whole)


def test_finished_run_is_printed_again_without_evaluating(run, whole):
    before = content(whole)
    again = resume(run, whole)
    assert (again.end, again.summary.evaluations) == (End.FINISHED, BUDGET)
    assert len(run.pools) == 1
    assert content(whole) == before


def test_raised_generations_continue_a_finished_run(run, tmp_path, whole):
    run(tmp_path / "longer", SMALL | {"generations": 5})
    assert resume(run, whole, {"generations": 5}).summary.evaluations == 20
    assert content(whole) == content(tmp_path / "longer")


def test_fewer_generations_than_were_run_are_refused(run, whole):
    config = (whole / "config.toml").read_bytes()
    with pytest.raises(RunError, match="has run 3 generations already; 2 are too few"):
        resume(run, whole, {"generations": 2})
    assert (whole / "config.toml").read_bytes() == config


def test_what_the_data_lack_is_said(run, tmp_path):
    cifar10(tmp_path / "cifar", per_class=3)
    run(tmp_path / "r", SMALL | {"dataset": "cifar10", "data": str(tmp_path / "cifar")})
    assert run.said == ["cifar10: 30 of 50,000 training images", "cifar10: 10 of 10,000 test images"]


def test_exhausted_space_ends_the_run(run, tmp_path):
    out = tmp_path / "r"
    result = run(out, SMALL | {"layers": 1, "motifs": ("FE",), "generations": 50})
    assert result.end is End.EXHAUSTED
    assert result.summary.distinct == result.summary.evaluations < 50 * 4
    before = content(out)
    assert resume(run, out).end is End.EXHAUSTED
    assert content(out) == before


def test_strategy_random(run, tmp_path):
    result = run(tmp_path / "r", SMALL | {"strategy": "random"})
    records = [json.loads(line) for line in (tmp_path / "r" / "individuals.jsonl").read_text().splitlines()]
    assert all(r["parents"] == [] for r in records)
    assert result.summary.gain is None


@pytest.mark.parametrize("objectives", [*((n,) for n in OBJECTIVES), tuple(OBJECTIVES)])
def test_every_set_of_objectives(run, tmp_path, objectives):
    assert run(tmp_path / "r", SMALL | {"objectives": objectives}).end is End.FINISHED
    front = json.loads((tmp_path / "r" / "front.json").read_text())
    assert list(front["individuals"][0]["objectives"]) == list(objectives)


@pytest.mark.parametrize(("pick", "key", "choose"), [("fitness", "fitness", max), ("energy", "energy", min)])
def test_pick_decides_what_becomes_best_json(run, tmp_path, pick, key, choose):
    run(tmp_path / "r", SMALL | {"pick": pick})
    front = json.loads((tmp_path / "r" / "front.json").read_text())
    best = next(m for m in front["individuals"] if m["id"] == front["pick"]["id"])
    assert best["objectives"][key] == choose(m["objectives"][key] for m in front["individuals"])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"population": 5}, "population: 4 -> 5"),
        ({"seed": 1, "batch": 8}, "batch: 4 -> 8; seed: 0 -> 1"),
        ({"population": 25}, "population: 4 -> 25"),
        ({"objectives": ("energy",)}, "objectives: "),
    ],
)
@pytest.mark.parametrize("how", ["options", "file"])
def test_other_settings_are_named(run, tmp_path, whole, options, said, how):
    file = tmp_path / "more.toml"
    file.write_text("\n".join(f"{k} = {json.dumps(v)}" for k, v in options.items()))
    before = content(whole)
    with pytest.raises(RunError, match=f"made with other settings: {said}"):
        resume(run, whole, options) if how == "options" else resume(run, whole, config=file)
    assert content(whole) == before


def test_same_options_and_file_given_again_are_accepted(run, tmp_path, whole):
    file = tmp_path / "same.toml"
    file.write_text("population = 4\nlayers = 2\ngenerations = 4")
    assert resume(run, whole, SMALL | {"generations": 4}, config=file).summary.evaluations == 16


def test_motifs_in_another_order_are_the_same(run, tmp_path):
    run(tmp_path / "r", SMALL | {"motifs": ("FE", "MI")})
    assert resume(run, tmp_path / "r", {"motifs": ("MI", "FE")}).end is End.FINISHED


def test_relative_path_to_the_data_is_the_same_data(run, tmp_path, monkeypatch):
    images = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 1), dtype=np.uint8)
    labels = np.arange(60) % 3
    np.savez(tmp_path / "set.npz", x_train=images, y_train=labels, x_test=images[:9], y_test=labels[:9])
    monkeypatch.chdir(tmp_path)
    options = SMALL | {"dataset": "npz", "data": "set.npz"}
    run(tmp_path / "r", options)
    assert resume(run, tmp_path / "r", options).end is End.FINISHED


def test_changed_data_is_refused(run, tmp_path, whole, monkeypatch):
    draw = prepare.draw_probe
    monkeypatch.setattr(prepare, "draw_probe", lambda *a, seed, **k: draw(*a, seed=seed + 1, **k))
    with pytest.raises(RunError, match="made with other data"):
        resume(run, whole)


@pytest.fixture
def own_profile(run, tmp_path, monkeypatch):
    """A user's profile, and a run made with it, given by a relative path."""
    file = tmp_path / "own.toml"
    file.write_bytes(resources.files("hw_profiles").joinpath("generic-45nm.toml").read_bytes())
    monkeypatch.chdir(tmp_path)
    run(tmp_path / "r", SMALL | {"hardware": "own.toml"})
    return file


def test_relative_path_to_a_profile_is_the_same_profile(run, tmp_path, own_profile, monkeypatch):
    assert resume(run, tmp_path / "r", {"hardware": "own.toml"}).end is End.FINISHED
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert resume(run, tmp_path / "r").config.hardware == str(own_profile)


def test_changed_prices_are_refused(run, tmp_path, own_profile):
    own_profile.write_text(own_profile.read_text() + "\n# a remark changes nothing\n")
    assert resume(run, tmp_path / "r").end is End.FINISHED
    own_profile.write_text(own_profile.read_text().replace("0.9e-12", "1.9e-12"))
    with pytest.raises(RunError, match=r"made with other prices: .*own\.toml"):
        resume(run, tmp_path / "r")


def test_altered_record_is_refused(run, tmp_path):
    out = tmp_path / "r"
    with pytest.raises(Crash):
        run(out, stop_at=6, stop=Crash())
    lines = out.joinpath("individuals.jsonl").read_text().splitlines(keepends=True)
    last = json.loads(lines[-1]) | {"plan": "other"}
    out.joinpath("individuals.jsonl").write_text("".join(lines[:-1]) + json.dumps(last) + "\n")
    with pytest.raises(RunError, match="evaluation 5 is not what this run asks for"):
        resume(run, out)


@pytest.mark.parametrize("change", [{"details": None}, {"energy_joule": [1.0]}, {"unpriced": 3}, {"live": "yes"}])
def test_record_with_damaged_scores_is_refused(run, whole, change):
    lines = whole.joinpath("individuals.jsonl").read_text().splitlines(keepends=True)
    damaged = json.loads(lines[3])
    damaged["scores"] |= change
    whole.joinpath("individuals.jsonl").write_text("".join([*lines[:3], json.dumps(damaged) + "\n", *lines[4:]]))
    with pytest.raises(RunError, match=r"individuals\.jsonl: evaluation 3 is damaged"):
        resume(run, whole)


def test_lost_records_are_refused(run, whole):
    lines = whole.joinpath("individuals.jsonl").read_text().splitlines(keepends=True)
    whole.joinpath("individuals.jsonl").write_text("".join(lines[:5]))
    with pytest.raises(RunError, match=r"holds 5 evaluations, state\.json speaks of 12"):
        resume(run, whole)


@pytest.mark.parametrize(
    "change", [{"parents": [99]}, {"rng": {}}, {"rng": {"bit_generator": "MT19937"}}], ids=["parents", "empty", "other"]
)
def test_damaged_state_is_one_line(run, tmp_path, change):
    out = tmp_path / "r"
    with pytest.raises(Crash):
        run(out, stop_at=6, stop=Crash())
    data = json.loads((out / "state.json").read_text()) | change
    (out / "state.json").write_text(json.dumps(data))
    with pytest.raises(InputError, match=r"state\.json"):
        resume(run, out)


@pytest.mark.parametrize("content", ['{"commands": 5}', '{"commands": "x"}', "[]", "{"])
def test_damaged_environment_is_one_line(run, whole, content):
    (whole / "environment.json").write_text(content)
    with pytest.raises(InputError, match=r"environment\.json"):
        resume(run, whole)


def test_changed_versions_are_said_once(run, whole):
    about = json.loads((whole / "environment.json").read_text())
    about["versions"] |= {"torch": "2.6.0"}
    (whole / "environment.json").write_text(json.dumps(about))
    resume(run, whole)
    assert any("torch 2.6.0 -> " in note and "norse" not in note for note in run.said)
    resume(run, whole)
    assert not any("versions have changed" in note for note in run.said)


def test_resume_needs_a_run(run, tmp_path):
    (tmp_path / "notes").write_text("x")
    with pytest.raises(InputError, match="--resume needs --out"):
        resume(run, None)
    for out in (tmp_path, tmp_path / "missing", tmp_path / "notes"):
        with pytest.raises(RunError, match="holds no run to resume"):
            resume(run, out)
    assert [p.name for p in tmp_path.iterdir()] == ["notes"]


def test_new_run_takes_no_folder_that_holds_something(run, tmp_path, whole):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RunError, match="is not empty; use --resume to continue it"):
        run(whole)
    with pytest.raises(RunError, match="cannot make the run folder"):
        run(tmp_path / "file")


def test_folder_is_looked_at_before_the_data(run, tmp_path, whole, monkeypatch):
    """Reading a large data set only to say that the folder is taken wastes minutes."""

    def read(*_, **__):
        pytest.fail("the data were read first")

    monkeypatch.setattr(session, "prepare", read)
    with pytest.raises(RunError, match="is not empty"):
        run(whole)


@pytest.mark.parametrize(
    "options",
    [
        {"layers": 65},
        {"channels": 6},
        {"tau": 0.1},
        {"batch": 60_000},
        {"hardware": "nothing"},
        {"hardware": "loihi2"},
        {"device": "meta"},
    ],
)
def test_refused_start_leaves_nothing(run, tmp_path, options):
    with pytest.raises(InputError):
        run(tmp_path / "r", SMALL | options)
    assert not (tmp_path / "r").exists()


def test_one_process_per_folder(run, whole):
    with FileLock(whole / ".lock"), pytest.raises(RunError, match="another process is working in"):
        resume(run, whole)


def test_folder_without_a_name_is_new_each_time(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = run(None), run(None)
    assert first.folder != second.folder
    assert {p.parent.name for p in (first.folder, second.folder)} == {"runs"}
    assert first.folder.name.startswith("digits-")


def test_commands_of_all_starts_are_kept(run, whole):
    resume(run, whole)
    assert len(json.loads((whole / "environment.json").read_text())["commands"]) == 2
