"""What evidence is worth buying, as rows: EVPPI of parameters and groups beside their evidence status."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from psa_engine.sample import PsaSample

ROWS = 10_000
"""Draws of a sample that the ranking of a run is read off: enough for a ranking, and quick."""
BINS, SHOWN = 25, 12


def evppi_rows(estimates: Sequence[Any], analysis: Any = None) -> list[dict[str, Any]]:
    """Return a row per estimate and WTP, the most valuable first at the first WTP, with evidence status."""
    ranked = sorted(estimates, key=lambda e: -float(np.atleast_1d(e.value)[0]))
    return [row for e in ranked for row in _rows(e, analysis)]


def _rows(estimate: Any, analysis: Any) -> list[dict[str, Any]]:
    columns = [np.atleast_1d(x).tolist() for x in (estimate.wtp, estimate.value, estimate.standard_error)]
    none = estimate.bias_bound is None
    bounds = [None] * len(columns[0]) if none else np.atleast_1d(estimate.bias_bound).tolist()
    return [
        {
            "of": ", ".join(estimate.of),
            "status": statuses(analysis, estimate.of),
            "wtp": wtp,
            "evppi": value,
            "standard_error": error,
            "bias_bound": bound,
            "distinguishable": told,
            "method": estimate.method,
            "model_runs": estimate.model_runs,
            "seconds": estimate.seconds,
        }
        for wtp, value, error, bound, told in zip(*columns, bounds, distinguishable(estimate), strict=True)
    ]


def statuses(analysis: Any, names: Sequence[str]) -> str:
    """Return the evidence statuses that parameters and groups rest on, with commas between; "" if unknown."""
    if analysis is None:
        return ""
    known = {e.name: e.status for e in analysis.ledger}
    members = [m for name in names for m in analysis.groups.get(name, (name,))]
    return ", ".join(sorted({known[m] for m in members if m in known}))


def distinguishable(estimate: Any) -> list[bool]:
    """Return whether an estimate stands out from 0 at each WTP: as its method says, or by 2 standard errors."""
    clear = np.greater(estimate.value, 2 * np.asarray(estimate.standard_error))
    return np.atleast_1d(estimate.diagnostics.get("distinguishable", clear)).tolist()


def sample_evppi_rows(analysis: Any, sample: PsaSample, wtp: Sequence[float]) -> list[dict[str, Any]]:
    """Return the EVPPI of a run's leading parameters, and of its groups, from (the first draws of) its sample.

    Which parameters lead is found by binning; `psa-engine evppi` estimates all of them from the model.
    A group with too many members for the draws is left to it as well.
    """
    from psa_engine.voi.regression import estimate_from, outcomes

    kept, at = first_draws(sample, ROWS), [w for w in wtp if w > 0]
    if kept.n_draws < 1_000 or not kept.parameter_values or not at:
        return []
    y = outcomes(kept, 0)
    found = [estimate_from(y, kept, (name,), np.array(at)) for name in leading(kept, at)]
    for group, members in analysis.groups.items():
        varying = tuple(m for m in members if m in analysis.parameters.uncertain)
        if 1 < len(varying) <= most_together(kept.n_draws):
            found.append(replace(quick_evppi(kept, varying, at, y), of=(group,)))
    return evppi_rows(found, analysis)


def quick_evppi(sample: PsaSample, of: Sequence[str], wtp: Sequence[float], y: Any = None) -> Any:
    """Return the EVPPI of parameters together: splines of one or two, a quadratic of more, which is quicker."""
    from psa_engine.voi.regression import estimate_from, outcomes

    method = "spline" if len(of) <= 2 else "ridge"
    return estimate_from(y or outcomes(sample, 0), sample, tuple(of), np.asarray(wtp, float), method=method)


def most_together(n_draws: int) -> int:
    """Return how many parameters a quadratic can take together with so many draws."""
    from psa_engine.voi.regression.design import ROWS_PER_COLUMN
    from psa_engine.voi.regression.ridge import MOST_PARAMETERS, n_quadratic

    fitting = (d for d in range(MOST_PARAMETERS, 0, -1) if n_quadratic(d) * ROWS_PER_COLUMN <= n_draws)
    return next(fitting, 0)


def leading(sample: PsaSample, wtp: Sequence[float]) -> list[str]:
    """Return the `SHOWN` parameters of largest EVPPI by bins of equal size, the most valuable at any WTP first."""
    benefit = [w * sample.effect_values - sample.cost_values for w in wtp]
    size = sample.n_draws // BINS

    def binned(values: np.ndarray) -> float:
        order = np.argsort(values, kind="stable")[: size * BINS]
        means = [b[order].reshape(BINS, size, -1).mean(1) for b in benefit]
        return max(float(m.max(1).mean() - m.mean(0).max()) for m in means)

    worth = {name: binned(values) for name, values in sample.parameter_values.items()}
    return sorted(worth, key=lambda name: -worth[name])[:SHOWN]


def first_draws(sample: PsaSample, n: int) -> PsaSample:
    """Return the first n draws of a sample, totals and parameters only."""
    return PsaSample(
        strategies=sample.strategies,
        cost_values=sample.cost_values[:n],
        effect_values=sample.effect_values[:n],
        parameter_values={k: v[:n] for k, v in sample.parameter_values.items()},
        comparator=sample.comparator,
    )
