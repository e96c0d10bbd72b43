"""Penalised least squares in closed form: smoothing by restricted likelihood, folds by subtraction."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from psa_engine.voi.regression.design import Design

N_FOLDS = 5
_BLOCK = 8_192
_GRID = np.linspace(-9, 6, 61)
_STEP = _GRID[1] - _GRID[0]


class Moments(NamedTuple):
    """Sums over the rows of a fold: columns by columns, columns by outcomes."""

    gram: np.ndarray
    cross: np.ndarray


def fold_edges(n: int) -> np.ndarray:
    """Return where each fold of shuffled rows begins, and the end."""
    return np.linspace(0, n, N_FOLDS + 1).round().astype(int)


def moments(design: Design, x: np.ndarray, y: np.ndarray) -> list[Moments]:
    """Return the moments of each fold in one pass over the parameters (n, d) and outcomes (q, n)."""
    out = []
    for first, last in pairwise(fold_edges(len(x))):
        gram = np.zeros((design.n_columns, design.n_columns))
        cross = np.zeros((design.n_columns, len(y)))
        for start in range(first, last, _BLOCK):
            rows = slice(start, min(start + _BLOCK, last))
            columns = design.columns(x[rows])
            gram += columns.T @ columns
            cross += columns.T @ y[:, rows].T
        out.append(Moments(gram, cross))
    return out


def total(parts: list[Moments]) -> Moments:
    """Return the moments of all rows."""
    return Moments(np.sum([p.gram for p in parts], axis=0), np.sum([p.cross for p in parts], axis=0))


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The normal equations of `n` rows: free columns taken out, penalised ones on their principal axes.

    Every strength of smoothing of every outcome is then a division. An outcome is known by its free
    coordinates (n_free, q) and its penalised coordinates (n_penalised, q): where it lies along the columns.
    """

    n: int
    free_root: np.ndarray
    free_on_rest: np.ndarray
    eigenvalues: np.ndarray
    axes: np.ndarray

    @property
    def n_free(self) -> int:
        """The number of columns without penalty."""
        return len(self.free_root)

    @cached_property
    def _free_inverse(self) -> np.ndarray:
        return np.linalg.inv(self.free_root)

    def coordinates(self, cross: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the free and the penalised coordinates of outcomes given columns by outcomes."""
        free, rest = cross[: self.n_free], cross[self.n_free :]
        return self._free_inverse @ free, self.axes.T @ (rest - self.free_on_rest.T @ free)

    def coefficients(self, free: np.ndarray, shrunk: np.ndarray) -> np.ndarray:
        """Return coefficients (n_columns, q) from free coordinates and penalised ones after shrinkage."""
        rest = self.axes @ shrunk
        return np.concatenate([self._free_inverse.T @ free - self.free_on_rest @ rest, rest])

    def shrink(self, rest: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        """Return penalised coordinates (n_penalised, q) shrunk by each outcome's penalty (q,)."""
        return rest / (self.eigenvalues[:, None] + penalty)

    def shrink_little(self, rest: np.ndarray, penalty: np.ndarray) -> np.ndarray:
        """Return them shrunk, and what that leaves shrunk and added: the bias of smoothing is nearly gone.

        Twicing (Tukey 1977): a coordinate that is kept by a factor f is kept by f (2 - f).
        """
        return self.shrink(rest, penalty) * (1 + penalty / (self.eigenvalues[:, None] + penalty))

    def effective_columns(self, penalty: np.ndarray) -> np.ndarray:
        """Return the effective number of columns of each outcome's fit, (q,)."""
        return self.n_free + (self.eigenvalues[:, None] / (self.eigenvalues[:, None] + penalty)).sum(axis=0)


def spectrum(gram: np.ndarray, n_free: int, n: int) -> Spectrum:
    """Return the spectrum of a Gram matrix of `n` rows."""
    free = gram[:n_free, :n_free]
    on_rest = np.linalg.solve(free, gram[:n_free, n_free:])
    inner = gram[n_free:, n_free:] - gram[n_free:, :n_free] @ on_rest
    eigenvalues, axes = np.linalg.eigh((inner + inner.T) / 2)
    return Spectrum(n, np.linalg.cholesky(free), on_rest, np.clip(eigenvalues, 0, None), axes)


def best_penalty(s: Spectrum, rest: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each outcome's penalty (q,) of highest restricted likelihood, and -2 log of it.

    `rest` are the penalised coordinates, `left` (q,) the sum of squares that the free columns leave.
    The penalised coefficients are taken as normal with variance sigma^2 / penalty. Source: Wood 2011.
    """
    left = np.maximum(left, 1e-300)
    freedom, squares = s.n - s.n_free, rest**2
    if not len(s.eigenvalues):
        return np.ones_like(left), freedom * np.log(left)
    scale = max(s.eigenvalues.max(), 1e-300)

    def minus_two_log(exponents: np.ndarray, determinant: np.ndarray | float) -> np.ndarray:
        penalty = 10**exponents * scale
        residual = left - (squares / (s.eigenvalues[:, None] + penalty)).sum(axis=0)
        return freedom * np.log(np.maximum(residual, 1e-13 * left)) + determinant

    grid = np.array([minus_two_log(g, np.log1p(s.eigenvalues / (10**g * scale)).sum()) for g in _GRID])
    at = np.clip(grid.argmin(axis=0), 1, len(_GRID) - 2)
    low, middle, high = (grid[at + k, np.arange(len(left))] for k in (-1, 0, 1))
    bend = np.maximum(low - 2 * middle + high, 1e-300)
    inside = middle <= np.minimum(low, high)
    step = np.where(inside, np.clip((low - high) / (2 * bend), -1, 1), np.where(low < high, -1, 1))
    return 10 ** (_GRID[at] + step * _STEP) * scale, grid.min(axis=0)


def held_out_coefficients(parts: list[Moments], n_free: int, penalty: np.ndarray) -> list[np.ndarray]:
    """Return for each fold the coefficients (n_columns, q) fitted on the other folds, smoothing kept."""
    whole = total(parts)
    rest = np.arange(n_free, len(whole.gram))
    out = []
    for part in parts:
        gram, cross = whole.gram - part.gram, whole.cross - part.cross
        solved = np.empty_like(cross)
        for k, strength in enumerate(penalty):
            ridged = gram.copy()
            ridged[rest, rest] += strength
            solved[:, k] = np.linalg.solve(ridged, cross[:, k])
        out.append(solved)
    return out


def predict(design: Design, x: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Return the fitted outcomes (q, n) at parameters (n, d)."""
    out = np.empty((coefficients.shape[1], len(x)))
    for start in range(0, len(x), _BLOCK):
        rows = slice(start, start + _BLOCK)
        out[:, rows] = coefficients.T @ design.columns(x[rows]).T
    return out
