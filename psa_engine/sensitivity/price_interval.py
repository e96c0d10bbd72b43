"""In each draw, the interval of prices at which a strategy is the best: where its line lies above the others'.

With net benefit b_s - x k_s at the price x of a product of which k_s packs are used, strategy m beats s below
(b_m - b_s) / (k_m - k_s) if it uses more packs than s, above it if it uses fewer, and always or never if as many.
"""

import numpy as np


def best_between(benefit: np.ndarray, packs: np.ndarray, mine: int) -> tuple[np.ndarray, ...]:
    """Return (low, high, share), each (n_draws,): the prices between which strategy `mine` is the best.

    low > high where it never is; `share` is 1, or 1/2, 1/3 ... where others are its equals at every price.
    `benefit` (at a price of 0) and `packs` are (n_draws, n_strategies).
    """
    equals = np.ones(len(benefit))
    low, high = np.full(len(benefit), -np.inf), np.full(len(benefit), np.inf)
    for other in range(benefit.shape[1]):
        if other != mine:
            gain, more = benefit[:, mine] - benefit[:, other], packs[:, mine] - packs[:, other]
            with np.errstate(divide="ignore", invalid="ignore"):
                at = gain / more
            np.minimum(high, np.where(more > 0, at, np.inf), out=high)
            np.maximum(low, np.where(more < 0, at, -np.inf), out=low)
            high[(more == 0) & (gain < 0)] = -np.inf
            equals += (more == 0) & (gain == 0)
    return low, high, 1 / equals


def share_within(low: np.ndarray, high: np.ndarray, share: np.ndarray | None, grid: np.ndarray) -> np.ndarray:
    """Return the mean over draws of `share` (1 where None) where [low, high] holds each of the ascending prices."""
    wins = low <= high
    weights = None if share is None else share[wins]
    starts = np.searchsorted(grid, low[wins], side="left")
    ends = np.searchsorted(grid, high[wins], side="right")
    changes = np.bincount(starts, weights, len(grid) + 1) - np.bincount(ends, weights, len(grid) + 1)
    return np.cumsum(changes)[:-1] / len(low)
