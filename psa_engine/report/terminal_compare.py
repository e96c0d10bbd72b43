"""Two runs side by side in the terminal; nothing is computed here."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from psa_engine.report.numbers import cents, money, percent, qalys

Row = Mapping[str, Any]
_FORMS = {
    "costs": money,
    "effects": qalys,
    "nmb": money,
    "probability_cost_effective": lambda p: percent(p, 1),
}
_WORDS = {
    "costs": "Costs",
    "effects": "QALYs",
    "nmb": "NMB",
    "probability_cost_effective": "P(cost-effective)",
}


def print_comparison(console: Console, found: Row, names: tuple[str, str]) -> None:
    """Print what differs in settings and inputs, then outcomes, net benefit and decisions."""
    labels = {s["strategy"]: s["label"] for s in found["strategies"]}
    for title, rows, key in (("Settings", found["settings"], "setting"), ("Inputs", found["inputs"], "name")):
        if rows:
            console.print(_changes(f"{title} that differ", rows, key, names))
        else:
            console.print(f"{title}: the same.")
    console.print(_values("Mean costs and QALYs per person", found["outcomes"], labels, names))
    for wtp in dict.fromkeys(r["wtp"] for r in found["net_benefit"]):
        rows = [r for r in found["net_benefit"] if r["wtp"] == wtp]
        console.print(_values(f"At {money(wtp)} per QALY", rows, labels, names))
    for d in found["decisions"]:
        console.print(_decision(d, labels, names))


def _decision(d: Row, labels: Row, names: tuple[str, str]) -> str:
    first, second = (f"[bold]{escape(labels[d[k]])}[/]" for k in ("optimal_first", "optimal_second"))
    best = (
        f"{first} is best in both" if d["same"] else f"{first} is best in {names[0]}, {second} in {names[1]}"
    )
    return f"At {money(d['wtp'])}: {best}; EVPI {cents(d['first'])} and {cents(d['second'])}."


def _changes(title: str, rows: list[Row], key: str, names: tuple[str, str]) -> Table:
    table = Table(title=title, title_justify="left")
    for head in ("", *names):
        table.add_column(escape(head), overflow="fold")
    for row in rows:
        table.add_row(*(escape("" if row[k] is None else str(row[k])) for k in (key, "first", "second")))
    return table


def _values(title: str, rows: list[Row], labels: Row, names: tuple[str, str]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("Strategy", overflow="fold")
    table.add_column("")
    for head in (*names, "Difference"):
        table.add_column(escape(head), justify="right")
    for row in rows:
        form = _FORMS[row["outcome"]]
        numbers = (form(row[k]) for k in ("first", "second", "difference"))
        table.add_row(escape(labels[row["strategy"]]), _WORDS[row["outcome"]], *numbers)
    return table
