"""A best.json of a small network."""

from __future__ import annotations

import pytest

from msenas.runs.best import SCHEMA, Best, forms
from tests.conftest import motif_genome, small_spec


@pytest.fixture
def best():
    genome = motif_genome("FE", "LI")
    return Best(
        schema=SCHEMA,
        genome=forms(genome),
        network=small_spec(2),
        weight_seed=7,
        scores={"fitness": 0.5},
        provenance={"dataset": {"name": "digits"}},
    )
