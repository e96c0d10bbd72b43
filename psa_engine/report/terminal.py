"""Tables for the terminal, written from a result's numbers; nothing is computed here."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from psa_engine.report.loudness import is_quiet
from psa_engine.report.terminal_sensitivity import print_sensitivity

Row = Mapping[str, Any]
PIPED_WIDTH = 160
_NOT = "not distinguishable from 0"


def console(stderr: bool = False) -> Console:
    """Return a console that is as wide as the terminal, and wide enough for the tables where there is none.

    It prints nothing where the command line was asked to be quiet.
    """
    plain = Console(stderr=stderr, quiet=is_quiet())
    return plain if plain.is_terminal else Console(stderr=stderr, width=PIPED_WIDTH, quiet=is_quiet())


def shows_progress() -> bool:
    """Whether someone watches a terminal and was not promised quiet."""
    return Console(stderr=True).is_terminal and not is_quiet()


def print_how(console: Console, results: Row) -> None:
    """Print on what a run was made: devices, blocks, compilation, speed, versions."""
    run = results["run"]
    seconds = run["seconds"]
    console.print(
        f"On {run['devices']}, in blocks of up to {run['block']:,} draws: first block, with compilation, "
        f"{seconds['first_block_with_compilation']:,.2f} s; all draws {seconds['total']:,.2f} s, "
        f"{run['draws_per_second']:,.0f} draws a second.",
        markup=False,
    )
    console.print(
        ", ".join(f"{name} {version}" for name, version in run["versions"].items()) + ".", markup=False
    )
    console.print(f"Configuration SHA-256 {results['config_hash']}.", markup=False)


def print_results(console: Console, results: Row) -> None:
    """Print a run: what it is, its evidence, outcomes, incremental analysis, uncertainty and prices."""
    print_heading(console, results)
    run, labels = results["run"], _labels(results)
    console.print(
        f"{run['n_draws']:,} draws ({run['sampler']}, seed {run['seed']}, {run['precision']} precision) in "
        f"{run['seconds']['total']:.1f} s on {escape(run['devices'])}."
    )
    if run["clipped"]:
        console.print(
            f"[bold]{run['clipped']:,} of {run['n_draws'] * len(labels):,} simulations had probabilities clipped.[/]"
        )
    for table in (outcome_table(results), incremental_table(results), decision_table(results)):
        console.print(table)
    for row in results["decision"]:
        console.print(
            f"At {_money(row['wtp'])} {results['currency']}/QALY: [bold]{escape(labels[row['optimal']])}[/] has the "
            f"highest mean net benefit, cost-effective in {row['probability_optimal_is_cost_effective']:.0%} of draws; "
            f"EVPI {_money(row['evpi'])} (SE {_error(row['evpi_standard_error'], ',.0f')}) per person."
        )
    for row in results["threshold_prices"]:
        console.print(_threshold(row, labels, results["currency"]))
    print_sensitivity(console, results)
    if results["evppi"]:
        first = [row for row in results["evppi"] if row["wtp"] == results["wtp"][0]]
        title = (
            "Evidence worth buying: the ten most valuable parameters and groups (regression on the sample)"
        )
        console.print(evppi_table(first[:10], results["currency"], title))
    if results["evsi"]:
        first = [row for row in results["evsi"] if row["wtp"] == results["wtp"][0]]
        title = (
            "What candidate studies would be worth, each at its best size of those named (from the sample)"
        )
        console.print(evsi_table(_best_sizes(first), results["currency"], title))
    for note in results["evsi_notes"]:
        console.print(escape(note))


def print_heading(console: Console, results: Row) -> None:
    """Print title, what was changed, conventions, the warning and the evidence counts."""
    console.print(f"[bold]{escape(results['title'])}[/]")
    for words in results["applied"]:
        console.print(f"With {escape(words)}.")
    if "confidential" in results:
        console.print(f"[bold]{escape(results['confidential']['warning'])}[/]")
    c = results["conventions"]
    console.print(
        f"{c['n_cycles']} cycles, {c['cycles_per_year']:g} a year; cycle correction {c['cycle_correction']}; "
        f"{c['discounting']} discounting, {c['discount_rate_costs']:.2%} costs, "
        f"{c['discount_rate_effects']:.2%} effects."
    )
    counts = ", ".join(f"{n} {status}" for status, n in results["evidence"].items())
    console.print(f"Evidence behind {sum(results['evidence'].values())} parameters: {counts}.")
    if results["illustrative"]:
        console.print(f"[italic]{escape(results['illustrative'].strip())}[/]")


def outcome_table(results: Row) -> Table:
    """Mean costs and effects with intervals, beside the deterministic base case."""
    table = _table(
        "Costs and effects, discounted, per person", "Strategy", "Costs", "95 % interval", "QALYs", "95 % interval",
        "Base case costs", "QALYs",
    )  # fmt: skip
    labels = _labels(results)
    for row, base in zip(results["mean_outcomes"], results["base_case"], strict=True):
        table.add_row(
            escape(labels[row["strategy"]]),
            f"{_money(row['costs'])} ± {_error(row['costs_standard_error'], ',.0f')}",
            f"{_money(row['costs_low'])} to {_money(row['costs_high'])}",
            f"{row['effects']:.3f} ± {_error(row['effects_standard_error'], '.3f')}",
            f"{row['effects_low']:.2f} to {row['effects_high']:.2f}",
            _money(base["costs"]),
            f"{base['effects']:.3f}",
        )
    table.caption = "± one Monte Carlo standard error; the interval is that of the draws"
    return table


def base_case_table(rows: Sequence[Row], labels: Mapping[str, str]) -> Table:
    """The deterministic base case: totals and net benefit, and below them every component."""
    heads = [k for k in rows[0] if k not in ("strategy", "components")]
    names = [
        n
        for n in dict.fromkeys(n for r in rows for n in r["components"])
        if not n.startswith("undiscounted.")
    ]
    table = _table("Base case: every parameter at its mean", "", *(labels[r["strategy"]] for r in rows))
    for head in heads:
        table.add_row(f"[bold]{head}[/]", *(_amount(r[head]) for r in rows))
    for name in names:
        table.add_row(escape(name), *(_amount(r["components"].get(name)) for r in rows))
    return table


def incremental_table(results: Row) -> Table:
    """The fully incremental analysis, from the cheapest strategy up."""
    table = _table(
        "Fully incremental analysis", "Strategy", "Costs", "QALYs", "Δ costs", "Δ QALYs", "ICER", "Status"
    )
    labels = _labels(results)
    for row in results["incremental"]:
        against = f" (v {labels[row['against']]})" if row["against"] else ""
        table.add_row(
            escape(labels[row["strategy"]]),
            _money(row["costs"]),
            f"{row['effects']:.3f}",
            _money(row["incremental_costs"]),
            _number(row["incremental_effects"], ".4f"),
            _money(row["icer"]),
            escape(row["status"] + against),
        )
    return table


def decision_table(results: Row) -> Table:
    """Net benefit and probability of being cost-effective at each threshold."""
    wtp = [row["wtp"] for row in results["decision"]]
    heads = [h for w in wtp for h in (f"NMB at {_money(w)}", "P(cost-effective)")]
    table = _table("Net monetary benefit", "Strategy", *heads)
    for i, about in enumerate(results["strategies"]):
        cells = [
            text
            for row in results["decision"]
            for text in (
                _money(row["strategies"][i]["nmb"]),
                f"{row['strategies'][i]['probability_cost_effective']:.1%}",
            )
        ]
        table.add_row(escape(about["label"]), *cells)
    return table


def scenario_table(rows: Sequence[Row], labels: Mapping[str, str]) -> Table:
    """Scenarios or subgroups in one table: incremental results of the first strategy, and the decisions."""
    prices = any(key.startswith("threshold_price_") for row in rows for key in row)
    table = _table(
        f"Scenarios: {rows[0]['comparison']}", "Scenario", "Δ costs", "Δ QALYs", "ICER or quadrant", "WTP", "INMB",
        "change", "Best choice", *(["Threshold price"] if prices else []),
    )  # fmt: skip
    for row in rows:
        for k, w in enumerate(row["wtp"]):
            icer = row["icer"] if row["icer"] is not None else row["quadrant"]
            # A scenario may leave out the strategy that the others are compared with.
            other = "" if row["comparison"] == rows[0]["comparison"] else f" ({row['comparison']})"
            lead = [
                escape(row["scenario"] + other),
                _money(row["incremental_costs"]),
                _number(row["incremental_effects"], ".4f"),
                _money(icer),
            ]
            best = labels.get(row[f"optimal_{w:g}"], row[f"optimal_{w:g}"])
            change = row.get(f"change_inmb_{w:g}")
            cells = [_money(w), _money(row[f"inmb_{w:g}"]), _number(change, "+,.0f"), escape(best)]
            price = [_money(row.get(f"threshold_price_{w:g}"))] if prices else []
            table.add_row(*(lead if k == 0 else [""] * 4), *cells, *price)
    return table


def evppi_table(
    rows: Sequence[Row], currency: str, title: str = "Value of perfect information about parts"
) -> Table:
    """EVPPI, the most valuable first, with error bars and evidence status."""
    table = _table(
        f"{title}, {currency} per person", "Parameter or group", "WTP", "EVPPI", "", "Evidence", "Method"
    )
    top = max((abs(row["evppi"]) for row in rows), default=1.0) or 1.0
    before = None
    for row in rows:
        bar = "█" * round(20 * max(row["evppi"], 0.0) / top) if row["distinguishable"] else ""
        name = escape(row["of"]) if row["of"] != before else ""
        text = f"{row['evppi']:,.2f} ± {row['standard_error']:,.2f}" if row["distinguishable"] else _NOT
        table.add_row(
            name, _money(row["wtp"]), text, bar, escape(row["status"]) if name else "", escape(row["method"])
        )
        before = row["of"]
    table.caption = "± one standard error"
    return table


def evsi_table(rows: Sequence[Row], currency: str, title: str = "Value of sample information") -> Table:
    """EVSI beside the EVPPI that bounds it, evidence status and, where the population is known, ENBS and the best n."""
    net = "enbs" in rows[0]
    heads = ["WTP", "Patients", "EVSI", "EVPPI", *(["ENBS, whole population", "Best n"] if net else [])]
    table = _table(f"{title}, {currency} per person", "Study", *heads, "Evidence", "Method")
    before = None
    for row in rows:
        value = f"{row['evsi']:,.2f} ± {row['standard_error']:,.2f}" if row["distinguishable"] else _NOT
        cells = [_money(row["wtp"]), f"{row['n']:,}", value, f"{row['evppi']:,.2f}"]
        if net:
            cells += [
                f"{_money(row['enbs'])} ± {_money(row['enbs_standard_error'])}",
                _best(row["optimal_n"]),
            ]
        first = row["study"] != before
        status = escape(row["status"]) if first else ""
        table.add_row(escape(row["study"]) if first else "", *cells, status, escape(row["method"]))
        before = row["study"]
    table.caption = "± one standard error"
    return table


def _best_sizes(rows: Sequence[Row]) -> list[Row]:
    """Pick each study's row of highest ENBS, or of highest EVSI where there is none."""
    best: dict[str, Row] = {}
    for row in rows:
        kept = best.setdefault(row["study"], row)
        if row.get("enbs", row["evsi"]) > kept.get("enbs", kept["evsi"]):
            best[row["study"]] = row
    return list(best.values())


