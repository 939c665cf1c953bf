"""What costs energy, as a table: which load is paid for by which kind of price."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cause:
    """Something that costs energy.

    Attributes:
        load: name of the load (see `workload`).
        kinds: kinds of price that can pay for it; the first one of the profile does.
        group: what it is part of in a picture.
        spiking: whether an all-in price of a spiking run already contains it.
        optional: whether a profile without a price for it simply does not deal with it.
    """

    load: str
    kinds: tuple[str, ...]
    group: str
    spiking: bool = True
    optional: bool = False


CAUSES: tuple[Cause, ...] = (
    Cause("synops", ("synop", "ac", "all_in_synop"), "synapses"),
    Cause("updates_active", ("update_active", "update"), "neurons"),
    Cause("updates_idle", ("update_idle", "update"), "neurons"),
    Cause("spikes", ("spike_out", "all_in_spike"), "spikes"),
    Cause("messages", ("message",), "traffic"),
    Cause("hops_ew", ("hop_ew", "hop"), "traffic"),
    Cause("hops_ns", ("hop_ns", "hop"), "traffic"),
    Cause("chip_crossings", ("chip_crossing",), "traffic"),
    Cause("sram_8k", ("sram_8k_64b",), "memory"),
    Cause("sram_32k", ("sram_32k_64b",), "memory"),
    Cause("sram_1m", ("sram_1m_64b",), "memory"),
    Cause("macs_input", ("mac",), "analog input", spiking=False),
    Cause("macs_readout", ("mac",), "read-out", spiking=False),
    Cause("macs_dense", ("all_in_mac", "mac"), "dense arithmetic", spiking=False),
    Cause("io_steps", ("io_step",), "input and output", optional=True),
    Cause("barriers", ("barrier",), "synchronisation", optional=True),
    Cause("clock_cycles", ("clock_cycle",), "static", optional=True),
    Cause("chip_seconds", ("static_chip",), "static"),
)

LEFT_OUT: dict[str, str] = {
    "chip_seconds": "static power: needs the time of an inference",
    "messages": "messages and hops: need cores in the profile and the placement on them",
    "io_steps": "input and output: depend on the board, not on the network",
}
"""Loads that may be missing, with what that leaves out."""

DENSE = "macs_dense"
"""The load of a processor that computes every synapse in every time step."""
VARYING = ("synapses", "spikes", "traffic", "memory")
"""Groups of causes that depend on the sample."""
