"""Every limit of a chip refuses or approximates one graph and takes another; hand-computed memories of cores."""

from __future__ import annotations

import numpy as np
import pytest

from export.targets.chip import JUDGES, PER_CORE, limits, unjudged
from export.targets.cores import core_layers, placement
from export.targets.finding import worst
from export.targets.table import TARGETS
from export.targets.view import View
from msenas.hardware.capacity import Capacity
from msenas.hardware.profile import load_profile
from tests.export.targets.zoo import ZOO, chain, conv, fire, maps

ALL = {"lif": "exact", "if": "exact"}
CASES = {  # limit: graph, values that refuse it, values that take it
    "neuron_models": ("chain", {"if": "exact"}, ALL),
    "resets": ("reset", {"zero": "exact"}, None),
    "encodings": ("told", {"events": "exact"}, {"direct": "exact"}),
    "recurrence": ("feedback", False, True),
    "convolutions": ("chain", False, True),
    "merging": ("skip", False, True),
    "delay_steps": ("feedback", (0, 0), (0, 4)),
    "kernels": ("chain", (1, 5), (1, 3)),
    "strides": ("chain", (2,), (1, 2)),
    "padding_max": ("chain", 0, 1),
    "input_sides": ("chain", (1, 5), (1, 6)),
    "inputs_max": ("chain", 71, 72),
    "outputs_max": ("chain", 4, 5),
    "channels_max": ("chain", 4, 5),
    "map_side_max": ("chain", 5, 6),
    "synapses_per_population_max": ("branch", 1, 2),
    "destinations_max": ("branch", 1, 2),
    "neurons_max": ("chain", 148, 149),
    "memory_bits_max": ("chain", 400, 401),
    "readout_pooling": ("chain", (1, 4), (1, 2)),
    "cores": ("chain", 1, 2),
}
APPROXIMATED = {  # limit: graph, values that change its spikes, values that do not
    "neuron_models": ("chain", {"lif": "slower"}, ALL),
    "resets": ("chain", {"zero": "subtracted"}, {"zero": "exact"}),
    "delay_steps": ("branch", (1, 1), (1, 2)),
    "weight_bits": ("chain", (8, 8), None),
    "state_bits": ("chain", 16, None),
}


def capacity(limit, value):
    both = (
        {"kernel_words_per_core": (4096,) * value, "neuron_words_per_core": (4096,) * value} if limit == "cores" else {}
    )
    return Capacity(source="test", **{limit: value}, **both)


def level(graph, limit, value):
    subject = chain({"encoding": "direct"}) if graph == "told" else ZOO[graph]()
    return worst(finding.level for finding in limits(capacity(limit, value))(View(subject)))


def test_every_limit_has_a_case():
    assert set(CASES) | set(APPROXIMATED) == set(JUDGES)


@pytest.mark.parametrize("limit", CASES)
def test_a_limit_refuses_and_takes(limit):
    graph, refused, taken = CASES[limit]
    assert level(graph, limit, refused) == "error"
    assert taken is None or level(graph, limit, taken) == "exact"


@pytest.mark.parametrize("limit", APPROXIMATED)
def test_a_limit_changes_spikes(limit):
    graph, changing, harmless = APPROXIMATED[limit]
    assert level(graph, limit, changing) == "approximated"
    assert harmless is None or level(graph, limit, harmless) == "exact"


def test_a_loop_on_a_clocked_chip_comes_late():
    assert level("feedback", "delay_steps", (1, 1)) == "approximated"
    assert level("chain", "delay_steps", (1, 1)) == "exact"


def test_weights_on_the_grid_of_the_chip_are_not_rounded():
    subject = chain()
    for node in (subject.nodes["n0_conv"], subject.nodes["n4_affine"]):
        rows = node.weight.reshape(len(node.weight), -1)
        scale = np.abs(rows).max(axis=1, keepdims=True) / 127
        node.weight = (np.rint(rows / scale) * scale).astype(np.float32).reshape(node.weight.shape)
    rule = limits(Capacity(source="test", weight_bits=(8, 8)))
    assert list(rule(View(subject))) == []
    assert {f.node for f in limits(Capacity(source="test", weight_bits=(4, 4)))(View(subject))} == {
        "n0_conv",
        "n4_affine",
    }


