"""Penalised least squares in closed form: smoothing by restricted maximum likelihood, folds by subtraction."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from psa_engine.voi.regression.design import Design

N_FOLDS = 5
_BLOCK = 8_192
_GRID = np.linspace(-9, 6, 61)


class Moments(NamedTuple):
    """Sums over the rows of a fold: columns by columns, columns by outcomes, squared outcomes."""

    gram: np.ndarray
    cross: np.ndarray
    squares: np.ndarray


def fold_edges(n: int) -> np.ndarray:
    """Return where each fold of shuffled rows begins, and the end."""
    return np.linspace(0, n, N_FOLDS + 1).round().astype(int)


def moments(design: Design, x: np.ndarray, y: np.ndarray) -> list[Moments]:
    """Return the moments of each fold in one pass over the parameters (n, d) and outcomes (n, q)."""
    edges, out = fold_edges(len(x)), []
    for first, last in zip(edges[:-1], edges[1:], strict=True):
        gram = np.zeros((design.n_columns, design.n_columns))
        cross = np.zeros((design.n_columns, y.shape[1]))
        for start in range(first, last, _BLOCK):
            rows = slice(start, min(start + _BLOCK, last))
            columns = design.columns(x[rows])
            gram += columns.T @ columns
            cross += columns.T @ y[rows]
        out.append(Moments(gram, cross, (y[first:last] ** 2).sum(axis=0)))
    return out


def total(parts: list[Moments]) -> Moments:
    """Return the moments of all rows."""
    return Moments(*(sum(part) for part in zip(*parts, strict=True)))


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The normal equations, free columns taken out and the penalised ones on their principal axes.

    Every strength of smoothing, of every outcome, is then a division. `n` rows.
    """

    n: int
    free_gram: np.ndarray
    free_on_rest: np.ndarray
    eigenvalues: np.ndarray
    axes: np.ndarray

    def rotate(self, cross: np.ndarray) -> np.ndarray:
        """Return the penalised coordinates of the outcomes, (n_penalised, q)."""
        f = len(self.free_gram)
        return self.axes.T @ (cross[f:] - self.free_on_rest.T @ cross[:f])

    def coefficients(self, cross: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        """Return the coefficients (n_columns, q) under each outcome's penalty (q,)."""
        f = len(self.free_gram)
        shrunk = self.rotate(cross) / (self.eigenvalues[:, None] + penalty)
        rest = self.axes @ shrunk
        free = np.linalg.solve(self.free_gram, cross[:f]) - self.free_on_rest @ rest
        return np.concatenate([free, rest])

    def effective_columns(self, penalty: np.ndarray) -> np.ndarray:
        """Return the effective number of columns of each outcome's fit, (q,)."""
        return len(self.free_gram) + (self.eigenvalues[:, None] / (self.eigenvalues[:, None] + penalty)).sum(axis=0)


def spectrum(gram: np.ndarray, n_free: int, n: int) -> Spectrum:
    """Return the spectrum of a Gram matrix of `n` rows."""
    free = gram[:n_free, :n_free]
    on_rest = np.linalg.solve(free, gram[:n_free, n_free:])
    inner = gram[n_free:, n_free:] - gram[n_free:, :n_free] @ on_rest
    eigenvalues, axes = np.linalg.eigh((inner + inner.T) / 2)
    return Spectrum(n, free, on_rest, np.clip(eigenvalues, 0, None), axes)


def best_penalty(s: Spectrum, cross: np.ndarray, squares: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each outcome's penalty (q,) of highest restricted likelihood, and -2 log of it.

    The coefficients of the penalised columns are normal with variance sigma^2 / penalty. Source: Wood 2011.
    """
    f = len(s.free_gram)
    freedom = s.n - f
    free = (cross[:f] * np.linalg.solve(s.free_gram, cross[:f])).sum(axis=0)
    left = np.maximum(squares - free, 1e-300)
    if not len(s.eigenvalues):
        return np.ones_like(left), freedom * np.log(left)
    coordinates = s.rotate(cross) ** 2

    def minus_two_log(log_penalty: np.ndarray) -> np.ndarray:
        penalty = 10**log_penalty * scale
        shifted = s.eigenvalues[:, None] + penalty
        residual = np.maximum(left - (coordinates / shifted).sum(axis=0), 1e-13 * left)
        return freedom * np.log(residual) + np.log(shifted / penalty).sum(axis=0)

    scale = max(s.eigenvalues.max(), 1e-300)
    grid = np.array([minus_two_log(np.full(len(left), g)) for g in _GRID])
    at = np.clip(grid.argmin(axis=0), 1, len(_GRID) - 2)
    low, mid, high = (grid[at + k, np.arange(len(left))] for k in (-1, 0, 1))
    bend = low - 2 * mid + high
    step = np.where(bend > 0, np.clip((low - high) / np.where(bend > 0, 2 * bend, 1), -1, 1), 0)
    found = np.where(mid <= np.minimum(low, high), _GRID[at] + step * (_GRID[1] - _GRID[0]), _GRID[grid.argmin(axis=0)])
    return 10**found * scale, minus_two_log(found)


def held_out_coefficients(parts: list[Moments], n_free: int, penalty: np.ndarray) -> list[np.ndarray]:
    """Return for each fold the coefficients (n_columns, q) fitted on the other folds, smoothing kept."""
    whole = total(parts)
    out = []
    for part in parts:
        gram, cross = whole.gram - part.gram, whole.cross - part.cross
        solved = np.empty_like(cross)
        for k, strength in enumerate(penalty):
            ridge = np.zeros(len(gram))
            ridge[n_free:] = strength
            solved[:, k] = np.linalg.solve(gram + np.diag(ridge), cross[:, k])
        out.append(solved)
    return out


def predict(design: Design, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return the fitted outcomes (n, q) at parameters (n, d)."""
    out = np.empty((len(x), coefficients.shape[1]))
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        out[rows] = design.columns(x[rows]) @ coefficients
    return out
