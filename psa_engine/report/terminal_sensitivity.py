"""Tables of sensitivity and prices for the terminal, written from a result's numbers; nothing is computed here."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

Row = Mapping[str, Any]
BAR = 12
"""Characters on each side of a tornado's base case."""


def print_sensitivity(console: Console, results: Row) -> None:
    """Print what a run says of severity, of the draws that are enough, and of the payer's budget, a line each."""
    labels = {s["strategy"]: s["label"] for s in results["strategies"]}
    for line in (_severity(results, labels), _draws(results), _budget(results)):
        if line:
            console.print(line)
    for note in results.get("sensitivity_notes", ()):
        console.print(escape(note))


def _severity(results: Row, labels: Mapping[str, str]) -> str:
    found = results.get("severity")
    if not found:
        return ""
    weighted = [
        f" With it, at {d['wtp']:,.0f}: {escape(labels[d['optimal']])}."
        for d in found["decisions"]
        if d["applies"] and d["weight"] != 1
    ]
    return (
        f"Severity: {found['absolute_shortfall']:.1f} of {found['general_population_qalys']:.1f} QALYs lost "
        f"({found['proportional_shortfall']:.0%}) under {escape(labels[found['standard_care']])}; "
        f"QALY weight {found['weight']:g}.{''.join(weighted)}"
    )


def _draws(results: Row) -> str:
    settling = results.get("convergence")
    needed = [row for row in settling["needed"] if row["quantity"] == "inmb"] if settling else []
    short = next((row for row in needed if not row["enough"] and row["standard_error"]), None)
    if short is None:
        return ""
    return (
        f"The INMB at {short['wtp']:,.0f} has a Monte Carlo standard error of {short['standard_error']:,.3g}; "
        f"for {short['target']:,.3g}, {short['draws']:,.0f} draws are needed."
    )


def _budget(results: Row) -> str:
    found = results.get("budget_impact")
    if not found:
        return ""
    years = found["years"]
    return (
        f"Budget impact ({found['status']}): {years[0]['impact']:+,.0f} {results['currency']} in year 1, "
        f"{years[-1]['impact']:+,.0f} in year {years[-1]['year']}."
    )


def tornado_table(results: Row, wtp: float, top: int) -> Table:
    """The widest bars at one WTP: ends, results at both, and the bar itself about the base case."""
    found, key = results["tornado"], f"inmb_{wtp:.12g}"
    base, bars = found["base"][key], found["bars"]
    table = _table(
        f"{found['strategy']} v {found['comparator']}: INMB at {wtp:,.0f}, base case {base:,.0f}",
        "Parameter", "Low", "High", "INMB low", "INMB high", "ICER low", "ICER high",
    )  # fmt: skip
    table.add_column("low ▒ │ high █")
    widest = max((abs(bar[f"{key}_{end}"] - base) for bar in bars for end in ("low", "high")), default=1.0)
    order = sorted(bars, key=lambda bar: -abs(bar[f"{key}_high"] - bar[f"{key}_low"]))
    for bar in order[:top]:
        ends = [_number(bar[end], ".4g") for end in ("low", "high")]
        shown = [_number(bar[f"{name}_{end}"], ",.0f") for name in (key, "icer") for end in ("low", "high")]
        name = bar["parameter"] + (" *" if bar["correlated_with"] else "")
        table.add_row(escape(name), *ends, *shown, _bar(bar, key, base, widest or 1.0))
    notes = ["* correlated with others, which stay at their means"] * any(
        b["correlated_with"] for b in order[:top]
    )
    if found["base"]["incremental_effects"] < 0:
        notes.append("ICER: saved per QALY lost, where less effective and less costly")
    table.caption = "; ".join(notes) or None
    return table


def _bar(bar: Row, key: str, base: float, widest: float) -> str:
    left, right = "", ""
    for end, mark in (("low", "▒"), ("high", "█")):
        off = bar[f"{key}_{end}"] - base
        marks = mark * round(BAR * abs(off) / widest)
        left, right = (marks, right) if off < 0 and len(marks) > len(left) else (left, right)
        right = marks if off > 0 and len(marks) > len(right) else right
    return f"{left:>{BAR}}│{right}"


