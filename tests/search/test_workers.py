"""Worker processes: same outcomes for any number, and one that dies takes nothing with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from msenas.errors import GenomeError
from msenas.fitness.evaluate import Evaluator
from msenas.runs import pool as module
from msenas.runs.pool import Death, Pool, WorkersError
from msenas.runs.pool import workers as pool_of
from msenas.search.config import SearchConfig
from msenas.search.prepare import prepare
from msenas.search.workers import Job, Outcome, Workers, evaluate_here, workers
from tests.search.conftest import connected

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for processes in /proc")
SLOW_BATCH = 512
"""Pairs that keep a worker busy for long enough to be killed in mid-job."""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid):
    """Spawned workers of a process, by the mark that multiprocessing leaves in their command lines."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"--multiprocessing-fork" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def wait_until(condition, limit=60.0):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@pytest.fixture(scope="module", autouse=True)
def _uncompiled():
    """Same spikes, no compiler to wait for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSENAS_COMPILE", "0")
        yield


@pytest.fixture(scope="module")
def small():
    return prepare(SearchConfig(layers=2, batch=4, fitness="rdm-contrast"))


@pytest.fixture(scope="module")
def large():
    return prepare(SearchConfig(layers=6, batch=SLOW_BATCH, steps=32, fitness="rdm-contrast"))


def jobs(prepared, count, rng):
    space = prepared.config.space(prepared.spec.layers)
    return [Job(connected(space, prepared.spec, rng)) for _ in range(count)]


def test_outcomes_come_in_order_and_do_not_depend_on_the_number_of_workers(small, rng):
    wanted = jobs(small, 6, rng)
    wanted.append(Job(wanted[0].genome, seed=99))
    found = []
    for count in (1, 2):
        with workers(small.evaluator, small.spec, count) as pool:
            found.append([o.scores for o in pool.evaluate(wanted)])
    assert found[0] == found[1]
    assert found[0][0] != found[0][-1]
    assert all(s["parameters"] > 0 for s in found[0])


def deaf(pid, *masks):
    """Whether SIGINT is in one of these signal masks of a process."""
    values = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return any(int(values[mask], 16) & 1 << (signal.SIGINT - 1) for mask in masks)


def loaded(pid):
    """Whether a worker is ready for its first job: it ignores SIGINT then."""
    return deaf(pid, "SigIgn")


@dataclass(frozen=True)
class Sleeping:
    """A function that leaves a sign when it is called."""

    folder: Path

    def __call__(self, job):
        (self.folder / str(os.getpid())).touch()
        time.sleep(2)
        return job + 1


def kill_in_mid_job(folder, times):
    """Kill the only worker once it has a job, and each one that takes its place, that many times."""
    for killed in range(times):
        wait_until(lambda killed=killed: len(list(folder.iterdir())) > killed)
        os.kill(int(max(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns).name), signal.SIGKILL)


def test_a_worker_that_dies_while_it_starts_is_replaced(large, rng):
    """It has not taken its data yet, which are more than a pipe holds."""
    known = set(children(os.getpid()))
    with ThreadPoolExecutor(1) as thread:

        def evaluated():
            with workers(large.evaluator, large.spec, 1) as pool:
                return list(pool.evaluate(jobs(large, 1, rng)))

        outcomes = thread.submit(evaluated)
        wait_until(lambda: set(children(os.getpid())) - known)
        for pid in set(children(os.getpid())) - known:
            os.kill(pid, signal.SIGKILL)
        (outcome,) = outcomes.result(120)
    assert outcome.failure is None


@pytest.mark.slow
@pytest.mark.parametrize("times", [1, 2])
def test_killed_worker_is_replaced(tmp_path, times):
    """Its job is tried once more; when that worker dies as well, this is what comes back, and the rest go on."""
    with pool_of(Sleeping(tmp_path), 1) as pool, ThreadPoolExecutor(1) as thread:
        found = thread.submit(lambda: list(pool.map([10])))
        kill_in_mid_job(tmp_path, times)
        (first,) = found.result(120)
        (second,) = pool.map([20])
    assert first == (11 if times == 1 else Death("worker killed by signal 9, 2 times"))
    assert second == 21


def test_a_death_is_a_failed_evaluation(small, rng):
    deaths = SimpleNamespace(map=lambda jobs: iter([Death("worker killed by signal 9, 2 times")]))
    (outcome,) = Workers(deaths).evaluate(jobs(small, 1, rng))
    assert outcome == Outcome(None, "worker killed by signal 9, 2 times", 0.0)


def test_leaving_the_block_ends_the_workers(small, rng):
    with workers(small.evaluator, small.spec, 2) as pool:
        list(pool.evaluate(jobs(small, 1, rng)))
        pids = children(os.getpid())
        assert len(pids) == 2
    wait_until(lambda: not any(map(alive, pids)), 5)


def test_error_inside_the_block_ends_the_workers(small, rng):
    pids = []

    def fail():
        with workers(small.evaluator, small.spec, 1) as pool:
            list(pool.evaluate(jobs(small, 1, rng)))
            pids.extend(children(os.getpid()))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert pids
    wait_until(lambda: not any(map(alive, pids)), 5)


def test_ctrl_c_while_workers_start_ends_them(small):
    before = set(children(os.getpid()))
    started = []

    def interrupted(*arguments):
        started.append(Pool(*arguments))
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        return started[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("msenas.runs.pool.Pool", interrupted)
        with pytest.raises(KeyboardInterrupt), workers(small.evaluator, small.spec, 1):
            pytest.fail("the block must not be entered")
    try:
        wait_until(lambda: set(children(os.getpid())) <= before, 5)
    finally:
        started[0].stop()


def test_bad_genome_in_a_worker_is_an_error_here(small, rng):
    wrong = jobs(prepare(SearchConfig(layers=3, batch=4, fitness="rdm-contrast")), 1, rng)
    with workers(small.evaluator, small.spec, 1) as pool, pytest.raises(GenomeError, match="3 layers"):
        list(pool.evaluate(wrong))


def test_lack_of_memory_is_a_failed_evaluation(small, rng, monkeypatch):
    """Down to two pairs the batch is halved; then the evaluation has failed and the run goes on."""

    def short(*_):
        raise MemoryError("out of memory")

    monkeypatch.setattr(Evaluator, "_evaluate", short)
    (outcome,) = evaluate_here(small.evaluator, small.spec, jobs(small, 1, rng))
    assert outcome.scores is None
    assert "memory" in outcome.failure


def test_workers_do_not_hear_ctrl_c_and_end_with_a_killed_parent():
    """Deaf from their first moment: a worker that still imports would print a traceback."""
    code = """
        import sys, time
        from pathlib import Path
        from msenas.search.config import SearchConfig
        from msenas.search.prepare import prepare
        from msenas.search.workers import workers
        if __name__ == "__main__":
            prepared = prepare(SearchConfig(layers=2, batch=4, fitness="rdm-contrast"))
            with workers(prepared.evaluator, prepared.spec, 2):
                print("ready", flush=True)
                time.sleep(60)
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout.readline() == "ready\n"
        wait_until(lambda: len(children(parent.pid)) == 2)
        pids = children(parent.pid)
        deaf_at_once = [deaf(pid, "SigBlk", "SigIgn") for pid in pids]
        wait_until(lambda: all(map(loaded, pids)))
    finally:
        parent.kill()
        parent.wait()
    wait_until(lambda: not any(map(alive, pids)), 30)
    assert deaf_at_once == [True, True]


def test_workers_killed_while_they_load_are_replaced(small, rng):
    work = jobs(small, 3, rng)
    with workers(small.evaluator, small.spec, 1) as pool:
        wait_until(lambda: children(os.getpid()))
        os.kill(children(os.getpid())[0], signal.SIGKILL)
        outcomes = list(pool.evaluate(work))
    assert [o.scores for o in outcomes] == [o.scores for o in evaluate_here(small.evaluator, small.spec, work)]


def test_workers_that_never_live_are_an_error(small, rng, monkeypatch):
    monkeypatch.setattr(module, "MOST_BREAKS", 0)
    with workers(small.evaluator, small.spec, 1) as pool:
        wait_until(lambda: children(os.getpid()))
        os.kill(children(os.getpid())[0], signal.SIGKILL)
        with pytest.raises(WorkersError, match="__main__"):
            list(pool.evaluate(jobs(small, 1, rng)))
