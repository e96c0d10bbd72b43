"""Penalised splines: smooth functions of one to four parameters with their interactions (a GAM)."""

from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from psa_engine.errors import InputError
from psa_engine.voi.regression.design import ROWS_PER_COLUMN, Design, refuse_too_few_draws
from psa_engine.voi.regression.marginal import marginal

MOST_PARAMETERS = 4
_LARGEST, _LARGEST_TOGETHER, _SMALLEST = 23, 16, 4
"""Sizes of the hyperbolic cross: for one parameter, for several (50, 110, 204 columns of 2, 3, 4), least."""


def spline_design(x: np.ndarray) -> Design:
    """Return a tensor-product spline basis of the parameters (n, d), d at most 4.

    Products u_a(x1) u_b(x2) ... of marginal functions are kept on a hyperbolic cross, (a + 1)(b + 1) ... at
    most a limit set by the number of draws, so that every interaction is there in its low orders. The penalty
    of total order m is (m (m - 1) / 2)^2, that of a thin-plate spline in Hermite functions: lines are free.
    Source: Wood 2006 (tensor products); Wahba 1990 (thin plates); Strong, Oakley, Brennan 2014 (in EVPPI).
    """
    n_draws, d = x.shape
    if d > MOST_PARAMETERS:
        raise InputError(
            f"Splines with interactions are for at most {MOST_PARAMETERS} parameters together, got {d}.",
            hint="Use method 'gp' for up to 10 parameters, 'ridge' for more, or 'auto'.",
        )
    largest = _LARGEST if d == 1 else _LARGEST_TOGETHER
    margins = [marginal(x[:, j], max(_SMALLEST, min(largest, n_draws // ROWS_PER_COLUMN))) for j in range(d)]
    functions, sizes = tuple(f.n_functions for f in margins), range(largest, _SMALLEST, -1)
    fitting = (m for m in sizes if len(_cross(functions, m)) * ROWS_PER_COLUMN <= n_draws)
    terms = _cross(functions, next(fitting, _SMALLEST))
    refuse_too_few_draws(
        len(terms), n_draws, f"A spline of {d} parameter{'s' * (d > 1)}",
        "Run more draws, or ask for fewer parameters together.",
    )  # fmt: skip
    order = terms.sum(axis=1)
    terms = terms[np.argsort(order, kind="stable")]
    order = np.sort(order)
    n_free = int((order <= 1).sum())
    scale = 1 / np.where(order <= 1, 1.0, order * (order - 1) / 2)

    def columns(x: np.ndarray) -> np.ndarray:
        values = [f(x[:, j]) for j, f in enumerate(margins)]
        out = values[0][:, terms[:, 0]] * scale
        for j in range(1, d):
            at = np.flatnonzero(terms[:, j])
            out[:, at] *= values[j][:, terms[at, j]]
        return out

    return Design(columns, len(terms), n_free, "penalised splines")


@lru_cache(maxsize=256)
def _cross(n_functions: tuple[int, ...], limit: int) -> np.ndarray:
    """Return the orders (n_terms, d) whose (order + 1) multiply to at most `limit`."""
    axes = [range(min(n, limit)) for n in n_functions]
    return np.array([orders for orders in product(*axes) if prod(a + 1 for a in orders) <= limit])
