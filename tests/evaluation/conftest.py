"""A best.json of a small network for the digits that come with scikit-learn."""

from __future__ import annotations

import pytest

from msenas.phenotype.spec import NetworkSpec
from msenas.runs.best import SCHEMA, Best, forms, write_best
from tests.conftest import motif_genome


def digits_best(**changes):
    """A network of two layers of 4 channels on 8 x 8 digits."""
    options = {"steps": 3, "channels": 4, "reductions": (1,)} | changes
    return Best(
        schema=SCHEMA,
        genome=forms(motif_genome("FE", "LI")),
        network=NetworkSpec((1, 8, 8), 10, 2, **options),
        weight_seed=7,
        scores={},
        provenance={"dataset": {"name": "digits"}, "seed": 2},
    )


@pytest.fixture
def folder(tmp_path, stepwise):
    """A run folder with best.json."""
    write_best(tmp_path / "best.json", digits_best())
    return tmp_path
