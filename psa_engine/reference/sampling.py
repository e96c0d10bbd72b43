"""Parameter values from normal scores, each marginal by its own inverse distribution function in SciPy.

A parameter set is read as a plain record: `entries` (name -> distribution), `correlation`, `fixed`.
Its scores are those of the entries in order: none for a fixed value, one for a univariate distribution
or a table of rows, one per name of a multivariate normal, one fewer than the names of a Dirichlet.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import betainccinv, betaincinv, expit, gammainccinv, gammaincinv, ndtr, ndtri

INVERSE_LINK = {"identity": np.asarray, "log": np.exp, "logit": expit}


def draws(parameters: Any, z: np.ndarray) -> dict[str, np.ndarray]:
    """Return parameter name -> (n_draws,) from independent normal scores z (n_scores, n_draws)."""
    return values_at(parameters, correlated(parameters, np.asarray(z, float)))


def score_rows(parameters: Any) -> dict[str, list[int]]:
    """Return the rows of the scores of every entry, and of every member of a multivariate normal."""
    rows: dict[str, list[int]] = {}
    first = 0
    for key, record in parameters.entries.items():
        kind, n_scores = type(record).__name__, 1
        if kind == "Fixed":
            n_scores = 0
        elif kind == "Dirichlet":
            n_scores = len(record.names) - 1
        elif kind == "MultivariateNormal":
            n_scores = len(record.names)
            rows.update({name: [first + i] for i, name in enumerate(record.names)})
        rows[key] = list(range(first, first + n_scores))
        first += n_scores
    return rows


def correlation_blocks(parameters: Any) -> list[tuple[list[int], np.ndarray]]:
    """Return (rows, correlation matrix) of every set of correlated scores.

    Pairs {(a, b): rho} form one block per connected set, its names in order of first mention; pairs that
    are not given are uncorrelated.
    """
    rows, blocks = score_rows(parameters), []
    for key, record in parameters.entries.items():
        if type(record).__name__ == "MultivariateNormal":
            sd = np.sqrt(np.diag(record.covariance))
            blocks.append((rows[key], record.covariance / np.outer(sd, sd)))
    pairs = {}
    for key, given in (parameters.correlation or {}).items():
        if isinstance(key, tuple):
            pairs[key] = given
        else:
            names, matrix = given
            blocks.append(([rows[name][0] for name in names], np.array(matrix, float)))
    for names in connected_sets(pairs):
        matrix = np.eye(len(names))
        for (a, b), rho in pairs.items():
            if a in names:
                matrix[names.index(a), names.index(b)] = matrix[names.index(b), names.index(a)] = rho
        blocks.append(([rows[name][0] for name in names], matrix))
    return blocks


def connected_sets(pairs: Mapping[tuple[str, str], float]) -> list[list[str]]:
    """Return the sets of names that pairs connect, directly or through others."""
    names = list(dict.fromkeys(name for pair in pairs for name in pair))
    label = {name: i for i, name in enumerate(names)}
    for _ in names:  # the lower label spreads along the pairs, at least one step a round
        for a, b in pairs:
            label[a] = label[b] = min(label[a], label[b])
    return [[name for name in names if label[name] == i] for i in sorted(set(label.values()))]


def correlated(parameters: Any, z: np.ndarray) -> np.ndarray:
    """Return z (n_scores, n_draws) with each block multiplied by the Cholesky factor of its correlation."""
    y = z.copy()
    for rows, matrix in correlation_blocks(parameters):
        y[rows] = np.linalg.cholesky(matrix) @ z[rows]
    return y


def conditional(parameters: Any, rows: Sequence[int], y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return correlated scores (n_scores, n) that hold y at `rows`, the others drawn given them from z.

    Normal conditioning: mean R_os R_ss^-1 y, covariance R_oo - R_os R_ss^-1 R_so for the others o.
    """
    whole = np.eye(len(z))
    for members, matrix in correlation_blocks(parameters):
        whole[np.ix_(members, members)] = matrix
    others = [i for i in range(len(z)) if i not in rows]
    held = list(rows)
    slope = whole[np.ix_(others, held)] @ np.linalg.inv(whole[np.ix_(held, held)])
    left = whole[np.ix_(others, others)] - slope @ whole[np.ix_(held, others)]
    out = np.empty_like(z)
    out[held] = np.asarray(y)[:, None]
    out[others] = (slope @ y)[:, None] + np.linalg.cholesky(left) @ z[others]
    return out


