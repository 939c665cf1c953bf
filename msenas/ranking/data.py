"""The samples of a ranking: on which its networks are trained, and on which they are compared."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np

from msenas.data import Dataset, Split
from msenas.errors import DataError, InputError
from msenas.learning.short import usual_steps
from msenas.ranking.config import RankConfig
from msenas.search.prepare import Prepared


def limited(prepared: Prepared, config: RankConfig) -> Prepared:
    """The same with the samples that are used alone, for networks and for fitnesses that train.

    A fitness that trains is judged on other samples than the networks where as many as the validation split has are
    left over: on the same ones, the luck of these would count as agreement. The statistics of the input stay those of
    the whole training split, as in the probe batch. The usual steps of such a fitness are those of what is left.

    Raises:
        InputError: There are not so many samples.
        DataError: There are no validation samples.
    """
    whole = prepared.dataset
    _check_samples(whole, config)
    dataset = _limited(whole, config)
    left = _without(_without(whole.train, dataset.train), dataset.val)
    others = left.some(len(whole.val), sample_rng(config)) if len(left) >= len(whole.val) else dataset.val
    school = prepared.evaluator.school
    assert school is not None
    steps = config.train_steps or usual_steps(dataset)
    evaluator = replace(prepared.evaluator, school=replace(school, dataset=replace(dataset, val=others), steps=steps))
    options = msgspec.structs.replace(prepared.config, train_steps=steps)
    return replace(prepared, config=options, dataset=dataset, evaluator=evaluator)


def sample_rng(config: RankConfig) -> np.random.Generator:
    """The generator that draws samples."""
    return np.random.default_rng([config.seed, 0x5B5E])


def _check_samples(dataset: Dataset, config: RankConfig) -> None:
    """Refuse numbers of samples that the data do not have.

    Raises:
        InputError: There are not so many samples.
        DataError: There are no validation samples.
    """
    if not len(dataset.val):
        raise DataError(f"{config.dataset} has no samples in its val split, on which networks are compared")
    least, most = len(dataset.classes), len(dataset.train)
    if config.samples is not None and not least <= config.samples <= most:
        raise InputError(
            f"samples must be {least} (one of each class) to {most} (the training split), not {config.samples}"
        )
    most = len(dataset.val) + len(dataset.train) - (config.samples or len(dataset.train))
    if config.judged is not None and not config.judged <= most:
        raise InputError(
            f"judged must be at most {most} (the validation split and the training samples that are not used),"
            f" not {config.judged}"
        )


def _limited(dataset: Dataset, config: RankConfig) -> Dataset:
    train, val = dataset.train, dataset.val
    if config.samples is not None:
        train = train.some(config.samples, sample_rng(config))
    if config.judged is not None:
        more = _without(dataset.train, train).some(max(0, config.judged - len(val)), sample_rng(config))
        val = _together(val.some(config.judged, sample_rng(config)), more)
    return replace(dataset, train=train, val=val)


def _without(split: Split, other: Split) -> Split:
    left = ~np.isin(split.rows, other.rows)
    return Split(split.samples, split.rows[left], split.labels[left])


def _together(one: Split, other: Split) -> Split:
    rows, labels = np.concatenate([one.rows, other.rows]), np.concatenate([one.labels, other.labels])
    order = np.argsort(rows, kind="stable")
    return Split(one.samples, rows[order], labels[order])
