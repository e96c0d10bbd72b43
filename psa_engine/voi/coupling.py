"""What inner means over two halves of the inner draws tell of the value of choosing after knowing.

The highest mean over all inner draws is biased up, and so is the highest mean over each half, by more: their
difference is the bias that doubling the inner draws removes (antithetic coupling; Giles and Goda 2019).
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.voi.problem import OuterSet, Split

OUTER_AT_ONCE = 2**15
"""Outer draws whose means are in memory together."""


class Gains(NamedTuple):
    """Net benefit per outer draw at one WTP, as increments over a reference strategy.

    `means` (..., n_strategies) over all inner draws, `fine` (...) the highest of them, `coarse` (...) the
    mean over both halves of the highest in the half.
    """

    means: np.ndarray
    fine: np.ndarray
    coarse: np.ndarray

    def corrected(self, factor: float = 1.0) -> np.ndarray:
        """Return the value of choosing less its leading bias, of which halves have twice as much (Richardson).

        `factor` is 1 / (2^a - 1) where halves have 2^a times as much (see `Pilot.factor`).
        """
        return self.fine + factor * (self.fine - self.coarse)


def gains(means: InnerMeans, wtp: float, reference: int) -> Gains:
    """Return the gains of outer draws from their inner means (..., n_strategies, 2)."""
    halves = _increments(means, wtp, reference)
    whole = halves.mean(-1)
    return Gains(whole, whole.max(-1), halves.max(-2).mean(-1))


def policy_value(means: InnerMeans, wtp: float, reference: int) -> np.ndarray:
    """Return the gain (...) of what one half chooses by the other half: on average not above the truth."""
    halves = _increments(means, wtp, reference)
    chosen = halves.argmax(-2)
    first = np.take_along_axis(halves[..., 0], chosen[..., 1:], -1)
    second = np.take_along_axis(halves[..., 1], chosen[..., :1], -1)
    return (first + second)[..., 0] / 2


def best_strategy(means: InnerMeans, wtp: float) -> int:
    """Return the strategy of highest mean net benefit over all runs."""
    axes = (*range(means.costs.ndim - 2), means.costs.ndim - 1)
    return int((wtp * means.effects.mean(axes) - means.costs.mean(axes)).argmax())


def stream(seed: int, *place: int) -> int:
    """Return the seed of an independent stream of draws at a place in a run."""
    return int(np.random.SeedSequence((seed, *place)).generate_state(1, np.uint64)[0])


def outer_draws(split: Split, n_outer: int, n_inner: int, seed: int) -> Iterator[OuterSet]:
    """Yield independent outer draws, some ten thousand at a time, for `Split.inner_means_of`."""
    for k, first in enumerate(range(0, n_outer, OUTER_AT_ONCE)):
        n = min(OUTER_AT_ONCE, n_outer - first)
        z = np.random.default_rng(stream(seed, k, 0)).standard_normal((split.n_outer, n))
        yield OuterSet(z, n_inner, stream(seed, k, 1))


def grouped(runs: InnerMeans, n_groups: int) -> InnerMeans:
    """Return outer draws in groups of equal size, (n_groups, n, n_strategies, 2)."""
    return InnerMeans(*(x.reshape(n_groups, -1, *x.shape[1:]) for x in runs))


def _increments(means: InnerMeans, wtp: float, reference: int) -> np.ndarray:
    halves = wtp * means.effects - means.costs
    return halves - halves[..., [reference], :].mean(-1, keepdims=True)
