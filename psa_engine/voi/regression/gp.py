"""Sparse Gaussian process regression on a quadratic trend, for four to ten parameters."""

import numpy as np

from psa_engine.errors import InputError
from psa_engine.voi.regression.design import ROWS_PER_COLUMN, Design, refuse_too_few_draws
from psa_engine.voi.regression.ridge import n_quadratic, quadratic
from psa_engine.voi.regression.smoother import best_penalty, spectrum

MOST_PARAMETERS = 10
_MOST_CENTRES = 256
_FEWEST_CENTRES = 20
_ROWS_TO_TUNE = 2_000
_CENTRES_TO_TUNE = 64
_FIRST_LENGTHS = (1.0, 2.0, 4.0)
_STRETCH = 2.0


def gp_design(x: np.ndarray, y: np.ndarray) -> Design:
    """Return the basis of a sparse Gaussian process of standardised parameters (n, d) in shuffled rows.

    For d up to 10: a squared exponential kernel with a length for each parameter, projected on up to 256
    draws as centres (subset of regressors); lengths by restricted likelihood of the outcomes `y` (q, n) on a
    part of the rows. The trend, quadratic where the draws allow, is free. Source: Quinonero-Candela,
    Rasmussen 2005; Strong, Oakley, Brennan 2014.
    """
    n, d = x.shape
    if d > MOST_PARAMETERS:
        raise InputError(
            f"The Gaussian process is for at most {MOST_PARAMETERS} parameters together, got {d}.",
            hint="Use method 'ridge' or 'auto'.",
        )
    full = n >= 2 * ROWS_PER_COLUMN * (n_quadratic(d) + _FEWEST_CENTRES)
    n_trend = n_quadratic(d) if full else d + 1
    refuse_too_few_draws(
        n_trend + _FEWEST_CENTRES, n, f"A Gaussian process of {d} parameters",
        "Run more draws, or ask for fewer parameters together.",
    )  # fmt: skip
    n_centres = min(_MOST_CENTRES, n // ROWS_PER_COLUMN - n_trend)
    lengths = _lengths(x[:_ROWS_TO_TUNE], y[:, :_ROWS_TO_TUNE], full, min(n_centres, _CENTRES_TO_TUNE))
    return _design(x[:n_centres], lengths, full)


def _design(centres: np.ndarray, lengths: np.ndarray, full: bool) -> Design:
    d = centres.shape[1]
    scaled = centres / lengths
    kernel = _kernel(scaled, scaled)
    # Centres close together make the kernel singular to rounding: keep its leading directions.
    eigenvalues, axes = np.linalg.eigh(kernel)
    kept = eigenvalues > 1e-9 * eigenvalues[-1]
    whitened = axes[:, kept] / np.sqrt(eigenvalues[kept])

    def columns(x: np.ndarray) -> np.ndarray:
        trend = quadratic(x) if full else np.column_stack([np.ones(len(x)), x])
        return np.hstack([trend, _kernel(x / lengths, scaled) @ whitened])

    n_trend = n_quadratic(d) if full else d + 1
    return Design(columns, n_trend + int(kept.sum()), n_trend, "sparse Gaussian process")


def _kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return exp(-|a - b|^2 / 2), (n_a, n_b)."""
    inner = a @ b.T
    inner -= (a**2).sum(axis=1)[:, None] / 2
    inner -= (b**2).sum(axis=1) / 2
    return np.exp(np.minimum(inner, 0, out=inner), out=inner)


def _lengths(x: np.ndarray, y: np.ndarray, full: bool, n_centres: int) -> np.ndarray:
    """Return a length for each parameter (d,): the best common one, then each stretched while that helps."""
    d = x.shape[1]

    def misfit(lengths: np.ndarray) -> float:
        design = _design(x[:n_centres], lengths, full)
        columns = design.columns(x)
        s = spectrum(columns.T @ columns, design.n_free, len(x))
        free, rest = s.coordinates(columns.T @ y.T)
        return float(best_penalty(s, rest, (y**2).sum(axis=1) - (free**2).sum(axis=0))[1].sum())

    starts = [np.full(d, length * np.sqrt(d)) for length in _FIRST_LENGTHS]
    lengths = min(starts, key=misfit)
    least = misfit(lengths)
    for j in range(d):
        for factor in (_STRETCH, 1 / _STRETCH):
            trial = lengths.copy()
            trial[j] *= factor
            if (value := misfit(trial)) < least:
                lengths, least = trial, value
                break
    return lengths
