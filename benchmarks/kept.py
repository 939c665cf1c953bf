"""What the folder of a ranking has kept: the networks and their scores, for benchmarks that compute nothing anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from msenas.errors import InputError
from msenas.ranking.config import BOTH, RankConfig
from msenas.ranking.folder import RankFolder
from msenas.ranking.record import Known, read_networks
from msenas.ranking.rows import GIVEN, LIKE
from msenas.ranking.scoring import Score, all_wanted, answers, read_scores
from msenas.runs.files import read_json


@dataclass(frozen=True)
class Kept:
    """A ranking.

    Attributes:
        networks: those that were ranked.
        starts: their scores from the weights with which the first trainings began.
        others: their scores from other weights.
        seed: of the ranking.
    """

    networks: Sequence[Known]
    starts: Sequence[Score]
    others: Sequence[Score]
    seed: int


def read_kept(path: Path, fitness: str) -> Kept:
    """Read what is kept of a ranking, with the scores of one fitness and those that it is compared with.

    Raises:
        InputError: A file is missing or damaged, or a score is not there.
    """
    folder = RankFolder(path)
    config = read_json(folder.config, RankConfig)
    _, known = read_networks(folder.networks)
    networks = [one for one in known if config.half in (one.half, BOTH)]
    scores = read_scores(folder.scores)
    start, others = config.seed, config.weight_seeds
    names = tuple(dict.fromkeys((fitness, *GIVEN, *LIKE)))
    wanted = all_wanted(networks, names, (start, *others), (start, others[0]), config.train_steps or 0)
    pairs = ((scores.get((one.id, one.seed)), one) for one in wanted)
    found = [score for score, one in pairs if score is not None and answers(score, one)]
    if len(found) < len(wanted):
        raise InputError(
            f"{folder.scores} has only {len(found)} of {len(wanted)} lines with {fitness} and what it is compared with;"
            f" msenas rank --resume --fitness all --out {path} adds the others"
        )
    return Kept(
        networks=networks,
        starts=[score for score in found if score.seed == start],
        others=[score for score in found if score.seed != start],
        seed=start,
    )
