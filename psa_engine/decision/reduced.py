"""What a PSA says of a decision, from draws that are never all in one place: a record that merges.

Merging adds sums about means (Chan, Golub, LeVeque 1983). It is done in the order of the draws, so that the
bits do not depend on who made which block when.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from psa_engine.decision.net_benefit import net_monetary_benefit
from psa_engine.sample import PsaSample


class Reduced(NamedTuple):
    """Sums over n draws, of S strategies at W values of willingness to pay.

    `mean` (2 S,) of costs, then effects, and `products` (2 S, 2 S) about it; `wins` (W, S) draws in which a
    strategy has the highest net benefit (ties shared); `loss` (W, S) the mean loss of choosing it, and
    `loss_squares` (W, S) about that mean.
    """

    n: np.ndarray
    mean: np.ndarray
    products: np.ndarray
    wins: np.ndarray
    loss: np.ndarray
    loss_squares: np.ndarray


def reduced(sample: PsaSample, wtp: np.ndarray) -> Reduced:
    """Reduce the draws of a sample."""
    both = np.hstack([sample.cost_values, sample.effect_values])
    apart = both - both.mean(axis=0)
    of_wtp = [np.array(x) for x in zip(*_by_wtp(sample, wtp), strict=True)]
    return Reduced(np.array(sample.n_draws), both.mean(axis=0), apart.T @ apart, *of_wtp)


def _by_wtp(sample: PsaSample, wtp: np.ndarray) -> Iterator[tuple[np.ndarray, ...]]:
    for value in wtp:
        benefit = net_monetary_benefit(sample, float(value))
        loss = benefit.max(axis=1, keepdims=True) - benefit
        best = loss == 0
        mean = loss.mean(axis=0)
        yield (best / best.sum(axis=1, keepdims=True)).sum(axis=0), mean, ((loss - mean) ** 2).sum(axis=0)


def merged(parts: Iterable[Reduced]) -> Reduced:
    """Merge records in the order given."""
    parts = iter(parts)
    total = next(parts)
    for part in parts:
        total = _two(total, part)
    return total


def _two(a: Reduced, b: Reduced) -> Reduced:
    n = a.n + b.n
    share, between = b.n / n, a.n * b.n / n
    shift, shift_loss = b.mean - a.mean, b.loss - a.loss
    return Reduced(
        n,
        a.mean + shift * share,
        a.products + b.products + np.outer(shift, shift) * between,
        a.wins + b.wins,
        a.loss + shift_loss * share,
        a.loss_squares + b.loss_squares + shift_loss**2 * between,
    )


def means(total: Reduced) -> tuple[np.ndarray, np.ndarray]:
    """Return mean costs and effects, and their standard errors, (2, S) each; NaN for one draw."""
    n = int(total.n)
    error = np.sqrt(np.diag(total.products) / (n - 1) / n) if n > 1 else np.full(len(total.mean), np.nan)
    return total.mean.reshape(2, -1), error.reshape(2, -1)


def decisions(total: Reduced, wtp: np.ndarray) -> dict[str, Any]:
    """Return at each WTP: mean net benefit, the best strategy (its index), P(best) and EVPI with its standard error."""
    costs, effects = total.mean.reshape(2, -1)
    benefit = wtp[:, None] * effects - costs
    best, rows, n = benefit.argmax(axis=1), np.arange(len(wtp)), int(total.n)
    squares = total.loss_squares[rows, best]
    return {
        "mean_net_benefit": benefit,
        "best": best,
        "probability": total.wins / n,
        "evpi": total.loss[rows, best],
        "evpi_standard_error": np.sqrt(squares / (n - 1) / n) if n > 1 else np.full(len(wtp), np.nan),
    }
