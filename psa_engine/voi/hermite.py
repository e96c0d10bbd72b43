"""Polynomial surrogates in independent normal scores, whose conditional means are read off.

Terms are Wick products (multivariate Hermite polynomials): z_i, z_i z_j - [i = j], and z_i z_j z_k less what
makes it orthogonal to all z. Given a projection of z, the mean of a term is the same product of the
projected scores with their covariance in place of [i = j]; so, given some scores, terms that hold others are 0.
"""

from dataclasses import dataclass

import numpy as np

_PER_TERM = 8
"""Points that the fit wants for each of its terms."""
_CUBED = 10
"""Scores, the most important ones, whose cubic terms are fitted."""
_WORK = 2**19
"""Multiplications at a time: more would be spread over threads, which then wait for each other."""


@dataclass(frozen=True, eq=False)
class Surrogate:
    """Outputs: `constant` (m,), and coefficients of z (m, n), of `pairs` (p, 2) and of `triples` (t, 3)."""

    constant: np.ndarray
    linear: np.ndarray
    pairs: np.ndarray
    quadratic: np.ndarray
    triples: np.ndarray
    cubic: np.ndarray

    def __call__(self, z: np.ndarray, covariance: np.ndarray | None = None) -> np.ndarray:
        """Return the outputs (m, n_points) at scores (n, n_points), or projected ones with their covariance."""
        coefficients = np.hstack([self.linear, self.quadratic, self.cubic])
        step = int(np.clip(_WORK // max(1, coefficients.size), 32, 1024))
        out = np.repeat(self.constant[:, None], z.shape[1], 1)
        for first in range(0, z.shape[1], step):
            here = z[:, first : first + step]
            out[:, first : first + step] += coefficients @ _terms(here, self.pairs, self.triples, covariance)
        return out

    @property
    def matrix(self) -> np.ndarray:
        """The symmetric matrices B (m, n, n) of the quadratic part z'Bz - tr B."""
        n = self.linear.shape[1]
        out = np.zeros((len(self.constant), n, n))
        i, j = self.pairs.T
        out[:, i, j] += self.quadratic / 2
        out[:, j, i] += self.quadratic / 2
        return out

    def given(self, scores: np.ndarray) -> "Surrogate":
        """Return the conditional mean as a function of some scores, by ascending index (k,)."""
        place = np.full(self.linear.shape[1], -1)
        place[scores] = np.arange(len(scores))
        pairs, triples = (place[held] for held in (self.pairs, self.triples))
        in_pairs, in_triples = (pairs >= 0).all(1), (triples >= 0).all(1)
        return Surrogate(
            self.constant, self.linear[:, scores], pairs[in_pairs], self.quadratic[:, in_pairs],
            triples[in_triples], self.cubic[:, in_triples],
        )  # fmt: skip


def n_points_for(n_scores: int) -> int:
    """Return how many points a fit of all terms wants."""
    cubed = min(_CUBED, n_scores)
    return _PER_TERM * ((n_scores + 1) * (n_scores + 2) // 2 + cubed * (cubed + 1) * (cubed + 2) // 6)


def fit(z: np.ndarray, y: np.ndarray, judged: np.ndarray, n_first: int) -> tuple[Surrogate, int]:
    """Return the least-squares surrogate of outputs y (m, n_points) at scores z (n, n_points), and its terms.

    All linear and square terms; cubic terms of the scores that matter most to a fit of `judged` (any,
    n_points) by those; and products in order of importance, those among the `n_first` first scores before
    all others, as many as leave eight points to a term.
    """
    n, n_points = z.shape
    alone = np.vstack([np.ones(n_points), z, z**2 - 1])
    effects = _solve(alone, judged)[1:].reshape(2, n, -1)
    importance = np.square(effects[0]).sum(1) + 2 * np.square(effects[1]).sum(1)
    spare = max(0, n_points // _PER_TERM - len(alone))
    triples = _triples(importance, spare // 4)
    pairs = _pairs(importance, n_first, spare - len(triples))
    columns = np.vstack([np.ones(n_points), _terms(z, pairs, triples)])
    solved = _solve(columns, y).T
    linear, quadratic, cubic = np.split(solved[:, 1:], np.cumsum([n, len(pairs)]), axis=1)
    return Surrogate(solved[:, 0], linear, pairs, quadratic, triples, cubic), solved.shape[1]


def _terms(
    z: np.ndarray, pairs: np.ndarray, triples: np.ndarray, covariance: np.ndarray | None = None
) -> np.ndarray:
    """Return the Wick products (n + p + t, n_points): scores, pairs, triples."""
    covariance = np.eye(len(z)) if covariance is None else covariance
    i, j = pairs.T
    products = z[i] * z[j] - covariance[i, j][:, None]
    if not len(triples):
        return np.vstack([z, products])
    i, j, k = triples.T
    cubes = z[i] * z[j] * z[k]
    for a, b, c in ((i, j, k), (j, k, i), (i, k, j)):
        cubes -= covariance[a, b][:, None] * z[c]
    return np.vstack([z, products, cubes])


def _solve(columns: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the coefficients (n_columns, m) by least squares; y is scaled so that a constant costs no accuracy."""
    centre, scale = y.mean(1, keepdims=True), y.std(1, keepdims=True)
    scale = np.where(scale > 0, scale, 1.0)
    gram = columns @ columns.T
    gram[np.diag_indices(len(gram))] *= 1 + 1e-12
    found = np.linalg.solve(gram, columns @ ((y - centre) / scale).T) * scale.T
    found[0] += centre[:, 0]
    return found


def _pairs(importance: np.ndarray, n_first: int, most: int) -> np.ndarray:
    """Return every (i, i), and `most` pairs of different scores."""
    i, j = np.triu_indices(len(importance), 1)
    order = np.lexsort((-(importance[i] * importance[j]), j >= n_first))[:most]
    squares = np.arange(len(importance))
    return np.vstack([np.stack([squares, squares], 1), np.stack([i[order], j[order]], 1)])


def _triples(importance: np.ndarray, most: int) -> np.ndarray:
    count = max(q for q in range(min(_CUBED, len(importance)) + 1) if q * (q + 1) * (q + 2) // 6 <= most)
    chosen = np.sort(np.argsort(-importance, kind="stable")[:count])
    found = [(a, b, c) for x, a in enumerate(chosen) for y, b in enumerate(chosen[x:], x) for c in chosen[y:]]
    return np.array(found, int).reshape(-1, 3)
