"""Quadratic ridge regression: lines, squares and products of many parameters."""

import numpy as np

from psa_engine.errors import InputError
from psa_engine.voi.regression.design import Design, refuse_too_few_draws

MOST_PARAMETERS = 60


def quadratic(x: np.ndarray) -> np.ndarray:
    """Return 1, the parameters, and their squares and products, (n, 1 + d + d (d + 1) / 2)."""
    n, d = x.shape
    first, second = np.triu_indices(d)
    out = np.empty((n, 1 + d + len(first)))
    out[:, 0], out[:, 1 : d + 1] = 1.0, x
    np.multiply(x[:, first], x[:, second], out=out[:, d + 1 :])
    return out


def n_quadratic(d: int) -> int:
    """Return the number of columns of `quadratic`."""
    return 1 + d + d * (d + 1) // 2


def ridge_design(x: np.ndarray) -> Design:
    """Return a quadratic basis of standardised parameters (n, d), squares and products penalised alike.

    It sees every interaction of two parameters and none of three. Source: Hoerl, Kennard 1970.
    """
    n, d = x.shape
    if d > MOST_PARAMETERS:
        raise InputError(
            f"The quadratic ridge is for at most {MOST_PARAMETERS} parameters together, got {d}.",
            hint="Ask for smaller groups; the EVPI is the value of all parameters together.",
        )
    refuse_too_few_draws(
        n_quadratic(d),
        n,
        f"A quadratic ridge of {d} parameters",
        "Run more draws, or ask for a smaller group.",
    )
    return Design(quadratic, n_quadratic(d), 1 + d, "quadratic ridge")
