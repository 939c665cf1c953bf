"""networks.jsonl: what it says of a network, and what is refused."""

from __future__ import annotations

import json

import pytest

from msenas.errors import InputError, RunError
from msenas.phenotype.decode import decode
from msenas.ranking import record
from msenas.ranking.member import Member
from msenas.ranking.record import About, check_networks, known, read_networks, write_networks
from tests.conftest import motif_genome, small_spec
from tests.ranking.made import trained

SPEC = small_spec(2)
ABOUT = About(options={"dataset": "npz"}, data={"digest": "d"}, network={}, probe="p", profile="q", versions={})


def network(number=0, motifs=("FE", "FbI"), trainings=None):
    genome = motif_genome(*motifs)
    plan = decode(genome, SPEC)
    member = Member(
        id=number, genome=list(genome.flat()), plan=plan.digest, motif=motifs[0], size=1, half="development"
    )
    return known(member, plan, trainings or [trained(0.5)])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "networks.jsonl"
    write_networks(path, ABOUT, [network(0), network(1, ("LI", "MI"))])
    return path


def changed(path, place, **changes):
    """One line of the file with other values."""
    lines = path.read_text().splitlines()
    lines[place] = json.dumps(json.loads(lines[place]) | changes)
    path.write_text("\n".join(lines))
    return path


def test_what_is_written_is_read(file):
    assert read_networks(file) == (ABOUT, [network(0), network(1, ("LI", "MI"))])
    check_networks(file, read_networks(file)[1], SPEC)


def test_what_is_known_of_a_network():
    plan = decode(motif_genome("FE", "FbI"), SPEC)
    one = network()
    assert (one.parameters, one.neurons, one.depth) == (plan.parameters, plan.neurons, plan.depth)
    assert (one.synapses, one.populations) == (len(plan.synapses), len(plan.populations))
    assert one.motifs == {"FE": 1, "FbI": 1}
    assert one.recurrent == any(block.recurrent for block in plan.schedule)
    assert 0 < one.inhibitory_neurons < 1
    assert 0 < one.inhibitory_synapses < 1


def test_accuracy_and_energy_are_those_of_trainings_that_did_not_fail():
    failure = trained(failure="the loss is nan")
    one = network(trainings=[failure, trained(0.1, 0.4, energy=2e-6), trained(0.6, energy=3e-6)])
    assert (one.accuracy, one.energy) == (0.5, 2e-6)
    assert (network(trainings=[failure]).accuracy, network(trainings=[failure]).energy) == (None, None)


@pytest.mark.parametrize(
    ("place", "changes", "said"),
    [
        (0, {"schema": "msenas.networks/2"}, "line 1: Invalid enum value"),
        (0, {"probe": 3}, "line 1: Expected `str`"),
        (1, {"id": -1}, "line 2: Expected `int` >= 0"),
        (2, {"id": 10**400}, "line 3: "),
        (2, {"depth": 10**400}, "line 3: "),
        (2, {"neurons": 0}, "line 3: Expected `int` >= 1"),
        (2, {"inhibitory_synapses": 1.5}, "line 3: Expected `float` <= 1.0"),
        (2, {"id": 0}, "line 3: network 0 comes twice"),
        (2, {"half": "third"}, "line 3: Invalid enum value 'third'"),
        (2, {"trainings": []}, "line 3: Expected `array` of length >= 1"),
        (2, {"trainings": [{}]}, "line 3: a training has either accuracies or a failure"),
        (2, {"trainings": [{"accuracies": [0.5], "failure": "both"}]}, "line 3: a training has either"),
        (2, {"trainings": [{"accuracies": [0.5, 0.6], "losses": [1.0]}]}, "line 3: a training has a loss for every"),
        (2, {"trainings": [{"accuracies": [1.5]}]}, "line 3: Expected `float` <= 1.0"),
        (
            2,
            {"trainings": [{"accuracies": [0.5], "energy_joule": [None, -1.0, None]}]},
            "line 3: Expected `float` >= 0",
        ),
        (2, {"more": 1}, "line 3: Object contains unknown field `more`"),
    ],
)
def test_a_damaged_line_is_named(file, place, changes, said):
    with pytest.raises(InputError) as caught:
        read_networks(changed(file, place, **changes))
    assert str(file) in str(caught.value)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "\n", "{", "[" * 100_000, "\x00", '{"schema": NaN}', "\xff"])
def test_what_is_no_json(tmp_path, content):
    path = tmp_path / "n.jsonl"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError) as caught:
        read_networks(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_cut_line_is_named(file):
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(InputError, match=r"networks\.jsonl, line 3: Input data was truncated"):
        read_networks(file)


def test_what_is_read_is_bounded(file, monkeypatch):
    monkeypatch.setattr(record, "LARGEST", 100)
    with pytest.raises(InputError, match="at most 100 are read"):
        read_networks(file)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"genome": [1, 2]}, "line 3: network 1: "),
        ({"genome": [0] * len(motif_genome("FE", "FE").flat())}, "line 3: network 1: "),
        ({"genome": list(motif_genome("FE", "FE").flat())}, "line 3: network 1 has another structure here"),
        ({"plan": "other"}, "line 3: network 1 has another structure here"),
        ({"depth": 10**9}, "line 3: what it says of network 1 does not fit the genome"),
        ({"motifs": {}}, "line 3: what it says of network 1 does not fit the genome"),
    ],
)
def test_a_network_that_is_not_what_its_line_says(file, changes, said):
    _, networks = read_networks(changed(file, 2, **changes))
    with pytest.raises(RunError) as caught:
        check_networks(file, networks, SPEC)
    assert f"{file}, {said}" in str(caught.value)
