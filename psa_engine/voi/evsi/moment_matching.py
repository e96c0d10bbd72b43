"""EVSI by moment matching: the EVPPI's fitted values shrunk to the posterior mean's variance (Heath 2018).

Exact where the posterior mean has the shape of the conditional expectation (normal theory); elsewhere an
approximation whose error does not fall with the number of draws.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from time import perf_counter

import numpy as np

from psa_engine.engine.where import HERE, Where
from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.fitted import expected_outcomes
from psa_engine.voi.evsi.outcomes import incremental_outcomes, loss_of, net_benefit, take
from psa_engine.voi.evsi.studies import Study, Values, informed_values
from psa_engine.voi.evsi.weights import data_sets, weight_blocks

DATA_SETS = 500
"""Distinct data sets whose posterior variance is computed (Heath et al. 2018 found 30 to 50 enough)."""
GROUPS = 20
"""Groups of draws left out in turn for the standard error (jackknife)."""


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

    Posterior variances come from weighting the draws, not from a new model run. The standard error has
    the draws, the fit and the simulated data in it, not the error of the approximation.
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
    posterior = _posterior_covariances(study, values, fitted, n, seed)
    group = np.arange(len(fitted)) % GROUPS
    prior = [np.cov(fitted[group != g].T, bias=True) for g in range(GROUPS)] + [np.cov(fitted.T, bias=True)]
    value, error, kept = (np.zeros(len(wtp)) for _ in range(3))
    for i, price in enumerate(wtp):
        expected, residual = net_benefit(fitted, price), net_benefit(outcomes - fitted, price)
        shrinks = [_shrink(*covariances, price) for covariances in zip(prior, posterior, strict=True)]
        left_out = [_losses(expected[group != g], shrinks[g])[0].mean() for g in range(GROUPS)]
        loss, chosen, best = _losses(expected, shrinks[-1])
        value[i] = loss.mean()
        through_fit = _residual_pull(residual, shrinks[-1], chosen, best)
        error[i] = np.sqrt(np.var(left_out) * (GROUPS - 1) + through_fit.var() / len(fitted))
        kept[i] = np.trace(shrinks[-1] @ shrinks[-1]) / max(np.linalg.matrix_rank(shrinks[-1]), 1)
    return VoiEstimate(
        value, error, "moment matching", wtp, study.parameters, seconds=perf_counter() - started,
        diagnostics={
            "n": n,
            "n_draws": len(fitted),
            "share_of_variance_explained": kept,
            "notes": ("An approximation, exact for normal data: its own error is not in the standard error.",),
        },
    )  # fmt: skip


def _posterior_covariances(study: Study, values: Values, fitted: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return the mean posterior covariance of the fitted outcomes without each group of draws, and with all.

    (GROUPS + 1, c, c). A group that is left out is neither weighted nor the source of data.
    """
    data = data_sets(study, values, n, DATA_SETS, seed)
    made_by = np.zeros((GROUPS, data.values.shape[1]))
    np.add.at(made_by, (np.arange(len(data.owner)) % GROUPS, data.owner), 1)
    order = np.argsort(np.arange(len(fitted)) % GROUPS, kind="stable")
    edges = np.searchsorted(np.sort(np.arange(len(fitted)) % GROUPS), np.arange(GROUPS + 1))
    grouped = {name: draws[order] for name, draws in values.items()}
    centred = (fitted - fitted.mean(axis=0))[order]
    c = centred.shape[1]
    first, second = np.triu_indices(c)
    columns = np.hstack([np.ones((len(centred), 1)), centred, centred[:, first] * centred[:, second]])
    total, count = np.zeros((GROUPS + 1, len(first))), np.zeros((GROUPS + 1, 1))
    for here, weights in weight_blocks(study, data, grouped, n):
        # A weighted variance falls short by the share of one effective draw.
        scale = 1 / (1 - np.minimum(np.einsum("qi,qi->q", weights, weights), 0.99))
        parts = [weights[:, a:b] @ columns[a:b] for a, b in pairwise(edges)]
        whole, times = np.sum(parts, axis=0), made_by[:, here].sum(axis=0)
        for g in range(GROUPS + 1):
            sums, used = (whole - parts[g], times - made_by[g, here]) if g < GROUPS else (whole, times)
            moments = sums[:, 1:] / np.maximum(sums[:, :1], 1e-300)
            covariance = moments[:, c:] - moments[:, first] * moments[:, second]
            total[g] += (used * scale) @ covariance
            count[g] += used.sum()
    out = np.zeros((GROUPS + 1, c, c))
    out[:, first, second] = out[:, second, first] = total / count
    return out


def _shrink(prior: np.ndarray, posterior: np.ndarray, price: float) -> np.ndarray:
    """Return the matrix (S, S) that gives fitted net benefit the covariance of the posterior mean."""
    n_strategies = len(prior) // 2
    reader = np.hstack([-np.eye(n_strategies), price * np.eye(n_strategies)])
    whole = reader @ prior @ reader.T
    left = reader @ posterior @ reader.T
    return _power(whole, -0.5) @ _power(whole - left, 0.5)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Return a power of a symmetric matrix on the directions in which it is positive."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    kept = values > 1e-12 * max(values[-1], 0) if values[-1] > 0 else values > np.inf
    powers = np.where(kept, np.where(kept, values, 1.0) ** exponent, 0.0)
    return (vectors * powers) @ vectors.T


def _residual_pull(residual: np.ndarray, shrink: np.ndarray, chosen: np.ndarray, best: int) -> np.ndarray:
    """Return what the residual of each draw does to the estimate (n,), through fit and mean."""
    unit = np.eye(residual.shape[1])
    share = np.bincount(chosen, minlength=len(unit)) / len(chosen)
    return take(residual @ shrink, chosen) + residual @ ((unit - shrink) @ share - unit[best])


def _losses(expected: np.ndarray, shrink: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the loss of each draw, the strategy chosen in it, and the best strategy on average."""
    mean = expected.mean(axis=0)
    moved = mean + (expected - mean) @ shrink
    best = int(mean.argmax())
    return loss_of(moved, best), moved.argmax(axis=1), best
