"""The targets: what each is, how a file for it is written, and its rules.

The limits of chips come from their hardware profiles. Everything else was found out by running or reading the tool that
`evidence` names; docs/peers.md shows what the simulators make of exported networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import nir

from export.targets import parameters as par
from export.targets import spinnaker2
from export.targets import structure as at
from export.targets.finding import Rule

NO_RESET = "potentials are always reset to 0"
NO_LEAK = "potentials always decay to 0"
CONVOLUTIONS: tuple[Rule, ...] = (par.ungrouped, par.square_kernels)
"""What NIR's own type check demands of convolutions."""
WIRED: tuple[Rule, ...] = (at.flat, at.ends, at.wirable, par.plain_pooling, *CONVOLUTIONS)
"""Rules of all readers that have nirtorch wire the graph."""


@dataclass(frozen=True)
class Target:
    """Something that a graph is written for.

    Attributes:
        title: what it is.
        evidence: where the rules come from.
        convention: how the exporter writes files for it.
        rules: what is checked.
        profile: name of the hardware profile with the limits of the chip; None for simulators and compilers.
    """

    title: str
    evidence: str
    convention: str
    rules: tuple[Rule, ...]
    profile: str | None = None


TARGETS: Mapping[str, Target] = {
    "portable": Target(
        "what Norse, snnTorch, SpikingJelly and nirtorch all read with the same spikes",
        "run with norse 1.1.0, snntorch 1.0.0, spikingjelly 2.0.0, nirtorch 2.6",
        "portable",
        (
            *WIRED,
            at.order,
            at.types(
                "Conv2d",
                "Affine",
                "SumPool2d",
                "Flatten",
                "LIF",
                wrong={"IF": "snnTorch reads IF as a leaky neuron, and readers disagree about its r"},
            ),
            par.numeric_padding,
            par.zero("v_leak", nir.LIF, reason="SpikingJelly and snnTorch have no such leak"),
            par.zero("v_reset", nir.LIF, reason="Norse and snnTorch reset to 0"),
            par.uniform("tau", "r", "v_threshold", "v_leak", "v_reset"),
            par.time_step("tau/dt"),
            par.slower_than_a_step,
            par.grid_threshold,
            at.no_dense_self_loops,
            at.wiring_note,
        ),
    ),
    "norse": Target(
        "Norse 1.1.0, its modules wired by nirtorch as docs/peers.md shows",
        "run with norse 1.1.0 and nirtorch 2.6",
        "norse",
        (
            *WIRED,
            at.types("Conv2d", "Affine", "Linear", "SumPool2d", "AvgPool2d", "Flatten", "IF", "LIF", "CubaLIF"),
            par.unit_gain("norse"),
            par.if_gain(1.0, 1.0 / par.DT, otherwise="r is ignored, and inputs are added as they are"),
            par.zero("v_reset", nir.LIF, nir.IF, nir.CubaLIF, reason=NO_RESET),
            par.zero("v_leak", nir.LIF, nir.CubaLIF, reason="potentials begin at it and not at 0"),
            at.wiring_note,
        ),
    ),
    "snntorch": Target(
        "snnTorch 1.0.0 (import_from_nir)",
        "run with snntorch 1.0.0 and nirtorch 2.6",
        "portable",
        (
            *WIRED,
            at.types(
                "Conv2d",
                "Affine",
                "Linear",
                "SumPool2d",
                "AvgPool2d",
                "Flatten",
                "LIF",
                "CubaLIF",
                wrong={"IF": "IF becomes a leaky neuron with beta 0.9, whose state is lost"},
            ),
            par.zero("v_leak", nir.LIF, nir.CubaLIF, reason=NO_LEAK),
            par.zero("v_reset", nir.LIF, nir.CubaLIF, reason=NO_RESET),
            par.uniform("v_threshold"),
            par.time_step("either"),
            par.slower_than_a_step,
            at.no_dense_self_loops,
        ),
    ),
    "spikingjelly": Target(
        "SpikingJelly 2.0.0 (import_from_nir)",
        "run with spikingjelly 2.0.0 and nirtorch 2.6",
        "portable",
        (
            *WIRED,
            at.types("Conv2d", "Affine", "Linear", "SumPool2d", "AvgPool2d", "Flatten", "IF", "LIF", "CubaLIF"),
            par.uniform("tau", "r", "v_threshold", "v_leak", "v_reset"),
            par.equal_leak_and_reset,
            par.time_step("either", option="dt"),
            par.slower_than_a_step,
            par.if_gain(1.0 / par.DT, otherwise="it is refused"),
            par.grid_threshold,
        ),
    ),
    "sinabs": Target(
        "sinabs 3.1.3 (from_nir) with nir 1.0.4, loaded as docs/peers.md shows",
        "run with sinabs 3.1.3 and nir 1.0.4",
        "sinabs",
        (
            at.flat,
            at.ends,
            at.depth_first,
            at.types(
                "Conv2d",
                "Affine",
                "SumPool2d",
                "Flatten",
                "IF",
                "LIF",
                wrong=dict.fromkeys(("Linear", "AvgPool2d", "Scale"), "the node is left out without a message"),
            ),
            par.ungrouped,
            par.plain_pooling,
            par.steps_as_time("sinabs"),
            par.if_gain(1.0, 1.0 / par.DT, otherwise="r is ignored, and inputs are added as they are"),
            par.zero("v_leak", nir.LIF, reason="sinabs refuses it"),
            par.zero("v_reset", nir.LIF, nir.IF, reason="nir 1.0.4 cannot read it"),
            par.sinabs_loading,
            par.grid_threshold,
        ),
    ),
    "speck": Target(
        "SynSense Speck 2f through sinabs and samna",
        "limits of the hardware profile; the tools were read, and not run with the chip",
        "chip",
        (
            at.flat,
            at.ends,
            at.types("Conv2d", "Affine", "Linear", "SumPool2d", "Flatten", "IF", "LIF"),
            at.firing_output,
            at.first_synapse,
            at.synapse_then_neuron,
            at.no_direct_spikes,
            par.ungrouped,
            par.undilated,
            par.joined_pooling,
            par.uniform("v_threshold"),
        ),
        "speck2f",
    ),
    "spinnaker2": Target(
        "SpiNNaker 2 through the NIR reader of py-spinnaker2",
        "read, not run: the package is not in a public registry",
        "chip",
        (
            at.flat,
            at.ends,
            at.types("Conv2d", "Affine", "Linear", "SumPool2d", "AvgPool2d", "Flatten", "IF", "LIF", "CubaLIF"),
            at.firing_output,
            at.synapse_then_neuron,
            at.no_direct_spikes,
            par.ungrouped,
            par.undilated,
            par.joined_pooling,
            spinnaker2.no_late_convolutions,
            par.no_bias(nir.Conv2d, reason="a bias for each channel has no place: one synapse has one bias per neuron"),
            spinnaker2.last_bias,
            spinnaker2.options,
        ),
        "spinnaker2",
    ),
    "lava-dl": Target(
        "Loihi 2 through the NIR reader for lava-dl, which is a script beside NIR",
        "read, not run: the script needs Python 3.10",
        "chip",
        (
            at.flat,
            at.ends,
            at.chain("branches are not followed", self_loops=True),
            at.types(
                "Conv2d",
                "Affine",
                "Linear",
                "SumPool2d",
                "Flatten",
                "IF",
                "CubaLIF",
                wrong={"LIF": "LIF is not implemented"},
            ),
            at.firing_output,
            par.no_bias(nir.Conv2d, reason="convolutions have no bias"),
            par.uniform("v_threshold", "tau_mem", "tau_syn"),
        ),
        "loihi2",
    ),
    "xylo": Target(
        "SynSense Xylo Audio 2 through Rockpool",
        "NIR reader and mapper of rockpool 3.1.0, read",
        "chip",
        (
            at.flat,
            at.ends,
            at.types(
                "Affine",
                "Linear",
                "CubaLIF",
                wrong={
                    "LIF": "Rockpool fails on LIF; its neurons have synapses that decay",
                    "Conv2d": "Rockpool reads no convolutions",
                },
            ),
            at.first_synapse,
            at.synapse_then_neuron,
            at.firing_output,
            par.no_bias(nir.Affine, reason="synapses have no bias"),
        ),
        "xylo-audio2",
    ),
    "snn-mlir": Target(
        "C and other code through snn-mlir 1.0.0",
        "run: its own check of graphs; the compiled code was not run",
        "portable",
        (
            at.flat,
            at.ends,
            at.named_ends,
            at.chain("only networks in a row are compiled", self_loops=True),
            at.types(
                "Conv1d",
                "Conv2d",
                "Affine",
                "Linear",
                "SumPool2d",
                "AvgPool2d",
                "Flatten",
                "CubaLIF",
                "CubaLI",
                "LIF",
                "LI",
                "IF",
                "I",
            ),
            par.ungrouped,
            par.square_kernels,
            par.undilated,
            par.numeric_padding,
            par.zero("v_leak", nir.LIF, nir.CubaLIF, nir.LI, reason=NO_LEAK),
            par.zero("v_reset", nir.LIF, nir.IF, nir.CubaLIF, reason=NO_RESET),
            par.uniform("tau", "r", "v_threshold"),
            par.full_gain,
            par.if_gain(1.0, otherwise="it is refused"),
        ),
    ),
}
"""Target for each name that `--target` takes."""
