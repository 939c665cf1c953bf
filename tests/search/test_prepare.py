"""What the data decide is filled in, and the machine is described."""

from __future__ import annotations

import json

import pytest

from msenas.errors import InputError, ProfileError
from msenas.hardware.profile import profile_names
from msenas.phenotype.decode import decode
from msenas.runs.files import to_json
from msenas.search.config import SearchConfig
from msenas.search.prepare import (
    MOST_WORKERS,
    check_prices,
    data_spec,
    default_workers,
    environment,
    pick_device,
    prepare,
)
from tests.conftest import motif_genome


def test_defaults_are_filled_in_from_the_data():
    prepared = prepare(SearchConfig(batch=4, device="cpu"))
    config, spec = prepared.config, prepared.spec
    assert (config.layers, config.steps, config.encoding, config.device) == (4, 4, "direct", "cpu")
    assert (spec.layers, spec.classes, spec.input_shape) == (4, 10, (1, 8, 8))
    assert 1 <= config.workers <= MOST_WORKERS
    assert prepared.evaluator.probe.pairs == 4


def test_probe_follows_from_the_seed():
    digests = [prepare(SearchConfig(batch=4, seed=s)).evaluator.probe.digest for s in (0, 0, 1)]
    assert digests[0] == digests[1] != digests[2]


@pytest.mark.parametrize("encoding", ["direct", "poisson"])
@pytest.mark.parametrize("hardware", profile_names())
def test_prices_are_looked_for_as_an_evaluation_will(hardware, encoding):
    prepared = prepare(SearchConfig(batch=2, layers=1, hardware=hardware, encoding=encoding, fitness="parameters"))
    plan = decode(motif_genome("FbI"), prepared.spec)
    try:
        prepared.evaluator(plan)
    except ProfileError:
        with pytest.raises(ProfileError, match=hardware):
            check_prices(prepared)
    else:
        check_prices(prepared)


def test_window_is_in_milliseconds():
    assert data_spec(SearchConfig(dataset="nmnist", window="1.5s")).window_ms == pytest.approx(1500)
    assert data_spec(SearchConfig()).window_ms is None


@pytest.mark.parametrize("name", ["gpu", "meta", "cuda:99", "", "cpu:x"])
def test_device_that_cannot_be_used(name):
    with pytest.raises(InputError, match="cannot be used") as caught:
        pick_device(name)
    assert "\n" not in str(caught.value)


def test_device_cpu():
    assert pick_device("cpu") == "cpu"
    assert pick_device("auto") in ("cpu", "cuda")


def test_one_worker_for_a_gpu():
    assert default_workers("cuda") == 1


def test_environment_is_json():
    about = json.loads(to_json(environment()))
    assert {"msenas", "python", "torch", "norse"} <= set(about["versions"])
    assert about["cores"] >= 1
