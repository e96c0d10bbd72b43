"""Functions of one normal score: interpolated from a few nodes, and the expectation of their maximum.

Smooth functions are fitted by the Hermite polynomial through Gauss-Hermite nodes, which converges
geometrically; others by a cubic spline with more nodes where the probability is.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import hermite_e

N_NODES = 12
_EXTRA = 20
GRID = 0.025 * np.arange(-260, 261)
_DENSITY = np.exp(-0.5 * GRID**2)
WEIGHTS = _DENSITY / _DENSITY.sum()


class Interpolation(NamedTuple):
    """How values at `nodes` (k,) become values on `GRID`: `basis` (grid, k), and a coarser one to compare."""

    nodes: np.ndarray
    basis: np.ndarray
    coarse: np.ndarray


@cache
def polynomial() -> Interpolation:
    """Return the polynomial through the Gauss-Hermite nodes; the coarse one lacks its two highest terms."""
    nodes, weights = hermite_e.hermegauss(N_NODES)
    terms = hermite_e.hermevander(nodes, N_NODES - 1)
    norms = (weights[:, None] * terms**2).sum(0)
    to_terms = (weights[:, None] * terms).T / norms[:, None]
    on_grid = hermite_e.hermevander(np.clip(GRID, nodes[0], nodes[-1]), N_NODES - 1)
    return Interpolation(nodes, on_grid @ to_terms, on_grid[:, :-2] @ to_terms[:-2])


@cache
def spline() -> Interpolation:
    """Return the spline through the Gauss-Hermite nodes and 20 more, with only these in the coarse one."""
    from scipy.special import ndtri

    first = polynomial().nodes
    extra = 1.6 * ndtri((np.arange(_EXTRA) + 0.5) / _EXTRA)
    nodes = np.concatenate([first, extra])
    coarse = np.zeros((len(GRID), len(nodes)))
    coarse[:, len(first) :] = _cubic(extra)
    return Interpolation(nodes, _cubic(nodes), coarse)


def _cubic(nodes: np.ndarray) -> np.ndarray:
    """Return the cubic spline's values on `GRID` for a one at each node; constant slope beyond the last."""
    from scipy.interpolate import CubicSpline

    order = np.argsort(nodes)
    curve = CubicSpline(nodes[order], np.eye(len(nodes))[order])
    inside = np.clip(GRID, nodes.min(), nodes.max())
    return curve(inside) + (GRID - inside)[:, None] * curve(inside, 1)


def expected_maximum(curves: np.ndarray) -> np.ndarray:
    """Return the expectation over a standard normal of the maximum of curves on `GRID` (..., grid, n_curves).

    The trapezium rule, corrected for the kink where one curve overtakes another: for a jump J of slope at
    a fraction t of a step h it errs by J h^2 (t (1 - t) / 2 - 1 / 12) (Euler-Maclaurin).
    """
    flat = curves.reshape(-1, *curves.shape[-2:])
    top = flat.argmax(-1)
    total = np.take_along_axis(flat, top[..., None], -1)[..., 0] @ WEIGHTS
    which, left = np.nonzero(top[:, 1:] != top[:, :-1])
    before, after = top[which, left], top[which, left + 1]
    fall = flat[which, left, before] - flat[which, left, after]
    rise = flat[which, left + 1, after] - flat[which, left + 1, before]
    both = fall + rise
    triangle = np.divide(fall * rise, both, out=np.zeros_like(both), where=both > 0)
    density = 0.5 * (WEIGHTS[left] + WEIGHTS[left + 1])
    np.subtract.at(total, which, density * (0.5 * triangle - both / 12))
    return total.reshape(curves.shape[:-2])
