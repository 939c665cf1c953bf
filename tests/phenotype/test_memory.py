from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from msenas.phenotype.memory import WORDINGS, out_of_memory

ROOT = Path(__file__).parents[2]


def test_torch_says_that_memory_ran_out():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 55)
    assert out_of_memory(caught.value)


@pytest.mark.parametrize("wording", WORDINGS)
def test_every_wording_in_any_case(wording):
    assert out_of_memory(RuntimeError(f"DefaultCPUAllocator: {wording.upper()}: tried 1 byte"))


def test_other_errors_are_not_taken_for_it():
    assert not out_of_memory(RuntimeError("shapes differ"))
    assert out_of_memory(MemoryError())


KEPT = """
import torch
from msenas.phenotype.memory import keep_freed_memory

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

torch.empty(1).fill_(1.0)
for call in (lambda: None, keep_freed_memory):
    call()
    before = resident()
    torch.empty(1 << 24).fill_(1.0)
    print((resident() - before) >> 20)
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs Linux")
def test_freed_memory_is_kept_once_asked_for():
    told = subprocess.run([sys.executable, "-c", KEPT], capture_output=True, text=True, check=True, cwd=ROOT).stdout
    given_back, kept = map(int, told.split())
    assert given_back < 32 < kept
