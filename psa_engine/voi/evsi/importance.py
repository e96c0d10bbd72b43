"""EVSI by importance sampling: draws of a sample weighted by the likelihood of simulated data (Menzies 2016)."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.fitted import expected_outcomes
from psa_engine.voi.evsi.outcomes import incremental_outcomes, loss_of, net_benefit
from psa_engine.voi.evsi.studies import Study, Values, informed_values
from psa_engine.voi.evsi.weights import DataSets, data_sets, weight_blocks

MOST_WEIGHTS = 50_000_000
"""Weights computed for a sample size; beyond it some draws make no data, and the rest weigh nothing."""
MOST_WEIGHED = 20_000
"""Draws that are weighed where data sets are too many for all of them."""


def estimates(
    sample: PsaSample, study: Study, n: Sequence[int], wtp: np.ndarray, *, seed: int = 0
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    What is weighted is the expectation of the outcomes given the informed parameters, fitted once, so the
    other parameters add no noise. The 1 / (number of draws) bias of the maximum is removed by the two
    halves of the draws (Richardson); `bias_bound` is what was removed. The standard error is the
    infinitesimal jackknife over draws, which counts simulated data, weights and fit together.
    """
    values = informed_values(study, sample.parameter_values, n)
    outcomes = incremental_outcomes(sample)
    fitted = expected_outcomes(sample, study, seed)
    return [_one(study, values, outcomes, fitted, size, wtp, seed) for size in n]


def _one(
    study: Study, values: Values, outcomes: np.ndarray, fitted: np.ndarray, n: int, wtp: np.ndarray, seed: int
) -> VoiEstimate:
    started = perf_counter()
    data = data_sets(study, values, n, MOST_WEIGHTS // min(len(fitted), MOST_WEIGHED), seed)
    n_draws = min(len(fitted), max(MOST_WEIGHTS // len(data.counts), MOST_WEIGHED))
    values = {name: draws[:n_draws] for name, draws in values.items()}
    outcomes, fitted = outcomes[:n_draws], fitted[:n_draws]
    best = [int(net_benefit(fitted, price).mean(axis=0).argmax()) for price in wtp]
    share = data.counts / data.counts.sum()
    total, halves = np.zeros(len(wtp)), np.zeros(len(wtp))
    loss = np.zeros((len(wtp), len(share)))
    pull = np.zeros((len(wtp), n_draws))
    n_effective = np.zeros(len(share))
    middle = n_draws // 2
    for here, weights in weight_blocks(study, data, values, n):
        n_effective[here] = 1 / np.einsum("qi,qi->q", weights, weights)
        parts = [weights[:, :middle] @ fitted[:middle], weights[:, middle:] @ fitted[middle:]]
        first = weights[:, :middle].sum(axis=1)
        mean = parts[0] + parts[1]
        with np.errstate(divide="ignore", invalid="ignore"):
            half = [parts[0] / first[:, None], parts[1] / (1 - first)[:, None]]
        for i, price in enumerate(wtp):
            expected = net_benefit(mean, price)
            loss[i, here] = loss_of(expected, best[i])
            total[i] += share[here] @ loss[i, here]
            by_half = [loss_of(net_benefit(part, price), best[i]) for part in half]
            usable = np.isfinite(by_half[0]) & np.isfinite(by_half[1])
            both = np.where(usable, (by_half[0] + by_half[1]) / 2, loss[i, here])
            halves[i] += share[here] @ both
            pull[i] += _pull(weights, share[here], expected, net_benefit(outcomes, price), best[i])
    bias = halves - total
    return VoiEstimate(
        total - bias, _standard_error(loss, pull, data, n_draws), "importance sampling", wtp, study.parameters,
        seconds=perf_counter() - started, bias_bound=np.abs(bias),
        diagnostics={
            "n": n,
            "n_draws": n_draws,
            "data_sets": len(share),
            "effective_draws": {"median": float(np.median(n_effective)), "least": float(n_effective.min())},
        },
    )  # fmt: skip


def _pull(
    weights: np.ndarray, share: np.ndarray, expected: np.ndarray, benefit: np.ndarray, best: int
) -> np.ndarray:
    """Return n_draws times the derivative of the EVSI by the weight of each draw (n_draws,)."""
    n_draws, n_strategies = benefit.shape
    chosen = expected.argmax(axis=1)
    indicator = np.zeros((len(chosen), n_strategies + 1))
    indicator[np.arange(len(chosen)), chosen] += share
    indicator[:, best] -= share
    indicator[:, -1] = share * loss_of(expected, best)
    shares = weights.T @ indicator
    return n_draws * ((shares[:, :-1] * benefit).sum(axis=1) - shares[:, -1])


def _standard_error(loss: np.ndarray, pull: np.ndarray, data: DataSets, n_draws: int) -> np.ndarray:
    """Return the standard error from each draw's pull as a weighted draw and, where it made data, as their source."""
    n_used = len(data.owner)
    influence = (pull - pull.mean(axis=1, keepdims=True)) / n_draws
    made = loss[:, data.owner]
    influence[:, :n_used] += (made - made.mean(axis=1, keepdims=True)) / n_used
    return np.sqrt((influence**2).sum(axis=1))