def _best(n: int) -> str:
    return f"{n:,}" if n else "none"


def ledger_table(results: Row) -> Table:
    """Every parameter with its value, unit, status and source."""
    table = Table(title="Evidence ledger")
    for head in ("Parameter", "Value", "Unit", "Status", "Source"):
        table.add_column(head, overflow="fold")
    for e in results["ledger"]:
        table.add_row(*(escape(str(e[k])) for k in ("name", "value", "unit", "status", "source")))
    return table


def trace_table(title: str, rows: Sequence[Row]) -> Table:
    """A cohort trace at some of its time points."""
    table = _table(title, *rows[0])
    for row in rows:
        table.add_row(*(f"{v:.4f}" if k not in ("cycle", "year") else f"{v:g}" for k, v in row.items()))
    return table


def _threshold(row: Row, labels: Mapping[str, str], currency: str) -> str:
    name = escape(labels.get(row["product"], row["product"]))
    run_at = "" if row["run_at"] is None else f"; run at {row['run_at']:,.2f}"
    if row["price"] is None:
        verdict = f"would not be the best choice at any price (v {escape(labels[row['against']])})"
    elif row["price"] < 0:
        verdict = f"would not be the best choice even at no price (v {escape(labels[row['against']])})"
    else:
        verdict = (
            f"would be the best choice up to a net price of {row['price']:,.2f} "
            f"(SE {_error(row['standard_error'], ',.2f')}) {currency} per {escape(row['pack'])} "
            f"(v {escape(labels[row['against']])}{run_at})"
        )
    return f"At {_money(row['wtp'])}: {name} {verdict}."


def _labels(results: Row) -> dict[str, str]:
    return {s["strategy"]: s["label"] for s in results["strategies"]}


def _table(title: str, first: str, *rest: str) -> Table:
    table = Table(title=escape(title), title_justify="left")
    table.add_column(escape(first), overflow="fold")
    for head in rest:
        table.add_column(escape(head), justify="right", overflow="fold")
    return table


def _amount(value: Any) -> str:
    return _number(value, ",.3f" if value is not None and abs(value) < 100 else ",.0f")


def _money(value: Any) -> str:
    return _number(value, ",.0f")


def _error(value: float | None, form: str) -> str:
    return "unknown" if value is None else f"{value:{form}}"  # as of a single draw


def _number(value: Any, form: str) -> str:
    if value is None:
        return ""
    return f"{value:{form}}" if isinstance(value, int | float) else str(value)
