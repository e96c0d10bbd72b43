"""`psa-engine tornado` and `psa-engine gradient`: one parameter after the other, two at once, and slopes."""

from typing import Any

import numpy as np
from rich.console import Console

from psa_engine.cli.asked import Asked
from psa_engine.cli.confidential import refuse_confidential, says_no_discount
from psa_engine.cli.values import known_values, low_high
from psa_engine.config import Analysis
from psa_engine.errors import InputError
from psa_engine.report.terminal_sensitivity import gradient_table, tornado_table, two_way_text


@says_no_discount
def tornado_command(
    asked: Asked,
    strategy: str | None,
    comparator: str | None,
    ranges: tuple[str, ...],
    grid: str | None,
    points: int,
    top: int,
) -> None:
    """Draw up the tornado and, where asked for, the grid of two parameters."""
    from psa_engine.sensitivity.ranges import named_range
    from psa_engine.summary.sensitivity import tornado_rows

    analysis = asked.analysis()
    wtp = [float(w) for w in analysis.settings.wtp]
    given = dict(low_high(text, "--range") for text in ranges)
    for name, ends in given.items():
        known_values(analysis, name, ends, "--range")
        refuse_confidential(analysis, name)
    more = [named_range(name, {name: ends}, analysis.parameters) for name, ends in given.items()]
    pair = compared(analysis, strategy, comparator)
    found: dict[str, Any] = {"tornado": tornado_rows(analysis, wtp, pair, more)}
    if grid is not None:
        found["two_way"] = _two_way(analysis, grid, points, given, wtp, pair)

    def show(console: Console, results: Any) -> None:
        for w in wtp:
            console.print(tornado_table(results, w, top))
        if grid is not None:
            console.print(two_way_text(results["two_way"], wtp, asked.out is not None))

    def tables(results: Any) -> dict[str, list[dict[str, Any]]]:
        return {"tornado": results["tornado"]["bars"], "two_way": results.get("two_way", [])}

    asked.tell(analysis, found, tables, show)


def compared(analysis: Analysis, strategy: str | None, comparator: str | None) -> tuple[str, str]:
    """Return the pair asked for, else the first strategy and the configuration's comparator."""
    from psa_engine.sensitivity.outcomes import pair

    names = list(analysis.strategies)
    usual = analysis.settings.comparator
    mine = strategy or (names[0] if names[0] != comparator else None)
    return pair(names, mine, comparator or (usual if usual != (mine or names[0]) else None))


def _two_way(
    analysis: Analysis, text: str, points: int, given: Any, wtp: list[float], pair: tuple[str, str]
) -> list[dict[str, Any]]:
    from psa_engine.sensitivity import intervals, two_way
    from psa_engine.summary import records

    names = [name.strip() for name in text.split(",")]
    if len(names) != 2:
        raise InputError(f"'{text}' does not name two parameters.", path="--two-way", hint="Write a,b.")
    if points < 2:
        raise InputError(
            f"A grid of {points} points a side is empty.", path="--grid", hint="Give at least 2."
        )
    known = {r.name: r.ends[r.name] for r in intervals(analysis.parameters)} | given
    axes = []
    for name in names:
        known_values(analysis, name, (), "--two-way")
        refuse_confidential(analysis, name)
        if name not in known:
            raise InputError(
                f"'{name}' is fixed and has no interval.",
                path="--two-way",
                hint=f"Give --range {name}=low:high.",
            )
        axes.append((name, np.linspace(known[name][0], known[name][1], points).tolist()))
    table = two_way(
        analysis.model, analysis.parameters, *axes,
        wtp=wtp, strategy=pair[0], comparator=pair[1], on_invalid=analysis.plan.on_invalid,
    )  # fmt: skip
    return records(table)


@says_no_discount
def gradient_command(asked: Asked, strategy: str | None, comparator: str | None, top: int) -> None:
    """Differentiate the net benefit by every parameter."""
    from psa_engine.sensitivity import gradient
    from psa_engine.summary import records

    analysis = asked.analysis()
    refuse_confidential(analysis)
    wtp = [float(w) for w in analysis.settings.wtp]
    mine, other = compared(analysis, strategy, comparator)
    rows = records(gradient(analysis.model, analysis.parameters, wtp=wtp, strategy=mine, comparator=other))
    found = {"strategy": mine, "comparator": other, "gradient": rows}

    def show(console: Console, results: Any) -> None:
        for w in wtp:
            order = sorted(rows, key=lambda row: -abs(row[f"gradient_{w:.12g}"] * row["value"]))
            console.print(gradient_table(order, w, top, f"INMB of {mine} v {other}"))

    asked.tell(analysis, found, lambda results: {"gradient": results["gradient"]}, show)
