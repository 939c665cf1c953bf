from __future__ import annotations

import pytest

from msenas.hardware.fit.finding import Finding, Fit, Verdict, at_most, shown, within


def fit(**verdicts: Verdict) -> Fit:
    findings = tuple(Finding(rule, f"title of {rule}", verdict) for rule, verdict in verdicts.items())
    return Fit("chip", findings, {}, (), "a test")


def test_the_largest_amount_decides():
    assert at_most([(3, "a"), (5, "b"), (4, "c")], 10, "less") == Verdict("pass", 5, 10, 0.5, "b")
    assert at_most([(3, "a"), (11, "b")], 10, "less") == Verdict("fail", 11, 10, 1.1, "b", "less")


def test_nothing_needs_nothing():
    assert at_most([], 10, "less") == Verdict("pass", 0, 10, 0.0)


def test_a_limit_that_is_no_supply_uses_nothing_up_while_it_is_kept():
    assert within([(1, "a")], 1, "less").used is None
    assert within([(2, "a")], 1, "less").used == 2.0


def test_the_binding_limit_is_the_nearest():
    found = fit(a=Verdict("pass", 1, 4, 0.25), b=Verdict("pass", 9, 10, 0.9), c=Verdict("unchecked"))
    assert found.fits
    assert found.binding is found.findings[1]
    assert found.headroom == pytest.approx(0.1)


def test_a_limit_that_is_surpassed_leaves_negative_headroom():
    found = fit(a=Verdict("fail", 6, 4, 1.5), b=Verdict("pass", 9, 10, 0.9))
    assert not found.fits
    assert found.binding is found.findings[0]
    assert found.headroom == pytest.approx(-0.5)


def test_a_failed_rule_without_an_amount_binds_first():
    found = fit(a=Verdict("fail", 6, 4, 1.5), b=Verdict("fail", "lif", "if"))
    assert found.binding is found.findings[1]
    assert found.headroom is None


def test_approximated_and_unchecked_do_not_fail():
    found = fit(a=Verdict("approximated", instead="rounded"), b=Verdict("unchecked"))
    assert found.fits
    assert found.brief() == {"hardware": "chip", "fits": True, "failed": [], "binding": None, "headroom": None}


def test_a_finding_in_one_line():
    found = fit(a=Verdict("fail", 70000, 65536, 1.1, "L1.E1", "less")).findings[0]
    assert found.text() == "title of a 70,000 (chip: 65,536) at L1.E1"


@pytest.mark.parametrize(
    ("figure", "text"),
    [(1234, "1,234"), ("lif", "lif"), ((1, 2, 3, 4), "1..4"), ((1, 2, 4), "1, 2, 4"), ((3, 5), "3, 5")],
)
def test_figures_as_text(figure, text):
    assert shown(figure) == text
