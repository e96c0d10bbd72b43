"""Sensitivity of a run as rows: tornado, prices, severity, convergence, budget impact."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from psa_engine.accrual.expected_qalys import expected_qalys
from psa_engine.decision import net_monetary_benefit
from psa_engine.decision.severity import BANDS, Shortfall, severity_weight
from psa_engine.errors import InputError
from psa_engine.sample import PsaSample
from psa_engine.sensitivity.budget import budget_impact
from psa_engine.sensitivity.convergence import convergence, draws_needed
from psa_engine.sensitivity.one_way import tornado
from psa_engine.sensitivity.outcomes import pair
from psa_engine.sensitivity.price import Prices, packs_of, price_curve, price_thresholds
from psa_engine.sensitivity.ranges import named_range
from psa_engine.summary.rows import plain, records

POINTS = 61
"""Prices along a curve."""
LIFETIME = 0.05
"""A horizon is a lifetime when no more of the general population than this is alive at its end."""


def compared(sample: PsaSample) -> tuple[str, str]:
    """Return the pair that summaries show: the first strategy and the comparator, or the last if that is the first."""
    other = sample.comparator if sample.comparator != sample.strategies[0] else None
    return pair(sample.strategies, sample.strategies[0], other)


def tornado_rows(
    analysis: Any, wtp: Sequence[float], compared: tuple[str, str], more: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return the tornado of one strategy against another, with each parameter's label and evidence status.

    Named ranges over confidential prices are left out: net benefit is linear in a price, so that two ends and the
    base case give it away.
    """
    hidden = {f"{kind}[{p}]" for p in analysis.confidential for kind in ("list_price", "discount")}
    kept = {k: v for k, v in analysis.ranges.items() if not hidden & set(v)}
    named = [named_range(k, v, analysis.parameters) for k, v in kept.items()]
    how = {"on_invalid": analysis.plan.on_invalid, "ranges": [*more, *named]}
    strategy, comparator = compared
    found = tornado(
        analysis.model, analysis.parameters, wtp=wtp, strategy=strategy, comparator=comparator, **how
    )
    about = {e.name: e for e in analysis.ledger}
    bars = [
        {
            "parameter": row["parameter"],
            "label": about[row["parameter"]].label if row["parameter"] in about else row["parameter"],
            "status": about[row["parameter"]].status if row["parameter"] in about else "",
            **{k: v for k, v in row.items() if k != "parameter"},
        }
        for row in records(found.bars)
    ]
    base = {k: plain(v) for k, v in found.base.items()}
    return {"strategy": strategy, "comparator": comparator, "wtp": list(wtp), "base": base, "bars": bars}


def net_prices(analysis: Any, sample: PsaSample) -> Prices:
    """Return the net price of every product in every draw of a sample."""
    return Prices.of(list(analysis.products), {**analysis.parameters.means(), **sample.parameter_values})


def list_prices(analysis: Any, sample: PsaSample) -> Prices:
    """Return the list price of every product in every draw of a sample."""
    values = {**analysis.parameters.means(), **sample.parameter_values}
    return Prices({p: values[f"list_price[{p}]"] for p in analysis.products})


def threshold_rows(
    analysis: Any, sample: PsaSample, wtp: Sequence[float], product: str, strategy: str
) -> list[dict[str, Any]]:
    """Return by WTP the highest net price of a product at which a strategy is the best choice."""
    prices, about = net_prices(analysis, sample), analysis.products[product]
    table = price_thresholds(sample, strategy, product, prices, wtp)
    first = {"product": product, "strategy": strategy, "pack": about.pack or "pack"}
    run_at = float(prices.at(product, sample).mean())
    return [{**first, **row, "run_at": run_at} for row in records(table.reset_index())]


def price_points(
    analysis: Any,
    sample: PsaSample,
    wtp: Sequence[float],
    thresholds: Sequence[dict[str, Any]],
    at: Any = None,
) -> dict[str, Any]:
    """Return a strategy's standing along the net price of the product that `thresholds` are of."""
    product, strategy = thresholds[0]["product"], thresholds[0]["strategy"]
    about = analysis.products[product]
    if at is None:
        at = np.linspace(0, price_ceiling([t[k] for t in thresholds for k in ("price", "run_at")]), POINTS)
    curve = price_curve(sample, strategy, product, net_prices(analysis, sample), at, wtp)
    return {
        "product": product,
        "label": about.label or product,
        "pack": about.pack or "pack",
        "strategy": strategy,
        "points": records(curve),
    }


def price_ceiling(prices: Sequence[Any]) -> float:
    """Return a round price about twice the highest of those given."""
    highest = 2 * max([p for p in prices if isinstance(p, float) and p > 0] + [0.5])
    unit = 10.0 ** np.floor(np.log10(highest))
    return float(np.ceil(highest / unit * 2) / 2 * unit)


def products_in_question(analysis: Any, sample: PsaSample) -> list[str]:
    """Return the products whose price is a gap in the evidence and of which a strategy uses packs."""
    return [
        product
        for product, about in analysis.products.items()
        if about.status == "gap" and f"packs.{product}" in sample.outcome_names
    ]


def strategy_of(sample: PsaSample, product: str) -> str:
    """Return the strategy that a product's price is judged by: that of its name, else the one that uses most packs."""
    if product in sample.strategies:
        return product
    return sample.strategies[int(packs_of(sample, product).mean(0).argmax())]


