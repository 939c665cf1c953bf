"""Energy per inference: exact counts times the prices of a hardware profile.

    E [J] =  synops [1] * synop [J]  (or * ac [J] where operations are priced, not chips)
          +  updates_active [1] * update_active [J]  +  updates_idle [1] * update_idle [J]
          +  spikes [1] * spike_out [J]
          +  (macs_input + macs_readout) [1] * mac [J]

with counts per inference. CAUSES is this sum as a table. A cause without a published price is listed with its
count and makes the energy a lower bound; it is never taken as 0. Only prices of scope "per-term" add up: an
"all-in" price is the average of a whole run, so it stands alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msenas.errors import InputError, ProfileError
from msenas.hardware.counts import Counts
from msenas.hardware.price import GRADES, Band, Grade, Price
from msenas.hardware.profile import Profile
from msenas.phenotype.plan import Plan


@dataclass(frozen=True)
class Cause:
    """Something that costs energy.

    Attributes:
        count: name of the count (see `counts.Totals`).
        kinds: kinds of price that can pay for it; the first one of the profile does.
        spiking: whether an all-in price of a spiking run already contains it.
    """

    count: str
    kinds: tuple[str, ...]
    spiking: bool = True


CAUSES: tuple[Cause, ...] = (
    Cause("synops", ("synop", "ac", "all_in_synop")),
    Cause("updates_active", ("update_active", "update")),
    Cause("updates_idle", ("update_idle", "update")),
    Cause("spikes", ("spike_out",)),
    Cause("macs_input", ("mac",), spiking=False),
    Cause("macs_readout", ("mac",), spiking=False),
)

LEFT_OUT: tuple[str, ...] = (
    "static power: needs the time of an inference",
    "messages, hops and barriers: need the placement on cores",
    "input and output: depend on the board, not on the network",
)
"""What no estimate of this module contains, with the reason."""

WEIGHTY = 0.05
"""Share of the energy from which on a term counts for the grade of the whole."""


@dataclass(frozen=True)
class Term:
    """One cause of the energy.

    Attributes:
        cause: name of the count.
        count: mean per inference.
        price: what one costs.
        joule: J per inference.
    """

    cause: str
    count: float
    price: Price
    joule: Band


@dataclass(frozen=True)
class Energy:
    """Energy of one inference.

    Attributes:
        profile: name of the profile.
        label: what this number is called.
        samples: inferences that the mean is over.
        terms: what was priced.
        joule: J per inference, the sum of the terms.
        unpriced: causes that occur and have no published price, with their mean count per inference.
        included: causes that another price already contains.
        left_out: what the number does not deal with, with the reason.
    """

    profile: str
    label: str
    samples: int
    terms: tuple[Term, ...]
    joule: Band
    unpriced: tuple[tuple[str, float], ...]
    included: tuple[str, ...]
    left_out: tuple[str, ...]

    @property
    def at_least(self) -> bool:
        """Whether the energy is a lower bound because something is unpriced."""
        return bool(self.unpriced)

    @property
    def grade(self) -> Grade:
        """The weakest grade among the terms that are at least WEIGHTY of the energy."""
        weighty = [t for t in self.terms if t.joule.nominal >= WEIGHTY * self.joule.nominal]
        return max((t.price.grade for t in weighty), key=GRADES.index)

    def to_dict(self) -> dict[str, Any]:
        """The energy as data for JSON, with units in the keys."""
        terms = [
            {
                "cause": t.cause,
                "count": t.count,
                "price": t.price.kind,
                "grade": t.price.grade,
                "source": t.price.source,
                **_joules(t.joule),
            }
            for t in self.terms
        ]
        return {
            "profile": self.profile,
            "label": self.label,
            "samples": self.samples,
            **_joules(self.joule),
            "at_least": self.at_least,
            "grade": self.grade,
            "terms": terms,
            "unpriced": [{"cause": cause, "count": number} for cause, number in self.unpriced],
            "included": list(self.included),
            "left_out": list(self.left_out),
        }


def estimate(plan: Plan, counts: Counts, profile: Profile) -> Energy:
    """Energy per inference of a network on a chip.

    Args:
        plan: the network.
        counts: its counts, from `counts.count`.
        profile: prices of the chip.

    Raises:
        InputError: The counts belong to another plan.
        ProfileError: The profile prices nothing that the network does, or an all-in price would be added.
    """
    if counts.populations.keys() != plan.by_name.keys():
        raise InputError("the counts belong to another plan: their populations differ")
    numbers = counts.total.per_inference
    paid = _payers(profile)
    all_in = any(price.scope == "all-in" for price in paid.values())
    terms: list[Term] = []
    unpriced: list[tuple[str, float]] = []
    included: list[str] = []
    left_out = list(LEFT_OUT)
    for cause in CAUSES:
        number, price = numbers[cause.count], paid.get(cause.count)
        reason = next((profile.left_out[kind] for kind in cause.kinds if kind in profile.left_out), None)
        if price is not None and price.band is not None and price.scope != "included":
            terms.append(Term(cause.count, number, price, price.band.times(number)))
        elif price is not None or (all_in and cause.spiking):
            included.append(cause.count)
        elif reason is not None:
            left_out.append(f"{cause.count}: {reason}")
        elif number:
            unpriced.append((cause.count, number))
    if not terms:
        raise ProfileError(f"hardware profile {profile.name}: prices nothing that this network does")
    joule = Band.total(t.joule for t in terms)
    lists = tuple(terms), joule, tuple(unpriced), tuple(included), tuple(left_out)
    return Energy(profile.name, profile.label, counts.samples, *lists)


def _payers(profile: Profile) -> dict[str, Price]:
    """The price of the profile that pays for each cause, where there is one."""
    payers: dict[str, Price] = {}
    for cause in CAUSES:
        known = (profile.prices[kind] for kind in cause.kinds if kind in profile.prices)
        usable = [price for price in known if price.band is not None or price.scope == "included"]
        if usable:
            payers[cause.count] = usable[0]
    scopes = {price.kind: price.scope for price in payers.values() if price.scope != "included"}
    if "all-in" in scopes.values() and len(scopes) > 1:
        mixed = ", ".join(f"{kind} ({scope})" for kind, scope in scopes.items())
        raise ProfileError(
            f"hardware profile {profile.name}: an all-in price contains all others and cannot be added "
            f"to them, but these would be added: {mixed}"
        )
    return payers


def _joules(band: Band) -> dict[str, float | None]:
    return {"low_joule": band.low, "nominal_joule": band.nominal, "high_joule": band.high}
