from __future__ import annotations

import torch

from msenas.fitness.identification import HeadIdentification
from tests.conftest import motif_plan


def watched(*rows: list[int]) -> HeadIdentification:
    """One step, samples first, then their copies, all of the population L1.E1."""
    spikes = torch.tensor(rows, dtype=torch.float32)[None, :, :, None, None]
    identification = HeadIdentification(motif_plan("FE"), len(rows) // 2)
    identification("L1.E1", spikes)
    return identification


def test_exact_copies_of_different_samples_are_recognised():
    assert watched([1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]).share() == 1.0


def test_copies_that_are_as_far_as_the_others_are_not():
    # the first copy is 1 from its sample and the other sample 2; the second copy is 2 from its sample
    assert watched([1, 0, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0]).share() == 0.5


def test_equal_samples_are_not_recognised():
    assert watched([1, 0], [1, 0], [1, 0], [1, 0]).share() == 0.0


def test_populations_add_up_and_unheard_ones_do_not_count():
    plan = motif_plan("FI")
    swapped, kept = (
        torch.tensor(rows, dtype=torch.float32)[None, :, :, None, None]
        for rows in ([[1, 0], [0, 1], [0, 1], [1, 0]], [[1, 0], [0, 1], [1, 0], [0, 1]])
    )
    for names, share in [(("L1.E1",), 0.0), (("L1.E1", "L1.I1"), 0.0), (("L1.E1", "L1.E2", "L1.E2"), 1.0)]:
        identification = HeadIdentification(plan, 2)
        for name in names:
            identification(name, swapped if name == "L1.E1" else kept)
        assert identification.share() == share
