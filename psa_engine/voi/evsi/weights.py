"""Posterior weights of the draws of a sample for many data sets at once, by their likelihood."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from psa_engine.errors import InputError
from psa_engine.voi.evsi.studies import Study, Values

_BLOCK_CELLS = 250_000
"""Weights held at once: 2 MB, which stay in a core's cache while they are made and used."""


@dataclass(frozen=True, eq=False)
class DataSets:
    """Simulated data sets: the distinct ones (k, q), how often each came up (q,), and which draw got which.

    `owner` (n_used,) is the number of the data set that draw 0, 1, ... made.
    """

    values: np.ndarray
    counts: np.ndarray
    owner: np.ndarray


def data_sets(study: Study, values: Values, n: int, most: int, seed: int) -> DataSets:
    """Simulate a data set per draw and keep the distinct ones, or the first `most` if they are too many."""
    if not study.has_likelihood:
        raise InputError(
            "This study has no likelihood, which importance sampling and moment matching weight draws with.",
            hint="Give `likelihood` to the study, or use method='regression'.",
        )
    made = study.generate(values, n, np.random.default_rng(seed))
    distinct, owner, counts = np.unique(made, axis=1, return_inverse=True, return_counts=True)
    if distinct.shape[1] <= most:
        return DataSets(distinct, counts.astype(float), owner.ravel())
    return DataSets(made[:, :most], np.ones(most), np.arange(most))


def weight_blocks(study: Study, data: DataSets, values: Values, n: int) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield (data sets of the block, weights (block, n_draws) that sum to 1 in each row)."""
    n_draws = len(values[study.parameters[0]])
    size = max(1, _BLOCK_CELLS // n_draws)
    for start in range(0, data.values.shape[1], size):
        here = slice(start, min(start + size, data.values.shape[1]))
        weights = study.log_likelihoods(data.values[:, here], values, n)
        weights -= weights.max(axis=1, keepdims=True)
        np.exp(weights, out=weights)
        weights /= weights.sum(axis=1, keepdims=True)
        yield here, weights
