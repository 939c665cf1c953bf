"""Networks are distinct, alive, and spread over motifs and sizes, in every part and in both halves."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from msenas.errors import InputError
from msenas.genotype.motifs import EMPTY, MOTIFS
from msenas.genotype.space import Space
from msenas.ranking import sample
from msenas.ranking.sample import SIZES, draw, motifs_of
from tests.conftest import motif_plan, small_spec

SPEC = small_spec(4)
COUNT = 30


@pytest.fixture(scope="module")
def drawn():
    return draw(Space(4), SPEC, COUNT, 0, lambda plan: True)


def test_networks_are_distinct_and_what_they_are_said_to_be(drawn):
    assert len({one.plan.digest for one in drawn}) == len(drawn) == COUNT
    for one in drawn:
        counts = motifs_of(one.plan)
        assert counts[one.motif] == max(counts.values())
        assert 0 <= one.size < SIZES


def test_every_part_from_the_beginning_is_spread(drawn):
    strata = {(one.motif, one.size) for one in drawn}
    assert len(strata) >= 12, "five motifs in three sizes, of which a few may be missing"
    for end in range(1, COUNT + 1):
        counts = Counter((one.motif, one.size) for one in drawn[:end])
        assert max(counts.values()) - min(counts.get(key, 0) for key in strata) <= 1, end


def test_sizes_rise_from_third_to_third(drawn):
    most = [max(one.plan.parameters for one in drawn if one.size == size) for size in range(SIZES)]
    least = [min(one.plan.parameters for one in drawn if one.size == size) for size in range(SIZES)]
    assert all(most[i] <= least[i + 1] for i in range(SIZES - 1))


def test_both_halves_have_every_motif_and_size(drawn):
    halves = [[one for one in drawn if one.half == half] for half in (0, 1)]
    assert abs(len(halves[0]) - len(halves[1])) <= 2
    for half in halves:
        assert {one.motif for one in half} >= {m.name for m in MOTIFS if m is not MOTIFS[EMPTY]}
        assert {one.size for one in half} == set(range(SIZES))


def test_the_seed_alone_decides(drawn):
    def genomes(seed):
        return [one.genome for one in draw(Space(4), SPEC, 6, seed, lambda plan: True)]

    assert genomes(0) == genomes(0) != genomes(1)


def test_the_dead_are_left_out(drawn):
    dead = {one.plan.digest for one in drawn[::2]}
    found = draw(Space(4), SPEC, COUNT, 0, lambda plan: plan.digest not in dead)
    assert len(found) == COUNT
    assert not dead & {one.plan.digest for one in found}


def test_a_space_that_is_too_small_is_soon_refused():
    asked = []
    tiny = Space(1, motif=(EMPTY, 1), micro=(1,))
    with pytest.raises(
        InputError, match=r"only \d+ distinct networks were found, not 1000; ask for fewer, or for more"
    ):
        draw(tiny, small_spec(1), 1000, 0, lambda plan: asked.append(plan) or True)
    assert asked == [], "whether they live need not be known"


def test_too_few_that_live_are_refused():
    with pytest.raises(InputError, match="only 0 distinct live networks were found, not 2"):
        draw(Space(2), small_spec(2), 2, 0, lambda plan: False)


def test_without_a_motif_that_has_synapses_nothing_is_drawn():
    with pytest.raises(InputError, match="motifs must name one that has synapses"):
        draw(Space(2, motif=(EMPTY,)), small_spec(2), 2, 0, lambda plan: True)


def test_motifs_of_a_network_by_live_layers():
    assert motifs_of(motif_plan("FE", "MI", "FE")) == {"FE": 2, "MI": 1}


def test_a_palette_is_some_of_the_motifs():
    rng = np.random.default_rng(0)
    palettes = {sample._palette((EMPTY, 1, 2), rng) for _ in range(200)}
    assert palettes == {(1,), (2,), (1, 2), (EMPTY, 1), (EMPTY, 2), (EMPTY, 1, 2)}