def two_way_text(rows: Sequence[Row], wtp: Sequence[float], written: bool) -> str:
    """How much of the grid each strategy is the best in, by WTP."""
    first, second = list(rows[0])[:2]
    lines = []
    for w in wtp:
        best = [row[f"optimal_{w:.12g}"] for row in rows]
        shares = {s: best.count(s) / len(best) for s in sorted(set(best), key=best.count, reverse=True)}
        words = ", ".join(f"{escape(s)} at {share:.0%}" for s, share in shares.items())
        lines.append(
            f"{escape(first)} x {escape(second)}, {len(rows):,} points, at {w:,.0f}: best are {words}."
        )
    return "\n".join(
        [*lines] if written else [*lines, "The points are in results.json and tables/ with --out."]
    )


def gradient_table(rows: Sequence[Row], wtp: float, top: int, title: str) -> Table:
    """The largest elasticities of the net benefit at one WTP."""
    table = _table(f"{title}, at {wtp:,.0f}", "Parameter", "Value", "Slope", "Elasticity", "Per SD", "Smooth")
    for row in rows[:top]:
        numbers = [_number(row[f"{k}_{wtp:.12g}"], ",.3f") for k in ("gradient", "elasticity")]
        spread = _number(row[f"per_sd_{wtp:.12g}"] or None, ",.0f")
        smooth = "yes" if row["smooth"] else "no"
        table.add_row(escape(row["parameter"]), _number(row["value"], ".4g"), *numbers, spread, smooth)
    table.caption = (
        "slope: money per unit; elasticity: % of the INMB per % of the parameter; not smooth: it jumps there"
    )
    return table


def threshold_table(rows: Sequence[Row], currency: str) -> Table:
    """The highest price at which each strategy is the best choice, with both of its uncertainties."""
    table = _table(
        f"Highest net price at which a strategy is the best choice, {currency} per pack",
        "Product", "WTP", "Price", "95 % Monte Carlo interval", "Middle 95 % of draws", "Against",
    )  # fmt: skip
    for row in rows:
        ends = [_number(row[end], ",.2f") for end in ("low", "high")]
        table.add_row(
            escape(f"{row['product']} ({row['pack']})"),
            f"{row['wtp']:,.0f}",
            "never the best" if row["price"] is None else _number(row["price"], ",.2f"),
            " to ".join(ends) if all(ends) else "",
            f"{_number(row['draws_low'], ',.0f')} to {_number(row['draws_high'], ',.0f')}",
            escape(row["against"]),
        )
    return table


def price_table(curve: Row, shown: int = 11) -> Table:
    """A strategy's standing at some of the prices of its curve."""
    wtp = list(dict.fromkeys(point["wtp"] for point in curve["points"]))
    heads = [h for w in wtp for h in (f"INMB at {w:,.0f}", "P(cost-effective)")]
    table = _table(f"{curve['label']}: net price per {curve['pack']}", "Price", *heads)
    by_wtp = [[p for p in curve["points"] if p["wtp"] == w] for w in wtp]
    step = max(1, (len(by_wtp[0]) - 1) // (shown - 1))
    for points in list(zip(*by_wtp, strict=True))[::step]:
        cells = [c for p in points for c in (f"{p['inmb']:,.0f}", f"{p['probability']:.1%}")]
        table.add_row(f"{points[0]['price']:,.2f}", *cells)
    table.caption = "INMB: less the best of the other strategies"
    return table


def map_text(found: Row) -> str:
    """What a price map says, in a line: how the highest price moves with the discount of the others."""
    rows = zip(found["discounts"], found["inmb"], strict=True)
    ends = {}
    for discount, inmb in rows:
        paying = [p for p, gain in zip(found["prices"], inmb, strict=True) if gain >= 0]
        ends[discount] = f"{max(paying):,.0f}" if paying else "none"
    shown = list(ends)[:: max(1, (len(ends) - 1) // 5)]
    words = "; ".join(f"{discount:.0%}: {ends[discount]}" for discount in shown)
    return (
        f"At {found['wtp']:,.0f}, the highest price on the map at which {escape(found['strategy'])} is the best, "
        f"by discount on {escape(', '.join(found['discounted']))}: {words}."
    )


def _table(title: str, first: str, *rest: str) -> Table:
    table = Table(title=escape(title), title_justify="left")
    table.add_column(first, overflow="fold")
    for head in rest:
        table.add_column(head, justify="right", overflow="fold")
    return table


def _number(value: Any, form: str) -> str:
    if value is None:
        return ""
    return f"{value:{form}}" if isinstance(value, int | float) else str(value)
