"""What the tests of rankings share."""

from __future__ import annotations

import pytest

from msenas.ranking.trial import Trials
from tests.ranking.made import FEW, SMALL, quicken, ranked, small_data, stand_in


@pytest.fixture
def here(monkeypatch):
    """A quick ranking in this process; the jobs that are asked for can be seen."""
    return quicken(monkeypatch)


@pytest.fixture
def untrained(monkeypatch):
    """A stand-in for the training of a network."""
    monkeypatch.setattr(Trials, "_train", stand_in)


@pytest.fixture(scope="session")
def small_options(tmp_path_factory):
    return SMALL | {"data": str(small_data(tmp_path_factory.mktemp("ranked")))}


@pytest.fixture(scope="session")
def few_options(small_options):
    """Networks that are few enough to be trained."""
    return small_options | FEW


@pytest.fixture(scope="session")
def whole(small_options, tmp_path_factory):
    """The folder and the result of a ranking that was never stopped, with the stand-in."""
    out = tmp_path_factory.mktemp("whole") / "r"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSENAS_COMPILE", "0")
        patch.setattr(Trials, "_train", stand_in)
        quicken(patch)
        return out, ranked(out, small_options)


@pytest.fixture(scope="session")
def few(few_options, tmp_path_factory):
    """The same of few networks that are trained."""
    out = tmp_path_factory.mktemp("few") / "r"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSENAS_COMPILE", "0")
        quicken(patch)
        return out, ranked(out, few_options)
