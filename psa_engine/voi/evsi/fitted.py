"""The expectation of outcomes given some quantities, fitted to a sample."""

import numpy as np

_DEGREE = {1: 7, 2: 5, 3: 4, 4: 3}


def conditional_means(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return E[y | x] (n, c) at the draws themselves, for x (n, k) and y (n, c)."""
    from itertools import combinations_with_replacement

    n, k = x.shape
    spread = x.std(axis=0)
    z = (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    columns = [np.ones(n)]
    for degree in range(1, _DEGREE.get(k, 2) + 1):
        columns += [np.prod(z[:, c], axis=1) for c in combinations_with_replacement(range(k), degree)]
    basis = np.linalg.qr(np.column_stack(columns))[0]
    return basis @ (basis.T @ y)
