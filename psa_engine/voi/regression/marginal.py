"""Smooth functions of one parameter: cubic splines sorted from straight to wiggly."""

from dataclasses import dataclass

import numpy as np

_FEW_VALUES = 10
"""A parameter with at most this many distinct values is described by a polynomial through them."""
_INTERVALS = 20
_ROWS_TO_FIT = 4_096


@dataclass(frozen=True, eq=False)
class Marginal:
    """Functions of one parameter, nearly orthonormal over its draws: 1, the straight line, then ever rougher.

    Cubic B-splines on `knots` (breakpoints at quantiles), combined by `weights` (n_splines, n_functions);
    a parameter with few distinct values has `levels` and the functions' values there instead.
    The functions are those that diagonalise the smoothing spline (Demmler, Reinsch 1975).
    """

    n_functions: int
    knots: np.ndarray | None = None
    weights: np.ndarray | None = None
    levels: np.ndarray | None = None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the functions at `x` (n,): (n, n_functions)."""
        if self.levels is not None:
            return self.weights[np.searchsorted(self.levels, x)]  # type: ignore[index]
        return bspline_values(self.knots, x) @ self.weights  # type: ignore[operator]


def marginal(x: np.ndarray, at_most: int) -> Marginal:
    """Return at most `at_most` functions of a parameter with draws `x` (n,)."""
    ordered = np.sort(x)
    levels = ordered[np.concatenate([[True], np.diff(ordered) > 0])]
    if len(levels) <= _FEW_VALUES:
        return _polynomials(levels, np.searchsorted(ordered, levels, side="right"), at_most)
    intervals = int(np.clip(min(at_most - 3, len(levels) // 2), 1, _INTERVALS))
    spread = np.linspace(0, len(ordered) - 1, intervals + 1).round().astype(int)
    knots = np.unique(ordered[spread])
    rows = ordered[np.linspace(0, len(ordered) - 1, min(len(ordered), _ROWS_TO_FIT)).round().astype(int)]
    basis = bspline_values(knots, rows)
    functions = _by_roughness(basis.T @ basis / len(rows), _roughness(knots))
    functions = functions[:, : min(at_most, functions.shape[1])]
    return Marginal(functions.shape[1], knots, functions)


def bspline_values(breaks: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Return the cubic B-splines with the given breakpoints at `x` (n,): (n, n_breaks + 2).

    Beyond the ends the outer polynomials go on. Source: de Boor 1978, chapter X.
    """
    t = _padded(breaks)
    at = np.clip(np.searchsorted(breaks, x, side="right") - 1, 0, len(breaks) - 2) + 3
    values = [np.ones_like(x)]
    for order in (1, 2, 3):
        left = [x - t[at + 1 - k] for k in range(1, order + 1)]
        right = [t[at + k] - x for k in range(1, order + 1)]
        carried, raised = np.zeros_like(x), []
        for k in range(order):
            share = values[k] / (right[k] + left[order - 1 - k])
            raised.append(carried + right[k] * share)
            carried = left[order - 1 - k] * share
        values = [*raised, carried]
    out = np.zeros((len(x), len(breaks) + 2))
    rows = np.arange(len(x))
    for k in range(4):
        out[rows, at - 3 + k] = values[k]
    return out


def _padded(breaks: np.ndarray) -> np.ndarray:
    return np.concatenate([np.repeat(breaks[0], 3), breaks, np.repeat(breaks[-1], 3)])


def _roughness(breaks: np.ndarray) -> np.ndarray:
    """Return the matrix of integrals of products of second derivatives, (n_breaks + 2, n_breaks + 2)."""
    t, n = _padded(breaks), len(breaks) + 2
    slopes = 3 * np.diff(np.eye(n), axis=0) / (t[4 : n + 3] - t[1:n])[:, None]
    bends = 2 * np.diff(slopes, axis=0) / (t[4 : n + 2] - t[2:n])[:, None]
    # Between breakpoints a second derivative is a straight line from `a` to `b`.
    a, b, width = bends[:-1], bends[1:], np.diff(breaks)[:, None] / 3
    cross = (width * a).T @ b
    return (width * a).T @ a + (width * b).T @ b + (cross + cross.T) / 2


def _by_roughness(gram: np.ndarray, roughness: np.ndarray) -> np.ndarray:
    """Return weights (n_splines, n_functions) of functions orthonormal in `gram`, smoothest first."""
    root = np.linalg.cholesky(gram + 1e-10 * np.trace(gram) / len(gram) * np.eye(len(gram)))
    inner = np.linalg.solve(root, np.linalg.solve(root, roughness).T)
    weights = np.linalg.solve(root.T, np.linalg.eigh((inner + inner.T) / 2)[1])
    # The first two have no roughness and come in any rotation: make them the constant and the line.
    ones = np.ones(len(gram))
    flat = weights[:, :2].T @ gram @ ones
    turn = np.array([[flat[0], -flat[1]], [flat[1], flat[0]]]) / np.hypot(*flat)
    weights[:, :2] = weights[:, :2] @ turn
    weights[:, 0] = 1.0  # B-splines add up to one: the constant, without rounding
    return weights


def _polynomials(levels: np.ndarray, ends: np.ndarray, at_most: int) -> Marginal:
    """Return orthonormal polynomials through the distinct values, weighted by how often each occurs."""
    counts = np.diff(ends, prepend=0)
    centred = (levels - levels.mean()) / np.ptp(levels)
    weight = np.sqrt(counts / counts.sum())[:, None]
    q, _ = np.linalg.qr(weight * np.vander(centred, min(len(levels), at_most), increasing=True))
    values = q / weight
    values[:, 0] = 1.0
    return Marginal(q.shape[1], weights=values, levels=levels)
