"""Trained networks of every motif fire the same spikes in other simulators. The whole table is in docs/peers.md."""

from __future__ import annotations

import numpy as np
import pytest

from tests.peers.networks import CHAIN, NAMES, Case, run, trained
from tests.peers.peers import CONVENTIONS, Job, present
from tests.peers.peers import run as run_peer

CASES = {
    **{name: Case(name, kernel=("3x3", "5x5")[i % 2], cross=True) for i, name in enumerate(NAMES)},
    "integrators": Case("LI", neuron="if", encoding="poisson"),
    CHAIN: Case(CHAIN),
}
STEPS, SAMPLES = 12, 2


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Each case, trained and run once."""
    folder = tmp_path_factory.mktemp("networks")
    return {name: run(case, trained(case, folder / name, channels=4), STEPS, SAMPLES) for name, case in CASES.items()}


@pytest.mark.parametrize("peer", present("norse", "snntorch", "spikingjelly", "nirtorch"))
def test_the_same_spikes(peer, runs, tmp_path):
    found = results(peer, runs, tmp_path)
    for name, own in runs.items():
        agreement = own.agreement(found[name])
        assert (name, agreement.wrong, agreement.predictions) == (name, 0, 1.0)
        assert agreement.apart < 1e-5
        assert sum(spikes.sum() for spikes in own.spikes.values()) > 100


@pytest.mark.parametrize("peer", present("sinabs"))
def test_sinabs_runs_networks_in_a_row_and_no_others(peer, runs, tmp_path):
    found = results(peer, runs, tmp_path)
    equal = {name: not found[name].error and not own.agreement(found[name]).wrong for name, own in runs.items()}
    assert equal == {name: name == CHAIN for name in runs}


def results(peer, runs, folder):
    jobs = {}
    for name, own in runs.items():
        np.savez(folder / f"{name}.npz", frames=own.frames)
        model = own.export(folder / f"{name}.nir", CONVENTIONS[peer])
        jobs[name] = Job(model, folder / f"{name}.npz", folder / f"{name}-out.npz")
    return dict(zip(jobs, run_peer(peer, list(jobs.values())), strict=True))
