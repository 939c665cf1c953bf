"""A Plan run the plain Norse way: lifted convolutions, eager LIFBox cells, one time step after the other.

It shares nothing with msenas but the Plan, the weights and the normalisation statistics, and serves as the yardstick of
the timings and as a judge of the spikes.
"""

from __future__ import annotations

import torch
from norse.torch import LIFBoxCell, Lift
from norse.torch.functional.lif_box import LIFBoxParameters
from torch import Tensor, nn

from msenas.phenotype.network import Network
from msenas.phenotype.plan import INPUT, Plan, Synapse


class PlainNorse(nn.Module):
    """The same network as `network`, which must have seen a batch so that its running statistics are set.

    Args:
        network: its plan, weights and statistics are taken.
        surrogate: name of Norse's surrogate gradient for a network that is trained; None for inference alone.
    """

    def __init__(self, network: Network, surrogate: str | None = None) -> None:
        super().__init__()
        self.plan = network.plan
        spec = self.plan.spec
        method = {} if surrogate is None else {"method": surrogate, "alpha": torch.tensor(1.0)}
        p = LIFBoxParameters(tau_mem_inv=torch.tensor(1.0 / spec.tau), v_th=torch.tensor(spec.v_th), **method)
        self.convs = nn.ModuleList([_conv(self.plan, s, network.weight(s)) for s in self.plan.synapses])
        self.norms = nn.ModuleDict()
        for population in self.plan.populations:
            theirs = network.norms[population.name.replace(".", "_")]
            norm = nn.BatchNorm2d(population.channels, eps=theirs.eps)
            norm.load_state_dict(theirs.state_dict())
            self.norms[population.name.replace(".", "_")] = norm.eval()
        self.cell = LIFBoxCell(p, dt=1.0)
        if surrogate is not None:
            self.train().requires_grad_(True)

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """Spikes [T, B, C, H, W] of every population for frames [T, B, C, H, W]."""
        spikes = {INPUT: frames}
        for block in self.plan.schedule:
            if block.recurrent:
                self._cycle(block.populations, spikes)
            else:
                self._layer(block.populations[0], spikes)
        del spikes[INPUT]
        return spikes

    def _layer(self, name: str, spikes: dict[str, Tensor]) -> None:
        sums: dict[bool, Tensor | int] = {False: 0, True: 0}
        for synapse, conv in self._incoming(name):
            merged = sum(spikes[source] for source in synapse.sources)
            if synapse.delayed:
                merged = torch.cat([torch.zeros_like(merged[:1]), merged[:-1]])
            sums[synapse.inhibitory] = sums[synapse.inhibitory] + Lift(conv)(merged)
        drive = Lift(self.norms[name.replace(".", "_")])(sums[False])
        spikes[name], _ = Lift(self.cell)(drive + sums[True])

    def _cycle(self, names: tuple[str, ...], spikes: dict[str, Tensor]) -> None:
        steps = self.plan.spec.steps
        history: dict[str, list[Tensor]] = {name: [] for name in names}
        states = dict.fromkeys(names)
        for t in range(steps):
            for name in names:
                sums: dict[bool, Tensor | int] = {False: 0, True: 0}
                for synapse, conv in self._incoming(name):
                    at = t - synapse.delayed
                    if at >= 0:
                        merged = sum(history[s][at] if s in history else spikes[s][at] for s in synapse.sources)
                        sums[synapse.inhibitory] = sums[synapse.inhibitory] + conv(merged)
                drive = self.norms[name.replace(".", "_")](sums[False])
                z, states[name] = self.cell(drive + sums[True], states[name])
                history[name].append(z)
        spikes |= {name: torch.stack(trains) for name, trains in history.items()}

    def _incoming(self, name: str) -> list[tuple[Synapse, nn.Module]]:
        return [(s, c) for s, c in zip(self.plan.synapses, self.convs, strict=True) if s.target == name]


def _conv(plan: Plan, synapse: Synapse, weight: Tensor) -> nn.Conv2d:
    channels = plan.source_channels(synapse)
    conv = nn.Conv2d(
        channels, weight.shape[0], synapse.kernel, synapse.stride, synapse.padding, bias=False
    ).requires_grad_(False)
    conv.weight.data = weight.detach().contiguous()
    return conv
