"""EVSI by nested simulation: data outside, posterior draws and model runs inside."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.evsi.outcomes import incremental_outcomes, loss_of, net_benefit
from psa_engine.voi.evsi.posterior_runs import DataSets, PosteriorRuns
from psa_engine.voi.evsi.studies import Study, informed_values
from psa_engine.voi.problem import Problem


def estimates(
    problem: Problem,
    study: Study,
    n: Sequence[int],
    wtp: np.ndarray,
    *,
    seed: int = 0,
    n_outer: int = 4_096,
    n_inner: int = 128,
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    Inner draws come in antithetic pairs. The 1 / n_inner bias of the maximum is removed by the two halves
    of the inner draws (Richardson) and given as `bias_bound`; posterior means are control variates, their
    expectation being that of a PSA sample. The same random numbers serve every n.
    """
    n_prior = int(np.clip(n_outer * n_inner // 4, 2**13, 2**17))
    started = perf_counter()
    prior = prior_outcomes(problem, study, n, n_prior, seed)
    runs = n_prior
    found = []
    sets = [DataSets(k, n_outer, n_inner, np.random.default_rng(seed)) for k in range(len(n))]
    for size, inner in zip(n, PosteriorRuns(problem, study, n).inner_means(sets), strict=True):
        value, error, bias = np.zeros(len(wtp)), np.zeros(len(wtp)), np.zeros(len(wtp))
        for i, price in enumerate(wtp):
            before = net_benefit(prior, price)
            best = int(before.mean(axis=0).argmax())
            whole, *halves = (net_benefit(means, price) for means in (inner.whole, *inner.halves))
            plain = loss_of(whole, best)
            removed = (loss_of(halves[0], best) + loss_of(halves[1], best)) / 2 - plain
            value[i], error[i] = _controlled(
                plain - removed, whole - whole[:, [best]], before - before[:, [best]]
            )
            bias[i] = abs(removed.mean())
        found.append(
            VoiEstimate(
                value, error, "nested simulation", wtp, study.parameters, runs + n_outer * n_inner,
                perf_counter() - started, bias,
                diagnostics={
                    "n": size, "n_outer": n_outer, "n_inner": n_inner,
                    "effective_draws": {
                        "median": float(np.median(inner.n_effective)), "least": float(inner.n_effective.min())
                    },
                },
            )
        )  # fmt: skip
        started, runs = perf_counter(), 0
    return found


def _controlled(loss: np.ndarray, after: np.ndarray, before: np.ndarray) -> tuple[float, float]:
    """Return the mean loss and its standard error, with posterior mean benefits (q, S) as control variates.

    Their expectation is the prior's, known from `before` (n, S).
    """
    centred = after - after.mean(axis=0)
    slopes = np.linalg.lstsq(centred, loss - loss.mean(), rcond=1e-10)[0]
    value = loss.mean() - (after.mean(axis=0) - before.mean(axis=0)) @ slopes
    variance = (loss - after @ slopes).var() / (len(loss) - len(slopes)) + (before @ slopes).var() / len(
        before
    )
    return float(value), float(np.sqrt(variance))


def prior_outcomes(problem: Problem, study: Study, n: Sequence[int], n_draws: int, seed: int) -> np.ndarray:
    """Check the study against draws of the prior and return their outcomes (n_draws, 2 n_strategies)."""
    sample = problem.sample(n_draws, seed)
    informed_values(study, sample.parameter_values, n)
    if not study.has_likelihood:
        raise InputError(
            "This study has no likelihood, which nested simulation draws the posterior with.",
            hint="Give `likelihood` to the study, or use method='regression'.",
        )
    return incremental_outcomes(sample)
