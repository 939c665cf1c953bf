"""Weights files: written and read back, and every way in which one can be wrong."""

from __future__ import annotations

import hashlib
import json
import struct

import msgspec
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from msenas.errors import InputError, RunError
from msenas.phenotype.calibrate import calibrate
from msenas.phenotype.network import Network
from msenas.runs.best import Weights, read_best, write_best
from msenas.runs.weights import load_network, read_weights, write_weights
from tests.conftest import motif_plan

FRAMES = torch.rand(1, 6, 1, 8, 8, generator=torch.Generator().manual_seed(5))


def fresh(seed=0):
    return Network(motif_plan("FE"), seed, lif="norse")


def trained(plan, seed=3):
    network = Network(plan, seed, lif="norse")
    with torch.no_grad():
        for parameter in network.parameters():
            parameter += 0.01
    calibrate(network, [FRAMES])
    return network


def tensors():
    return {name: value.clone().contiguous() for name, value in fresh().state_dict().items()}


def refused(path, content, match, sha256=None):
    path.write_bytes(content)
    network = fresh()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(InputError, match=match) as caught:
        read_weights(path, sha256, network)
    assert str(path) in str(caught.value)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_network_comes_back_as_it_was(tmp_path, best):
    network = trained(best.plan)
    written = write_weights(tmp_path / "w.safetensors", network)
    write_best(tmp_path / "best.json", msgspec.structs.replace(best, weights=written))
    read = load_network(read_best(tmp_path), tmp_path, lif="norse").eval()
    assert all(torch.equal(value, network.state_dict()[name]) for name, value in read.state_dict().items())
    with torch.no_grad():
        assert torch.equal(read(FRAMES), network(FRAMES))


def test_the_checksum_is_that_of_the_file(tmp_path, best):
    network = trained(best.plan)
    written = write_weights(tmp_path / "w.safetensors", network)
    content = (tmp_path / "w.safetensors").read_bytes()
    assert written == Weights("w.safetensors", hashlib.sha256(content).hexdigest())
    assert write_weights(tmp_path / "again.safetensors", network).sha256 == written.sha256


def test_without_weights_the_seed_makes_them(tmp_path, best):
    read = load_network(best, tmp_path, lif="norse")
    own = Network(best.plan, best.weight_seed, lif="norse")
    assert all(torch.equal(value, own.state_dict()[name]) for name, value in read.state_dict().items())


def test_weights_are_written_without_a_trace_of_a_failure(tmp_path):
    with pytest.raises(RunError, match="cannot write"):
        write_weights(tmp_path / "missing" / "w.safetensors", fresh())
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read_weights(tmp_path / "w.safetensors", None, fresh())


def test_another_checksum(tmp_path):
    refused(tmp_path / "w", save(tensors()), "sha256 is .*; best.json was written with 00", sha256="00")


@pytest.mark.parametrize("length", [0, 7, 20, 500, -1])
def test_a_truncated_file(tmp_path, length):
    refused(tmp_path / "w", save(tensors())[:length], "not a safetensors file")


@pytest.mark.parametrize("size", [0, 90_000_000, 1 << 62, (1 << 64) - 1])
def test_a_header_of_another_length(tmp_path, size):
    refused(tmp_path / "w", struct.pack("<Q", size) + save(tensors())[8:], "not a safetensors file")


def test_a_file_larger_than_the_network_can_need(tmp_path):
    refused(tmp_path / "w", bytes(3 << 20), "bytes; at most")


CHANGES = {
    "missing": (lambda t: t.pop("weights.1"), "weights.1 is missing"),
    "foreign": (lambda t: t.update({"weights.9": torch.zeros(1)}), "weights.9 is not part of this network"),
    "long name": (lambda t: t.update({"x" * 5000: torch.zeros(1)}), ": x{80} is not part"),
    "shape": (lambda t: t.update({"weights.0": torch.zeros(4, 1, 3, 1)}), r"has shape \[4, 1, 3, 1\], the network \["),
    "transposed": (lambda t: t.update({"readout.weight": torch.zeros(4, 3)}), "readout.weight has shape"),
    "nan": (lambda t: t["weights.0"].fill_(torch.nan), "weights.0 holds a number that is not finite"),
    "infinite": (lambda t: t["readout.bias"].fill_(-torch.inf), "readout.bias holds a number that is not finite"),
    "negative variance": (lambda t: t["norms.L1_E1.running_var"].fill_(-1.0), "running_var holds a negative variance"),
} | {
    str(dtype): (lambda t, dtype=dtype: t.update({"weights.0": t["weights.0"].to(dtype)}), "the network torch.float32")
    for dtype in (torch.float64, torch.bfloat16, torch.int8, torch.bool, torch.complex64, torch.float8_e4m3fn)
}


@pytest.mark.parametrize("change", CHANGES)
def test_tensors_that_do_not_fit(tmp_path, change):
    stored = tensors()
    apply, message = CHANGES[change]
    apply(stored)
    refused(tmp_path / "w", save(stored), message)


def test_an_unknown_type_of_number(tmp_path):
    header = {"weights.0": {"dtype": "F4", "shape": [4], "data_offsets": [0, 2]}}
    text = json.dumps(header).encode()
    refused(tmp_path / "w", struct.pack("<Q", len(text)) + text + bytes(2), "not a safetensors file")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 1100), st.integers(0, 255)), min_size=1, max_size=4))
def test_damaged_bytes_are_refused_or_harmless(tmp_path, damage):
    content = bytearray(save(tensors()))
    for place, value in damage:
        content[place] = value
    (tmp_path / "w").write_bytes(bytes(content))
    network = fresh()
    try:
        read_weights(tmp_path / "w", None, network)
    except InputError:
        return
    assert all(torch.isfinite(value).all() for value in network.state_dict().values())
