"""Worker processes: each loads a function once and calls it for jobs, and one that dies takes nothing with it.

A worker computes on one thread, so results depend neither on the number of workers nor on their order.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from pebble import ProcessExpired, ProcessPool

from msenas.errors import MsenasError
from msenas.phenotype.memory import keep_freed_memory

ATTEMPTS = 2
"""Times that a job is tried whose worker dies."""
MOST_BREAKS = 3
"""Times in a row that a pool is started whose workers die without a job."""


Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Death:
    """What comes back of a job whose workers died, with how they died."""

    reason: str


class WorkersError(MsenasError):
    """No worker process stays alive."""


class Pool(Generic[Job, Result]):
    """Processes that call one function."""

    def __init__(self, load: Path, count: int) -> None:
        self._arguments = (load, os.getpid())
        self._count = count
        self._breaks = 0
        self._pool = self._start()

    def _start(self) -> ProcessPool:
        pool = ProcessPool(
            max_workers=self._count,
            initializer=_load,
            initargs=self._arguments,
            context=multiprocessing.get_context("spawn"),
        )
        # Asking for this starts the pool's threads, here and now.
        assert pool.active
        return pool

    def map(self, jobs: Sequence[Job]) -> Iterator[Result | Death]:
        """Results in the order of the jobs, as soon as each and all before it are known.

        Raises:
            WorkersError: The workers die before they take up any job.
        """
        futures = self._schedule(jobs)
        for place, job in enumerate(jobs):
            deaths = 0
            while True:
                try:
                    result: Result | Death = futures[place].result()
                    break
                except BrokenProcessPool:
                    # The pool gives up when a worker dies while none has a job; the jobs are not to blame.
                    futures[place:] = self._again(jobs[place:], futures[place:])
                except ProcessExpired as death:
                    deaths += 1
                    if deaths == ATTEMPTS:
                        result = Death(f"{_how(death)}, {ATTEMPTS} times")
                        break
                    (futures[place],) = self._schedule([job])
            self._breaks = 0
            yield result

    def _schedule(self, jobs: Sequence[Job]) -> list[Future[Result]]:
        if not self._pool.active:
            self._restart()
        try:
            return [self._pool.schedule(_call, args=[job]) for job in jobs]
        except RuntimeError:
            # It broke since it was asked.
            self._restart()
            return self._schedule(jobs)

    def _again(self, jobs: Sequence[Job], futures: Sequence[Future[Result]]) -> list[Future[Result]]:
        """The futures, with new ones in the place of those that have no result."""
        lost = [not f.done() or isinstance(f.exception(), BrokenProcessPool) for f in futures]
        fresh = iter(self._schedule([job for job, gone in zip(jobs, lost, strict=True) if gone]))
        return [next(fresh) if gone else future for future, gone in zip(futures, lost, strict=True)]

    def _restart(self) -> None:
        self._breaks += 1
        if self._breaks > MOST_BREAKS:
            raise WorkersError(
                "worker processes die as soon as they start (out of memory?); a script must start them"
                " below `if __name__ == '__main__':`"
            )
        # Ctrl-C waits until the new pool is in place, so that it is stopped like the first one.
        before = _block_sigint()
        try:
            self.stop()
            self._pool = self._start()
        finally:
            _unblock_sigint(before)

    def stop(self) -> None:
        """End all workers, finished or not."""
        self._pool.stop()  # type: ignore[no-untyped-call]
        self._pool.join()


@contextmanager
def workers(function: Callable[[Job], Result], count: int) -> Iterator[Pool[Job, Result]]:
    """Workers for a function that can be pickled; they are ended when the block is left, however it is left."""
    # Starting the tracker unblocks SIGINT, so it must run before the signal is blocked for the workers.
    resource_tracker.ensure_running()
    with _in_file(function) as load:
        before = _block_sigint()
        pool: Pool[Job, Result] = Pool(load, count)
        try:
            _unblock_sigint(before)
            yield pool
        finally:
            pool.stop()


@contextmanager
def _in_file(function: Callable[[Any], Any]) -> Iterator[Path]:
    """A file of this user alone from which workers are loaded.

    Handed over as an argument, so much data fill the pipe to a worker, and if that dies before it has read them, the
    process that starts it waits for ever.

    Raises:
        WorkersError: It cannot be written.
    """
    with tempfile.TemporaryDirectory(prefix="msenas-") as folder:
        path = Path(folder) / "load"
        try:
            path.write_bytes(pickle.dumps(function))
        except OSError as error:
            raise WorkersError(f"cannot write {path} for the workers: {error.strerror or error}") from None
        yield path


def _block_sigint() -> set[signal.Signals | int] | None:
    """Ctrl-C reaches the whole process group; what is started now shall leave it to the main thread."""
    return signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT]) if hasattr(signal, "pthread_sigmask") else None


def _unblock_sigint(before: set[signal.Signals | int] | None) -> None:
    if before is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _how(death: ProcessExpired) -> str:
    return f"worker killed by signal {-death.exitcode}" if death.exitcode < 0 else f"worker died: {death}"


_loaded: Callable[[Any], Any] | None = None
"""What this worker process was loaded with; a pool hands its tasks nothing else."""


def _load(load: Path, parent: int) -> None:
    """Prepare a worker process, once."""
    global _loaded
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=[parent], daemon=True).start()
    tune_process()
    # The process that started this one wrote the file, in a folder that is open to this user only.
    _loaded = pickle.loads(load.read_bytes())


def tune_process() -> None:
    """One thread, no denormal numbers, and freed memory kept."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    # The compiler would start a pool of helper processes of its own in every worker.
    os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
    if (tqdm := sys.modules.get("tqdm")) is not None:
        # The compiler makes progress bars, even where none is shown. Their default lock is a semaphore, about which
        # multiprocessing complains in the end if this process is ended first.
        tqdm.tqdm.set_lock(threading.RLock())
    keep_freed_memory()


def _leave_with(parent: int) -> None:
    """End this process when its parent is gone, so that a killed run leaves nothing running."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _call(job: object) -> Any:  # noqa: ANN401
    assert _loaded is not None
    return _loaded(job)
