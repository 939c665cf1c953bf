from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from norse.torch.functional.threshold import threshold

from msenas.errors import InputError
from msenas.phenotype.currents import Current
from msenas.phenotype.lif import (
    ALPHA,
    STEPS_AT_ONCE,
    SURROGATES,
    Neuron,
    norse_sequence,
    norse_step,
    sequence,
)
from tests.conftest import small_spec

ROOT = Path(__file__).parents[2]
RUNS = {"compiled": sequence, "norse": norse_sequence}
BY_HAND = {
    "lif": (
        [0.75, 0.75, 1.0, -0.5, 1.5, 0.25, 1.0],
        [0.375, 0.5625, 0.5, 0.0, 0.75, 0.125, 0.5625],
        [0, 1, 0, 0, 1, 0, 1],
    ),
    "if": ([0.25, 0.25, 0.25, -0.5, 1.0, 0.5, 0.125], [0.25, 0.5, 0.75, -0.5, 0.5, 1.0, 0.125], [0, 0, 1, 0, 0, 1, 0]),
}
"""Current, potential before reset and spikes, for tau 2 and threshold 0.5; a potential at the threshold is no spike."""


def drawn(frames: int, size: int = 257, dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(frames)
    current = 1.5 * torch.randn(frames, size, generator=generator)
    return current.to(dtype), 0.4 * torch.rand(size, generator=generator)


@pytest.mark.parametrize("kind", BY_HAND)
def test_potential_step_by_step_by_hand(kind):
    currents, potentials, spikes = BY_HAND[kind]
    v = torch.zeros(1)
    for current, potential, spike in zip(currents, potentials, spikes, strict=True):
        z, v = norse_step(torch.tensor([current]), v, Neuron(kind))
        assert z.item() == spike
        assert v.item() == (0.0 if spike else potential)


@pytest.mark.parametrize("run", RUNS.values(), ids=RUNS)
@pytest.mark.parametrize("kind", BY_HAND)
def test_a_sequence_by_hand(kind, run):
    currents, potentials, spikes = (values[:5] for values in BY_HAND[kind])
    z, v = run(Current(torch.tensor(currents)[:, None].repeat(1, 3)), torch.zeros(3), 5, Neuron(kind))
    assert z.T.tolist() == [spikes] * 3
    assert v.tolist() == [0.0 if spikes[-1] else potentials[-1]] * 3


@pytest.mark.parametrize(
    ("kind", "tau", "steps", "frames", "dtype"),
    [
        ("lif", 2.0, 1, 1, torch.float32),
        ("lif", 2.0, 5, 5, torch.float32),
        ("lif", 1.5, 5, 1, torch.bfloat16),
        ("lif", 1.5, 2, 2, torch.float32),
        ("lif", 7.0, 2, 1, torch.float32),
        ("lif", 7.0, 5, 5, torch.bfloat16),
        ("if", 2.0, 5, 1, torch.float32),
        ("if", 2.0, 2, 2, torch.bfloat16),
    ],
)
def test_compiled_is_norse_bit_for_bit(kind, tau, steps, frames, dtype):
    neuron, (current, v) = Neuron(kind, tau), drawn(frames, dtype=dtype)
    expected, found = (run(Current(current), v, steps, neuron) for run in (norse_sequence, sequence))
    assert found[0].shape == (steps, 257)
    assert found[0].dtype == dtype
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])
    assert 0 < found[0].float().mean() < 1


@torch.no_grad()
@pytest.mark.parametrize("steps", [1, STEPS_AT_ONCE, STEPS_AT_ONCE + 1, 3 * STEPS_AT_ONCE])
@pytest.mark.parametrize("inhibition", [None, "static", "in every step"])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("static", [False, True])
def test_all_forms_of_current_give_the_spikes_of_norse(static, affine, inhibition, steps):
    draw = torch.Generator().manual_seed(steps)
    current = Current(
        torch.randn(1 if static else steps, 6, 37, generator=draw),
        torch.rand(2, 37, generator=draw) + 0.5 if affine else None,
        None if inhibition is None else -torch.rand(1 if inhibition == "static" else steps, 6, 37, generator=draw),
    )
    for v in (None, torch.rand(6, 37, generator=draw)):
        (spikes, last), (oracle, expected) = (run(current, v, steps, Neuron(), torch.uint8) for run in RUNS.values())
        assert torch.equal(spikes, oracle)
        assert (last is None) == (v is None)
        assert v is None or torch.equal(last, expected)
        assert 0 < oracle.float().mean() < 1
    at_rest = norse_sequence(current, torch.zeros(6, 37), steps, Neuron(), torch.uint8)[0]
    assert torch.equal(sequence(current, None, steps, Neuron(), torch.uint8)[0], at_rest)


def gradients(run, surrogate: str, kind: str, frames: int, steps: int = 5) -> tuple[torch.Tensor, ...]:
    current, v = (x.requires_grad_() for x in drawn(frames, size=65))
    generator = torch.Generator().manual_seed(9)
    weights = torch.randn(steps, 65, generator=generator), torch.randn(65, generator=generator)
    spikes, last = run(Current(current), v, steps, Neuron(kind, surrogate=surrogate))
    ((spikes * weights[0]).sum() + (last * weights[1]).sum()).backward()
    return spikes.detach(), current.grad, v.grad


