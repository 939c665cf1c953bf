from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from msenas.errors import InputError, ProfileError
from msenas.hardware.placement import MOST_CORES, Cores, deliveries, place
from msenas.hardware.profile import Capacity, Mesh, Profile, load_profile
from msenas.phenotype.plan import Plan
from tests.conftest import motif_plan
from tests.hardware.simulation import Chip, landings


def chip(cores: int | None, neurons: int | None, mesh: tuple[int, int, int] | None = None) -> Profile:
    side = None if mesh is None else Mesh("a test", *mesh)
    return Profile("x", "X", "a test", capacity=Capacity("a test", cores=cores, neurons_per_core=neurons), mesh=side)


def test_cores_of_loihi1() -> None:
    # 8 x 4 routers of 4 cores are the 128 cores of a chip
    assert Cores.of(load_profile("loihi1")) == Cores(1024, 128, 4, (8, 4))


def test_no_cores_without_neurons_per_core() -> None:
    assert Cores.of(chip(4, None)) is None
    assert Cores.of(replace(chip(4, None), capacity=None)) is None


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (chip(4, 0), "neurons_per_core must be at least 1, not 0"),
        (chip(0, 4), "capacity.cores must be at least 1, not 0"),
        (chip(None, 4, (0, 1, 1)), "mesh.width must be at least 1"),
        (chip(None, 4, (1, 0, 1)), "mesh.height must be at least 1"),
        (chip(None, 4, (1, 1, 0)), "mesh.cores_per_router must be at least 1"),
        (chip(13, 4, (2, 3, 2)), "capacity.cores is 13, but the mesh has room for 12"),
    ],
)
def test_impossible_chips_are_refused(profile: Profile, message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        Cores.of(profile)


def test_a_population_of_one_neuron_too_many_takes_another_core(events_plan: Plan) -> None:
    # 16 inputs and 64 neurons
    assert place(events_plan, Cores(64)).used == 1 + 1
    tight = place(events_plan, Cores(63))
    assert tight.used == 1 + 2
    assert np.bincount(tight.core["L1.E1"].ravel()).tolist() == [0, 63, 1]
    assert int(tight.core["L1.E1"][3, 3, 3]) == 2


def test_one_neuron_per_core(events_plan: Plan) -> None:
    found = place(events_plan, Cores(1, per_chip=50))
    assert found.used == 16 + 64
    assert found.chips == 2
    assert sorted(np.concatenate([core.ravel() for core in found.core.values()])) == list(range(80))


def test_an_analog_input_needs_no_core(direct_plan: Plan) -> None:
    found = place(direct_plan, Cores(64))
    assert (found.used, found.chips, set(found.core)) == (1, 1, {"L1.E1"})


@pytest.mark.parametrize("neurons", [1, 3, 7, 100])
def test_cores_are_filled_as_a_plain_count_fills_them(neurons: int) -> None:
    plan = motif_plan("FI", "MI", encoding="poisson")
    found, plain = place(plan, Cores(neurons)), Chip(plan, Cores(neurons))
    assert found.used == plain.used
    for name, core in found.core.items():
        assert all(core[place] == plain.core(name, *place) for place in np.ndindex(core.shape))


def test_distances_by_hand(events_plan: Plan) -> None:
    # 80 cores; chips of 2 x 2 routers with 3 cores each, so 12 cores; tiles go down the columns
    found = place(events_plan, Cores(1, per_chip=12, per_tile=3, mesh=(2, 2)))
    some = np.array([0, 3, 6, 11, 12, 79])
    # chip, column, row: 0 -> 0, 0, 0;  3 -> tile 1: 0, 0, 1;  6 -> tile 2: 0, 1, 0;  11 -> tile 3: 0, 1, 1;
    # 12 -> chip 1, tile 0: column 2, row 0;  79 -> chip 6, core 7, tile 2: column 12 + 1, row 0
    far = found.distances(np.array([0]), some)
    assert far["chip_crossings"].tolist() == [[0, 0, 0, 0, 1, 1]]
    assert far["hops_ew"].tolist() == [[0, 0, 1, 1, 2, 13]]
    assert far["hops_ns"].tolist() == [[0, 1, 0, 1, 0, 0]]
    back = found.distances(some, np.array([0]))
    assert all((far[name] == back[name].T).all() for name in far)


def test_without_a_mesh_only_chips_are_told_apart(events_plan: Plan) -> None:
    found = place(events_plan, Cores(16, per_chip=2))
    assert {name: d.tolist() for name, d in found.distances(np.array([1]), np.arange(5)).items()} == {
        "chip_crossings": [[0, 0, 1, 1, 1]]
    }


def test_deliveries_to_each_core_by_hand(events_plan: Plan) -> None:
    # 4 channels of 4 x 4 on cores of 24: the border lies in the middle of channel 1, after two of its rows
    synapse = events_plan.synapses[0]
    found = place(events_plan, Cores(24))
    first, arriving = deliveries(events_plan, found, synapse)
    assert (first, arriving.shape) == (1, (3, 4, 4))
    # the corner reaches 2 x 2 places of channels 0 to 3; of channel 1 all four are in rows 0 and 1, so on core 1
    assert arriving[:, 0, 0].tolist() == [4 + 4, 4, 4]
    # (1, 1) reaches 3 x 3: of channel 1 six are in rows 0 and 1, three in row 2, on core 2; likewise nothing of
    # channel 2, which lies on core 2 as a whole
    assert arriving[:, 1, 1].tolist() == [9 + 6, 3 + 9, 9]
    reach = len(list(landings(events_plan, synapse, 1, 1))) * 4
    assert arriving[:, 1, 1].sum() == reach == 36


def test_too_many_cores_are_refused() -> None:
    plan = motif_plan("FE", channels=256)  # two populations of 256 x 8 x 8 neurons and more
    assert plan.neurons > MOST_CORES
    with pytest.raises(InputError, match=f"needs {plan.neurons} cores of 1 neurons; at most {MOST_CORES} are placed"):
        place(plan, Cores(1))
