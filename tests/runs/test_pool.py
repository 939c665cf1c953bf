"""Worker processes."""

from __future__ import annotations

import multiprocessing.synchronize as synchronize

from tqdm import tqdm

from msenas.runs.pool import workers


def semaphores_of(job: int) -> tuple[int, int]:
    """The job, and how many named semaphores a progress bar makes in this process that is not shown."""
    made: list[str] = []
    init = synchronize.SemLock.__init__

    def counted(self, *arguments, **options):
        init(self, *arguments, **options)
        made.append(self._semlock.name)

    synchronize.SemLock.__init__ = counted
    try:
        list(tqdm(range(2), disable=True))
    finally:
        synchronize.SemLock.__init__ = init
    return job, len(made)


def test_worker_leaves_no_semaphore_when_it_is_ended():
    with workers(semaphores_of, 1) as pool:
        assert list(pool.map([7, 8])) == [(7, 0), (8, 0)]
