"""The report of an estimate as tables for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Console, JustifyMethod
from rich.table import Table

from msenas.evaluation.estimate import Estimated
from msenas.hardware.counts import Counts
from msenas.hardware.fanout import IntMap
from msenas.hardware.price import Band
from msenas.hardware.quantity import joules, seconds
from msenas.hardware.report import ChipEstimate, percentiles
from msenas.hardware.twin import Twin

COUNTED = {
    "spikes": "spikes of the neurons",
    "input_spikes": "spikes of the input",
    "synops": "SynOps delivered",
    "synops_nonzero": "SynOps, non-zero weights",
    "synops_dense": "SynOps if everything fired",
    "updates_active": "neuron updates, active",
    "updates_idle": "neuron updates, idle",
    "macs_input": "MACs of the analog input",
    "macs_readout": "MACs of the read-out",
}

BY_PLACE = {
    "spikes": "spikes",
    "updates_active": "active",
    "updates_idle": "idle",
    "synops": "SynOps",
    "synops_nonzero": "non-zero",
    "synops_dense": "dense",
    "macs": "MACs",
}


def print_estimated(estimated: Estimated, trained: bool, by_layer: bool, out: Console) -> None:
    """Counts, one row for each chip, and what must be known to read them."""
    report = estimated.report
    weights = "trained weights" if trained else "random weights, normalisation calibrated on training samples"
    out.print(f"{estimated.samples} samples of the {estimated.split} split, {weights}")
    if trained:
        out.print(f"accuracy on them: {estimated.accuracy:.2%}")
    for line in report.assumptions:
        out.print(f"  {line}")
    out.print(_counts(report.census.per_sample))
    if by_layer:
        out.print(_places(report.census.counts))
    out.print(chip_table(report.estimates))
    for estimate in report.estimates:
        for line in _remarks(estimate):
            out.print(line)
        if by_layer:
            out.print(_layers(estimate))
    for name, reason in report.refused.items():
        out.print(f"refused: {name} - {reason.partition(': ')[2]}")
    if report.ranking is not None:
        verdict = f"{report.ranking.winner} needs least" if report.ranking.winner else "no winner"
        out.print(f"ranking by nominal energy: {' < '.join(report.ranking.order)}")
        out.print(f"  {verdict}{': ' * bool(report.ranking.reason)}{report.ranking.reason}")
    out.print(f"compute-only index (45 nm): {joules(report.index_joule)}, the usual 4.6 / 0.9 pJ; no chip")
    out.print(
        "scope: operations of the chip, and static power, input and output as far as priced, but not host, sensors and "
        "board, which on small networks are most of what a meter shows (Blouw et al. 2019, doi:10.1145/3320288.3320304)"
    )


def _counts(per_sample: Mapping[str, IntMap]) -> Table:
    table = plain_table("per inference", *("median", "5 %", "95 %", "mean"), justify="right")
    for name, title in COUNTED.items():
        if name in per_sample:
            spread = percentiles(per_sample[name])
            if spread["mean"] or name == "spikes":
                table.add_row(title, *(f"{spread[key]:,.0f}" for key in ("p50", "p5", "p95", "mean")))
    return table


def chip_table(estimates: Sequence[ChipEstimate]) -> Table:
    """Energy, its band, time and grade, one row for each chip."""
    table = plain_table("profile", "energy", "low .. high", "time", "grade")
    for estimate in estimates:
        energy, latency = estimate.energy, estimate.latency
        bound = "at least " if energy.at_least else ""
        table.add_row(
            estimate.profile.name,
            bound + joules(energy.joule.nominal),
            _bounds(energy.joule),
            "-" if latency is None else seconds(latency.seconds.nominal),
            energy.grade,
        )
    return table


def _remarks(estimate: ChipEstimate) -> Iterator[str]:
    energy, delay, spread = estimate.energy, estimate.energy_delay, estimate.spread
    paid = ", ".join(f"{t.cause} {joules(t.joule.nominal)} ({t.price.grade})" for t in energy.terms if t.joule.nominal)
    yield f"{estimate.profile.name}: {energy.label}; {paid or 'nothing happens'}"
    yield f"  {', '.join(estimate.assumptions)}"
    if spread is not None:
        yield f"  samples: median {joules(spread['p50'])}, 5-95 % {joules(spread['p5'])} .. {joules(spread['p95'])}"
    if estimate.cores is not None:
        yield f"  {estimate.cores} cores on {estimate.chips} chip(s), placed one population after the other"
    if estimate.latency is not None and delay is not None:
        band = estimate.latency.seconds
        upper = "?" if band.high is None else seconds(band.high)
        yield f"  time by the model {estimate.latency.model!r}: {seconds(band.low or 0.0)} .. {upper}"
        rate, share = estimate.inferences_per_second, estimate.static_share
        pace = "" if rate is None else f"; one after the other {rate:,.4g} per second"
        static = "" if share is None else f"; static power is {share:.1%} of the energy"
        yield f"  energy x delay: {delay.nominal:.3g} J s{pace}{static}"
    if energy.unpriced:
        listed = ", ".join(f"{amount:,.4g} {cause}" for cause, amount in energy.unpriced)
        yield f"  unpriced, so the total is a lower bound: {listed}"
    if energy.included:
        yield f"  contained in other prices: {', '.join(energy.included)}"
    yield from (f"  left out: {text}" for text in energy.left_out)
    if estimate.twin is not None:
        yield f"  {_twin(estimate.twin)}"
    bits = estimate.memory.bits
    yield f"  memory: weights {bits['weights'] / 8192:,.1f} kB, states {bits['states'] / 8192:,.1f} kB"


def _twin(twin: Twin) -> str:
    text = f"ANN twin, {twin.bits}-bit activations: {joules(twin.joule.nominal)}"
    text += f" ({joules(twin.joule_skipping.nominal)} if it skips zeros)"
    if twin.spikes_per_synapse is not None:
        text += f"; {twin.spikes_per_synapse:.3g} spikes per synapse and inference"
    if twin.break_even_rate is None:
        return text
    if twin.break_even_rate <= 0:
        return f"{text}; the spiking network costs more at any firing rate"
    return f"{text}; break-even at {twin.break_even_rate:.3g} spikes per neuron and step, actual {twin.rate:.3g}"


def _places(counts: Counts) -> Table:
    """Mean counts per inference by population; what arrives there through its synapses."""
    table = plain_table("counts of", *BY_PLACE.values(), justify="right")
    for name, population in counts.populations.items():
        found = dict(population.per_inference)
        for tally in (t for synapse, t in counts.synapses if synapse.target == name):
            for key, value in tally.per_inference.items():
                found[key] = found.get(key, 0.0) + value
        table.add_row(name, *(f"{found[title]:,.0f}" if found.get(title) else "" for title in BY_PLACE))
    return table


def _layers(estimate: ChipEstimate) -> Table:
    """Nominal energy by place and cause."""
    terms = [t for t in estimate.energy.terms if t.joule.nominal]
    table = plain_table("place", *(t.cause for t in terms), "sum")
    for place in dict.fromkeys(p for t in terms for p in t.by_place):
        parts = [t.by_place.get(place, 0.0) for t in terms]
        table.add_row(place, *(joules(part) if part else "" for part in parts), joules(sum(parts)))
    return table


def plain_table(first: str, *others: str, justify: JustifyMethod = "left") -> Table:
    """A plain table; what is too wide is folded, since a piped table is 80 columns wide and must lose nothing."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column(first, overflow="fold")
    for title in others:
        table.add_column(title, justify=justify, overflow="fold")
    return table


def _bounds(band: Band) -> str:
    return f"{joules(band.low or 0.0)} .. {'?' if band.high is None else joules(band.high)}"
