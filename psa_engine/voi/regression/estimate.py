"""EVPPI from a PSA sample: choose a basis, regress costs and effects once, read every WTP off."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from psa_engine.errors import InputError, nearest
from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample
from psa_engine.voi.regression import gp, ridge, spline
from psa_engine.voi.regression.covariates import Covariates, covariates
from psa_engine.voi.regression.design import Design
from psa_engine.voi.regression.fit import Outcomes, fit, outcomes
from psa_engine.voi.regression.reading import Reader, Reading

METHODS = ("auto", "spline", "gp", "ridge")
_TIED = 2.0


def estimate(
    sample: PsaSample, of: Sequence[str], wtp: np.ndarray, *, seed: int = 0, method: str = "auto"
) -> VoiEstimate:
    """Return the EVPPI of parameters `of` a sample at each WTP (n,), money per person.

    `method` is "spline" (up to 4 parameters), "gp" (up to 10), "ridge" (up to 60) or "auto", which takes the
    first of these that serves. Costs and effects over the first strategy are regressed once. `value` lies
    midway between a held-out policy value and the plug-in, which `bracket` holds; `standard_error` is that of
    the policy value with the swings of the fit; `bias_bound` half the bracket and what a near tie of strategies
    may take off. Diagnostics: optimal_strategy, distinguishable, floor,
    plug_in, policy_value, r_squared, columns, effective_columns, notes (ties, constant parameters, ...).
    Raises InputError for unknown parameters, none, a WTP not above 0, or too few draws for the basis.
    Source: Strong, Oakley, Brennan 2014 (doi 10.1177/0272989X12465123 and 10.1177/0272989X13505910).
    """
    started = perf_counter()
    found = estimate_from(outcomes(sample, seed), sample, of, wtp, seed=seed, method=method)
    return replace(found, seconds=perf_counter() - started)


def estimate_from(
    y: Outcomes, sample: PsaSample, of: Sequence[str], wtp: np.ndarray, *, seed: int = 0, method: str = "auto"
) -> VoiEstimate:
    """Return the EVPPI as `estimate` does, from outcomes prepared once for many sets of parameters."""
    started = perf_counter()
    values = _checked_wtp(wtp)
    known = covariates(sample, of)
    asked = (of,) if isinstance(of, str) else tuple(of)
    if not known.names or not y.varying.any():
        return _nothing(y, asked, values, known, started)
    x = known.values[y.order]
    design = _design(method, x, y)
    fitted = fit(design, x, y)
    reader = Reader(fitted, y, seed)
    readings = [reader.read(float(w)) for w in values]
    diagnostics = _diagnostics(y, readings, values, known)
    diagnostics["r_squared"] = _by_outcome(y, fitted.r_squared)
    diagnostics["columns"] = design.n_columns
    diagnostics["effective_columns"] = _by_outcome(y, fitted.effective_columns)
    low, high = np.sort([[r.policy for r in readings], [r.plug_in for r in readings]], axis=0)
    value = np.array([r.value for r in readings])
    return VoiEstimate(
        value=value,
        standard_error=np.array([r.standard_error for r in readings]),
        method=f"regression on the sample: {design.method}",
        wtp=values,
        of=asked,
        seconds=perf_counter() - started,
        bias_bound=np.maximum(value - low, high - value) + [_off_by_a_tie(r) for r in readings],
        bracket=(low, high),
        diagnostics=diagnostics,
    )


def _off_by_a_tie(reading: Reading) -> float:
    """Return the most that choosing the best of two near ties by the same draws takes off: .4 errors of its lead."""
    return 0.4 * reading.lead_error if reading.lead < _TIED * reading.lead_error else 0.0


def _checked_wtp(wtp: Any) -> np.ndarray:
    values = np.atleast_1d(np.asarray(wtp, dtype=np.float64))
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or (values <= 0).any():
        raise InputError(f"Every WTP must be a number above 0, got {np.asarray(wtp).tolist()}.")
    return values


def _design(method: str, x: np.ndarray, y: Outcomes) -> Design:
    if method not in METHODS:
        raise InputError(f"There is no regression method '{method}'.", hint=nearest(method, METHODS))
    d = x.shape[1]
    if method == "spline" or (method == "auto" and d <= spline.MOST_PARAMETERS):
        return spline.spline_design(x)
    if method == "gp" or (method == "auto" and d <= gp.MOST_PARAMETERS):
        return gp.gp_design(x, y.standard)
    return ridge.ridge_design(x)


def _nothing(
    y: Outcomes, of: tuple[str, ...], wtp: np.ndarray, known: Covariates, started: float
) -> VoiEstimate:
    """Return the exact zero of constant parameters, or of outcomes that do not vary."""
    zero, notes = np.zeros(len(wtp)), known.notes
    if known.names:
        notes = (*notes, "No cost and no effect varies between draws relative to the first strategy.")
    return VoiEstimate(
        value=zero, standard_error=zero, method="nothing to learn", wtp=wtp, of=of, bracket=(zero, zero),
        seconds=perf_counter() - started, bias_bound=zero,
        diagnostics={"distinguishable": np.zeros(len(wtp), bool), "n_draws": y.n_draws, "notes": notes},
    )  # fmt: skip


def _diagnostics(y: Outcomes, readings: list[Reading], wtp: np.ndarray, known: Covariates) -> dict[str, Any]:
    ties = tuple(
        f"At a WTP of {w:,.10g}, '{y.strategies[r.second]}' is within {_TIED:g} standard errors of "
        f"'{y.strategies[r.best]}' in mean net benefit: the estimate may be too low by up to "
        f"{_off_by_a_tie(r):,.3g}."
        for r, w in zip(readings, wtp, strict=True)
        if r.lead < _TIED * r.lead_error
    )
    distinguishable = [r.value > 2 * r.standard_error and r.plug_in > r.floor for r in readings]
    return {
        "optimal_strategy": tuple(y.strategies[r.best] for r in readings),
        "distinguishable": np.array(distinguishable),
        "floor": np.array([r.floor for r in readings]),
        "plug_in": np.array([r.plug_in for r in readings]),
        "policy_value": np.array([r.policy for r in readings]),
        "n_draws": y.n_draws,
        "fitted_on": known.names,
        "notes": known.notes + ties,
    }


def _by_outcome(y: Outcomes, values: np.ndarray) -> dict[str, float]:
    """Return values of the varying outcomes by "costs of new v old"."""
    kinds = ("costs", "effects")
    names = [f"{kind} of {new} v {y.strategies[0]}" for kind in kinds for new in y.strategies[1:]]
    return {names[k]: float(v) for k, v in zip(np.flatnonzero(y.varying), values, strict=True)}
