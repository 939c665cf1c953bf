"""Every rule of every target finds something in the zoo and lets the plain graphs pass."""

from __future__ import annotations

import pytest

from export.check import check
from export.nir_write import CONVENTIONS
from export.targets.table import TARGETS
from export.targets.view import View
from msenas.hardware.profile import profile_names
from tests.export.targets.zoo import ZOO

RULES = [pytest.param(rule, id=f"{name}-{i}") for name, t in TARGETS.items() for i, rule in enumerate(t.rules)]
NAMES = "portable norse snntorch spikingjelly sinabs speck spinnaker2 lava-dl xylo snn-mlir"
VERDICTS = {  # the worst level of each target, in the order of NAMES: exact, approximated or error
    "chain": "e x e e x x x x x e",
    "if": "x e x x e a x x x e",
    "if_per_second": "x e x e e a x x x x",
    "if_twice": "x x x x x a x x x x",
    "endless": "e x e e x x x x x e",
    "unit_gain": "x e e e x x x x x x",
    "unit_gain_told": "x e x e x x x x x x",
    "steps_of_sinabs": "x e e e e x x x x x",
    "average": "x x e e x x x x x e",
    "branch": "e x e e x x x x x x",
    "skip": "e x e e x x x x x x",
    "feedback": "e x e e x x x x x e",
    "long_feedback": "e x e e x x x x x x",
    "dense": "x e e e x x a a a e",
    "grid": "a x e a x x x x x e",
}
LEVELS = {"e": "exact", "a": "approximated", "x": "error"}


def test_the_targets_are_those_of_the_export():
    assert list(TARGETS) == NAMES.split()


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_names_a_convention_and_a_profile_that_exist(name):
    target = TARGETS[name]
    assert target.convention in CONVENTIONS
    assert target.profile is None or target.profile in profile_names()
    assert target.title
    assert target.evidence


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_finds_something_and_not_everywhere(rule):
    found = {name: list(rule(View(make()))) for name, make in ZOO.items()}
    assert any(found.values())
    assert not all(found.values())
    assert all(finding.reason for findings in found.values() for finding in findings)


@pytest.mark.parametrize("graph", VERDICTS)
def test_verdicts(graph):
    found = {name: check(ZOO[graph](), name).level for name in TARGETS}
    assert found == {n: LEVELS[v] for n, v in zip(NAMES.split(), VERDICTS[graph].split(), strict=True)}


@pytest.mark.parametrize("graph", ZOO)
@pytest.mark.parametrize("target", TARGETS)
def test_any_graph_gets_a_report_about_nodes_that_it_has(graph, target):
    subject = ZOO[graph]()
    report = check(subject, target)
    assert {finding.node for finding in report.findings} <= {"", *subject.nodes}
    assert all(finding.fix for finding in report.findings if finding.level == "error")
