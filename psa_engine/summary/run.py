"""A finished run as plain numbers: everything that tables, results.json and reports show, computed once here."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from psa_engine.decision import (
    ceac,
    ceaf,
    evpi,
    expected_loss,
    icers,
    mean_net_benefit,
    mean_outcomes,
    net_health_benefit,
    net_monetary_benefit,
    pairwise_icers,
    wtp_grid,
)
from psa_engine.sample import PsaSample
from psa_engine.summary.confidential import withheld
from psa_engine.summary.information import sample_evppi_rows
from psa_engine.summary.pictures import pictured
from psa_engine.summary.price_maps import price_maps_of_run
from psa_engine.summary.rows import plain, records
from psa_engine.summary.sensitivity import compared, gap_prices, sensitivity_of_run
from psa_engine.summary.studies import sample_evsi_rows

STATUSES = ("verified", "unverified", "assumption", "gap")


class Described(Protocol):
    """What a summary needs of an analysis (see `psa_engine.config.Analysis`)."""

    name: str
    title: str
    illustrative: str
    config_hash: str
    applied: tuple[str, ...]
    ledger: tuple[Any, ...]
    settings: Any
    timeline: Any
    currency: str
    strategies: Mapping[str, Any]
    products: Mapping[str, Any]
    parameters: Any

    def label(self, strategy: str) -> str: ...


def summarise(
    analysis: Any,
    sample: PsaSample,
    base: PsaSample,
    wtp: list[float] | None = None,
    studies: Callable[[], tuple[list[dict[str, Any]], list[str]]] | None = None,
) -> dict[str, Any]:
    """Return the results of a run as JSON-ready values: what was run, evidence, outcomes, decisions, prices.

    `studies` returns what `sample_evsi_rows` would, where somebody else is at work on it.
    """
    at = [float(w) for w in (wtp or analysis.settings.wtp)]
    sensitive = sensitivity_of_run(analysis, sample, at)
    results = {
        **described(analysis),
        "run": dict(sample.metadata),
        "wtp": at,
        "strategies": [{"strategy": s, "label": analysis.label(s)} for s in sample.strategies],
        "evidence": evidence_counts(analysis),
        "base_case": base_case_rows(base, at),
        "mean_outcomes": outcome_rows(sample),
        "components": component_rows(sample),
        "incremental": records(icers(sample)),
        "pairwise": records(pairwise_icers(sample, sample.comparator, at)),
        "decision": decision_rows(sample, at),
        "acceptability": acceptability_rows(sample, at),
        "evppi": sample_evppi_rows(analysis, sample, at),
        "evsi": [],
        "evsi_notes": [],
        **sensitive,
        "price_maps": price_maps_of_run(analysis, sample, sensitive["price_curves"], at),
        "ledger": [vars(e) for e in analysis.ledger],
        **pictured(analysis, sample),
    }
    # Last, as others may be at work on it meanwhile.
    results["evsi"], results["evsi_notes"] = studies() if studies else sample_evsi_rows(analysis, sample, at)
    return withheld(results, analysis.confidential)


def described(analysis: Any) -> dict[str, Any]:
    """Return what was analysed and by which conventions."""
    t = analysis.timeline
    return {
        "name": analysis.name,
        "title": analysis.title,
        "illustrative": analysis.illustrative,
        "config_hash": analysis.config_hash,
        "applied": list(analysis.applied),
        "currency": analysis.currency,
        "conventions": {
            "n_cycles": t.n_cycles,
            "cycles_per_year": t.cycles_per_year,
            "start_age": t.start_age,
            "cycle_correction": t.cycle_correction,
            "discounting": t.discounting,
            "discount_rate_costs": t.discount_rate_costs,
            "discount_rate_effects": t.discount_rate_effects,
        },
    }


def evidence_counts(analysis: Any) -> dict[str, int]:
    """Return how many parameters rest on each evidence status."""
    return {status: sum(e.status == status for e in analysis.ledger) for status in STATUSES}


def base_case_rows(base: PsaSample, wtp: list[float]) -> list[dict[str, Any]]:
    """Return the deterministic base case: totals, every component, net benefit, a row per strategy."""
    rows = []
    for i, strategy in enumerate(base.strategies):
        row: dict[str, Any] = {
            "strategy": strategy,
            "costs": float(base.cost_values[0, i]),
            "effects": float(base.effect_values[0, i]),
        }
        row |= {f"nmb_{w:g}": float(net_monetary_benefit(base, w)[0, i]) for w in wtp}
        row["components"] = {
            name: float(column[strategy][0]) for name, column in base.outcomes.items() if strategy in column
        }
        rows.append(row)
    return rows


def outcome_rows(sample: PsaSample) -> list[dict[str, Any]]:
    """Return mean costs and effects with Monte Carlo standard error and 95 % interval, a row per strategy."""
    table = mean_outcomes(sample)
    return [
        {
            "strategy": strategy,
            **{
                kind if statistic == "mean" else f"{kind}_{statistic}": plain(
                    float(table.loc[strategy, (kind, statistic)])
                )
                for kind in ("costs", "effects")
                for statistic in ("mean", "standard_error", "low", "high")
            },
        }
        for strategy in sample.strategies
    ]


def component_rows(sample: PsaSample) -> list[dict[str, Any]]:
    """Return the mean and standard error of every outcome that a strategy has."""
    scale = math.sqrt(sample.n_draws)
    return [
        {
            "strategy": strategy,
            "outcome": name,
            "mean": float(values.mean()),
            "standard_error": float(values.std(ddof=1) / scale) if sample.n_draws > 1 else None,
        }
        for name, column in sample.outcomes.items()
        for strategy, values in column.items()
    ]


def decision_rows(sample: PsaSample, wtp: list[float]) -> list[dict[str, Any]]:
    """Return for each WTP the strategy of highest mean net benefit, how sure that is, and the EVPI."""
    front, loss = ceaf(sample, wtp), expected_loss(sample, wtp)
    probability = ceac(sample, wtp)
    perfect = evpi(sample, wtp)
    rows = []
    for k, w in enumerate(wtp):
        benefit = net_monetary_benefit(sample, w)
        # At a WTP of nothing, costs cannot be told in health.
        health = (
            net_health_benefit(sample, w).mean(axis=0) if w > 0 else np.full(len(sample.strategies), np.nan)
        )
        scale = math.sqrt(sample.n_draws)
        error = benefit.std(axis=0, ddof=1) / scale if sample.n_draws > 1 else np.full(len(health), np.nan)
        rows.append(
            {
                "wtp": w,
                "optimal": str(front["strategy"].iloc[k]),
                "probability_optimal_is_cost_effective": float(front["probability"].iloc[k]),
                "evpi": float(np.asarray(perfect.value)[k]),
                "evpi_standard_error": plain(np.asarray(perfect.standard_error)[k]),
                "strategies": [
                    {
                        "strategy": s,
                        "nmb": float(benefit[:, i].mean()),
                        "nmb_standard_error": plain(error[i]),
                        "nhb": plain(health[i]),
                        "probability_cost_effective": float(probability[s].iloc[k]),
                        "expected_loss": float(loss[s].iloc[k]),
                    }
                    for i, s in enumerate(sample.strategies)
                ],
            }
        )
    return rows


def acceptability_rows(sample: PsaSample, wtp: list[float]) -> list[dict[str, Any]]:
    """Return CEAC, mean net benefit, expected loss and EVPI along a grid of WTP past the thresholds asked for."""
    grid = _grid_through(wtp)
    probability, loss, front = ceac(sample, grid), expected_loss(sample, grid), ceaf(sample, grid)
    perfect, benefit = evpi(sample, grid), mean_net_benefit(sample, grid)
    return [
        {
            "wtp": float(w),
            "optimal": str(front["strategy"].iloc[k]),
            "evpi": float(np.asarray(perfect.value)[k]),
            "nmb": {s: float(benefit[k, i]) for i, s in enumerate(sample.strategies)},
            "probability": {s: float(probability[s].iloc[k]) for s in sample.strategies},
            "expected_loss": {s: float(loss[s].iloc[k]) for s in sample.strategies},
        }
        for k, w in enumerate(grid)
    ]


def _grid_through(wtp: list[float]) -> np.ndarray:
    """Return round values of WTP, at most 80, from 0 past the thresholds asked for, and these among them."""
    high = max(50_000.0, 2 * max(wtp))
    steps = [s * 10.0**k for k in range(3, 12) for s in (1, 2, 2.5, 5)]
    coarse = [s for s in steps if high / s <= 80]
    through = [s for s in coarse if s <= high / 25 and all(w % s == 0 for w in wtp)]
    return np.union1d(wtp_grid(high, through[0] if through else coarse[0]), wtp)


def with_changes(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each line of a scenario table how its results differ from those of the first line, the base case.

    A change of the net benefit is given for each WTP that both have; none where another pair is compared.
    """
    base = rows[0]
    out = []
    for row in rows:
        changes = {}
        if row["comparison"] == base["comparison"]:
            shown = ["incremental_", "inmb_", "icer"]
            if row.get("threshold_product") == base.get("threshold_product"):
                shown.append("threshold_price_")
            kept = [k for k in row if k.startswith(tuple(shown))]
            for key in kept:
                if isinstance(row[key], float) and isinstance(base.get(key), float):
                    changes[f"change_{key}"] = row[key] - base[key]
        out.append({**row, **changes})
    return out


