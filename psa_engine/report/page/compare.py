"""The page of two runs side by side."""

from collections.abc import Mapping
from typing import Any

from psa_engine.report.numbers import cents, money, percent, qalys
from psa_engine.report.page.charts.both import both_ceacs
from psa_engine.report.page.render import page
from psa_engine.report.page.tables import Cell, Table, number, text

Row = Mapping[str, Any]
FORMS = {"costs": money, "effects": qalys, "nmb": money, "evpi": cents}


def compare_html(first: Row, second: Row, found: Row, names: tuple[str, str]) -> str:
    """Return the page that shows two results and their `comparison`; `names` says which is which."""
    labels = {s["strategy"]: s["label"] for s in found["strategies"]}
    ceacs = both_ceacs(first, second, names)
    return page(
        "compare.html",
        [ceacs],
        names=names,
        first=first,
        second=second,
        labels=labels,
        found=found,
        charts={"both": ceacs},
        tables={
            "decisions": _decisions(found, labels, names),
            "outcomes": [_outcomes(found, labels, names, key) for key in ("costs", "effects")],
            "net_benefit": _net_benefit(found, labels, names),
            "settings": _changes("settings", "Settings that differ", found["settings"], "setting", names),
            "inputs": _changes("inputs", "Inputs that differ", found["inputs"], "name", names),
        },
    )


def _decisions(found: Row, labels: Row, names: tuple[str, str]) -> Table:
    rows = [
        [
            number(d["wtp"]),
            text(labels[d["optimal_first"]]),
            text(labels[d["optimal_second"]]),
            text("same" if d["same"] else "changed"),
            *_numbers(d, cents),
        ]
        for d in found["decisions"]
    ]
    heads = [
        ("Willingness to pay", True), (f"Best in {names[0]}", False), (f"Best in {names[1]}", False),
        ("Decision", False), *_heads(names, "EVPI, "),
    ]  # fmt: skip
    return Table("decisions", "Decisions and EVPI per person", heads, rows)


def _outcomes(found: Row, labels: Row, names: tuple[str, str], key: str) -> Table:
    rows = [
        [text(labels[r["strategy"]]), *_numbers(r, FORMS[key])]
        for r in found["outcomes"]
        if r["outcome"] == key
    ]
    what = "costs" if key == "costs" else "QALYs"
    caption = f"Mean {what} per person, ± Monte Carlo standard error"
    return Table(key, caption, [("Strategy", False), *_heads(names)], rows)


def _net_benefit(found: Row, labels: Row, names: tuple[str, str]) -> list[Table]:
    tables = []
    for wtp in dict.fromkeys(r["wtp"] for r in found["net_benefit"]):
        of = [r for r in found["net_benefit"] if r["wtp"] == wtp]
        chances = {r["strategy"]: r for r in of if r["outcome"] == "probability_cost_effective"}
        rows = [
            [
                text(labels[r["strategy"]]),
                *_numbers(r, money),
                *(
                    Cell(percent(chances[r["strategy"]][k], 1), chances[r["strategy"]][k])
                    for k in ("first", "second")
                ),
            ]
            for r in of
            if r["outcome"] == "nmb"
        ]
        heads = [("Strategy", False), *_heads(names), *((f"P(best), {name}", True) for name in names)]
        tables.append(Table(f"nmb-{wtp:g}", f"Net monetary benefit at {money(wtp)} per QALY", heads, rows))
    return tables


def _changes(name: str, caption: str, rows: list[Row], key: str, names: tuple[str, str]) -> Table | None:
    lines = [
        [
            text(r[key]),
            *([text(", ".join(r["changed"]))] if "changed" in r else []),
            text(r["first"]),
            text(r["second"]),
        ]
        for r in rows
    ]
    extra = [("What differs", False)] if rows and "changed" in rows[0] else []
    heads = [("Name", False), *extra, (names[0], False), (names[1], False)]
    return Table(name, f"{caption} ({len(rows)})", heads, lines) if rows else None


def _numbers(row: Row, form: Any) -> list[Cell]:
    return [
        number(row["first"], form, row["first_standard_error"]),
        number(row["second"], form, row["second_standard_error"]),
        number(row["difference"], form),
    ]


def _heads(names: tuple[str, str], what: str = "") -> list[tuple[str, bool]]:
    return [*((f"{what}{name}", True) for name in names), ("Difference", True)]
