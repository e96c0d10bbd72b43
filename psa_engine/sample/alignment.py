"""Whether the parameters of a sample belong to its costs and effects, row by row.

Published example data sets exist whose parameter rows are in another order than their costs and effects;
every EVPPI computed on them is noise. A joint regression that explains nothing is the sign.
"""

import warnings

import numpy as np

from psa_engine.sample.record import PsaSample

_MOST_ROWS = 4_000
_ROWS_PER_COLUMN = 10


def joint_r_squared(parameters: np.ndarray, outcomes: np.ndarray) -> tuple[np.ndarray, int]:
    """Return R squared (k,) of each outcome (n, k) on a quadratic of the parameters (n, p), and its rank.

    Squares and products are left out, products first, where there are fewer than 10 rows per column.
    """
    x = _standardised(parameters)
    n, p = x.shape
    first, second = np.triu_indices(p)
    room = n // _ROWS_PER_COLUMN - p
    if room < len(first):
        first = second = np.arange(p if room >= p else 0)
    basis = _standardised(np.column_stack([x, x[:, first] * x[:, second]]))
    y = _standardised(outcomes)
    # On the principal axes of the basis: repeated and constant columns drop out by their zero eigenvalues.
    eigenvalues, axes = np.linalg.eigh(basis.T @ basis / n)
    kept = eigenvalues > 1e-9 * eigenvalues[-1]
    projected = axes[:, kept].T @ (basis.T @ y / n)
    return (projected**2 / eigenvalues[kept, None]).sum(axis=0), int(kept.sum())


def warn_if_parameters_explain_nothing(sample: PsaSample) -> None:
    """Warn when no cost and no effect has an R squared on the parameters beyond that of unrelated rows.

    Unrelated rows have R squared ~ Beta(r / 2, (n - 1 - r) / 2); its mean plus 4 standard deviations is the
    limit. Says nothing where there are too few rows to tell.
    """
    n, p = min(sample.n_draws, _MOST_ROWS), len(sample.parameter_values)
    if not p or n < _ROWS_PER_COLUMN * (p + 10):
        return
    parameters = np.column_stack([values[:n] for values in sample.parameter_values.values()])
    outcomes = np.column_stack([sample.cost_values[:n], sample.effect_values[:n]])
    outcomes = outcomes[:, np.ptp(outcomes, axis=0) > 0]
    parameters = parameters[:, np.ptp(parameters, axis=0) > 0]
    if not outcomes.size or not parameters.size:
        return
    explained, rank = joint_r_squared(parameters, outcomes)
    expected = rank / (n - 1)
    spread = np.sqrt(2 * rank * (n - 1 - rank) / ((n - 1) ** 2 * (n + 1)))
    if explained.max() < expected + 4 * spread:
        warnings.warn(
            "The parameters explain nothing of the costs or effects "
            f"(largest R squared {explained.max():.3f}): check that row i of every table is the same draw, "
            "or value of information on it will be noise.",
            stacklevel=4,
        )


def _standardised(columns: np.ndarray) -> np.ndarray:
    centred = columns - columns.mean(axis=0)
    spread = centred.std(axis=0)
    return centred / np.where(spread > 0, spread, 1.0)
