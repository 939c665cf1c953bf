"""Ask and tell: new connected networks only, the best survive, and everything follows from the state."""

from __future__ import annotations

import json
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msenas.hardware.fit.finding import Finding, Fit, Verdict
from msenas.phenotype.decode import decode
from msenas.search.evolution import Individual, State, ask, front, initial_state, tell
from tests.conftest import motif_genome
from tests.search.conftest import rules

GENOME = motif_genome("FE")


def evaluated(children, state, objective):
    """The children with objectives from a function of (id, genome)."""
    first = len(state.seen) - len(children)
    return [Individual(first + i, c.genome, objective(first + i, c.genome)) for i, c in enumerate(children)]


def trade(number, genome):
    """Two objectives that pull apart."""
    flat = genome.flat()
    return float(sum(flat)), -float(sum(v * v for v in flat))


def history(rule, generations, seed=0, objective=trade):
    """Children of each generation, and the state after the last."""
    state, asked = initial_state(seed), []
    for _ in range(generations):
        children, state = ask(state, rule)
        asked.append(children)
        state = tell(state, evaluated(children, state, objective), rule)
    return asked, state


def points(*values):
    return [Individual(i, GENOME, v) for i, v in enumerate(values)]


@pytest.mark.parametrize("operators", ["default", "paper"])
@pytest.mark.parametrize("strategy", ["evolution", "random"])
def test_every_child_is_a_new_connected_network(operators, strategy):
    rule = rules(operators=operators, strategy=strategy)
    asked, state = history(rule, 5)
    children = [child for generation in asked for child in generation]
    assert [len(g) for g in asked] == [8] * 5
    assert [decode(c.genome, rule.spec).digest for c in children] == [c.digest for c in children]
    assert len({c.digest for c in children}) == len(children) == len(state.seen)


def test_odd_population():
    assert [len(g) for g in history(rules(size=5), 3)[0]] == [5, 5, 5]


def test_first_generation_is_random_and_later_ones_have_survivors_as_parents():
    rule = rules()
    first, state = ask(initial_state(0), rule)
    assert all(c.parents == () for c in first)
    state = tell(state, evaluated(first, state, trade), rule)
    survivors = {p.id for p in state.parents}
    second, _ = ask(state, rule)
    assert all(len(c.parents) == 2 and set(c.parents) <= survivors for c in second)


def test_strategy_random_has_no_parents():
    asked, _ = history(rules(strategy="random"), 4)
    assert all(c.parents == () for generation in asked for c in generation)


def test_everything_follows_from_the_seed():
    assert history(rules(), 4, seed=1) == history(rules(), 4, seed=1)
    assert history(rules(), 1, seed=1) != history(rules(), 1, seed=2)


def test_ask_leaves_its_state_as_it_was():
    _, state = history(rules(), 2)
    before = json.dumps(state.rng)
    assert ask(state, rules()) == ask(state, rules())
    assert json.dumps(state.rng) == before


def test_state_survives_json():
    rule = rules()
    _, state = history(rule, 2)
    rng = msgspec.json.decode(msgspec.json.encode(dict(state.rng)))
    copy = State(
        state.generation,
        tuple(Individual(p.id, type(GENOME).from_flat(list(p.genome.flat())), p.objectives) for p in state.parents),
        rng,
        frozenset(sorted(state.seen)),
    )
    assert ask(copy, rule)[0] == ask(state, rule)[0]


def test_tell_keeps_what_is_not_dominated():
    #         0       1       2       3       4
    marks = [(1, 4), (2, 2), (4, 1), (3, 3), (5, 5)]
    state = tell(initial_state(0), points(*marks), rules(size=3))
    assert sorted(p.id for p in state.parents) == [0, 1, 2]
    assert state.generation == 1


def test_tell_prefers_the_lonely_ones_of_a_front():
    """Three of four fit: the ends stay, and of the crowded middle one goes."""
    marks = [(0.0, 10.0), (5.0, 5.0), (5.1, 4.9), (10.0, 0.0)]
    kept = {p.id for p in tell(initial_state(0), points(*marks), rules(size=3)).parents}
    assert {0, 3} < kept


def test_parents_survive_worse_children():
    rule = rules(size=2)
    state = tell(initial_state(0), points((1.0, 1.0), (2.0, 0.5)), rule)
    after = tell(state, [Individual(2, GENOME, (9.0, 9.0))], rule)
    assert {p.id for p in after.parents} == {0, 1}


def test_single_objective_keeps_the_smallest():
    state = tell(initial_state(0), points((3.0,), (1.0,), (2.0,), (4.0,)), rules(size=2))
    assert sorted(p.id for p in state.parents) == [1, 2]


