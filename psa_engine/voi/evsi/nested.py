"""EVSI by nested simulation: data outside, posterior draws and model runs inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.evsi.outcomes import incremental_outcomes, loss_of, net_benefit
from psa_engine.voi.evsi.posterior import PRIOR_SHARE, Informed, proposal
from psa_engine.voi.evsi.studies import Study, informed_values
from psa_engine.voi.problem import Problem

_RUNS_AT_ONCE = 2**17


@dataclass(frozen=True, eq=False)
class Inner:
    """Posterior mean outcomes (q, 2 n_strategies) of all inner draws and each half; effective draws."""

    whole: np.ndarray
    halves: tuple[np.ndarray, np.ndarray]
    n_effective: np.ndarray


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
    for size in n:
        inner = inner_means(
            Informed(problem, study, int(size)), n_outer, n_inner, np.random.default_rng(seed)
        )
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


def inner_means(informed: Informed, n_outer: int, n_inner: int, rng: np.random.Generator) -> Inner:
    """Return posterior mean outcomes for `n_outer` simulated data sets; `n_inner` is a multiple of 4."""
    if n_inner < 4 or n_inner % 4:
        raise InputError(f"The number of inner draws must be a multiple of 4, and is {n_inner}.")
    size = max(1, _RUNS_AT_ONCE // n_inner)
    parts = [_block(informed, min(size, n_outer - start), n_inner, rng) for start in range(0, n_outer, size)]
    return Inner(
        np.concatenate([part.whole for part in parts]),
        (
            np.concatenate([part.halves[0] for part in parts]),
            np.concatenate([part.halves[1] for part in parts]),
        ),
        np.concatenate([part.n_effective for part in parts]),
    )


def _block(informed: Informed, q: int, m: int, rng: np.random.Generator) -> Inner:
    split = informed.split
    truth = rng.standard_normal((split.n_outer, q))
    z = _antithetic(rng, split.n_outer, q, m)
    z_inner = _antithetic(rng, split.n_inner, q, m)
    from_prior = np.repeat(rng.random((q, m // 2)) < PRIOR_SHARE, 2, axis=1)
    data = informed.study.generate(informed.values(truth), informed.n, rng)
    fitted = proposal(informed, data, truth)
    x = fitted.draw(z, from_prior)
    log_weights = informed.log_posterior(x, data) - fitted.log_density(x)
    weights = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    costs, effects = split.evaluate(x.reshape(len(x), q * m), z_inner.reshape(len(z_inner), q * m))
    outcomes = np.hstack([costs - costs[:, :1], effects - effects[:, :1]]).reshape(q, m, -1)
    halves = [slice(0, m // 2), slice(m // 2, m)]
    sums = [np.einsum("qm,qmc->qc", weights[:, half], outcomes[:, half]) for half in halves]
    sizes = [weights[:, half].sum(axis=1)[:, None] for half in halves]
    means = [total / np.maximum(size, 1e-300) for total, size in zip(sums, sizes, strict=True)]
    effective = weights.sum(axis=1) ** 2 / (weights**2).sum(axis=1)
    return Inner((sums[0] + sums[1]) / (sizes[0] + sizes[1]), (means[0], means[1]), effective)


def _antithetic(rng: np.random.Generator, d: int, q: int, m: int) -> np.ndarray:
    """Return normals (d, q, m) whose neighbours are each other's negatives."""
    z = rng.standard_normal((d, q, m // 2))
    return np.stack([z, -z], axis=-1).reshape(d, q, m)
