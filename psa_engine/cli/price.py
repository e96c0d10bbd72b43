"""`psa-engine price`: what a finished sample says of prices, without running it again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console

from psa_engine.cli.asked import Asked
from psa_engine.cli.confidential import refuse_confidential, says_no_discount
from psa_engine.cli.options import ALL
from psa_engine.cli.values import grid, known_values, split
from psa_engine.config import Analysis
from psa_engine.errors import InputError, nearest
from psa_engine.report.terminal import shows_progress
from psa_engine.report.terminal_sensitivity import map_text, price_table, threshold_table


@says_no_discount
def price_command(
    asked: Asked,
    products: Sequence[str],
    strategy: str | None,
    prices: str | None,
    against: str | None,
    discount_grid: str,
    by: str | None,
) -> None:
    """Find threshold prices and curves of each product and, where asked for, maps."""
    from psa_engine.summary.price_maps import price_map_rows
    from psa_engine.summary.sensitivity import (
        price_points,
        products_in_question,
        strategy_of,
        threshold_rows,
    )

    analysis = asked.analysis()
    wtp = [float(w) for w in analysis.settings.wtp]
    _known(analysis, products)
    for product in products:
        refuse_confidential(analysis, f"list_price[{product}]")
    at = grid(prices, "--prices") if prices else None
    others = _discounted(analysis, against)
    rates = grid(discount_grid, "--discount-grid")
    values = _values(analysis, by)
    sample = _run(analysis)
    told = [p for p in products_in_question(analysis, sample) if p not in analysis.confidential]
    chosen = list(products) or told
    if not chosen:
        secret = " and not confidential" if analysis.confidential else ""
        raise InputError(
            f"No product of {analysis.name} has a price that is a gap in the evidence{secret}.",
            hint=f"Name one with --product: {', '.join(analysis.products) or 'there is none'}.",
        )
    found: dict[str, list[Any]] = {"threshold_prices": [], "price_curves": []}
    for product in chosen:
        mine = strategy or strategy_of(sample, product)
        thresholds = threshold_rows(analysis, sample, wtp, product, mine)
        curve = price_points(analysis, sample, wtp, thresholds, at)
        found["threshold_prices"] += thresholds
        found["price_curves"].append(curve)
        points = sorted({p["price"] for p in curve["points"]})
        if others:
            shown = at or np.linspace(0, points[-1], 41).tolist()
            rivals = [o for o in others if o != product]
            found.setdefault("price_maps", []).extend(
                price_map_rows(analysis, sample, product, mine, shown, rivals, rates, wtp)
            )
        if values:
            found.setdefault("price_by", []).extend(_by(analysis, curve, points, values, wtp))
    asked.tell(analysis, found, _tables, _show)


def _known(analysis: Analysis, products: Sequence[str]) -> None:
    for product in products:
        if product not in analysis.products:
            raise InputError(f"There is no product '{product}'.", hint=nearest(product, analysis.products))


def _discounted(analysis: Analysis, against: str | None) -> list[str]:
    if against is None:
        return []
    if against != ALL:
        _known(analysis, [against])
    others = list(analysis.products) if against == ALL else [against]
    for product in others:
        refuse_confidential(analysis, f"discount[{product}]")
    return others


def _values(analysis: Analysis, by: str | None) -> tuple[str, list[float]] | None:
    if by is None:
        return None
    name, text = split(by, "--by")
    values = grid(text, "--by")
    known_values(analysis, name, values, "--by")
    refuse_confidential(analysis, name)
    return name, values


def _run(analysis: Analysis) -> Any:
    from psa_engine.engine import run_psa

    comparator = analysis.settings.comparator
    return run_psa(
        analysis.model,
        analysis.parameters,
        plan=analysis.plan,
        comparator=comparator,
        progress=shows_progress(),
    )


def _by(
    analysis: Analysis, curve: Any, prices: list[float], values: tuple[str, list[float]], wtp: list[float]
) -> list[dict[str, Any]]:
    """Run once for each value of the parameter, with the same draws of all others."""
    from psa_engine.summary.sensitivity import price_points, threshold_rows

    name, grid_ = values
    rows = []
    for value in grid_:
        other = replace(analysis, parameters=analysis.parameters.replace({name: value}))
        sample = _run(other)
        thresholds = threshold_rows(other, sample, wtp, curve["product"], curve["strategy"])
        points = price_points(other, sample, wtp, thresholds, prices)["points"]
        first = {"product": curve["product"], "parameter": name, "value": value}
        kept = [{k: v for k, v in t.items() if k != "run_at"} for t in thresholds]
        rows.append({**first, "thresholds": kept, "points": points})
    return rows


def _tables(found: Any) -> dict[str, list[dict[str, Any]]]:
    maps = [
        {"product": m["product"], "wtp": m["wtp"], "discount": d, "price": p}
        | {k: m[k][i][j] for k in ("inmb", "probability", "optimal")}
        for m in found.get("price_maps", ())
        for i, d in enumerate(m["discounts"])
        for j, p in enumerate(m["prices"])
    ]
    by = [
        {k: row[k] for k in ("product", "parameter", "value")} | point
        for row in found.get("price_by", ())
        for point in row["points"]
    ]
    return {
        "threshold_prices": found["threshold_prices"],
        "price_curves": [{"product": c["product"], **p} for c in found["price_curves"] for p in c["points"]],
        "price_maps": maps,
        "price_by": by,
    }


def _show(console: Console, results: Any) -> None:
    console.print(threshold_table(results["threshold_prices"], results["currency"]))
    for curve in results["price_curves"]:
        console.print(price_table(curve))
    for found in results.get("price_maps", ()):
        console.print(map_text(found))
    by = results.get("price_by", ())
    rows = [{**t, "product": f"{b['parameter']} = {b['value']:g}"} for b in by for t in b["thresholds"]]
    if rows:
        console.print(threshold_table(rows, results["currency"]))
