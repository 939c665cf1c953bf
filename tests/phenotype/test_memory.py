from __future__ import annotations

import pytest
import torch

from msenas.phenotype.memory import WORDINGS, out_of_memory


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
