"""A point of a curve is the census under one condition."""

from __future__ import annotations

import pytest

from msenas.evaluation.curve import Point, run_at
from msenas.evaluation.deployed import deploy
from msenas.hardware.census import take_census


def test_a_point_holds_the_numbers_of_its_census(folder):
    found, done = deploy(folder, {}), []
    point = run_at(0.5, found, "test", 70, done.append)
    assert done == [64, 6]
    places = found.choose("test", 70)
    census = take_census(found.network, found.batches("test", places))
    labels = found.split("test").labels[places]
    assert point == Point.of(0.5, census, labels)
    assert point.accuracy == pytest.approx((census.predicted == labels).mean())
    assert point.spikes == pytest.approx(census.per_sample["spikes"].mean())
    assert point.synops == pytest.approx(census.per_sample["synops"].mean())
    assert point.spikes > 0
