"""The torch reader of a Plan: convolutions folded over time, cycles stepped, neurons from Norse.

Current of a population: I = BN(sum of its excitatory convolutions) - sum of |W| * inhibitory spikes. The sign of an
inhibitory weight is a property of the arithmetic, not of the stored number, so inhibition stays inhibition under any
training. What lies on no cycle runs with time folded into the batch; the populations of a cycle run step by step, with
every current that comes from outside the cycle computed beforehand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msenas.errors import InputError, unknown
from msenas.phenotype import integer
from msenas.phenotype.currents import Current, add, at_step, by_step, in_rows
from msenas.phenotype.lif import Neuron, norse_sequence, sequence
from msenas.phenotype.norm import affine
from msenas.phenotype.plan import Block, Plan, Synapse
from msenas.phenotype.signals import Signals, pooled
from msenas.phenotype.weights import random_grid, weight_seed

Lif = Callable[..., tuple[Tensor, Tensor | None]]
LIF: dict[str, Lif] = {"compiled": sequence, "norse": norse_sequence}
"""Ways to run a neuron over time: the compiled loop, and the eager oracle."""


class Observer(Protocol):
    """Sees the spikes of each population as soon as they are known."""

    def __call__(self, name: str, spikes: Tensor) -> None:
        """Take the spikes [T, B, C, H, W] of one population (memory order T, B, H, W, C)."""


class Network(nn.Module):
    """A network of one Plan.

    Args:
        plan: the structure.
        seed: seeds the weights; together with the plan's digest, so equal plans get equal weights.
        lif: key of LIF.
        surrogate: surrogate gradient of Norse, used only in training.

    Attributes:
        steps: time steps of a pass; those of the plan, unless they are set to others.
    """

    def __init__(self, plan: Plan, seed: int = 0, lif: str = "compiled", surrogate: str = "triangle") -> None:
        super().__init__()
        self.plan, self.steps = plan, plan.spec.steps
        self.neuron = Neuron.of(plan.spec, surrogate)
        if lif not in LIF:
            raise InputError(unknown("way to run a neuron", lif, LIF))
        self.run_lif = LIF[lif]
        rng = np.random.default_rng(weight_seed(plan, seed))
        grids = [random_grid(plan, s, rng) for s in plan.synapses]
        self.weights = nn.ParameterList([nn.Parameter(grid.codes * grid.scale) for grid in grids])
        self.norms = nn.ModuleDict({_key(p.name): nn.BatchNorm2d(p.channels) for p in plan.populations})
        channels = plan.by_name[plan.readout[0]].channels
        self.readout = nn.Linear(channels, plan.spec.classes, device="meta").to_empty(device="cpu")
        bound = 1.0 / math.sqrt(channels)
        with torch.no_grad():
            self.readout.weight.copy_(torch.from_numpy(rng.uniform(-bound, bound, self.readout.weight.shape)))
            self.readout.bias.zero_()
        self.spike_dtype, self.largest_input = torch.float32, 1
        self._grids: dict[int, tuple[tuple[int, ...], integer.Grid | None]] = {
            index: (_version(weight), replace(grid, codes=-grid.codes) if synapse.inhibitory else grid)
            for index, (synapse, weight, grid) in enumerate(zip(plan.synapses, self.weights, grids, strict=True))
        }
        self._order = {synapse: index for index, synapse in enumerate(plan.synapses)}
        assert len(self._order) == len(plan.synapses)

    def forward(self, frames: Tensor, observe: Observer | None = None) -> Tensor:
        """Class scores [B, classes], averaged over the time steps.

        Args:
            frames: [T, B, C, H, W], or [1, B, C, H, W] for an input that stays the same.
            observe: called with the spikes of each population.

        Raises:
            InputError: The frames have another shape.
        """
        sums, positions = self._heard(frames, observe)
        return cast(Tensor, self.readout(sums.sum(0) / (len(sums) * positions)))

    def scores(self, frames: Tensor, observe: Observer | None = None) -> Tensor:
        """Class scores of each time step [T, B, classes]; their mean over time is what `forward` gives."""
        sums, positions = self._heard(frames, observe)
        return cast(Tensor, self.readout(sums / positions))

    def sent(self, spikes: Tensor) -> Tensor:
        """What leaves the neurons of the spikes that they fired, [T*B, C, H, W]: all; lossy networks override it."""
        return spikes

    def _heard(self, frames: Tensor, observe: Observer | None) -> tuple[Tensor, int]:
        """Run the network; spikes that are read out, summed over the map [T, B, C], and the positions of the map."""
        steps, shape = self.steps, tuple(frames.shape)
        if len(shape) != 5 or shape[0] not in (1, steps) or not shape[1] or shape[2:] != self.plan.spec.input_shape:
            wanted = [steps, "B", *self.plan.spec.input_shape]
            raise InputError(f"frames are {list(shape)}; {wanted} is needed, or 1 in the place of {steps}")
        batch = shape[1]
        frames = self._in_bytes(frames)
        signals = Signals(frames, self.plan)
        for block in self.plan.schedule:
            run = self._run_cycle if block.recurrent else self._run_folded
            for name, spikes in run(block, signals, batch):
                signals.add(name, spikes)
                if observe is not None:
                    observe(name, by_step(spikes, steps))
            signals.forget(block)
        heard = signals.merged(self.plan.readout).float()
        # One dimension after the other is several times faster, and sums of spikes are exact.
        return heard.sum((2, 3)).view(steps, batch, -1), heard[0, 0].numel()

    def weight(self, synapse: Synapse) -> Tensor:
        """The weight as it acts on spikes [C_out, C_in, k, k]: never positive for an inhibitory synapse."""
        weight: Tensor = self.weights[self._order[synapse]]
        return -weight.abs() if synapse.inhibitory else weight

    def bias(self, name: str) -> Tensor:
        """The constant current of a population's channels in inference [C]: what is left of its normalisation."""
        norm = cast(nn.BatchNorm2d, self.norms[_key(name)])
        mean, variance = cast(Tensor, norm.running_mean), cast(Tensor, norm.running_var)
        return norm.bias - mean * (norm.weight / torch.sqrt(variance + norm.eps))

    def _grid(self, synapse: Synapse) -> integer.Grid | None:
        """The 8-bit grid of a synapse's weight, looked for again whenever the weight was changed."""
        index = self._order[synapse]
        weight = self.weights[index]
        version, grid = self._grids[index]
        if weight.is_inference() or version != _version(weight):
            grid = integer.on_grid(self.weight(synapse).detach())
            self._grids[index] = _version(weight), grid
        return grid

    def _in_bytes(self, frames: Tensor) -> Tensor:
        """Choose how spikes are stored in this pass, and store the frames so where they are spikes.

        Bytes serve the integer convolutions of inference on the CPU; everything else wants the dtype of the frames.
        """
        self.spike_dtype = frames.dtype
        if frames.dtype != torch.float32 or frames.device.type != "cpu" or torch.is_grad_enabled():
            return frames
        self.spike_dtype = torch.uint8
        if self.plan.spec.encoding == "direct":
            return frames
        in_bytes = frames.to(torch.uint8)
        self.largest_input = int(in_bytes.max())
        exact = self.largest_input <= integer.LARGEST_VALUE and torch.equal(in_bytes.float(), frames)
        return in_bytes if exact else frames

    def _convolve(self, synapse: Synapse, spikes: Tensor) -> Tensor:
        in_bytes = spikes.dtype == torch.uint8
        spikes = pooled(spikes, synapse.pool)
        if in_bytes:
            largest = (self.largest_input if synapse.from_input else len(synapse.sources)) * synapse.pool**2
            grid = self._grid(synapse) if integer.fits(largest, spikes.shape[1] * synapse.kernel**2) else None
            if grid is not None:
                return integer.convolve(spikes.to(torch.uint8), grid, synapse)
            spikes = spikes.float()
        weight = self.weight(synapse)
        return F.conv2d(spikes, weight.to(spikes.dtype), stride=synapse.stride, padding=synapse.padding)

    def _normalised(self, name: str, drive: Tensor) -> tuple[Tensor, Tensor | None]:
        """The drive and the affine map that is still to be applied to it; training applies it at once."""
        norm = cast(nn.BatchNorm2d, self.norms[_key(name)])
        if torch.is_grad_enabled() or drive.device.type != "cpu":
            return norm(drive), None
        return drive, affine(norm, drive)

    def _run_folded(self, block: Block, signals: Signals, batch: int) -> Iterable[tuple[str, Tensor]]:
        """One population that is on no cycle: all time steps at once."""
        (name,) = block.populations
        drive, inhibition = self._outside(name, block, signals)
        assert drive is not None
        current = Current(*self._normalised(name, drive), inhibition)
        yield name, self._fire(current, batch, self.steps, None)[0]

    def _run_cycle(self, block: Block, signals: Signals, batch: int) -> Iterable[tuple[str, Tensor]]:
        """Populations of a cycle, step by step; what comes from outside the cycle is convolved beforehand."""
        members = [self._member(name, block, signals) for name in block.populations]
        sizes = {name: batch * self.plan.by_name[name].neurons for name in block.populations}
        potential: dict[str, Tensor | None] = {
            name: torch.zeros(size, device=self.readout.weight.device) for name, size in sizes.items()
        }
        past: dict[str, Tensor] = {}
        history: list[dict[str, Tensor]] = []
        for t in range(self.steps):
            now: dict[str, Tensor] = {}
            for member in members:
                current = self._cycle_current(member, t, batch, now, past)
                now[member.name], potential[member.name] = self._fire(current, batch, 1, potential[member.name])
            history.append(now)
            past = now
        for name in block.populations:
            folded = torch.cat([now[name] for now in history])
            yield name, folded.contiguous(memory_format=torch.channels_last)

    def _member(self, name: str, block: Block, signals: Signals) -> _Member:
        """One population of a cycle with its current from outside; drive is normalised here if it is complete."""
        drive, inhibition = self._outside(name, block, signals)
        inner = tuple(s for s in self.plan.incoming[name] if _inside(s, block))
        scale: Tensor | None = None
        complete = all(s.inhibitory for s in inner)
        if complete and drive is not None:
            drive, scale = self._normalised(name, drive)
        return _Member(name, inner, complete, drive, scale, inhibition)

    def _cycle_current(
        self, member: _Member, t: int, batch: int, now: Mapping[str, Tensor], past: Mapping[str, Tensor]
    ) -> Current:
        """Current of one population of a cycle at step t, from this step's and the last step's spikes."""
        sums = {False: at_step(member.drive, t, batch), True: at_step(member.inhibition, t, batch)}
        for synapse in member.inner:
            if synapse.delayed and t == 0:
                continue
            source = past if synapse.delayed else now
            part, before = self._convolve(synapse, source[synapse.sources[0]]), sums[synapse.inhibitory]
            sums[synapse.inhibitory] = part if before is None else before + part
        drive, inhibition = sums[False], sums[True]
        if drive is None:  # In the first step nothing arrives where all excitation is late.
            drive = torch.zeros(batch, *self.plan.by_name[member.name].shape, device=self.readout.weight.device)
            drive = drive.contiguous(memory_format=torch.channels_last)
        if member.complete:
            return Current(drive, member.affine, inhibition)
        return Current(*self._normalised(member.name, drive), inhibition)

    def _outside(self, name: str, block: Block, signals: Signals) -> tuple[Tensor | None, Tensor | None]:
        """Sums of excitatory and inhibitory convolutions [T*B or B, C, H, W] whose sources are not in the block."""
        sums: dict[bool, Tensor | None] = {False: None, True: None}
        for synapse in self.plan.incoming[name]:
            if _inside(synapse, block):
                continue
            spikes = signals.delayed(synapse.sources) if synapse.delayed else signals.merged(synapse.sources)
            part, before = self._convolve(synapse, spikes), sums[synapse.inhibitory]
            sums[synapse.inhibitory] = part if before is None else add(before, part)
        return sums[False], sums[True]

    def _fire(self, current: Current, batch: int, steps: int, potential: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Run the neurons on a current [T*B or B, C, H, W], affine [2, C].

        Returns:
            spikes [T*B, C, H, W], and the last potential in channels-last order, which is how it must be given.
        """
        _, channels, height, width = current.drive.shape
        rows = in_rows(current, batch)
        before = None if potential is None else potential.view(rows.drive.shape[1:])
        spikes, after = self.run_lif(rows, before, steps, self.neuron, self.spike_dtype)
        return self.sent(spikes.view(steps * batch, height, width, channels).permute(0, 3, 1, 2)), after


@dataclass(frozen=True)
class _Member:
    """A population of a cycle: its synapses from inside, and its currents from outside [T*B or B, C, H, W].

    `complete` says that no excitation comes from inside, so that the drive is normalised over all steps at once.
    """

    name: str
    inner: tuple[Synapse, ...]
    complete: bool
    drive: Tensor | None
    affine: Tensor | None
    inhibition: Tensor | None


def _version(weight: Tensor) -> tuple[int, ...]:
    """Changes whenever the weight is replaced or changed in place, other than in place through `weight.data`."""
    return id(weight), weight.data_ptr(), 0 if weight.is_inference() else weight._version


def _key(name: str) -> str:
    """A population's name as a key of a module dictionary, which may not hold a dot."""
    return name.replace(".", "_")


def _inside(synapse: Synapse, block: Block) -> bool:
    return any(source in block.populations for source in synapse.sources)
