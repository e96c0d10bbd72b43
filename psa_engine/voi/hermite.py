"""Quadratic surrogates in independent normal scores, whose conditional means are again quadratic."""

from dataclasses import dataclass

import numpy as np

_BLOCK = 512


@dataclass(frozen=True, eq=False)
class Quadratic:
    """Outputs c + b'z + z'Bz: `constant` (m,), `linear` (m, n), `matrix` (m, n, n) symmetric."""

    constant: np.ndarray
    linear: np.ndarray
    matrix: np.ndarray

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Return the outputs (m, n_points) at scores (n, n_points)."""
        m, n = self.linear.shape
        out = np.empty((m, z.shape[1]))
        for first in range(0, z.shape[1], _BLOCK):
            here = z[:, first : first + _BLOCK]
            slope = (self.matrix.reshape(m * n, n) @ here).reshape(m, n, -1) + self.linear[:, :, None]
            out[:, first : first + _BLOCK] = self.constant[:, None] + np.einsum("mnp,np->mp", slope, here)
        return out

    @property
    def mean(self) -> np.ndarray:
        """The mean (m,) over independent standard normal scores."""
        return self.constant + np.trace(self.matrix, axis1=1, axis2=2)

    def given(self, directions: np.ndarray) -> "Quadratic":
        """Return the conditional mean as a function of a = U z, for orthonormal rows U (k, n).

        z = U'a + the rest, independent with mean 0: c + tr B (I - U'U) + b'U'a + a'(U B U')a.
        """
        inner = directions @ self.matrix @ directions.T
        constant = self.mean - np.trace(inner, axis1=1, axis2=2)
        return Quadratic(constant, self.linear @ directions.T, inner)


def fit(z: np.ndarray, y: np.ndarray, first: np.ndarray) -> Quadratic:
    """Return the least-squares surrogate of outputs y (m, n_points) at scores z (n, n_points).

    All linear and square terms; products of scores in the order of importance that a fit without
    products gives them, those among the scores `first` before all others, at most a column to eight points.
    """
    n, n_points = z.shape
    centre, scale = y.mean(1, keepdims=True), y.std(1, keepdims=True)
    target = (y - centre) / np.where(scale > 0, scale, 1.0)
    alone = np.vstack([np.ones(n_points), z, (z**2 - 1) / np.sqrt(2)])
    effects = _solve(alone, target)[1:].reshape(2, n, -1)
    pairs = _chosen(np.square(effects).sum((0, 2)), first, max(0, n_points // 8 - len(alone)))
    columns = np.vstack([alone, *(z[i : i + 1] * z[j] for i, j in _by_row(pairs))])
    solved = (_solve(columns, target) * scale[:, 0]).T
    linear, square, cross = np.split(solved[:, 1:], [n, 2 * n], axis=1)
    matrix = np.zeros((len(y), n, n))
    matrix[:, np.arange(n), np.arange(n)] = square / np.sqrt(2)
    for (i, j), column in zip(_by_row(pairs), cross.T, strict=True):
        matrix[:, i, j] = matrix[:, j, i] = column / 2
    return Quadratic(centre[:, 0] + solved[:, 0] - square.sum(1) / np.sqrt(2), linear, matrix)


def _solve(columns: np.ndarray, y: np.ndarray) -> np.ndarray:
    gram = columns @ columns.T
    gram[np.diag_indices(len(gram))] *= 1 + 1e-12
    return np.linalg.solve(gram, columns @ y.T)


def _chosen(importance: np.ndarray, first: np.ndarray, n_pairs: int) -> np.ndarray:
    """Return the pairs (n_pairs, 2) to include, the more important first."""
    i, j = np.triu_indices(len(importance), 1)
    within = np.isin(i, first) & np.isin(j, first)
    order = np.lexsort((-(importance[i] * importance[j]), ~within))[:n_pairs]
    return np.stack([i[order], j[order]], 1)


def _by_row(pairs: np.ndarray) -> list[tuple[int, int]]:
    return [(int(i), int(j)) for i, j in pairs]
