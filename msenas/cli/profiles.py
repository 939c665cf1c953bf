"""The command `msenas profiles`: hardware profiles as tables and as JSON.

Quick because it imports no torch, so nothing of the other commands.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from msenas.hardware.capacity import LIMITS, Capacity
from msenas.hardware.price import GRADES, KINDS, Price
from msenas.hardware.profile import Profile, Published, Timing, load_profile, profile_names

PREFIXES = ((1.0, ""), (1e-3, "m"), (1e-6, "u"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f"))
UNITS = {"joule": ("J", PREFIXES[:-1]), "watt": ("W", PREFIXES), "second": ("s", PREFIXES)}
"""Sign and prefixes of each unit; energies are in pJ at least, as everywhere in the literature."""
FACTS = {"label": "", "process": "", "voltage_volt": " V", "neuron": "", "note": ""}
"""Single facts of a profile that are shown, with the unit behind each."""


def show_profiles(name: str | None, as_json: bool, out: Console) -> None:
    """Print all profiles, or everything that one of them says.

    Args:
        name: a shipped profile, or the path of a TOML file; None lists the shipped ones.
        as_json: one JSON document instead of tables.
        out: where to print.

    Raises:
        ProfileError: There is no such profile, or it does not follow the schema.
    """
    if name is None:
        loaded = [load_profile(n) for n in profile_names()]
        if as_json:
            _print_json([_row(p) for p in loaded])
            return
        out.print(_overview(loaded))
        out.print("`msenas profiles NAME` shows the prices with their sources; a file of your own is given by its path")
        return
    profile = load_profile(name)
    if as_json:
        _print_json(_everything(profile))
        return
    out.print(f"{profile.name}: {profile.title}")
    out.print(_price_table(profile))
    for line in _lines(profile):
        out.print(line)


def _row(profile: Profile) -> dict[str, Any]:
    """What the list says about a profile: prices with figures by grade, and those that nobody published."""
    summed = [p for p in profile.prices.values() if p.scope != "included"]
    priced = [p for p in summed if p.nominal is not None]
    static = profile.prices.get("static_chip")
    return {
        "name": profile.name,
        "title": profile.title,
        "priced": [p.kind for p in priced if p.kind != "static_chip"],
        "static_watt": static.nominal if static else None,
        "grades": sorted({p.grade for p in priced}, key=GRADES.index),
        "unknown": [p.kind for p in summed if p.nominal is None],
    }


def _overview(profiles: Iterable[Profile]) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("name", "title", "prices of", "static", "grades"):
        table.add_column(column, no_wrap=column in ("name", "static"))
    for profile in profiles:
        row = _row(profile)
        watt = _figure(row["static_watt"], "watt")
        static = "unknown" if "static_chip" in row["unknown"] else watt
        priced = ", ".join(dict.fromkeys(_family(kind) for kind in row["priced"]))
        table.add_row(row["name"], row["title"], priced or "nothing", static, ", ".join(row["grades"]) or "-")
    return table


def _family(kind: str) -> str:
    """The kinds update_active and update_idle are both "update"."""
    return kind.replace("all_in_", "all-in ").split("_")[0]


def _everything(profile: Profile) -> dict[str, Any]:
    prices = {kind: _price_facts(price) for kind, price in profile.prices.items()}
    return asdict(profile) | {"prices": prices}


def _price_facts(price: Price) -> dict[str, Any]:
    kind = KINDS[price.kind]
    figures = {f"{bound}_{kind.unit}": getattr(price, bound) for bound in ("low", "nominal", "high")}
    return {**figures, "per": kind.meaning, "scope": price.scope, "grade": price.grade, "source": price.source}


def _price_table(profile: Profile) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in ("price", "low", "nominal", "high", "scope", "grade"):
        table.add_column(column, no_wrap=True, justify="right" if column in ("low", "nominal", "high") else "left")
    for price in profile.prices.values():
        figures = [_figure(getattr(price, bound), KINDS[price.kind].unit) for bound in ("low", "nominal", "high")]
        table.add_row(price.kind, *figures, price.scope, price.grade)
    return table


def _lines(profile: Profile) -> Iterator[str]:
    """Everything but the figures of the prices, one fact a line."""
    for kind in profile.prices:
        yield f"{kind}: {KINDS[kind].meaning}"
    by_source: dict[str, list[str]] = {}
    for price in profile.prices.values():
        by_source.setdefault(price.source, []).append(price.kind)
    for source, kinds in by_source.items():
        yield f"source of {', '.join(kinds)}: {source}"
    for kind, reason in profile.left_out.items():
        yield f"left out: {kind} - {reason}"
    if profile.timing:
        yield from _timing_lines(profile.timing)
    for entry in profile.published:
        yield _published_line(entry)
    if profile.capacity:
        yield from _capacity_lines(profile.capacity)
    if profile.layers:
        yield f"layers: {', '.join(profile.layers)}"
    for fact, unit in FACTS.items():
        if (value := getattr(profile, fact)) is not None:
            yield f"{fact.removesuffix('_volt')}: {value}{unit}"


def _capacity_lines(capacity: Capacity) -> Iterator[str]:
    """The limits that `msenas fit` judges by."""
    for name in LIMITS:
        limit = getattr(capacity, name)
        if isinstance(limit, Mapping):
            yield f"limit {name}: {'; '.join(f'{key}, {how}' for key, how in limit.items())}"
        elif limit is not None:
            yield f"limit {name}: {', '.join(map(str, limit)) if isinstance(limit, tuple) else limit}"
    unpublished = [name for name in LIMITS if getattr(capacity, name) is None and name not in capacity.no_limit]
    if unpublished:
        yield f"limits that nobody published: {', '.join(unpublished)}"
    yield from (f"limit without a rule: {text}" for text in capacity.unchecked)
    yield f"source of the limits: {capacity.source}"


def _timing_lines(timing: Timing) -> Iterator[str]:
    times = {k: v for k, v in asdict(timing).items() if k.endswith("_second") and v is not None}
    shown = [f"{key.removesuffix('_second')} {_range(value, 'second')}" for key, value in times.items()]
    yield f"time: {', '.join(shown)} ({timing.grade})"
    yield f"source of the times: {timing.source}"


def _published_line(entry: Published) -> str:
    figures = [
        _range(value, unit) for unit in ("joule", "watt", "second") if (value := getattr(entry, unit)) is not None
    ]
    return f"for the record: {entry.what}: {', '.join(figures)} ({entry.grade}; {entry.conditions}; {entry.source})"


def _range(value: float | tuple[float, float], unit: str) -> str:
    if not isinstance(value, tuple):
        return _figure(value, unit)
    least, most = value
    return _figure(least, unit) if least == most else f"{_figure(least, unit)} .. {_figure(most, unit)}"


def _figure(value: float | None, unit: str) -> str:
    """A figure of three digits with a readable unit: 2.19e-7 J is 219 nJ."""
    if value is None:
        return "-"
    sign, prefixes = UNITS[unit]
    factor, prefix = next((pair for pair in prefixes if value >= pair[0]), prefixes[-1 if value else 0])
    return f"{value / factor:.3g} {prefix}{sign}"


def _print_json(data: object) -> None:
    typer.echo(json.dumps(data, indent=2, allow_nan=False))
