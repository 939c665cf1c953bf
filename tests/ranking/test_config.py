"""Options of a ranking: defaults, bounds, what goes to searches and trainings, what may change."""

from __future__ import annotations

import msgspec
import pytest

from msenas.errors import InputError
from msenas.fitness.registry import FITNESSES
from msenas.ranking.config import CHANGEABLE, RankConfig, build_rank_config, differences


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"genomes": 3}, "genomes must be 4 to 100000, not 3"),
        ({"samples": 1}, "samples must be 2 at least, not 1"),
        ({"seeds": 0}, "seeds must be 1 to 1000, not 0"),
        ({"probe": 1}, "probe must be 2 to 65536, not 1"),
        ({"seed": -1}, "seed must be 0 to 4611686018427387904, not -1"),
        ({"repeated": 1.5}, "repeated must be 0 to 1, not 1.5"),
        ({"repeated": float("nan")}, "repeated must be 0 to 1, not nan"),
        ({"half": "dev"}, "unknown half 'dev'; known: both, development, held-out"),
        ({"fitness": ("sahd", "nope")}, "unknown fitness 'nope'"),
        ({"fitness": ()}, "fitness must name a fitness, or be all"),
        ({"motifs": ("empty",)}, "motifs must name one that has synapses"),
        ({"motifs": ("FE", "FE")}, "each once"),
        ({"time_limit": "soon"}, "'soon' is no duration"),
        ({"epochs": 0}, "epochs must be 1 to"),
        ({"lr": 1e3}, "lr must be"),
        ({"precision": "int8"}, "unknown precision 'int8'"),
        ({"dataset": "nope"}, "unknown data set 'nope'"),
        ({"workers": 0}, "workers must be 1 to"),
        ({"epoch": 3}, "unknown option of a ranking 'epoch'; did you mean 'epochs'"),
        ({"genomes": "many"}, "options of the ranking: Expected"),
    ],
)
def test_nonsense_is_one_line(options, said):
    with pytest.raises(InputError) as caught:
        build_rank_config(options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_defaults_are_allowed_and_make_a_search_and_two_trainings():
    config = build_rank_config({})
    assert config.fitnesses == tuple(FITNESSES)
    assert (config.search.batch, config.search.channels) == (32, 8)
    first, second = config.training(0), config.training(1)
    assert (first.seed, second.seed) == (0, 1)
    assert msgspec.structs.replace(second, seed=0) == first
    assert (first.epochs, first.batch, first.precision) == (10, 32, "bfloat16")


def test_the_largest_seed_is_one_of_trainings_and_scores_as_well():
    config = build_rank_config({"seed": 2**62, "seeds": 1000})
    assert config.training(1).seed == 2**62 + 1


def test_fitnesses_are_in_the_order_of_the_registry_each_once():
    assert build_rank_config({"fitness": ("depth", "sahd", "depth")}).fitnesses == ("sahd", "depth")
    assert build_rank_config({"fitness": ("depth", "all")}).fitnesses == tuple(FITNESSES)


OTHER = {
    "data": "elsewhere.npz",
    "fitness": ("sahd",),
    "train_steps": 7,
    "seeds": 4,
    "half": "development",
    "workers": 2,
    "device": "cuda",
    "time_limit": "1h",
}


def test_every_option_that_may_change_is_tested():
    assert set(OTHER) == set(CHANGEABLE)


@pytest.mark.parametrize("name", CHANGEABLE)
def test_what_may_change(name):
    assert differences(build_rank_config({}), build_rank_config({name: OTHER[name]})) == []


def test_what_was_trained_stays_as_it_is():
    old, new = build_rank_config({}), build_rank_config({"epochs": 3, "hardware": "loihi1"})
    assert differences(old, new) == ["hardware: generic-45nm -> loihi1", "epochs: 10 -> 3"]
    assert differences(old, new, "hardware") == ["epochs: 10 -> 3"]


def test_the_order_of_motifs_does_not_count():
    one, two, three = (RankConfig(motifs=motifs) for motifs in (("FE", "FI"), ("FI", "FE"), ("FI",)))
    assert differences(one, two) == []
    assert len(differences(one, three)) == 1
