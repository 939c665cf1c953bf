from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from msenas.phenotype.trains import summed


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3), st.sampled_from([1, 7, 255, 256, 300]), st.sampled_from([1, 8, 24]), st.floats(0.0, 1.0))
def test_bytes_are_summed_exactly_however_many(steps, samples, neurons, rate):
    trains = torch.rand(steps, samples, neurons, generator=torch.Generator().manual_seed(samples)) <= rate
    for stored in (trains, trains.to(torch.uint8), trains.float()):
        for dim in (0, 1):
            assert torch.equal(summed(stored, dim).long(), trains.long().sum(dim))
