"""What a network is besides its genome: input, classes, time steps, widths, neuron, encoding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msenas.errors import InputError

Neuron = Literal["lif", "if"]
Encoding = Literal["direct", "poisson", "latency", "events"]

SMALLEST_SIDE = 4
"""No feature map is reduced below this many pixels."""
MOST_REDUCTIONS = 12
INTERNEURON_SHARE = 4
"""Principal neurons per interneuron: the cortical ratio of about 4 : 1."""


@dataclass(frozen=True)
class NetworkSpec:
    """Everything that, with a genome, fixes a network's structure and dynamics.

    Attributes:
        input_shape: channels, height and width of one frame.
        classes: number of classes of the read-out.
        layers: layers of the genomes that this spec is used with.
        steps: time steps T.
        channels: width C of the principal populations before the first reduction.
        reductions: layers (from 0) whose entering synapses halve the resolution and double the width.
        neuron: "lif", v <- v + (I - v) / tau; or "if", v <- v + I.
        tau: membrane time constant in time steps (only "lif").
        v_th: threshold; the potential is reset to 0.
        encoding: how an image becomes T frames; "events" frames are fed as they are.
    """

    input_shape: tuple[int, int, int]
    classes: int
    layers: int
    steps: int = 4
    channels: int = 16
    reductions: tuple[int, ...] = ()
    neuron: Neuron = "lif"
    tau: float = 2.0
    v_th: float = 0.5
    encoding: Encoding = "direct"

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3:
            raise InputError(f"input_shape is channels, height and width, not {list(self.input_shape)}")
        positive = {"classes": self.classes, "layers": self.layers, "steps": self.steps}
        positive |= dict(zip(("input channels", "height", "width"), self.input_shape, strict=True))
        for name, value in positive.items():
            if not 1 <= value <= 1 << 16:
                raise InputError(f"{name} must be 1 to 65536, not {value}")
        if not 1 <= self.channels <= 4096 or self.channels % INTERNEURON_SHARE:
            raise InputError(f"channels must be a multiple of {INTERNEURON_SHARE}, not {self.channels}")
        allowed_layers = set(range(self.layers))
        if len(set(self.reductions)) != len(self.reductions) or not set(self.reductions) <= allowed_layers:
            raise InputError(f"reductions {list(self.reductions)} must be different layers of 0..{self.layers - 1}")
        if len(self.reductions) > MOST_REDUCTIONS:
            raise InputError(f"at most {MOST_REDUCTIONS} reductions are possible, not {len(self.reductions)}")
        for name, allowed in {
            "neuron": ("lif", "if"),
            "encoding": ("direct", "poisson", "latency", "events"),
        }.items():
            if getattr(self, name) not in allowed:
                raise InputError(f"{name} must be one of {', '.join(allowed)}, not {getattr(self, name)!r}")
        if not 1.0 <= self.tau < float("inf"):
            raise InputError(f"tau is in time steps and must be at least 1, not {self.tau}")
        if not 0 < self.v_th < float("inf"):
            raise InputError(f"v_th must be positive, not {self.v_th}")


def default_reductions(layers: int, side: int) -> tuple[int, ...]:
    """Layers l/4, l/2 and 3l/4 (as in the MSE-NAS code), as long as the map stays SMALLEST_SIDE pixels wide.

    Args:
        layers: number of layers of the genome.
        side: smaller side of the input in pixels.
    """
    chosen: list[int] = []
    for layer in sorted({layers // 4, layers // 2, 3 * layers // 4} - {0}):
        side = -(-side // 2)
        if side < SMALLEST_SIDE:
            break
        chosen.append(layer)
    return tuple(chosen)
