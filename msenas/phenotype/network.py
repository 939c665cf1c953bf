"""The torch reader of a Plan: convolutions folded over time, cycles stepped, neurons from Norse.

Current of a population: I = BN(sum of its excitatory convolutions) - sum of |W| * inhibitory spikes. The sign of an
inhibitory weight is a property of the arithmetic, not of the stored number, so inhibition stays inhibition under any
training. What lies on no cycle runs with time folded into the batch; the populations of a cycle run step by step, with
every current that comes from outside the cycle computed beforehand.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from typing import Protocol, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msenas.phenotype.lif import Neuron, norse_sequence, sequence
from msenas.phenotype.plan import INPUT, Block, Plan, Synapse

Lif = Callable[[Tensor, Tensor, int, Neuron], tuple[Tensor, Tensor]]
LIF: dict[str, Lif] = {"compiled": sequence, "norse": norse_sequence}
"""Ways to run a neuron over time: the compiled loop, and the eager oracle."""

FULL_INHIBITION = 1.0
"""Mean current withdrawn when every interneuron in a receptive field fires at once, in standard deviations of drive."""


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
    """

    def __init__(self, plan: Plan, seed: int = 0, lif: str = "compiled", surrogate: str = "triangle") -> None:
        super().__init__()
        self.plan = plan
        self.neuron = Neuron.of(plan.spec, surrogate)
        self.run_lif = LIF[lif]
        generator = torch.Generator().manual_seed(weight_seed(plan, seed))
        self.weights = nn.ParameterList([_initial(plan, s, generator) for s in plan.synapses])
        self.norms = nn.ModuleDict({_key(p.name): nn.BatchNorm2d(p.channels) for p in plan.populations})
        channels = plan.by_name[plan.readout[0]].channels
        self.readout = nn.Linear(channels, plan.spec.classes)
        with torch.no_grad():
            bound = 1.0 / math.sqrt(channels)
            self.readout.weight.uniform_(-bound, bound, generator=generator)
            self.readout.bias.zero_()
        self._order = {id(synapse): index for index, synapse in enumerate(plan.synapses)}

    def forward(self, frames: Tensor, observe: Observer | None = None) -> Tensor:
        """Class scores [B, classes], averaged over the time steps.

        Args:
            frames: [T, B, C, H, W], or [1, B, C, H, W] for an input that stays the same.
            observe: called with the spikes of each population.
        """
        steps, batch = self.plan.spec.steps, frames.shape[1]
        signals = _Signals(frames, self.plan)
        for block in self.plan.schedule:
            run = self._run_cycle if block.recurrent else self._run_folded
            for name, spikes in run(block, signals, batch):
                signals.add(name, spikes)
                if observe is not None:
                    observe(name, _by_step(spikes, steps))
            signals.forget(block)
        pooled = _by_step(signals.merged(self.plan.readout), steps).float().mean((0, 3, 4))
        return cast(Tensor, self.readout(pooled))

    def weight(self, synapse: Synapse) -> Tensor:
        """The weight as it acts on spikes [C_out, C_in, k, k]: never positive for an inhibitory synapse."""
        weight: Tensor = self.weights[self._order[id(synapse)]]
        return -weight.abs() if synapse.inhibitory else weight

    def _convolve(self, synapse: Synapse, spikes: Tensor) -> Tensor:
        weight = self.weight(synapse).to(spikes.dtype)
        return F.conv2d(spikes, weight, stride=synapse.stride, padding=synapse.padding)

    def _norm(self, name: str, current: Tensor) -> Tensor:
        return cast(Tensor, self.norms[_key(name)](current))

    def _run_folded(self, block: Block, signals: _Signals, batch: int) -> Iterable[tuple[str, Tensor]]:
        """One population that is on no cycle: all time steps at once."""
        (name,) = block.populations
        drive, inhibition = self._outside(name, block, signals)
        assert drive is not None
        current = _total(self._norm(name, drive), inhibition, batch)
        spikes, _ = self._fire(current, batch, self.plan.spec.steps, None)
        yield name, spikes

    def _run_cycle(self, block: Block, signals: _Signals, batch: int) -> Iterable[tuple[str, Tensor]]:
        """Populations of a cycle, step by step; drive from outside is normalised over all steps at once."""
        steps = self.plan.spec.steps
        inner = {n: [s for s in self.plan.incoming[n] if _inside(s, block)] for n in block.populations}
        drives, inhibitions = {}, {}
        for name in block.populations:
            drive, inhibitions[name] = self._outside(name, block, signals)
            excited_inside = any(not s.inhibitory for s in inner[name])
            drives[name] = drive if excited_inside or drive is None else self._norm(name, drive)
        past: dict[str, Tensor] = {}
        potential: dict[str, Tensor] = {}
        history: dict[str, list[Tensor]] = {n: [] for n in block.populations}
        for t in range(steps):
            now: dict[str, Tensor] = {}
            for name in block.populations:
                drive = _at(drives[name], t, batch)
                inhibition = _at(inhibitions[name], t, batch)
                for synapse in inner[name]:
                    spikes = (past if synapse.delayed else now).get(synapse.sources[0])
                    if spikes is None:
                        continue
                    part = self._convolve(synapse, spikes)
                    if synapse.inhibitory:
                        inhibition = part if inhibition is None else inhibition + part
                    else:
                        drive = part if drive is None else drive + part
                assert drive is not None
                if any(not s.inhibitory for s in inner[name]):
                    drive = self._norm(name, drive)
                current = drive if inhibition is None else drive + inhibition
                now[name], potential[name] = self._fire(current, batch, 1, potential.get(name))
                history[name].append(now[name])
            past = now
        for name in block.populations:
            yield name, torch.cat(history[name]).contiguous(memory_format=torch.channels_last)

    def _outside(self, name: str, block: Block, signals: _Signals) -> tuple[Tensor | None, Tensor | None]:
        """Sums of excitatory and inhibitory convolutions [T*B or B, C, H, W] whose sources are not in the block."""
        sums: dict[bool, Tensor | None] = {False: None, True: None}
        for synapse in self.plan.incoming[name]:
            if _inside(synapse, block):
                continue
            spikes = signals.delayed(synapse.sources) if synapse.delayed else signals.merged(synapse.sources)
            part, before = self._convolve(synapse, spikes), sums[synapse.inhibitory]
            sums[synapse.inhibitory] = part if before is None else _sum(before, part)
        return sums[False], sums[True]

    def _fire(self, current: Tensor, batch: int, steps: int, potential: Tensor | None) -> tuple[Tensor, Tensor]:
        """Run the neurons on a current [T*B or B, C, H, W]; spikes [T*B, C, H, W] and potential [B*H*W*C]."""
        _, channels, height, width = current.shape
        flat = current.permute(0, 2, 3, 1).reshape(current.shape[0] // batch, -1)
        if potential is None:
            potential = torch.zeros(flat.shape[1], device=flat.device)
        spikes, potential = self.run_lif(flat, potential, steps, self.neuron)
        return spikes.view(steps * batch, height, width, channels).permute(0, 3, 1, 2), potential


class _Signals:
    """Spikes of the populations so far, [T*B, C, H, W] in channels-last order, and their sums."""

    def __init__(self, frames: Tensor, plan: Plan) -> None:
        self.batch = frames.shape[1]
        folded = frames.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        self.sums: dict[tuple[str, ...], Tensor] = {(INPUT,): folded}
        rank = {name: i for i, b in enumerate(plan.schedule) for name in b.populations}
        self.last_use: dict[tuple[str, ...], int] = {plan.readout: len(plan.schedule)}
        for synapse in plan.synapses:
            for sources in {synapse.sources, *((name,) for name in synapse.sources)}:
                self.last_use[sources] = max(self.last_use.get(sources, 0), rank[synapse.target])
        for name in plan.readout:
            self.last_use[(name,)] = len(plan.schedule)
        self.rank = rank

    def add(self, name: str, spikes: Tensor) -> None:
        self.sums[(name,)] = spikes

    def merged(self, sources: tuple[str, ...]) -> Tensor:
        """Spikes summed over the sources; computed once per set of sources."""
        if sources not in self.sums:
            first, *others = (self.sums[(name,)] for name in sources)
            self.sums[sources] = sum(others, start=first)
        return self.sums[sources]

    def delayed(self, sources: tuple[str, ...]) -> Tensor:
        """The merged spikes one step later; nothing arrives in the first step."""
        spikes = self.merged(sources)
        return torch.cat([torch.zeros_like(spikes[: self.batch]), spikes[: -self.batch]])

    def forget(self, block: Block) -> None:
        """Drop what no later block reads."""
        done = self.rank[block.populations[0]]
        self.sums = {key: value for key, value in self.sums.items() if self.last_use.get(key, -1) > done}


def weight_seed(plan: Plan, seed: int) -> int:
    """Seed of a network's random weights: a function of the run's seed and the structure."""
    digest = hashlib.sha256(f"{seed}:{plan.digest}".encode()).digest()
    return int.from_bytes(digest[:7], "big")


def _initial(plan: Plan, synapse: Synapse, generator: torch.Generator) -> nn.Parameter:
    """He-normal for excitation (its scale is normalised away); half-normal with a fixed total for inhibition."""
    channels, target = plan.source_channels(synapse), plan.by_name[synapse.target].channels
    fan_in = channels * synapse.kernel**2
    std = math.sqrt(math.pi / 2) * FULL_INHIBITION / fan_in if synapse.inhibitory else math.sqrt(2.0 / fan_in)
    weight = torch.randn(target, channels, synapse.kernel, synapse.kernel, generator=generator) * std
    return nn.Parameter(weight.contiguous(memory_format=torch.channels_last))


def _key(name: str) -> str:
    """A population's name as a key of a module dictionary, which may not hold a dot."""
    return name.replace(".", "_")


def _inside(synapse: Synapse, block: Block) -> bool:
    return any(source in block.populations for source in synapse.sources)


def _sum(a: Tensor, b: Tensor) -> Tensor:
    """Add currents of which one may be static ([B, ...] against [T*B, ...])."""
    if a.shape[0] == b.shape[0]:
        return a + b
    small, large = (a, b) if a.shape[0] < b.shape[0] else (b, a)
    return (_by_step(large, large.shape[0] // small.shape[0]) + small).flatten(0, 1)


def _by_step(folded: Tensor, steps: int) -> Tensor:
    """[T*B, C, H, W] as [T, B, C, H, W], without a copy."""
    return folded.view(steps, -1, *folded.shape[1:])


def _total(drive: Tensor, inhibition: Tensor | None, batch: int) -> Tensor:
    return drive if inhibition is None else _sum(drive, inhibition)


def _at(folded: Tensor | None, t: int, batch: int) -> Tensor | None:
    """Time step t of a folded current, or of a static one."""
    if folded is None:
        return None
    return folded if folded.shape[0] == batch else folded[t * batch : (t + 1) * batch]