def scenario_row(
    name: str, description: str, analysis: Any, sample: PsaSample, wtp: list[float]
) -> dict[str, Any]:
    """Return one line of the scenario table: incremental results of the first strategy, and the decisions."""
    first, comparator = compared(sample)
    pair = next(r for r in records(pairwise_icers(sample, comparator, wtp)) if r["strategy"] == first)
    kept = ("comparison", "incremental_costs", "incremental_effects", "icer", "quadrant")
    decisions = decision_rows(sample, wtp)
    priced = [r for r in gap_prices(analysis, sample, wtp)[0] if r["strategy"] == first]
    # A strategy may be what several products of unknown price are judged by: its own comes before the others.
    own = min((r["product"] for r in priced), key=lambda product: product != first, default=None)
    prices = {f"threshold_price_{r['wtp']:g}": r["price"] for r in priced if r["product"] == own}
    if own is not None:
        prices = {"threshold_product": own, **prices}
    return {
        "scenario": name,
        "description": description,
        "wtp": wtp,
        **{k: pair[k] for k in kept},
        **{f"inmb_{w:g}": pair[f"inmb_{w:.12g}"] for w in wtp},
        **{f"optimal_{d['wtp']:g}": d["optimal"] for d in decisions},
        **{f"evpi_{d['wtp']:g}": d["evpi"] for d in decisions},
        **prices,
    }
