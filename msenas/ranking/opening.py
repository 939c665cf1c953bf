"""The beginning of a ranking: options, folder and networks, all of it checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from msenas.errors import InputError, RunError
from msenas.learning.feed import Feed
from msenas.ranking.config import BOTH, RankConfig, build_rank_config, differences
from msenas.ranking.drawing import OTHER, digests
from msenas.ranking.folder import RankFolder
from msenas.ranking.record import About, Known, check_networks, read_networks
from msenas.runs.files import read_json
from msenas.runs.naming import free_path
from msenas.search.prepare import Prepared
from msenas.search.starts import Say


@dataclass(frozen=True)
class RankRequest:
    """What the user asked for.

    Attributes:
        options: options that were given, by the names of `RankConfig`.
        out: the folder; None makes one under runs/.
        resume: continue the ranking in `out`.
        trained: a file of networks that have been trained; none is trained then.
        download: fetch the data set if no copy is found.
    """

    options: Mapping[str, Any]
    out: Path | None = None
    resume: bool = False
    trained: Path | None = None
    download: bool = False


@dataclass(frozen=True)
class Given:
    """Networks that have been trained elsewhere: the file, its first line and the others."""

    path: Path
    about: About
    networks: Sequence[Known]


@dataclass(frozen=True)
class Opened:
    """A ranking that may begin.

    Attributes:
        folder: where; not made yet when it is new and has no name.
        config: the options.
        given: networks that are not to be trained; None if networks are drawn and trained.
    """

    folder: RankFolder
    config: RankConfig
    given: Given | None


def open_ranking(request: RankRequest) -> Opened:
    """The folder and the options of a request.

    Raises:
        InputError: An option or a file cannot be used.
        RunError: The folder is taken, or holds no ranking, or one with other options.
    """
    if request.resume:
        return _reopened(request)
    given = None
    if request.trained is None:
        config = build_rank_config(request.options)
    else:
        given = _read(request.trained)
        config = _of_file(given, request.options)
    folder = RankFolder(request.out or free_path(name_of(config)))
    folder.check_free()
    return Opened(folder, config, given)


def name_of(config: RankConfig) -> str:
    """The name of a folder for which none was given."""
    return f"rank-{config.dataset}"


def _reopened(request: RankRequest) -> Opened:
    if request.out is None:
        raise InputError("--resume needs --out DIR, the folder of the ranking to continue")
    if request.trained is not None:
        raise InputError("--trained begins a ranking; --resume goes on with the networks of the folder")
    folder = RankFolder(request.out)
    if not folder.config.exists():
        raise RunError(f"{folder.path} holds no ranking to resume (no {folder.config.name})")
    config = _changed(read_json(folder.config, RankConfig), request.options, folder.path)
    given = _read(folder.networks) if folder.was_given else None
    if given is not None:
        _check_half(given, config)
    return Opened(folder, config, given)


def _read(path: Path) -> Given:
    return Given(path, *read_networks(path))


def _of_file(given: Given, options: Mapping[str, Any]) -> RankConfig:
    """Options as in the file; where the data and a profile lie is a matter of this machine."""
    try:
        old = build_rank_config(given.about.options)
    except InputError as error:
        raise InputError(f"{given.path}, line 1: {error}") from None
    config = _changed(old, options, given.path, "hardware")
    _check_half(given, config)
    return config


def _check_half(given: Given, config: RankConfig) -> None:
    half = given.about.options.get("half", BOTH)
    if half not in (BOTH, config.half):
        raise RunError(f"{given.path} holds the {half} networks alone, not {config.half}")


def _changed(old: RankConfig, options: Mapping[str, Any], where: Path, *also: str) -> RankConfig:
    new = build_rank_config(msgspec.to_builtins(old) | dict(options))
    if changed := differences(old, new, *also):
        raise RunError(f"{where} was made with other settings: {'; '.join(changed)}")
    return new


def check_augmentation(config: RankConfig, prepared: Prepared) -> None:
    """Refuse an augmentation that does not fit the data.

    Raises:
        InputError: It does not fit.
    """
    Feed(prepared.dataset, prepared.spec, prepared.evaluator.probe.standard, config.training(0))


def resolved(config: RankConfig, prepared: Prepared) -> RankConfig:
    """The options with what the data decide filled in; nothing of it depends on the machine."""
    found = {name: getattr(prepared.config, name) for name in ("layers", "steps", "encoding", "train_steps")}
    return msgspec.structs.replace(config, **found)


def check_given(given: Given, prepared: Prepared, say: Say) -> Sequence[Known]:
    """The networks that were given, without their energies if these are of another profile than that of now.

    Raises:
        RunError: They belong to other data, or are others here.
    """
    about = given.about
    now = digests(prepared)
    for name, there in (("data", about.data.get("digest")), ("probe", about.probe)):
        if there != now[name]:
            raise RunError(f"{given.path} was made with {OTHER[name]}")
    check_networks(given.path, given.networks, prepared.spec)
    if about.profile == now["profile"]:
        return given.networks
    say(f"energies after training are left out: those of {given.path} are of another hardware profile")
    return [_without_energy(one) for one in given.networks]


def _without_energy(one: Known) -> Known:
    trainings = [msgspec.structs.replace(training, energy_joule=None) for training in one.trainings]
    return msgspec.structs.replace(one, trainings=trainings)
