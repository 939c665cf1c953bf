"""Check a NIR graph against a target: what it reads exactly, what it approximates, what it cannot take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import nir

from export.targets import chip
from export.targets.cores import placement
from export.targets.finding import WHOLE, Finding, Level, worst
from export.targets.table import TARGETS
from export.targets.view import View
from msenas.errors import InputError, unknown
from msenas.hardware.capacity import Capacity
from msenas.hardware.profile import load_profile


@dataclass(frozen=True)
class Report:
    """What a target makes of a graph.

    Attributes:
        target: name of the target.
        title: what it is.
        evidence: where its rules come from.
        nodes: type of each node, in the order of names.
        findings: remarks in the order of the rules; nodes without one are read exactly.
        cores: the core of each layer, on chips whose cores hold one layer each.
        unchecked: what was not judged, in words.
    """

    target: str
    title: str
    evidence: str
    nodes: Mapping[str, str]
    findings: tuple[Finding, ...]
    cores: Mapping[str, int]
    unchecked: tuple[str, ...]

    @property
    def level(self) -> Level:
        """The worst of all findings."""
        return worst(finding.level for finding in self.findings)

    @property
    def accepted(self) -> bool:
        """Whether the target takes the graph; approximations do not count against it."""
        return self.level != "error"

    @property
    def refusal(self) -> str:
        """Why the target does not take the graph, in one line; empty if it does."""
        errors = [finding for finding in self.findings if finding.level == "error"]
        if not errors:
            return ""
        where = "" if errors[0].node == WHOLE else f"{errors[0].node}: "
        fix = f"; {errors[0].fix}" if errors[0].fix else ""
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return f"{self.target} cannot take the network: {where}{errors[0].reason}{fix}{more}"

    def at(self, node: str) -> tuple[Finding, ...]:
        """Findings about one node, or about the graph as a whole (WHOLE)."""
        return tuple(finding for finding in self.findings if finding.node == node)

    def to_dict(self) -> dict[str, Any]:
        """Everything as data for JSON: each node with its level and findings."""
        rows = []
        for name, kind in self.nodes.items():
            remarks = [_remark(finding) for finding in self.at(name)]
            rows.append(
                {"node": name, "type": kind, "level": worst(f.level for f in self.at(name)), "findings": remarks}
            )
        head = {"target": self.target, "title": self.title, "evidence": self.evidence}
        whole = [_remark(finding) for finding in self.at(WHOLE)]
        tail = {"graph": whole, "nodes": rows, "cores": dict(self.cores), "unchecked": list(self.unchecked)}
        return {**head, "level": self.level, "accepted": self.accepted, **tail}


def _remark(finding: Finding) -> dict[str, str]:
    return {key: value for key, value in asdict(finding).items() if key != "node"}


def check(graph: nir.NIRGraph, target: str) -> Report:
    """Judge a graph by the rules of one target.

    Args:
        graph: a graph whose types were inferred, as `nir.read` gives it.
        target: a name of TARGETS.

    Raises:
        InputError: The target is unknown.
    """
    if target not in TARGETS:
        raise InputError(unknown("target", target, TARGETS))
    row, view = TARGETS[target], View(graph)
    capacity = _capacity(row.profile)
    rules = row.rules if capacity is None else (*row.rules, chip.limits(capacity))
    findings = tuple(finding for rule in rules for finding in rule(view))
    nodes = {name: type(node).__name__ for name, node in view.nodes.items()}
    cores = {} if capacity is None else placement(view, capacity)
    unchecked = () if capacity is None else chip.unjudged(capacity)
    return Report(target, row.title, row.evidence, nodes, findings, cores, unchecked)


def _capacity(profile: str | None) -> Capacity | None:
    """The limits of a chip."""
    if profile is None:
        return None
    capacity = load_profile(profile).capacity
    assert capacity is not None, profile
    return capacity