def test_single_objective_search_improves():
    asked, state = history(rules(size=10), 8, objective=lambda _, g: (float(sum(g.flat())),))
    best_random = min(sum(c.genome.flat()) for c in asked[0])
    assert min(p.objectives[0] for p in state.parents) < best_random


def test_the_dead_never_become_parents():
    rule = rules()

    def half_dead(number, genome):
        return None if number % 2 else trade(number, genome)

    asked, state = history(rule, 4, objective=half_dead)
    assert all(p.id % 2 == 0 for p in state.parents)
    assert all(parent % 2 == 0 for generation in asked for c in generation for parent in c.parents)


@pytest.mark.parametrize("alive", [0, 1])
def test_without_two_live_parents_the_next_generation_is_random(alive):
    asked, _ = history(rules(), 2, objective=lambda number, _: (1.0, 1.0) if number < alive else None)
    assert len(asked[1]) == 8
    assert all(c.parents == () for c in asked[1])


def test_exhausted_space_ends_with_fewer_children_then_none():
    """One FE layer with kernels of one size: a handful of networks."""
    rule = rules(layers=1, size=4, motif=(1,), micro=(0, 1), g1=(1,), g2=(1,))
    asked, state = history(rule, 4)
    sizes = [len(generation) for generation in asked]
    everything = {
        decode(type(GENOME).from_flat([1, a, b, c, 0, 0, 0, 0, 0, 1, 1]), rule.spec).digest
        for a, b, c in [(1, 0, 0), (0, 0, 1), (1, 1, 0), (1, 1, 1), (1, 0, 1)]
    }
    assert sizes == [4, len(everything) - 4, 0, 0]
    assert state.seen == everything


def test_space_without_a_network_gives_no_children():
    assert ask(initial_state(0), rules(layers=1, motif=(0,)))[0] == []


def test_tell_without_a_live_individual():
    state = tell(initial_state(0), points(None, None), rules())
    assert (state.parents, state.generation) == ((), 1)


FRONTS = st.integers(1, 3).flatmap(
    lambda m: st.lists(st.one_of(st.none(), st.tuples(*[st.integers(0, 4).map(float)] * m)), max_size=12)
)


@given(FRONTS)
def test_front_by_brute_force(marks):
    individuals = points(*marks)
    alive = [i for i in individuals if i.objectives is not None]

    def dominates(a, b):
        pairs = list(zip(a.objectives, b.objectives, strict=True))
        return all(x <= y for x, y in pairs) and any(x < y for x, y in pairs)

    expected = [i for i in alive if not any(dominates(other, i) for other in alive)]
    assert front(individuals) == sorted(expected, key=lambda i: (i.objectives, i.id))


@given(FRONTS.filter(lambda marks: any(m is not None for m in marks)), st.integers(1, 6))
def test_survivors_hold_the_front_as_far_as_it_fits(marks, size):
    individuals = points(*marks)
    best = {i.id for i in front(individuals)}
    kept = {p.id for p in tell(initial_state(0), individuals, rules(size=size)).parents}
    assert len(kept) == min(size, sum(m is not None for m in marks))
    assert kept <= best or best <= kept


def test_generator_state_moves_on():
    state = initial_state(0)
    _, asked = ask(state, rules())
    assert replace(asked, rng=state.rng, seen=state.seen) == state
    assert np.any([asked.rng != state.rng])


def shallow(plan):
    """A stand-in for a chip on which two populations fit."""
    broken = Verdict("fail", len(plan.populations), 2) if len(plan.populations) > 2 else Verdict("pass")
    return Fit("chip", (Finding("cores", "cores", broken),), {}, (), "a test")


def test_networks_that_do_not_fit_are_passed_over_and_counted():
    rule = replace(rules(3, 6), fit=shallow)
    asked, state = history(rule, 3)
    for child in (child for generation in asked for child in generation):
        assert len(decode(child.genome, rule.spec).populations) <= 2
        assert child.fit["fits"] is True
    assert len(state.seen) == sum(map(len, asked)) == 18
    assert list(state.unfit) == ["cores"]
    assert state.unfit["cores"].drawn > 0
    assert state.unfit["cores"].first.startswith("cores ")


def test_the_count_of_what_was_passed_over_grows_from_generation_to_generation():
    rule = replace(rules(3, 6), fit=shallow)
    counts = [history(rule, generations)[1].unfit["cores"].drawn for generations in (1, 2, 3)]
    assert counts == sorted(counts)
    assert counts[0] < counts[2]


def test_without_a_chip_nothing_is_passed_over():
    asked, state = history(rules(3, 6), 2)
    assert state.unfit == {}
    assert all(child.fit is None for generation in asked for child in generation)
