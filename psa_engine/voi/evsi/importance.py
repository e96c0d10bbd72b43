"""EVSI by importance sampling: draws weighted by the likelihood of simulated data (Menzies 2016)."""

from collections.abc import Sequence
from functools import partial
from time import perf_counter

import numpy as np

from psa_engine.engine.where import HERE, Where
from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.fitted import expected_outcomes
from psa_engine.voi.evsi.outcomes import incremental_outcomes, loss_of, net_benefit
from psa_engine.voi.evsi.studies import Study, Values, informed_values
from psa_engine.voi.evsi.weights import DataSets, data_sets, weight_blocks

MOST_WEIGHTS = 50_000_000
"""Weights computed for a sample size; beyond it some draws make no data, and the rest weigh nothing."""
_LEAST = 1e-9
_FEW_EFFECTIVE = 30
MOST_WEIGHED = 10_000
"""Draws that are weighed, and make data, where data sets are too many for all of them."""


def estimates(
    sample: PsaSample,
    study: Study,
    n: Sequence[int],
    wtp: np.ndarray,
    *,
    seed: int = 0,
    where: Where = HERE,
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
    one = partial(_one, study, values, outcomes, fitted, wtp, seed)
    return list(where.compute(one, ((size,) for size in n)))


def _one(
    study: Study, values: Values, outcomes: np.ndarray, fitted: np.ndarray, wtp: np.ndarray, seed: int, n: int
) -> VoiEstimate:
    started = perf_counter()
    n_fitted = len(fitted)
    data = data_sets(study, values, n, MOST_WEIGHTS // min(n_fitted, MOST_WEIGHED), seed)
    n_draws = min(n_fitted, max(MOST_WEIGHTS // len(data.counts), MOST_WEIGHED))
    values = {name: draws[:n_draws] for name, draws in values.items()}
    outcomes, fitted = outcomes[:n_draws], fitted[:n_draws]
    best = [int(net_benefit(fitted, price).mean(axis=0).argmax()) for price in wtp]
    share = data.counts / data.counts.sum()
    loss, halves = np.zeros((len(wtp), len(share))), np.zeros(len(wtp))
    chosen = np.zeros((len(wtp), n_draws, len(outcomes[0]) // 2))
    expected_loss = np.zeros((len(wtp), n_draws))
    n_effective = np.zeros(len(share))
    for here, weights in weight_blocks(study, data, values, n):
        n_effective[here] = 1 / np.einsum("qi,qi->q", weights, weights)
        whole, half = _means(weights, fitted)
        for i, price in enumerate(wtp):
            benefit = net_benefit(whole, price)
            loss[i, here] = loss_of(benefit, best[i])
            halves[i] += share[here] @ sum(loss_of(net_benefit(part, price), best[i]) for part in half) / 2
            picked = _picked(benefit, best[i]) * share[here, None]
            chosen[i] += weights.T @ picked
            expected_loss[i] += weights.T @ (share[here] * loss[i, here])
    total = loss @ share
    error = [
        _standard_error(
            loss[i], chosen[i] * n_draws, expected_loss[i] * n_draws, net_benefit(fitted, price),
            net_benefit(outcomes, price), data, n_fitted,
        )
        for i, price in enumerate(wtp)
    ]  # fmt: skip
    return VoiEstimate(
        2 * total - halves, np.array(error), "importance sampling", wtp, study.parameters,
        seconds=perf_counter() - started, bias_bound=np.abs(halves - total),
        diagnostics={
            "n": n,
            "n_draws": n_draws,
            "data_sets": len(share),
            "effective_draws": {"median": float(np.median(n_effective)), "least": float(n_effective.min())},
            "notes": _notes(n_effective, study),
        },
    )  # fmt: skip


def _notes(n_effective: np.ndarray, study: Study) -> tuple[str, ...]:
    typical = float(np.median(n_effective))
    if typical >= _FEW_EFFECTIVE:
        return ()
    return (
        f"Half of the data sets leave {typical:,.0f} effective draws or fewer: the data say much more about "
        f"{', '.join(study.parameters)} than the sample holds. Run more draws, or use 'regression'.",
    )


def _means(weights: np.ndarray, fitted: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return weighted means (q, c) over all draws, and over each half of them.

    A half without weight has the mean of all.
    """
    middle = len(fitted) // 2
    rows = (slice(0, middle), slice(middle, len(fitted)))
    sums = [weights[:, half] @ fitted[half] for half in rows]
    sizes = [weights[:, half].sum(axis=1, keepdims=True) for half in rows]
    whole = sums[0] + sums[1]
    return whole, [
        np.where(size > _LEAST, total / np.maximum(size, _LEAST), whole)
        for total, size in zip(sums, sizes, strict=True)
    ]


def _picked(benefit: np.ndarray, best: int) -> np.ndarray:
    """Return 1 for the strategy chosen after each data set less 1 for the best before, (q, n_strategies)."""
    out = np.zeros(benefit.shape)
    out[np.arange(len(out)), benefit.argmax(axis=1)] = 1
    out[:, best] -= 1
    return out


def _standard_error(
    loss: np.ndarray,
    chosen: np.ndarray,
    expected_loss: np.ndarray,
    fitted: np.ndarray,
    benefit: np.ndarray,
    data: DataSets,
    n_fitted: int,
) -> float:
    """Return the error from each draw as one of those weighed, as a source of data, and through the fit.

    `chosen` (n, S) and `expected_loss` (n,) are the choices and losses that the data a draw is likely to have
    made lead to. The fit rests on all `n_fitted` draws, of which those weighed are a part.
    """
    n, n_used = len(fitted), len(data.owner)
    weighed = (chosen * fitted).sum(axis=1) - expected_loss
    influence = (weighed - weighed.mean()) / n
    made = loss[data.owner]
    influence[: min(n, n_used)] += ((made - made.mean()) / n_used)[:n]
    rest = ((made[n:] - made.mean()) ** 2).sum() / n_used**2
    residual = (chosen * (benefit - fitted)).sum(axis=1)
    return float(np.sqrt((influence**2).sum() + rest + residual.var() / n_fitted))
