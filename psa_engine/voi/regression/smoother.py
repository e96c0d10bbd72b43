"""Penalised least squares in closed form: smoothing by restricted likelihood, folds by subtraction."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from psa_engine.voi.regression.design import Columns

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


def moments(columns: Columns, y: np.ndarray) -> list[Moments]:
    """Return the moments of each fold in one pass over the columns and outcomes (q, n)."""
    out, n_columns = [], columns.design.n_columns
    for first, last in pairwise(fold_edges(y.shape[1])):
        gram, cross = np.zeros((n_columns, n_columns)), np.zeros((n_columns, len(y)))
        for start in range(first, last, _BLOCK):
            rows = slice(start, min(start + _BLOCK, last))
            here = columns[rows]
            gram += here.T @ here
            cross += here.T @ y[:, rows].T
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

    penalties = 10 ** _GRID[:, None] * scale
    residual = left - (1 / (s.eigenvalues + penalties)) @ squares
    determinant = np.log1p(s.eigenvalues / penalties).sum(axis=1)
    grid = freedom * np.log(np.maximum(residual, 1e-13 * left)) + determinant[:, None]
    at = np.clip(grid.argmin(axis=0), 1, len(_GRID) - 2)
    low, middle, high = (grid[at + k, np.arange(len(left))] for k in (-1, 0, 1))
    bend = np.maximum(low - 2 * middle + high, 1e-300)
    inside = middle <= np.minimum(low, high)
    step = np.where(inside, np.clip((low - high) / (2 * bend), -1, 1), np.where(low < high, -1, 1))
    return 10 ** (_GRID[at] + step * _STEP) * scale, grid.min(axis=0)


def held_out_coefficients(parts: list[Moments], n_free: int, penalty: np.ndarray) -> list[np.ndarray]:
    """Return for each fold the coefficients (n_columns, q) fitted on the other folds, smoothing kept."""
    whole = total(parts)
    ridge = np.zeros((len(penalty), len(whole.gram)))
    ridge[:, n_free:] = penalty[:, None]
    out = []
    for part in parts:
        gram, cross = whole.gram - part.gram, whole.cross - part.cross
        ridged = gram + ridge[:, :, None] * np.eye(len(gram))
        out.append(np.linalg.solve(ridged, cross.T[:, :, None])[:, :, 0].T)
    return out


def predict(columns: Columns, rows: slice, coefficients: np.ndarray) -> np.ndarray:
    """Return the fitted outcomes (q, n) of some rows."""
    out = np.empty((coefficients.shape[1], rows.stop - rows.start))
    for start in range(rows.start, rows.stop, _BLOCK):
        here = slice(start, min(start + _BLOCK, rows.stop))
        out[:, start - rows.start : here.stop - rows.start] = coefficients.T @ columns[here].T
    return out