def test_memories_of_cores_by_hand():
    """4 x 6 x 6 neurons: 4 * 2^(3 + 3); 2 channels, 3 x 3, to 4: 2 * 2^(4 + 2); a dense layer is a 3 x 3 kernel."""
    first, second = core_layers(View(chain()))
    assert (first.name, first.kernel_words, first.neuron_words, first.biases) == ("n1_lif", 128, 256, 4)
    assert (second.name, second.kernel_words, second.neuron_words, second.biases) == ("n5_lif", 512, 5, 5)


def test_a_read_out_without_neurons_takes_a_core_too():
    assert [layer.name for layer in core_layers(View(ZOO["currents"]()))] == ["n1_lif", "n4_affine"]


def cores(kernel, neuron, **more):
    return Capacity(
        source="test", cores=len(kernel), kernel_words_per_core=kernel, neuron_words_per_core=neuron, **more
    )


@pytest.mark.parametrize(
    ("kernel", "neuron", "words"),
    [
        ((127, 512), (256, 5), "n1_lif: only 0 cores are large enough for them"),
        ((128, 511), (256, 5), "512 words of kernel memory; the largest core has 511"),
        ((128, 512), (255, 5), "256 words of neuron memory; the largest core has 255"),
        ((128,), (256,), "512 words of kernel memory"),
        ((512,), (256,), "2 layers; the chip has 1 cores"),
    ],
)
def test_what_just_does_not_fit(kernel, neuron, words):
    found = [finding.reason for finding in limits(cores(kernel, neuron))(View(chain()))]
    assert any(words in reason for reason in found)


def test_what_just_fits_gets_its_core():
    chip = cores((512, 128), (5, 256), biases_per_core=5)
    assert list(limits(chip)(View(chain()))) == []
    assert placement(View(chain()), chip) == {"n1_lif": 1, "n5_lif": 0}
    (found,) = limits(cores((512, 128), (5, 256), biases_per_core=4))(View(chain()))
    assert found.reason == "5 biases; the largest core has 4"


def test_a_chip_without_such_cores_places_nothing():
    assert placement(View(chain()), Capacity(source="test", cores=4)) == {}


@pytest.mark.parametrize("target", [name for name, row in TARGETS.items() if row.profile])
def test_every_published_limit_of_a_target_is_judged_or_named(target):
    chip = load_profile(TARGETS[target].profile).capacity
    named = " ".join(unjudged(chip))
    from msenas.hardware.fit import RULES

    for limit, rule in RULES.items():
        judged = limit in JUDGES and (limit != "cores" or chip.kernel_words_per_core)
        judged = judged or (limit in PER_CORE and chip.kernel_words_per_core)
        if limit not in chip.no_limit and not (judged and getattr(chip, limit) is not None):
            assert rule.title in named


def test_speck_takes_a_small_network_of_integrators_and_assigns_its_cores():
    nodes = {"n0_conv": conv(0), "n1_if": fire(), "n2_conv": conv(2, 4), "n3_if": fire()}
    subject = maps(nodes, "input n0_conv n1_if n2_conv n3_if output", told={"encoding": "events"})
    chip = load_profile("speck2f").capacity
    assert worst(f.level for f in limits(chip)(View(subject))) == "approximated"
    assert sorted(placement(View(subject), chip)) == ["n1_if", "n3_if"]


def test_a_dense_layer_of_single_values_is_a_kernel_of_one_pixel():
    subject = ZOO["dense"]()
    first = core_layers(View(subject))[0]
    assert (first.kernel_words, first.kernel) == (8 << 3, 1)
