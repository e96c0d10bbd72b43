"""Surrogates in independent normal scores whose conditional means are read off: quadratic, some cubic terms."""

from dataclasses import dataclass

import numpy as np

_BLOCK = 512
_PER_COLUMN = 8
"""Points that the fit wants for each of its terms."""
_CUBED = 10
"""Scores, the most important ones, whose cubic terms are fitted."""


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


@dataclass(frozen=True, eq=False)
class Surrogate:
    """A quadratic and Wick products z_i z_j z_k of `triples` (t, 3) with coefficients `cubic` (m, t)."""

    quadratic: Quadratic
    triples: np.ndarray
    cubic: np.ndarray

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Return the outputs (m, n_points) at scores (n, n_points)."""
        out = self.quadratic(z)
        for first in range(0, z.shape[1] if len(self.triples) else 0, _BLOCK):
            here = slice(first, first + _BLOCK)
            out[:, here] += self.cubic @ _wick(z[:, here], self.triples)
        return out

    @property
    def mean(self) -> np.ndarray:
        """The mean (m,) over independent standard normal scores."""
        return self.quadratic.mean

    def given_first(self, k: int) -> "Surrogate":
        """Return the conditional mean as a function of the first k scores: what holds others has mean 0."""
        inside = (self.triples < k).all(1)
        quadratic = self.quadratic.given(np.eye(self.quadratic.linear.shape[1])[:k])
        return Surrogate(quadratic, self.triples[inside], self.cubic[:, inside])


def n_points_for(n_scores: int) -> int:
    """Return how many points a fit of all terms wants."""
    cubed = min(_CUBED, n_scores)
    n_cubic = cubed * (cubed + 1) * (cubed + 2) // 6
    return _PER_COLUMN * ((n_scores + 1) * (n_scores + 2) // 2 + n_cubic)


def fit(z: np.ndarray, y: np.ndarray, judged: np.ndarray, n_first: int) -> tuple[Surrogate, int]:
    """Return the least-squares surrogate of outputs y (m, n_points) at scores z (n, n_points), and its terms.

    All linear and square terms; cubic terms of the scores that matter most to a fit of `judged` (any,
    n_points) by those; and products in order of importance, those among the `n_first` first scores before
    all others, as many as leave eight points to a term.
    """
    n, n_points = z.shape
    centre, scale = y.mean(1, keepdims=True), y.std(1, keepdims=True)
    target = (y - centre) / np.where(scale > 0, scale, 1.0)
    alone = np.vstack([np.ones(n_points), z, z**2 - 1])
    effects = _solve(alone, judged / max(judged.std(), 1e-300))[1:].reshape(2, n, -1)
    importance = np.square(effects[0]).sum(1) + 2 * np.square(effects[1]).sum(1)
    spare = max(0, n_points // _PER_COLUMN - len(alone))
    triples = _triples(importance, spare // 4)
    pairs = _pairs(importance, n_first, spare - len(triples))
    products = z[pairs[:, 0]] * z[pairs[:, 1]]
    solved = (_solve(np.vstack([alone, products, _wick(z, triples)]), target) * scale[:, 0]).T
    linear, square, cross, cubic = np.split(solved[:, 1:], np.cumsum([n, n, len(pairs)]), axis=1)
    matrix = np.zeros((len(y), n, n))
    matrix[:, np.arange(n), np.arange(n)] = square
    matrix[:, pairs[:, 0], pairs[:, 1]] = matrix[:, pairs[:, 1], pairs[:, 0]] = cross / 2
    quadratic = Quadratic(centre[:, 0] + solved[:, 0] - square.sum(1), linear, matrix)
    return Surrogate(quadratic, triples, cubic), solved.shape[1]


def _wick(z: np.ndarray, triples: np.ndarray) -> np.ndarray:
    """Return z_i z_j z_k less what makes it orthogonal to all linear terms (Wick product), (t, n_points)."""
    i, j, k = triples.T
    equal = [(a == b)[:, None] for a, b in ((i, j), (j, k), (i, k))]
    return z[i] * z[j] * z[k] - equal[0] * z[k] - equal[1] * z[i] - equal[2] * z[j]


def _solve(columns: np.ndarray, y: np.ndarray) -> np.ndarray:
    gram = columns @ columns.T
    gram[np.diag_indices(len(gram))] *= 1 + 1e-12
    return np.linalg.solve(gram, columns @ y.T)


def _pairs(importance: np.ndarray, n_first: int, most: int) -> np.ndarray:
    i, j = np.triu_indices(len(importance), 1)
    order = np.lexsort((-(importance[i] * importance[j]), j >= n_first))[:most]
    return np.stack([i[order], j[order]], 1)


def _triples(importance: np.ndarray, most: int) -> np.ndarray:
    count = max(q for q in range(min(_CUBED, len(importance)) + 1) if q * (q + 1) * (q + 2) // 6 <= most)
    chosen = np.sort(np.argsort(-importance, kind="stable")[:count])
    found = [(a, b, c) for x, a in enumerate(chosen) for y, b in enumerate(chosen[x:], x) for c in chosen[y:]]
    return np.array(found, int).reshape(-1, 3)
