"""Hardware profiles: the prices and limits of one chip, read from TOML and checked.

The shipped profiles lie in `hw_profiles/`, whose README gives the meaning of every key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from msenas.errors import InputError, ProfileError, unknown
from msenas.hardware.capacity import Capacity
from msenas.hardware.price import GRADES, KINDS, SCOPES, Grade, Price, Text, sum_conflicts
from msenas.hardware.schema import facts, known_table, number, parse_toml, read_bounded

Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", max_length=64)]


@dataclass(frozen=True)
class Timing:
    """How long things take; pairs are (least, most). A time that is None is not known.

    Attributes:
        grade: how good the evidence is, see `price.GRADES`.
        source: where the times were published.
        synop_second: one spike delivered to one target neuron.
        update_active_second: one neuron and time step in which it is active.
        update_idle_second: one neuron and time step in which it is idle.
        spike_out_second: one spike leaving its neuron.
        message_out_second: one message leaving its core.
        message_in_second: one message entering its destination core.
        hop_ew_second: one message passing one router, east-west.
        hop_ns_second: one message passing one router, north-south.
        event_second: one event passing one layer of a chip without time steps.
        mac_second: one multiply-accumulate, the reciprocal of the throughput of a whole chip.
        clock_second: one cycle of the clock.
        barrier_second: one synchronisation of all cores, from few cores to all.
        tick_second: a time step of fixed length: the shortest that the chip can keep, and the usual one.
        step_second: a time step of whole networks, the shortest and the longest that were measured.
    """

    grade: Grade
    source: Text
    synop_second: float | None = None
    update_active_second: float | None = None
    update_idle_second: float | None = None
    spike_out_second: float | None = None
    message_out_second: float | None = None
    message_in_second: float | None = None
    hop_ew_second: float | None = None
    hop_ns_second: float | None = None
    event_second: float | None = None
    mac_second: tuple[float, float] | None = None
    clock_second: float | None = None
    barrier_second: tuple[float, float] | None = None
    tick_second: tuple[float, float] | None = None
    step_second: tuple[float, float] | None = None


@dataclass(frozen=True)
class Published:
    """A figure of a whole run, for the record: it is compared with, never multiplied and never added.

    Attributes:
        what: what was measured.
        conditions: network, input, clock, voltage, and what the figure contains.
        grade: how good the evidence is, see `price.GRADES`.
        source: where it was published.
        joule: energy of one piece as said in `what`; of pairs here and below, (least, most).
        watt: power during the run.
        second: time of one piece.
    """

    what: Text
    conditions: Text
    grade: Grade
    source: Text
    joule: float | tuple[float, float] | None = None
    watt: float | tuple[float, float] | None = None
    second: float | tuple[float, float] | None = None


@dataclass(frozen=True)
class Mesh:
    """How the cores of one chip are connected.

    Attributes:
        source: where it was published.
        width: routers from west to east.
        height: routers from north to south.
        cores_per_router: cores that share a router.
    """

    source: Text
    width: int
    height: int
    cores_per_router: int = 1


@dataclass(frozen=True)
class Profile:
    """One chip, or one set of prices of a chip.

    Attributes:
        name: what the user types; the stem of a shipped file.
        title: the chip and the price set, for people.
        label: what an energy from these prices is called in a report.
        prices: price for each kind (see `price.KINDS`) that the profile names.
        left_out: kind that these prices by definition do not deal with, to the reason.
        process: semiconductor process.
        voltage_volt: supply voltage that the prices hold for.
        neuron: neuron model of the chip.
        layers: layers that the chip's tools accept.
        note: what a reader of the numbers must know.
        published: figures of whole runs, for the record; never used in a sum.
        timing: how long things take.
        capacity: what fits on one chip.
        mesh: how its cores are connected.
        abstract: no chip but an index of arithmetic, which is not ranked among chips.
        execution: "events" for chips that compute where spikes go; "dense" for processors that compute every synapse
            in every time step.
        zero_weights: whether an event is paid for that meets a weight of zero ("paid": dense kernels; "skipped": lists
            of synapses).
    """

    name: Name
    title: Text
    label: Text
    prices: Mapping[str, Price] = field(default_factory=dict)
    left_out: Mapping[str, Text] = field(default_factory=dict)
    process: Text | None = None
    voltage_volt: float | None = None
    neuron: Text | None = None
    layers: tuple[Text, ...] = ()
    note: Text | None = None
    published: tuple[Published, ...] = ()
    timing: Timing | None = None
    capacity: Capacity | None = None
    mesh: Mesh | None = None
    abstract: bool = False
    execution: Literal["events", "dense"] = "events"
    zero_weights: Literal["paid", "skipped"] = "paid"

    @property
    def digest(self) -> str:
        """SHA-256 of the content as hex; comments of the file and the order of its keys do not count."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