def values_at(parameters: Any, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return parameter name -> (n_draws,) at correlated normal scores y (n_scores, n_draws)."""
    values: dict[str, np.ndarray] = {}
    rows = score_rows(parameters)
    for key, record in parameters.entries.items():
        own, kind = y[rows[key]], type(record).__name__
        if kind == "Fixed":
            values[key] = np.full(y.shape[1], record.value)
        elif kind == "MultivariateNormal":
            sd = np.sqrt(np.diag(record.covariance))
            for i, name in enumerate(record.names):
                values[name] = INVERSE_LINK[record.scale[i]](record.location[i] + sd[i] * own[i])
        elif kind == "Dirichlet":
            values.update(stick_breaking(record.names, record.alpha, own))
        elif kind == "Empirical":
            table = np.asarray(record.rows)
            drawn = table[np.minimum((ndtr(own[0]) * len(table)).astype(int), len(table) - 1)]
            values.update({name: drawn[:, i] for i, name in enumerate(record.names)})
        else:
            values[key] = MARGINALS[kind](record, own[0])
    for name, value in parameters.fixed.items():
        values[name] = np.full(y.shape[1], float(value))
    return values


def stick_breaking(names: Sequence[str], alpha: Sequence[float], z: np.ndarray) -> dict[str, np.ndarray]:
    """Return Dirichlet proportions: each name but the last takes a beta share of what is left."""
    left, shares = np.ones(z.shape[1]), {}
    for i, name in enumerate(names[:-1]):
        share = beta(alpha[i], sum(alpha[i + 1 :]), z[i])
        shares[name], left = left * share, left * (1 - share)
    return {**shares, names[-1]: left}


def beta(a: float, b: float, z: np.ndarray) -> np.ndarray:
    """Return Beta(a, b) quantiles; above the median from the upper tail, which keeps its digits."""
    return np.where(z > 0, betainccinv(a, b, ndtr(-z)), betaincinv(a, b, ndtr(z)))


def gamma(shape: float, z: np.ndarray) -> np.ndarray:
    """Return Gamma(shape, scale 1) quantiles, each tail from its own inverse."""
    return np.where(z > 0, gammainccinv(shape, ndtr(-z)), gammaincinv(shape, ndtr(z)))


def pert(d: Any, z: np.ndarray) -> np.ndarray:
    """Return PERT quantiles (Vose 2008): a beta stretched over [low, high]."""
    width = d.high - d.low
    a, b = (1 + d.shape * part / width for part in (d.mode - d.low, d.high - d.mode))
    return d.low + width * beta(a, b, z)


def triangular(d: Any, z: np.ndarray) -> np.ndarray:
    """Return triangular quantiles, rising side below the mode, falling side above it."""
    width, left, right = d.high - d.low, d.mode - d.low, d.high - d.mode
    rising, falling = d.low + np.sqrt(ndtr(z) * width * left), d.high - np.sqrt(ndtr(-z) * width * right)
    return np.where(ndtr(z) < left / width, rising, falling)


def truncated_normal(d: Any, z: np.ndarray) -> np.ndarray:
    """Return quantiles of a normal within bounds: its probability lies Phi(z) of the way between theirs."""
    a, b = (d.low - d.parent_mean) / d.parent_sd, (d.high - d.parent_mean) / d.parent_sd
    below = ndtr(a) * ndtr(-z) + ndtr(b) * ndtr(z)
    above = ndtr(-a) * ndtr(-z) + ndtr(-b) * ndtr(z)
    return d.parent_mean + d.parent_sd * np.where(below < 0.5, ndtri(below), -ndtri(above))


MARGINALS = {
    "Normal": lambda d, z: d.mean + d.sd * z,
    "LogNormal": lambda d, z: np.exp(d.meanlog + d.sdlog * z),
    "LogitNormal": lambda d, z: expit(d.meanlogit + d.sdlogit * z),
    "Beta": lambda d, z: beta(d.alpha, d.beta, z),
    "Gamma": lambda d, z: d.scale * gamma(d.shape, z),
    "Uniform": lambda d, z: d.low + (d.high - d.low) * ndtr(z),
    "Triangular": triangular,
    "PERT": pert,
    "TruncatedNormal": truncated_normal,
}
