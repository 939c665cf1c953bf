"""What a check says: one finding per rule, and all of them together as a fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Status = Literal["pass", "approximated", "fail", "unchecked"]
"""`approximated`: the chip runs the network, but not with the same spikes. `unchecked`: no limit was published."""
Figure = int | str | tuple[int, ...]


@dataclass(frozen=True)
class Verdict:
    """What a rule decides about one limit.

    Attributes:
        status: see `Status`.
        figure: what the network needs.
        limit: what the chip has.
        used: figure / limit where both are amounts.
        where: population or synapse that decides.
        advice: what to change; empty where nothing must be.
        instead: what the chip does instead; empty unless the status is "approximated".
    """

    status: Status
    figure: Figure | None = None
    limit: Figure | None = None
    used: float | None = None
    where: str = ""
    advice: str = ""
    instead: str = ""


@dataclass(frozen=True)
class Finding:
    """A verdict with the rule that it comes from."""

    rule: str
    title: str
    verdict: Verdict

    @property
    def status(self) -> Status:
        """See `Status`."""
        return self.verdict.status

    def text(self) -> str:
        """The finding in one line, without what to change."""
        v = self.verdict
        amount = "" if v.figure is None else f" {shown(v.figure)}"
        limit = "" if v.limit is None else f" (chip: {shown(v.limit)})"
        return f"{self.title}{amount}{limit}{' at ' + v.where if v.where else ''}"


@dataclass(frozen=True)
class Fit:
    """The findings of a network on a chip.

    Attributes:
        profile: name of the profile.
        findings: one per limit that the chip has or may have, in the order of the rules.
        mapping: what each population (and the read-out) occupies, where the cores of the chip are known.
        unchecked: further limits that no rule can judge, in words.
        source: where the limits were published.
    """

    profile: str
    findings: tuple[Finding, ...]
    mapping: Mapping[str, str]
    unchecked: tuple[str, ...]
    source: str

    @property
    def fits(self) -> bool:
        """Whether no rule fails; approximated and unchecked rules do not count against it."""
        return not self.failed

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The findings that keep the network off the chip."""
        return tuple(f for f in self.findings if f.status == "fail")

    @property
    def binding(self) -> Finding | None:
        """The limit that is nearest, or surpassed the most; a failed rule without an amount comes first."""
        for finding in self.failed:
            if finding.verdict.used is None:
                return finding
        amounts = [f for f in self.findings if f.verdict.used is not None]
        return max(amounts, key=lambda f: f.verdict.used or 0.0, default=None)

    @property
    def headroom(self) -> float | None:
        """Share of the binding limit that is left; negative beyond it, None without an amount."""
        if self.binding is None or self.binding.verdict.used is None:
            return None
        return 1.0 - self.binding.verdict.used

    def brief(self) -> dict[str, Any]:
        """The result in a few words, for the record of a run."""
        return {
            "hardware": self.profile,
            "fits": self.fits,
            "failed": [f.rule for f in self.failed],
            "binding": self.binding.rule if self.binding else None,
            "headroom": None if self.headroom is None else round(self.headroom, 6),
        }

    def to_dict(self) -> dict[str, Any]:
        """Everything as data for JSON."""
        rows = [{"rule": f.rule, "title": f.title, **asdict(f.verdict)} for f in self.findings]
        more = {"mapping": dict(self.mapping), "unchecked": list(self.unchecked), "source": self.source}
        return {**self.brief(), "rules": rows, **more}


def at_most(amounts: Iterable[tuple[int, str]], limit: int, advice: str) -> Verdict:
    """The verdict on the largest of some amounts, each with the place where it occurs."""
    figure, where = max(amounts, key=lambda pair: pair[0], default=(0, ""))
    status: Status = "pass" if figure <= limit else "fail"
    return Verdict(status, figure, limit, figure / limit if limit else None, where, advice if status == "fail" else "")


def within(numbers: Iterable[tuple[int, str]], limit: int, advice: str) -> Verdict:
    """As `at_most`, for a limit that is no supply: as long as it is kept, nothing is used up."""
    verdict = at_most(numbers, limit, advice)
    return replace(verdict, used=None) if verdict.status == "pass" else verdict


def shown(figure: Figure) -> str:
    """A figure as text; a run of consecutive numbers is shortened."""
    if isinstance(figure, str):
        return figure
    if isinstance(figure, int):
        return f"{figure:,}"
    if len(figure) > 2 and list(figure) == list(range(figure[0], figure[-1] + 1)):
        return f"{figure[0]}..{figure[-1]}"
    return ", ".join(map(str, figure))
