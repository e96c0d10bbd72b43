"""Expected loss of choosing a strategy, and its least value: the expected value of perfect information."""

from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.net_benefit import mean_net_benefit, net_benefit_blocks, wtp_grid, wtp_values
from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample

if TYPE_CHECKING:
    import pandas as pd

# Mean of the positive part of a standard normal, the worst bias a tied competitor can cause.
_NORMAL_POSITIVE_PART = 1 / np.sqrt(2 * np.pi)


def expected_loss(sample: PsaSample, wtp: Any = None) -> "pd.DataFrame":
    """Return the mean net benefit forgone by choosing each strategy, wtp x strategy, in money per person.

    `wtp` defaults to `wtp_grid()`. The least loss in a row is the EVPI. Source: Alarid-Escudero et al. 2019.
    """
    import pandas as pd

    values = wtp_values(wtp, default=wtp_grid())
    totals = np.zeros((len(values), len(sample.strategies)))
    for i, benefit in net_benefit_blocks(sample, values):
        np.subtract(benefit.max(axis=0), benefit, out=benefit)
        totals[i] += benefit.sum(axis=1)
    losses = totals / sample.n_draws
    return pd.DataFrame(losses, columns=list(sample.strategies), index=pd.Index(values, name="wtp"))


def evpi(sample: PsaSample, wtp: Any = None) -> VoiEstimate:
    """Return the expected value of perfect information, money per person, with its standard error.

    The mean over draws of the loss max_d NMB_d - NMB_d*, d* the strategy of highest mean (first of equals).
    One `wtp` gives floats, a list arrays; the default is `DEFAULT_WTP`. `bias_bound`: choosing d* by the same
    draws biases the estimate down, by at most .4 standard errors of each rival within 4 of the best.
    Source: Claxton 1999.
    """
    started = perf_counter()
    values = wtp_values(wtp)
    best = mean_net_benefit(sample, values).argmax(axis=1)
    mean, error = _mean_loss(sample, values, best)
    bias = _bias_bound(sample, values, best)
    scalar = wtp is not None and np.ndim(wtp) == 0
    return VoiEstimate(
        value=float(mean[0]) if scalar else mean,
        standard_error=float(error[0]) if scalar else error,
        method="mean loss of the strategy of highest mean net benefit",
        wtp=float(values[0]) if scalar else values,
        seconds=perf_counter() - started,
        bias_bound=float(bias[0]) if scalar else bias,
        diagnostics={
            "optimal_strategy": tuple(sample.strategies[i] for i in best),
            "n_draws": sample.n_draws,
        },
    )


def _mean_loss(sample: PsaSample, wtp: np.ndarray, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean loss of the chosen strategy at each WTP and its standard error (NaN for one draw)."""
    n = sample.n_draws
    seen, mean, squares = np.zeros(len(wtp)), np.zeros(len(wtp)), np.zeros(len(wtp))
    for i, benefit in net_benefit_blocks(sample, wtp):
        loss = benefit.max(axis=0) - benefit[chosen[i]]
        share = len(loss) / (seen[i] + len(loss))
        shift = loss.mean() - mean[i]
        # Means and sums of squares of blocks are merged about their own means (Chan, Golub, LeVeque 1983).
        squares[i] += loss.var() * len(loss) + shift**2 * seen[i] * share
        mean[i] += shift * share
        seen[i] += len(loss)
    return mean, np.sqrt(squares / (n - 1) / n) if n > 1 else np.full(len(wtp), np.nan)


def _bias_bound(sample: PsaSample, wtp: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Bound E[max_d mean_d] - max_d E[mean_d] by the rivals that the draws cannot tell from the best."""
    n, n_strategies = sample.cost_values.shape
    if n < 2:
        return np.full(len(wtp), np.nan)
    covariance = _covariance(sample)
    means = mean_net_benefit(sample, wtp)
    bound = np.zeros(len(wtp))
    for i, value in enumerate(wtp):
        weights = np.hstack([-np.eye(n_strategies), value * np.eye(n_strategies)])
        rivals = weights - weights[best[i]]
        variance = np.einsum("sa,ab,sb->s", rivals, covariance, rivals)
        errors = np.sqrt(np.clip(variance, 0, None) / n)
        near = means[i, best[i]] - means[i] <= 4 * errors
        bound[i] = _NORMAL_POSITIVE_PART * errors[near].sum()
    return bound


def _covariance(sample: PsaSample) -> np.ndarray:
    """Return the covariance of (costs, effects), (2 n_strategies, 2 n_strategies), block by block."""
    centre = np.concatenate([sample.cost_values.mean(axis=0), sample.effect_values.mean(axis=0)])
    total = np.zeros((len(centre), len(centre)))
    for start in range(0, sample.n_draws, 16_384):
        rows = slice(start, start + 16_384)
        block = np.hstack([sample.cost_values[rows], sample.effect_values[rows]]) - centre
        total += block.T @ block
    return total / (sample.n_draws - 1)
