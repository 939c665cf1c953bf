"""What a file tells: all of it, part of it, nothing, and damaged."""

from __future__ import annotations

import json

import pytest

from export.nir_about import KEY
from export.told import Told, told_by
from msenas.errors import InputError
from tests.export.foreign import graph, sink, source


def telling(**told: object) -> object:
    model = graph({"input": source(1), "output": sink(1)})
    model.metadata = {KEY: json.dumps(told)}
    return model


def test_a_foreign_file_tells_nothing():
    model = graph({"input": source(1), "output": sink(1)})
    model.metadata = {"author": "somebody"}
    assert told_by(model) == Told()
    assert not told_by(model).own


def test_what_is_told():
    told = told_by(
        telling(schema=1, dt=1e-3, steps=5, tau={"a": 2}, about={"genome": [1]}, later="unknown keys are let be")
    )
    assert told.own
    assert (told.dt, told.steps, told.tau, told.about) == (1e-3, 5, {"a": 2.0}, {"genome": [1]})


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"schema": 7}, "schema is 7; this version reads 1"),
        ({"schema": 1, "convention": "sinabs"}, "import the portable one"),
        ({"schema": 1, "dt": "x"}, r"\$\.dt"),
        ({"schema": 1, "populations": [1]}, r"\$\.populations"),
        ({"schema": 1, "theta": {"a": None}}, r"\$\.theta"),
    ],
)
def test_what_cannot_be_used_is_one_line(told, said):
    with pytest.raises(InputError, match=said) as caught:
        told_by(telling(**told))
    assert "\n" not in str(caught.value)
