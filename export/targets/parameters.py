"""Rules about the numbers in nodes: time constants, thresholds, resets, convolutions.

NIR gives time constants in seconds and no time step; tau dv/dt = (v_leak - v) + r I becomes, step by step,
v <- v + dt/tau (v_leak - v + r I). So r = tau/dt leaves the weights as they are, r = 1 multiplies them by dt/tau.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import nir
import numpy as np
import numpy.typing as npt

from export.targets.finding import WHOLE, Finding, Rule
from export.targets.view import NEURONS, View, pair

DT = 1e-4
"""Time step in seconds that exporters and readers of NIR have agreed on."""
GRID_BITS = 12
"""A threshold whose last bits, this many or more, are zero lies on a grid that sums of rounded weights may hit."""
SLOWEST_STEPS = 0.05
"""A time constant below this many steps forgets everything at once, so it is none in steps."""
REWRITE = "write the file with `--target {}`"


def _same(values: npt.ArrayLike, wanted: float) -> bool:
    return bool(np.allclose(values, wanted, rtol=1e-4, atol=1e-9))


def zero(field: str, *kinds: type[nir.NIRNode], reason: str) -> Rule:
    """A parameter of neurons that must be 0."""

    def rule(view: View) -> Iterator[Finding]:
        for name, node in view.of(*kinds):
            if not _same(getattr(node, field, 0.0), 0.0):
                yield Finding(name, "error", f"{field} is not 0: {reason}", f"{field} 0")

    return rule


def uniform(*fields: str) -> Rule:
    """Parameters that must be equal in all neurons of a node."""

    def rule(view: View) -> Iterator[Finding]:
        for name, node in view.of(*NEURONS):
            for field in fields:
                if np.unique(getattr(node, field, 0.0)).size > 1:
                    reason = f"{field} differs between the neurons of the node, and one number is taken for all"
                    yield Finding(name, "error", reason, "one population for each value")

    return rule


def unit_gain(target: str) -> Rule:
    """The target ignores r: currents are multiplied by dt/tau, so weights must have been multiplied by tau/dt."""

    def rule(view: View) -> Iterator[Finding]:
        for name, node in view.of(nir.LIF):
            if not _same(node.r, 1.0):
                reason = f"r is ignored, so its currents are {float(np.max(node.r)):.4g} times too small"
                yield Finding(name, "error", reason, REWRITE.format(target))

    return rule


def full_gain(view: View) -> Iterator[Finding]:
    """The target takes the time step from r = tau/dt; r = 1 would leave no memory."""
    for name, node in view.of(nir.LIF):
        if not bool(np.all(np.asarray(node.r) > 1.0)):
            reason = "the time step is read from r = tau/dt, and r is 1 or less: the potential would not last"
            yield Finding(name, "error", reason, REWRITE.format("portable"))


def time_step(gains: str, option: str = "") -> Rule:
    """Resistances are tau/DT (or 1 if `gains` is "either"); with `option` the target can be told another time step."""

    def rule(view: View) -> Iterator[Finding]:
        for name, node in view.of(nir.LIF):
            dt = np.asarray(node.tau, np.float64) / np.asarray(node.r, np.float64)
            if _same(node.r, 1.0) and gains == "either":
                told = view.about.get("dt")
                dt = np.full(1, told if isinstance(told, float) and told > 0 else DT)
            if not _same(dt / dt.flat[0], 1.0):
                yield Finding(name, "error", "r is not tau over one time step", REWRITE.format("portable"))
            elif not _same(dt / DT, 1.0) and option:
                reason = f"its time step is {dt.flat[0]:.4g} s"
                yield Finding(name, "exact", reason, f"load with {option}={dt.flat[0]:.6g}")
            elif not _same(dt / DT, 1.0):
                reason = f"its time step is {dt.flat[0]:.4g} s, and {DT:g} s is always assumed"
                yield Finding(name, "error", reason, REWRITE.format("portable"))

    return rule


def slower_than_a_step(view: View) -> Iterator[Finding]:
    """Time constants are longer than one time step."""
    for name, node in view.of(nir.LIF):
        if not _same(node.r, 1.0) and bool(np.any(np.asarray(node.r) <= 1.0)):
            yield Finding(name, "error", "tau is not longer than a time step", "a tau above 1 step, or IF neurons")


def steps_as_time(target: str) -> Rule:
    """The target counts tau in steps and decays by exp(-1/tau)."""

    def rule(view: View) -> Iterator[Finding]:
        for name, node in view.of(nir.LIF):
            if not _same(node.r, 1.0) or bool(np.any(np.asarray(node.tau) < SLOWEST_STEPS)):
                reason = f"tau = {float(np.max(node.tau)):.4g} is taken in steps: the potential would not last"
                yield Finding(name, "error", reason, REWRITE.format(target))

    return rule


def if_gain(*allowed: float, otherwise: str, ignored: bool = False) -> Rule:
    """The r that an IF node must have: 1, or 1/DT. Where it is `ignored`, these two mean v <- v + I."""

    def rule(view: View) -> Iterator[Finding]:
        for name, node in view.of(nir.IF):
            if not any(_same(np.asarray(node.r) / r, 1.0) for r in allowed):
                wanted = " or ".join(f"{r:g}" for r in allowed)
                reason = f"r is {float(np.max(node.r)):.4g}, not {wanted}: {otherwise}"
                yield Finding(name, "error", reason, f"IF nodes with r = {wanted}")

    return rule


def grid_threshold(view: View) -> Iterator[Finding]:
    """Where neurons fire at v >= v_threshold and not v > v_threshold, it matters if potentials can be equal to it."""
    for name, node in view.of(*NEURONS):
        bits = np.atleast_1d(np.asarray(node.v_threshold, np.float32)).view(np.uint32)
        if not bool(np.any(bits & ((1 << GRID_BITS) - 1))):
            reason = "neurons fire at the threshold too, which sums of rounded weights can hit exactly"
            yield Finding(name, "approximated", reason, "a threshold one float32 step higher, as this tool writes it")


def ungrouped(view: View) -> Iterator[Finding]:
    """Convolutions without groups: the type check of NIR counts their channels wrongly."""
    for name, node in view.of(nir.Conv1d, nir.Conv2d):
        if int(node.groups) != 1:
            reason = f"{int(node.groups)} groups; most readers refuse them"
            yield Finding(name, "error", reason, "groups 1, with zeros between the groups")


def square_kernels(view: View) -> Iterator[Finding]:
    """Square kernels: the type check of NIR takes the height for both sides."""
    for name, node in view.of(nir.Conv2d):
        rows, columns = node.weight.shape[-2:]
        if rows != columns:
            yield Finding(name, "error", f"a kernel of {rows}x{columns} fails the type check of NIR", "rows of zeros")


def numeric_padding(view: View) -> Iterator[Finding]:
    """Padding in pixels and not by a word."""
    for name, node in view.of(nir.Conv1d, nir.Conv2d):
        if isinstance(node.padding, str | bytes):
            yield Finding(name, "error", f"padding is the word {node.padding!r}", "pixels on each side")


def undilated(view: View) -> Iterator[Finding]:
    """Convolutions without dilation."""
    for name, node in view.of(nir.Conv2d):
        if pair(node.dilation) != (1, 1):
            yield Finding(name, "error", f"dilation {pair(node.dilation)}", "dilation 1, with zeros in the kernel")


def plain_pooling(view: View) -> Iterator[Finding]:
    """Pooling without padding, which readers drop."""
    for name, node in view.of(nir.SumPool2d, nir.AvgPool2d):
        if np.any(np.asarray(node.padding)):
            yield Finding(name, "error", "the padding of a pooling is ignored", "a map that needs none")


def joined_pooling(view: View) -> Iterator[Finding]:
    """Pooling windows that do not overlap."""
    for name, node in view.of(nir.SumPool2d, nir.AvgPool2d):
        if pair(node.kernel_size) != pair(node.stride):
            yield Finding(name, "error", "windows of the pooling overlap or leave gaps", "a stride equal to the kernel")


def no_bias(*kinds: type[nir.NIRNode], reason: str) -> Rule:
    """Synapses of some types without a bias."""

    def rule(view: View) -> Iterator[Finding]:
        for name, node in view.of(*kinds):
            bias: npt.NDArray[Any] = np.asarray(getattr(node, "bias", 0.0))
            if np.any(bias):
                fix = "none: the normalisation of the network is in it; thresholds would have to differ by channel"
                yield Finding(name, "error", reason, fix)

    return rule


def equal_leak_and_reset(view: View) -> Iterator[Finding]:
    """Potentials decay to the value that they are reset to."""
    for name, node in view.of(nir.LIF):
        if not _same(np.asarray(node.v_leak) - np.asarray(node.v_reset), 0.0):
            yield Finding(name, "error", "v_leak differs from v_reset, which is refused", "both 0")


def sinabs_loading(view: View) -> Iterator[Finding]:
    """Sinabs must be helped with maps of leaky neurons, and neurons fire several times in a step by default."""
    if any(np.asarray(node.v_leak).ndim > 1 for _, node in view.of(nir.LIF)):
        reason = "`any(v_leak)` fails on maps, so from_nir raises ValueError"
        yield Finding(WHOLE, "exact", reason, "flatten v_leak after reading (docs/peers.md)")
    if any(True for _ in view.of(nir.LIF, nir.IF)):
        reason = "neurons fire several times in a step, subtract at a spike, and IF stops at minus its threshold"
        fix = "after loading set spike_fn, reset_fn and min_v_mem (docs/peers.md)"
        yield Finding(WHOLE, "exact", reason, fix)
