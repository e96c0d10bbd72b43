"""Covariance and correlation matrices as papers print them: checked by name, never repaired."""

import numpy as np

from psa_engine.errors import InputError

# The smallest eigenvalue of a correlation matrix that a Cholesky factor survives with digits to spare.
SMALLEST_EIGENVALUE = 1e-10


def covariance_matrix(what: str, matrix, names: tuple[str, ...]) -> np.ndarray:
    """Return a float (k, k) covariance; refuses an asymmetric one and one that is not positive definite.

    `what` opens the message of the InputError and `names` names its entries.
    """
    matrix = _square(what, "covariance", matrix, names)
    if np.diag(matrix).min() <= 0:
        raise InputError(f"{what}: the variance of '{names[np.diag(matrix).argmin()]}' must be above 0.")
    # Judged as a correlation, since variances of costs and of utilities differ by many orders of magnitude.
    spread = np.sqrt(np.diag(matrix))
    _check(what, "covariance", matrix / np.outer(spread, spread), names)
    return (matrix + matrix.T) / 2


def correlation_matrix(what: str, matrix, names: tuple[str, ...]) -> np.ndarray:
    """Return a float (k, k) correlation with ones on its diagonal; refuses as `covariance_matrix` does."""
    matrix = _square(what, "correlation", matrix, names)
    if np.abs(np.diag(matrix) - 1).max() > 1e-12:
        raise InputError(f"{what}: correlation must have 1 on its diagonal, got {np.diag(matrix).tolist()}.")
    _check(what, "correlation", matrix, names)
    return (matrix + matrix.T) / 2


def _square(what, which, matrix, names):
    try:
        matrix = np.array(matrix, dtype=float)
    except (TypeError, ValueError):
        raise InputError(f"{what}: {which} must be a table of numbers with equally long rows.") from None
    k = len(names)
    if matrix.shape != (k, k) or not np.isfinite(matrix).all():
        raise InputError(f"{what}: {which} must be {k} by {k} finite numbers, got shape {matrix.shape}.")
    return matrix


def _check(what, which, correlation, names):
    apart = np.abs(correlation - correlation.T)
    if apart.max() > 1e-9:
        i, j = np.unravel_index(apart.argmax(), apart.shape)
        raise InputError(
            f"{what}: {which} is not symmetric; ({names[i]}, {names[j]}) and ({names[j]}, {names[i]}) differ."
        )
    between = np.abs(correlation - np.eye(len(names)))
    if between.max() > 1:
        i, j = np.unravel_index(between.argmax(), between.shape)
        raise InputError(
            f"{what}: {which} makes the correlation of '{names[i]}' and '{names[j]}' {correlation[i, j]:.4g};"
            " it must be between -1 and 1."
        )
    smallest = np.linalg.eigvalsh(correlation)[0]
    if smallest < SMALLEST_EIGENVALUE:
        raise InputError(
            f"{what}: {which} is not positive definite (smallest eigenvalue {smallest:.3g} as correlations),"
            " so no distribution has it; look for a mistyped entry, or a parameter that is a combination of"
            " others. It is not repaired for you."
        )
