from __future__ import annotations

import io
import re

import pytest
from hypothesis import given, settings
from rich.console import Console

from msenas.genotype.genome import Genome
from msenas.phenotype.decode import decode
from msenas.phenotype.outline import absent_layers, outline
from tests.conftest import motif_genome, motif_plan, small_spec
from tests.phenotype.plans import NON_EMPTY, connected


def plain(tree) -> str:
    console = Console(file=io.StringIO(), width=120)
    console.print(tree)
    return console.file.getvalue()


def test_one_layer_reads_as_written_here():
    """285 = 36 + 36 + 144 + 36 weights, 2 (4 + 4 + 1) for the norms, 3 (4 + 1) for the read-out."""
    text = plain(outline(motif_plan("FbI")))
    assert text == (
        "input 1x8x8, direct encoding, T = 3, 3 classes, lif, tau 2, v_th 0.5\n"
        "285 parameters, 576 neurons, depth 2\n"
        "├── layer 1 · FbI, feedback inhibition · 8x8, width 4\n"
        "│   ├── E1  4x8x8, 256 neurons\n"
        "│   │   ├── in (input) -> E1  3x3, 36 weights\n"
        "│   │   └── I1[t-1] -| E1  3x3, 36 weights\n"
        "│   ├── E2  4x8x8, 256 neurons\n"
        "│   │   └── E1 -> E2  3x3, 144 weights\n"
        "│   └── I1  1x8x8, 64 neurons\n"
        "│       └── E2 -> I1  3x3, 36 weights\n"
        "└── read-out · L1.E1+L1.E2, mean over map and time -> 3 classes, 12 weights\n"
    )


@pytest.mark.parametrize("soft_wrap", [False, True])
def test_nothing_is_cut_off_on_a_narrow_console(soft_wrap):
    genome = motif_genome(*["empty"] * 5, "FE")
    console = Console(file=io.StringIO(), width=60, soft_wrap=soft_wrap)
    console.print(outline(decode(genome, small_spec(6, reductions=())), genome))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert "layer 5 of the genome (bypassed)" in " ".join("".join(lines).split())


def test_summed_sources_stride_and_cross_layer():
    text = plain(outline(decode(motif_genome("FE", "FE", "FE", cross=2), small_spec(3))))
    assert "in (L1.E1+L1.E2) -> E1  3x3 stride 2, 288 weights" in text
    assert "cross-layer (L1.E1+L1.E2) -> E1  3x3 stride 2, 288 weights" in text


def test_layers_that_are_not_in_the_network_are_named():
    genome = motif_genome("empty", "FE", "FE")
    silent = {"motif": "FI", "synapses": {}}
    readable = {"layers": [*genome.readable()["layers"], silent], "cross": {"layers": 1, "kernel": "3x3"}}
    spec = small_spec(4, reductions=())
    assert absent_layers(decode(motif_genome("FE", "FE", "FE", "FE"), spec), motif_genome(*["FE"] * 4)) == []
    plan = decode(Genome.from_readable(readable | {"layers": readable["layers"][:3]}), small_spec(3, reductions=()))
    text = plain(outline(plan, genome))
    assert "layer 1 · FE, feed-forward excitation · 8x8, width 4  (layer 2 of the genome)" in text
    assert text.endswith("└── not in the network: layer 1 of the genome (bypassed)\n")
    assert "not in the network" not in plain(outline(plan))


def test_dead_layer_is_called_dead():
    layers = motif_genome("FE", "FE", "FE", cross=2).readable()["layers"]
    layers[1] = {"motif": "LI", "synapses": {"in->E2": "3x3"}}
    layers[2]["synapses"] = {"E1->E2": "3x3"}
    genome = Genome.from_readable({"layers": layers, "cross": {"layers": 2, "kernel": "5x5"}})
    assert absent_layers(decode(genome, small_spec(3)), genome) == ["layer 2 of the genome (LI, dead)"]


def test_inhibition_is_blue_and_a_cross_layer_synapse_magenta():
    tree = outline(decode(motif_genome("FI", "FE", "FE", cross=2), small_spec(3)))
    styles = {
        str(leaf.label).split("  ")[0]: str(leaf.label.spans[0].style)
        for layer in tree.children
        for population in layer.children
        for leaf in population.children
        if leaf.label.spans
    }
    assert styles == {"I1 -| E1": "blue", "cross-layer (L1.E1+L1.E2) -> E1": "magenta"}


@pytest.mark.parametrize("motif", NON_EMPTY)
def test_every_motif_has_all_its_synapses_in_colour_and_in_plain_text(motif):
    plan = motif_plan(motif, motif)
    assert len(re.findall(r"-> [EI]\d|-\| [EI]\d", plain(outline(plan)))) == len(plan.synapses)


@settings(max_examples=30)
@given(connected())
def test_every_population_and_weight_of_any_network_is_listed(case):
    genome, _, plan = case
    text = plain(outline(plan, genome))
    neurons = [int(n.replace(",", "")) for n in re.findall(r"[EI]\d  \S+, ([\d,]+) neurons", text)]
    weights = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) weights", text)]
    norms = sum(2 * p.channels for p in plan.populations if any(not s.inhibitory for s in plan.incoming[p.name]))
    assert sum(neurons) == plan.neurons
    assert sum(weights) == plan.parameters - norms - plan.spec.classes
