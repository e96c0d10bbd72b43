"""What evidence is worth buying, as rows: EVPPI beside evidence status, EVSI and ENBS of studies."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from psa_engine.sample import PsaSample

ROWS = 10_000
"""Draws of a sample that the ranking of a run is read off: enough for a ranking, and quick."""
BINS, SHOWN = 25, 12


def evppi_rows(estimates: Sequence[Any], analysis: Any = None) -> list[dict[str, Any]]:
    """Return a row per estimate and WTP, the most valuable first at the first WTP, with evidence status."""
    status = {e.name: e.status for e in analysis.ledger} if analysis is not None else {}
    groups = {k: tuple(v) for k, v in analysis.groups.items()} if analysis is not None else {}
    ranked = sorted(estimates, key=lambda e: -float(np.atleast_1d(e.value)[0]))
    return [row for e in ranked for row in _rows(e, status, groups)]


def _rows(
    estimate: Any, status: Mapping[str, str], groups: Mapping[str, tuple[str, ...]]
) -> list[dict[str, Any]]:
    members = [m for name in estimate.of for m in groups.get(name, (name,))]
    rests_on = sorted({status[m] for m in members if m in status})
    clear = np.greater(estimate.value, 2 * np.asarray(estimate.standard_error))
    told = estimate.diagnostics.get("distinguishable", clear)
    columns = (
        np.atleast_1d(x).tolist() for x in (estimate.wtp, estimate.value, estimate.standard_error, told)
    )
    return [
        {
            "of": ", ".join(estimate.of),
            "status": ", ".join(rests_on),
            "wtp": wtp,
            "evppi": value,
            "standard_error": error,
            "distinguishable": told,
            "method": estimate.method,
            "model_runs": estimate.model_runs,
            "seconds": estimate.seconds,
        }
        for wtp, value, error, told in zip(*columns, strict=True)
    ]


def sample_evppi_rows(analysis: Any, sample: PsaSample, wtp: Sequence[float]) -> list[dict[str, Any]]:
    """Return the EVPPI of a run's most valuable single parameters, by regression on (the first draws of) its sample.

    Which they are is found by binning; `psa-engine evppi` estimates all of them, and the groups, from the model.
    """
    from psa_engine.voi.regression import estimate_from, outcomes

    kept = first_draws(sample, ROWS)
    if kept.n_draws < 1_000 or not kept.parameter_values:
        return []
    y, values = outcomes(kept, 0), np.asarray(wtp, float)
    return evppi_rows([estimate_from(y, kept, (name,), values) for name in leading(kept, wtp)], analysis)


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


def evsi_rows(name: str, curve: Any, net: Any, evppi: Any) -> list[dict[str, Any]]:
    """Return a row per sample size and WTP of one study: EVSI, what perfect information would be worth, ENBS."""
    rows = []
    for i, estimate in enumerate(curve):
        for k, wtp in enumerate(np.atleast_1d(estimate.wtp).tolist()):
            value = float(np.atleast_1d(estimate.value)[k])
            error = float(np.atleast_1d(estimate.standard_error)[k])
            row = {
                "study": name,
                "n": int(curve.n[i]),
                "wtp": wtp,
                "evsi": value,
                "standard_error": error,
                "distinguishable": bool(value > 2 * error),
                "evppi": float(np.atleast_1d(evppi.value)[k]),
                "evppi_standard_error": float(np.atleast_1d(evppi.standard_error)[k]),
                "method": estimate.method,
            }
            if net is not None:
                row["enbs"] = float(np.atleast_2d(net.value.T)[k][i])
                row["enbs_standard_error"] = float(np.atleast_2d(net.standard_error.T)[k][i])
            rows.append(row)
    return rows
