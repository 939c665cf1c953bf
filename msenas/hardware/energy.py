"""Energy per inference: loads (what an inference makes a chip do) times the prices of a hardware profile.

    E [J] =  synops [1] * synop [J]  (or * ac [J] where operations are priced, not chips)
          +  updates_active [1] * update_active [J]  +  updates_idle [1] * update_idle [J]
          +  spikes [1] * spike_out [J]
          +  messages [1] * message [J]  +  hops [1] * hop [J]  +  chip_crossings [1] * chip_crossing [J]
          +  memory accesses [1] * sram [J]
          +  (macs_input + macs_readout) [1] * mac [J]
          +  T [1] * io_step [J]  +  (T + depth) [1] * barrier [J]
          +  chips [1] * time of an inference [s] * (static_chip [W] + clock_cycle [J] / clock_second [s])

`causes.CAUSES` is this sum as a table. A cause without a published price is listed with its amount and makes the energy
a lower bound; it is never taken as 0. Only prices of scope "per-term" add up: an "all-in" price is the average of a
whole run, so it stands alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from msenas.errors import InputError, ProfileError
from msenas.hardware.causes import CAUSES, DENSE, LEFT_OUT, VARYING, Cause
from msenas.hardware.counts import Counts
from msenas.hardware.price import GRADES, KINDS, Band, Grade, Price
from msenas.hardware.profile import Profile
from msenas.hardware.workload import FloatArray, Load, Loads, loads_of_counts
from msenas.phenotype.plan import Plan

WEIGHTY = 0.05
"""Share of the energy from which on a term counts for the grade of the whole."""


@dataclass(frozen=True)
class Term:
    """One cause of the energy.

    Attributes:
        cause: name of the load.
        group: group of its cause.
        amount: of one inference.
        price: what one costs.
        joule: J per inference.
        by_place: nominal J per inference by population, plan.INPUT, workload.READOUT or workload.CHIP.
    """

    cause: str
    group: str
    amount: Band
    price: Price
    joule: Band
    by_place: Mapping[str, float]

    @property
    def count(self) -> float:
        """Nominal amount per inference."""
        return self.amount.nominal


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
        per_sample: nominal J of each sample, float64 [N]; None where only the mean is known.
    """

    profile: str
    label: str
    samples: int
    terms: tuple[Term, ...]
    joule: Band
    unpriced: tuple[tuple[str, float], ...]
    included: tuple[str, ...]
    left_out: tuple[str, ...]
    per_sample: FloatArray | None = None

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
                "group": t.group,
                "count": t.count,
                "by_place_joule": dict(t.by_place),
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
    """Energy per inference as far as counts alone tell: no static power, no traffic between cores.

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
    return price(loads_of_counts(plan, counts), profile, counts.samples)


def price(loads: Loads, profile: Profile, samples: int) -> Energy:
    """Energy per inference of loads on a chip.

    Raises:
        ProfileError: The profile prices nothing of the loads, or an all-in price would be added.
    """
    paid = _payers(profile)
    contained = _contained(paid)
    loads = _executed(loads, profile)
    terms: list[Term] = []
    used: list[Load] = []
    unpriced: list[tuple[str, float]] = []
    included: list[str] = []
    left_out: list[str] = []
    for cause in CAUSES:
        load, chosen = loads.get(cause.load), paid.get(cause.load)
        if load is None and (cause.load not in LEFT_OUT or (cause.group == "traffic" and DENSE in loads)):
            continue
        reason = next((profile.left_out[kind] for kind in cause.kinds if kind in profile.left_out), None)
        if load is not None and chosen is not None and chosen.band is not None and chosen.scope != "included":
            if cause.load == "synops" and profile.zero_weights == "skipped" and "synops_nonzero" in loads:
                load = loads["synops_nonzero"]
            places = {place: amount * chosen.band.nominal for place, amount in load.by_place.items()}
            joule = load.amount.product(chosen.band)
            terms.append(Term(cause.load, cause.group, load.amount, chosen, joule, places))
            used.append(load)
        elif contained(cause) or (chosen is not None and chosen.scope == "included"):
            included.append(cause.load)
        elif reason is not None:
            left_out.append(f"{cause.load}: {reason}")
        elif load is None:
            left_out.append(LEFT_OUT[cause.load])
        elif load.amount.nominal and (not cause.optional or any(kind in profile.prices for kind in cause.kinds)):
            unpriced.append((cause.load, load.amount.nominal))
    if not terms:
        missing = ", ".join(cause for cause, _ in unpriced) or "; ".join(left_out)
        raise ProfileError(
            f"hardware profile {profile.name}: nothing of what this network does has a published price ({missing})"
        )
    joule = Band.total(t.joule for t in terms)
    lists = tuple(terms), joule, tuple(unpriced), tuple(included), tuple(left_out)
    return Energy(profile.name, profile.label, samples, *lists, per_sample=_per_sample(terms, used))


def _executed(loads: Loads, profile: Profile) -> Loads:
    """The loads that a chip really has: those of events, or every synapse in every step."""
    dense = (DENSE, "io_steps", "barriers", "chip_seconds")
    if profile.execution == "dense":
        return {name: load for name, load in loads.items() if name in dense}
    return {name: load for name, load in loads.items() if name != DENSE}


def _per_sample(terms: list[Term], loads: list[Load]) -> FloatArray | None:
    """Nominal energy of each sample, if every load that depends on the sample is known by sample."""
    samples = max((len(load.per_sample) for load in loads if load.per_sample is not None), default=0)
    if not samples or any(t.group in VARYING and load.per_sample is None for t, load in zip(terms, loads, strict=True)):
        return None
    total = np.zeros(samples)
    for term, load in zip(terms, loads, strict=True):
        total += term.joule.nominal if load.per_sample is None else load.per_sample * (term.price.nominal or 0.0)
    return total


def _payers(profile: Profile) -> dict[str, Price]:
    """The price of the profile that pays for each cause, where there is one."""
    payers: dict[str, Price] = {}
    for cause in CAUSES:
        known = (profile.prices[kind] for kind in cause.kinds if kind in profile.prices)
        usable = [price for price in known if price.band is not None or price.scope == "included"]
        if usable:
            payers[cause.load] = usable[0]
    for average in (p for p in payers.values() if p.scope == "all-in"):
        allowed = (average.kind, *KINDS[average.kind].besides)
        added = [p for p in payers.values() if p.scope != "included" and p.kind not in allowed]
        if added:
            mixed = ", ".join(sorted({f"{p.kind} ({p.scope})" for p in added}))
            raise ProfileError(
                f"hardware profile {profile.name}: prices.{average.kind} is an all-in price, which contains all others "
                f"and cannot be added to them, but these would be added: {mixed}"
            )
    return payers


def _contained(paid: Mapping[str, Price]) -> Callable[[Cause], bool]:
    """Whether a cause is already contained in the all-in price of a profile."""
    average = next((p for p in paid.values() if p.scope == "all-in"), None)
    if average is None:
        return lambda cause: False
    kind = KINDS[average.kind]
    return lambda cause: cause.spiking and not set(cause.kinds) & set(kind.besides)


def _joules(band: Band) -> dict[str, float | None]:
    return {"low_joule": band.low, "nominal_joule": band.nominal, "high_joule": band.high}
