"""Rules about cores and their memories, for both kinds of chips: see `layer_cores` and `shared_cores`."""

from __future__ import annotations

from msenas.hardware.fit.case import Case
from msenas.hardware.fit.finding import Verdict, at_most, within
from msenas.hardware.fit.layer_cores import READOUT, shortage
from msenas.hardware.fit.totals import SMALLER


def kernel_words_per_core(case: Case, limit: tuple[int, ...]) -> Verdict:
    """Each layer's kernel fits the largest kernel memory."""
    words = ((layer.kernel_words, layer.name) for layer in case.core_layers)
    return at_most(words, max(limit), "fewer --channels, 3x3 kernels")


def neuron_words_per_core(case: Case, limit: tuple[int, ...]) -> Verdict:
    """Each layer's neurons fit the largest neuron memory."""
    words = ((layer.neuron_words, layer.name) for layer in case.core_layers)
    return at_most(
        words, max(limit), "a smaller input (--size: sides of a power of two waste nothing), fewer --channels"
    )


def biases_per_core(case: Case, limit: int) -> Verdict:
    """Each layer's biases (its folded batch norm) fit."""
    return at_most(((layer.biases, layer.name) for layer in case.core_layers), limit, "fewer --channels")


def readout_pooling(case: Case, poolings: tuple[int, ...]) -> Verdict:
    """The read-out is a layer whose kernel covers the pooled map; its classes become spiking neurons."""
    readout = [layer for layer in case.core_layers if layer.name == READOUT]
    if not readout:
        return Verdict("pass")
    side, most = readout[0].kernel, max(case.capacity.kernels or (readout[0].kernel,))
    if side > most:
        return Verdict("fail", side, most, side / most, READOUT, "more reductions (--layers) or a smaller --size")
    text = f"spiking neurons on maps that are sum-pooled by {readout[0].pooling}, their spikes counted"
    return Verdict("approximated", side, most, side / most, instead=text)


def _assign(case: Case) -> Verdict:
    """Every layer gets a core of its own that holds it."""
    layers, cores = case.core_layers, case.capacity.cores or 0
    if len(layers) > cores:
        return at_most([(len(layers), "layers")], cores, "fewer --layers, or layers with one live E population")
    found = case.assignment
    if len(found) == len(layers):
        return Verdict("pass", len(layers), cores, len(layers) / cores)
    rivals, places = shortage(layers, case.capacity, found)
    names = ", ".join(layer.name for layer in rivals)
    where = f"{names}, for which {len(places)} cores are large enough"
    return Verdict("fail", len(layers), cores, where=where, advice="fewer --channels or another resolution for them")


def neurons_per_core(case: Case, limit: int) -> Verdict:
    """Neurons of the fullest core."""
    return within(((share.block.neurons, share.name) for share in case.shares), limit, "")


def synaptic_memory_bits_per_core(case: Case, limit: int) -> Verdict:
    """Synaptic memory of the fullest core."""
    return within(((s.block.memory_bits, s.name) for s in case.shares), limit, "fewer --channels, 3x3 kernels")


def input_axons_per_core(case: Case, limit: int) -> Verdict:
    """Input axons of the fullest core."""
    return within(((s.block.input_axons, s.name) for s in case.shares), limit, "fewer --channels, 3x3 kernels")


def output_axons_per_core(case: Case, limit: int) -> Verdict:
    """Output axons of the fullest core."""
    return within(((s.block.output_axons, s.name) for s in case.shares), limit, "fewer --channels, 3x3 kernels")


def cores(case: Case, limit: int) -> Verdict:
    """The network needs no more cores than the chip has."""
    if case.capacity.kernel_words_per_core:
        return _assign(case)
    if not case.shares:
        return Verdict("unchecked", limit=limit, where="how many neurons a core holds was not published")
    needed = sum(share.cores for share in case.shares)
    return at_most([(needed, "")], limit, f"{-(-needed // limit)} chips, or {SMALLER}")


def mapping(case: Case) -> dict[str, str]:
    """What each population takes, in words; empty where the cores of the chip are not known."""
    if case.capacity.kernel_words_per_core:
        found = case.assignment
        return {layer.name: f"on {found[i]}" for i, layer in enumerate(case.core_layers) if i in found}
    sizes = {s.name: f"{s.block.channels}x{s.block.height}x{s.block.width}" for s in case.shares}
    return {s.name: f"on {s.cores} of {sizes[s.name]}" for s in case.shares}