def gap_prices(analysis: Any, sample: PsaSample, wtp: Sequence[float]) -> tuple[list[Any], list[str]]:
    """Return the threshold prices of the products in question, and why one has none."""
    rows, notes = [], []
    for product in products_in_question(analysis, sample):
        try:
            rows += threshold_rows(analysis, sample, wtp, product, strategy_of(sample, product))
        except InputError as error:
            notes.append(f"No prices of {product}: {error}")
    return rows, notes


def sensitivity_of_run(analysis: Any, sample: PsaSample, wtp: Sequence[float]) -> dict[str, Any]:
    """Return what a finished run says of sensitivity and prices at little cost.

    None, or nothing, where it does not apply; what could not be computed is told in `sensitivity_notes`, as a run is
    not to fail by what lies beside its question.
    """
    thresholds, notes = gap_prices(analysis, sample, wtp)
    products = dict.fromkeys(row["product"] for row in thresholds)
    bars = None
    try:
        if analysis.parameters.uncertain or analysis.ranges:
            bars = tornado_rows(analysis, wtp, compared(sample))
    except InputError as error:
        notes.append(f"No tornado: {error}")
    return {
        "threshold_prices": thresholds,
        "price_curves": [
            price_points(analysis, sample, wtp, [row for row in thresholds if row["product"] == product])
            for product in products
        ],
        "tornado": bars,
        "severity": severity_rows(analysis, sample, wtp),
        "convergence": convergence_rows(sample, wtp),
        "budget_impact": budget_rows(analysis),
        "sensitivity_notes": notes,
    }


def severity_rows(analysis: Any, sample: PsaSample, wtp: Sequence[float]) -> dict[str, Any] | None:
    """Return QALY shortfall under standard care, its weight, and the decisions with each weight.

    None without a life table and utility norms, or where the horizon is no lifetime.
    """
    timeline = analysis.timeline
    if timeline.life_table is None or timeline.utility_norms is None:
        return None
    expected = expected_qalys(timeline)
    strategy, comparator = compared(sample)
    asked = analysis.config.severity.standard_care if analysis.config.severity else comparator
    care = asked if asked in sample.strategies else comparator
    qalys = sample.effect_values[:, sample.strategies.index(care)]
    if expected.alive_at_end > LIFETIME or not (qalys.mean() > 0):
        return None
    loss = Shortfall(expected.qalys, float(qalys.mean()))
    gap = np.maximum(expected.qalys - qalys, 0)
    weights = np.array([severity_weight(a, a / expected.qalys) for a in gap])
    return {
        "standard_care": care,
        "start_age": timeline.start_age,
        "female": timeline.female,
        "discount_rate_effects": timeline.discount_rate_effects,
        "general_population_life_years": expected.life_years,
        "general_population_qalys": loss.general_population,
        "standard_care_qalys": loss.with_condition,
        "absolute_shortfall": loss.absolute,
        "proportional_shortfall": loss.proportional,
        "weight": loss.weight,
        "probability_of_weight": {f"{w:g}": float((weights == w).mean()) for w in (1.0, 1.2, 1.7)},
        "strategy": strategy,
        "comparator": comparator,
        "decisions": [
            _weighted(sample, w, weight, strategy, comparator, loss.weight)
            for w in wtp
            for weight in (1.0, *(b[0] for b in reversed(BANDS)))
        ],
    }


def _weighted(
    sample: PsaSample, wtp: float, weight: float, strategy: str, comparator: str, applies: float
) -> dict[str, Any]:
    benefit = net_monetary_benefit(sample, wtp * weight)
    mine, other = sample.strategies.index(strategy), sample.strategies.index(comparator)
    gain, best = benefit[:, mine] - benefit[:, other], int(benefit.mean(0).argmax())
    costs, effects = (
        float((v[:, mine] - v[:, other]).mean()) for v in (sample.cost_values, sample.effect_values)
    )
    error = gain.std(ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
    return {
        "wtp": wtp,
        "weight": weight,
        "applies": weight == applies,
        "optimal": sample.strategies[best],
        "weighted_icer": costs / (weight * effects) if costs * effects > 0 else None,
        "inmb": float(gain.mean()),
        "inmb_standard_error": plain(float(error)),
    }


def convergence_rows(sample: PsaSample, wtp: Sequence[float]) -> dict[str, Any]:
    """Return how one strategy's results against the comparator settle, and how many draws are enough."""
    strategy, comparator = compared(sample)
    return {
        "strategy": strategy,
        "comparator": comparator,
        "rows": records(convergence(sample, wtp, strategy, comparator)),
        "needed": records(draws_needed(sample, wtp, strategy, comparator)),
    }


def budget_rows(analysis: Any) -> dict[str, Any] | None:
    """Return the budget impact that the configuration describes, at the parameters' means; None where there is none."""
    about = analysis.config.budget_impact
    named = {*about.current, *about.future} if about else set()
    if about is None or not named <= set(analysis.strategies):
        return None
    found = budget_impact(
        analysis.model,
        analysis.parameters.means(),
        about.people,
        about.current,
        about.future,
        analysis.plan.on_invalid,
        analysis.parameters,
    )
    return {
        "status": about.status,
        "source": about.source or "",
        "note": about.note or "",
        "years": records(found.by_year),
        "per_person": records(found.per_person.reset_index()),
        "current": about.current,
        "future": about.future,
    }
