"""Draws of the coefficients of a fit: as uncertain as it is, or as they come when nothing is explained."""

import numpy as np

from psa_engine.voi.regression.fit import Fit, Outcomes
from psa_engine.voi.regression.smoother import best_penalty

N_DRAWS = 64
N_PERMUTATIONS = 39


def posterior_changes(fit: Fit, y: Outcomes, seed: int) -> np.ndarray:
    """Return changes of the coefficients, (n_columns, N_DRAWS, q), in money and effect.

    Normal with the covariance of the penalised fit, sigma^2 (G + penalty)^-1, residuals correlated between
    outcomes as they are in the draws. Source: Wood 2006, section 4.8; Strong, Oakley, Brennan 2014.
    """
    s, k = fit.spectrum, len(y.standard)
    root = _root(fit.residual)
    rng = np.random.default_rng([seed, 1])
    free = rng.standard_normal((s.n_free, N_DRAWS, k)) @ root
    rest = rng.standard_normal((len(s.eigenvalues), N_DRAWS, k)) @ root
    rest /= np.sqrt(s.eigenvalues[:, None, None] + fit.penalty)
    return _in_units(s.coefficients(*_flat(free, rest)), y, N_DRAWS)


def permuted_fits(fit: Fit, y: Outcomes, seed: int) -> np.ndarray:
    """Return coefficients, (n_columns, N_PERMUTATIONS, q), of outcomes permuted against the parameters.

    Smoothing is chosen anew for each. The permutations are drawn by their normal limit (Hoeffding 1951): sums
    of columns times permuted outcomes are normal with covariance G n / (n - 1).
    """
    s, k = fit.spectrum, len(y.standard)
    root = _root(y.standard @ y.standard.T / y.n_draws) * np.sqrt(s.n / (s.n - 1))
    rng = np.random.default_rng([seed, 2])
    free = rng.standard_normal((s.n_free, N_PERMUTATIONS, k)) @ root
    free[0] = 0.0  # outcomes have mean zero in any order
    rest = rng.standard_normal((len(s.eigenvalues), N_PERMUTATIONS, k)) @ root
    free, rest = _flat(free, rest * np.sqrt(s.eigenvalues)[:, None, None])
    penalty, _ = best_penalty(s, rest, s.n - (free**2).sum(axis=0))
    return _in_units(s.coefficients(free, s.shrink_little(rest, penalty)), y, N_PERMUTATIONS)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return R (k, k) with R' R the covariance: rows of standard normals times R have that covariance."""
    eigenvalues, axes = np.linalg.eigh(covariance)
    return (axes * np.sqrt(np.clip(eigenvalues, 0, None))).T


def _flat(*arrays: np.ndarray) -> list[np.ndarray]:
    return [a.reshape(len(a), -1) for a in arrays]


def _in_units(flat: np.ndarray, y: Outcomes, n: int) -> np.ndarray:
    out = np.zeros((len(flat), n, len(y.mean)))
    out[:, :, y.varying] = flat.reshape(len(flat), n, -1) * y.scatter[y.varying]
    return out
