"""The tables of the page: cells with the text that is shown and the number that sorting goes by."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psa_engine.report.numbers import cents, figures, join, money, percent, qalys
from psa_engine.report.words import labels_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """What is shown, and what sorting goes by: a number, or the text itself."""

    text: str
    order: Any = None
    url: str = ""


@dataclass(frozen=True)
class Table:
    """A table of the page; `heads` pairs each head with whether the column is numeric."""

    name: str
    caption: str
    heads: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[Cell]]
    searchable: bool = False


def number(value: Any, form: Callable[[Any], str] = money, error: Any = None) -> Cell:
    """Return a cell of a number, with its standard error where there is one; missing numbers sort last."""
    spread = "" if error is None else f" ± {form(error)}"
    order = -1e300 if value is None else 1e300 if isinstance(value, str) else value
    return Cell(form(value) + spread if value is not None else "", order)


def text(value: Any) -> Cell:
    """Return a cell of words."""
    return Cell("" if value is None else str(value))


def outcomes(results: Row) -> Table:
    """Mean costs and effects with intervals."""
    labels, currency = labels_of(results), results["currency"]
    rows = [
        [
            text(labels[r["strategy"]]),
            number(r["costs"], money, r["costs_standard_error"]),
            Cell(f"{money(r['costs_low'])} to {money(r['costs_high'])}", r["costs_low"]),
            number(r["effects"], qalys, r["effects_standard_error"]),
            Cell(f"{qalys(r['effects_low'])} to {qalys(r['effects_high'])}", r["effects_low"]),
        ]
        for r in results["mean_outcomes"]
    ]
    heads = [("Strategy", False), (f"Costs, {currency}", True), ("95 % interval", True), ("QALYs", True)]
    caption = "Mean costs and QALYs per person, discounted, ± Monte Carlo standard error, and the interval of the draws"
    return Table("outcomes", caption, [*heads, ("95 % interval", True)], rows)


def incremental(results: Row) -> Table:
    """The fully incremental analysis."""
    labels, currency = labels_of(results), results["currency"]
    rows = [
        [
            text(labels[r["strategy"]]),
            number(r["costs"]),
            number(r["effects"], qalys),
            number(r["incremental_costs"]),
            number(r["incremental_effects"], qalys),
            number(r["icer"], money, r["icer_standard_error"]),
            text(r["status"] + (f" (against {labels[r['against']]})" if r["against"] else "")),
        ]
        for r in results["incremental"]
    ]
    heads = ["Costs", "QALYs", "Δ costs", "Δ QALYs", f"ICER, {currency} per QALY"]
    caption = "Fully incremental analysis, from the cheapest strategy up: each against the best one before it"
    return Table(
        "incremental", caption, [("Strategy", False), *((h, True) for h in heads), ("Status", False)], rows
    )


def decision(results: Row, d: Row) -> Table:
    """Net benefit and probability at one willingness to pay, best first."""
    labels, currency = labels_of(results), results["currency"]
    best_first = sorted(d["strategies"], key=lambda s: -s["nmb"])
    rows = [
        [
            text(labels[s["strategy"]]),
            number(s["nmb"], money, s["nmb_standard_error"]),
            number(s["nhb"], qalys),
            number(s["probability_cost_effective"], lambda p: percent(p, 1)),
            number(s["expected_loss"]),
        ]
        for s in best_first
    ]
    heads = [
        f"Net monetary benefit, {currency}",
        "Net health benefit, QALYs",
        "P(cost-effective)",
        "Expected loss",
    ]
    caption = f"At {money(d['wtp'])} {currency} per QALY; EVPI {money(d['evpi'])} per person"
    if d["evpi_standard_error"] is not None:
        caption += f" (standard error {money(d['evpi_standard_error'])})"
    return Table(f"decision-{d['wtp']:g}", caption, [("Strategy", False), *((h, True) for h in heads)], rows)


def base_case(results: Row) -> Table:
    """The deterministic base case with every discounted component, a column per strategy."""
    labels, rows = labels_of(results), results["base_case"]
    totals = [k for k in rows[0] if k not in ("strategy", "components")]
    parts = dict.fromkeys(n for r in rows for n in r["components"] if not n.startswith("undiscounted."))
    lines = [[text(_total(head)), *(number(r[head], _amount) for r in rows)] for head in totals]
    lines += [[text(name), *(number(r["components"].get(name), _amount) for r in rows)] for name in parts]
    heads = [("Outcome", False), *((labels[r["strategy"]], True) for r in rows)]
    return Table("base-case", "Base case: every parameter at its mean; discounted, per person", heads, lines)


def _total(head: str) -> str:
    return f"Net monetary benefit at {money(float(head[4:]))}" if head.startswith("nmb_") else f"Total {head}"


def _amount(value: Any) -> str:
    return money(value) if value is None or abs(value) >= 100 else qalys(value)


def threshold_prices(results: Row) -> Table | None:
    """The price at which each product of unknown price stops being the best choice."""
    labels = labels_of(results)
    rows = [
        [
            text(labels.get(r["product"], r["product"])),
            number(r["wtp"]),
            number(r["price"], cents, r["standard_error"])
            if r["price"] is not None
            else Cell("at no price", -1e300),
            number(r["run_at"], cents),
            text(r["pack"]),
            text(labels[r["against"]]),
        ]
        for r in results["threshold_prices"]
    ]
    heads = ["Willingness to pay", f"Threshold price, {results['currency']}", "Price of the run"]
    caption = (
        "The highest net price at which the product is still the best choice; negative: not even at no price"
    )
    last = [("Per", False), ("Against", False)]
    heads_ = [("Product", False), *((h, True) for h in heads), *last]
    return Table("threshold-prices", caption, heads_, rows) if rows else None


def scenarios(results: Row) -> Table | None:
    """Scenarios and subgroups against each other."""
    labels, found = labels_of(results), results.get("scenarios")
    if not found:
        return None
    wtp = found[0]["wtp"]
    rows = [
        [
            text(r["scenario"]),
            text(r["description"]),
            number(r["incremental_costs"]),
            number(r["incremental_effects"], qalys),
            number(r["icer"]) if r["icer"] is not None else text(r["quadrant"]),
            *(number(r.get(f"inmb_{w:g}")) for w in wtp),
            *(text(labels.get(r.get(f"optimal_{w:g}"), r.get(f"optimal_{w:g}"))) for w in wtp),
        ]
        for r in found
    ]
    heads = [
        ("Scenario", False), ("What changes", False), ("Δ costs", True), ("Δ QALYs", True), ("ICER", True),
        *((f"Incremental net benefit at {money(w)}", True) for w in wtp),
        *((f"Best choice at {money(w)}", False) for w in wtp),
    ]  # fmt: skip
    return Table("scenarios", f"Scenarios and subgroups: {found[0]['comparison']}", heads, rows)


def evppi(results: Row) -> Table | None:
    """The value of perfect information about parameters and groups, beside what they rest on."""
    found: dict[str, dict[float, Row]] = {}
    for r in results.get("evppi", []):
        found.setdefault(r["of"], {})[r["wtp"]] = r
    rows = []
    for name, by_wtp in found.items():
        first = next(iter(by_wtp.values()))
        values = [by_wtp.get(w, {}) for w in results["wtp"]]
        cells = [number(v.get("evppi"), cents, v.get("standard_error")) for v in values]
        clear = [money(v["wtp"]) for v in values if v.get("distinguishable")]
        rows.append(
            [text(name), text(first["status"]), *cells, text(join(clear) or "none"), text(first["method"])]
        )
    heads = [
        ("Parameter or group", False), ("Evidence", False), *((f"At {money(w)}", True) for w in results["wtp"]),
        ("Told from 0 at", False), ("Method", False),
    ]  # fmt: skip
    caption = (
        f"Expected value of partial perfect information, {results['currency']} per person, ± standard error"
    )
    return Table("evppi-table", caption, heads, rows) if rows else None


def ledger(results: Row) -> Table:
    """Every input with its value, unit, evidence status and source."""
    worth = {r["of"]: r["evppi"] for r in results.get("evppi", []) if r["wtp"] == results["wtp"][0]}
    rows = [
        [
            Cell(e["name"]),
            text(e["label"]),
            text(e["value"]),
            text(e["unit"]),
            text(e["status"]),
            number(worth.get(e["name"]), cents),
            Cell(e["source"], url=e["url"] if str(e["url"]).startswith("https://") else ""),
            text(e["note"]),
        ]
        for e in results["ledger"]
    ]
    heads = ["Name", "What it is", "Value", "Unit", "Evidence", "EVPPI", "Source", "Note"]
    caption = (
        f"Evidence ledger: every input and what it rests on, beside its EVPPI at {money(results['wtp'][0])} where that "
        "was among the largest"
    )
    return Table("ledger", caption, [(h, h == "EVPPI") for h in heads], rows, searchable=True)


def settings(results: Row) -> Table:
    """How the results were made."""
    run, c = results["run"], results["conventions"]
    lines = {
        "Analysis": results["name"],
        "Changed": "; ".join(results["applied"]) or "nothing",
        "Draws": f"{run['n_draws']:,}",
        "Seed": str(run["seed"]),
        "Sampler": str(run["sampler"]),
        "Precision": str(run["precision"]),
        "Simulations clipped": f"{run['clipped']:,}",
        "Devices": str(run["devices"]),
        "Seconds": figures(run["seconds"]["total"]),
        "Cycles": f"{c['n_cycles']:,}, {c['cycles_per_year']:g} a year from age {c['start_age']:g}",
        "Cycle correction": c["cycle_correction"].replace("_", " "),
        "Discounting": c["discounting"].replace("_", " "),
        "Discount rates": f"costs {c['discount_rate_costs']:.2%}, effects {c['discount_rate_effects']:.2%}",
        "Configuration (SHA-256)": results["config_hash"],
        "Versions": ", ".join(f"{name} {v}" for name, v in run["versions"].items()),
    }
    rows = [[text(k), text(v)] for k, v in lines.items()]
    return Table("settings", "How these results were made", [("Setting", False), ("Value", False)], rows)