@pytest.mark.parametrize(("kind", "frames"), [("lif", 5), ("lif", 1), ("if", 5)])
@pytest.mark.parametrize("surrogate", SURROGATES)
def test_gradients_are_those_of_norse(surrogate, kind, frames):
    expected, found = (gradients(run, surrogate, kind, frames) for run in (norse_sequence, sequence))
    assert torch.equal(found[0], expected[0])
    for mine, theirs in zip(found[1:], expected[1:], strict=True):
        assert theirs.abs().max() > 0.01
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6)


def test_gradients_of_spikes_alone_and_of_the_potential_alone():
    for part in (0, 1):
        current, v = (x.requires_grad_() for x in drawn(5, size=65))
        pairs = [
            torch.autograd.grad(run(Current(current), v, 5, Neuron())[part].sum(), (current, v))
            for run in RUNS.values()
        ]
        for mine, theirs in zip(*pairs, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6)


def test_gradients_of_a_half_precision_current_have_its_precision():
    current, v = drawn(1, size=65, dtype=torch.bfloat16)
    spikes, _ = sequence(Current(current.requires_grad_()), v, 1, Neuron())
    spikes.float().sum().backward()
    assert spikes.dtype == current.grad.dtype == torch.bfloat16


def test_slope_of_the_triangle_by_hand():
    slope = SURROGATES["triangle"](torch.tensor([-2.0, -0.25, 0.0, 0.5, 1.5]))
    assert slope.tolist() == [0.0, 0.75, 1.0, 0.5, 0.0]


@pytest.mark.parametrize("surrogate", SURROGATES)
def test_slopes_are_those_that_norse_assigns_to_its_threshold(surrogate):
    x = torch.linspace(-3, 3, 121, requires_grad=True)
    (expected,) = torch.autograd.grad(threshold(x, surrogate, ALPHA).sum(), x)
    torch.testing.assert_close(SURROGATES[surrogate](x.detach()), expected, rtol=1e-6, atol=1e-7)


def test_gain_and_keep():
    assert (Neuron("lif", 4.0).gain, Neuron("lif", 4.0).keep) == (0.25, 0.75)
    assert (Neuron("if", 4.0).gain, Neuron("if", 4.0).keep) == (1.0, 1.0)


def test_the_neuron_is_that_of_the_spec():
    assert Neuron.of(small_spec(1, neuron="if", tau=3.0, v_th=0.75), "tanh") == Neuron("if", 3.0, 0.75, "tanh")


def test_an_unknown_surrogate_is_named():
    with pytest.raises(InputError, match="unknown surrogate 'triangel'; did you mean 'triangle'"):
        Neuron(surrogate="triangel")


def test_many_neurons_in_one_process():
    """More kinds of neurons than torch.compile keeps variants of one function."""
    current, v = drawn(2, size=16)
    with torch._dynamo.config.patch(recompile_limit=2):
        for v_th in (0.25, 0.5, 0.75, 1.0):
            neuron = Neuron(v_th=v_th)
            assert torch.equal(*(run(Current(current), v, 2, neuron)[0] for run in RUNS.values()))


SCRIPT = """
import json, sys, warnings
import torch
from msenas.phenotype.currents import Current
from msenas.phenotype.lif import Neuron, sequence
from tests.phenotype.test_lif import drawn

with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    results = []
    for frames in (1, 3):
        current, v = drawn(frames, size=9)
        spikes, last = sequence(Current(current.requires_grad_()), v, 3, Neuron())
        (spikes.sum() + last.sum()).backward()
        results.append([spikes.tolist(), last.tolist(), current.grad.tolist()])
messages = [str(w.message) for w in seen if w.category is RuntimeWarning]
print(json.dumps({"results": results, "messages": messages}))
"""


def in_another_process(**environment: str) -> dict[str, list]:
    env = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=env, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def expected_results() -> list[list]:
    results = []
    for frames in (1, 3):
        current, v = drawn(frames, size=9)
        spikes, last = norse_sequence(Current(current.requires_grad_()), v, 3, Neuron())
        (spikes.sum() + last.sum()).backward()
        results.append([spikes.tolist(), last.tolist(), current.grad.tolist()])
    return results


def check_results(found: list[list]) -> None:
    for mine, theirs in zip(found, expected_results(), strict=True):
        assert mine[:2] == theirs[:2]
        torch.testing.assert_close(torch.tensor(mine[2]), torch.tensor(theirs[2]), rtol=1e-6, atol=1e-6)


def test_compilation_can_be_switched_off():
    answer = in_another_process(MSENAS_COMPILE="0", CXX="/nonexistent/c++")
    assert answer["messages"] == []
    check_results(answer["results"])


def test_without_a_compiler_there_is_one_warning_and_the_same_result(tmp_path):
    answer = in_another_process(CXX="/nonexistent/c++", TORCHINDUCTOR_CACHE_DIR=str(tmp_path), MSENAS_COMPILE="1")
    (message,) = answer["messages"]
    assert "\n" not in message
    assert "neurons run step by step" in message
    check_results(answer["results"])