TABLES = {"timing": Timing, "capacity": Capacity, "mesh": Mesh}
"""Tables of a profile that hold facts only."""
ALL = "all"
"""In the place of names of profiles: every shipped one."""
CHOICES = {"grade": GRADES, "scope": SCOPES}
"""Keys that hold one of several words."""


def profile_names() -> tuple[str, ...]:
    """Names of the shipped profiles, sorted."""
    names = [entry.name for entry in resources.files("hw_profiles").iterdir()]
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def chosen_profiles(names: str) -> list[Profile]:
    """Profiles by comma-separated names or paths, or all shipped ones.

    Raises:
        ProfileError: A profile is unknown or malformed.
        InputError: No name is given, or one twice.
    """
    wanted = list(profile_names()) if names == ALL else [name.strip() for name in names.split(",") if name.strip()]
    profiles = [load_profile(name) for name in wanted]
    repeated = {p.name for p in profiles if [q.name for q in profiles].count(p.name) > 1}
    if not profiles or repeated:
        raise InputError(f"--hardware needs different profiles, not {names!r}")
    return profiles


def load_profile(name_or_path: str | Path) -> Profile:
    """A shipped profile by name, or the user's own by path.

    Args:
        name_or_path: a name from `profile_names()`; a Path, or text that ends in ".toml", is a file.

    Raises:
        ProfileError: The name is unknown, the file cannot be read, or it does not follow the schema.
    """
    if isinstance(name_or_path, Path) or name_or_path.endswith(".toml"):
        path = Path(name_or_path)
        return parse_profile(read_bounded(path, f"hardware profile {path}"), str(path))
    names = profile_names()
    if name_or_path not in names:
        text = unknown("hardware profile", name_or_path[:64], names)
        raise ProfileError(f"{text}; or give the path of a .toml file")
    shipped = resources.files("hw_profiles").joinpath(f"{name_or_path}.toml")
    return parse_profile(shipped.read_bytes(), name_or_path)


def parse_profile(content: bytes, where: str) -> Profile:
    """Check the content of a profile file.

    Args:
        content: TOML in UTF-8, within the limits of `schema`.
        where: name of the file for messages.

    Raises:
        ProfileError: It is not TOML, or does not follow the schema; the message names the key.
    """
    where = f"hardware profile {where}"
    data = parse_toml(content, where)
    prices, left_out = (known_table(data.pop(key, {}), KINDS, f"{where}: {key}") for key in ("prices", "left_out"))
    if not prices:
        raise ProfileError(f"{where}: no [prices.KIND] table; kinds: {', '.join(KINDS)}")
    if both := sorted(prices.keys() & left_out.keys()):
        raise ProfileError(f"{where}: {', '.join(both)} cannot be both in prices and in left_out")
    for key, kind in TABLES.items():
        if key in data:
            data[key] = facts(data[key], kind, f"{where}: {key}", CHOICES)
    if "published" in data:
        data["published"] = _published(data["published"], f"{where}: published")
    profile = facts({**data, "left_out": left_out}, Profile, where, CHOICES)
    priced = {kind: _price(kind, prices[kind], f"{where}: prices.{kind}") for kind in prices}
    for all_in, other in sum_conflicts(priced.values()):
        raise ProfileError(
            f"{where}: prices.{all_in} is an average that contains {other}, so they cannot both be summed: give "
            f'prices.{other} the scope "included", or move one of them to [[published]]'
        )
    return replace(profile, prices=priced)


def _published(data: object, where: str) -> list[Published]:
    if not isinstance(data, list):
        raise ProfileError(f"{where}: must be tables with the heading [[published]]")
    entries = [facts(entry, Published, f"{where} no. {i}", CHOICES) for i, entry in enumerate(data, start=1)]
    for i, entry in enumerate(entries, start=1):
        if entry.joule is entry.watt is entry.second is None:
            raise ProfileError(f"{where} no. {i}: needs a figure: joule, watt or second")
    return entries


def _price(kind: str, data: object, where: str) -> Price:
    unit, all_in = KINDS[kind].unit, KINDS[kind].all_in
    bounds = {f"{bound}_{unit}": bound for bound in ("low", "nominal", "high")}
    table = known_table(data, (*bounds, "scope", "grade", "source"), where)
    figures = [number(table[key], f"{where}: {key}") for key in bounds if key in table]
    if figures != sorted(figures):
        raise ProfileError(f"{where}: must hold low <= nominal <= high, not {figures}")
    price = facts({"kind": kind} | {bounds.get(key, key): table[key] for key in table}, Price, where, CHOICES)
    if figures and price.nominal is None:
        raise ProfileError(f"{where}: a bound needs a nominal_{unit}")
    if (price.grade == "unknown") != (price.nominal is None):
        raise ProfileError(f'{where}: a figure is absent exactly when its grade is "unknown"')
    if (price.scope == "all-in") != all_in:
        averages = ", ".join(name for name in KINDS if KINDS[name].all_in)
        raise ProfileError(
            f'{where}: the scope "all-in" belongs to averages over a run, which are the kinds {averages}'
        )
    return price
