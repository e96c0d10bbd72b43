"""EVSI by moment matching: the EVPPI's fitted values shrunk to the variance of the posterior mean (Heath 2018).

Exact where the posterior mean has the shape of the conditional expectation (normal theory); elsewhere an
approximation whose error does not fall with the number of draws.
"""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.fitted import expected_outcomes
from psa_engine.voi.evsi.outcomes import incremental_outcomes, loss_of, net_benefit, take
from psa_engine.voi.evsi.studies import Study, Values, informed_values
from psa_engine.voi.evsi.weights import data_sets, weight_blocks

DATA_SETS = 500
"""Distinct data sets whose posterior variance is computed (Heath et al. 2018 found 30 to 50 enough)."""
GROUPS = 20


def estimates(
    sample: PsaSample, study: Study, n: Sequence[int], wtp: np.ndarray, *, seed: int = 0
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    Posterior variances come from weighting the draws, not from a new model run. The standard error has
    the draws, the fit and the simulated data in it, not the error of the approximation.
    """
    values = informed_values(study, sample.parameter_values, n)
    outcomes = incremental_outcomes(sample)
    fitted = expected_outcomes(sample, study, seed)
    return [_one(study, values, outcomes, fitted, size, wtp, seed) for size in n]


def _one(
    study: Study, values: Values, outcomes: np.ndarray, fitted: np.ndarray, n: int, wtp: np.ndarray, seed: int
) -> VoiEstimate:
    started = perf_counter()
    posterior = _posterior_covariances(study, values, fitted, n, seed)
    prior = np.cov(fitted.T, bias=True)
    value, error, kept = (np.zeros(len(wtp)) for _ in range(3))
    for i, price in enumerate(wtp):
        expected, residual = net_benefit(fitted, price), net_benefit(outcomes - fitted, price)
        shrink = _shrink(prior, posterior.mean(axis=0), price)
        loss, chosen, best = _losses(expected, shrink)
        moved = residual @ shrink
        influence = loss + take(moved, chosen) - moved[:, best]
        value[i] = loss.mean()
        left_out = [
            _losses(expected, _shrink(prior, np.delete(posterior, g, axis=0).mean(axis=0), price))[0].mean()
            for g in range(GROUPS)
        ]
        jackknife = np.var(left_out) * (GROUPS - 1)
        error[i] = np.sqrt(influence.var() / len(influence) + jackknife)
        kept[i] = np.trace(shrink @ shrink) / max(np.linalg.matrix_rank(shrink), 1)
    return VoiEstimate(
        value, error, "moment matching", wtp, study.parameters, seconds=perf_counter() - started,
        diagnostics={"n": n, "n_draws": len(fitted), "data_sets": DATA_SETS, "share_of_variance_explained": kept},
    )  # fmt: skip


def _posterior_covariances(study: Study, values: Values, fitted: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Return the mean posterior covariance of the fitted outcomes over each group of data sets (GROUPS, c, c)."""
    data = data_sets(study, values, n, DATA_SETS, seed)
    counts = np.zeros((GROUPS, data.values.shape[1]))
    np.add.at(counts, (np.arange(len(data.owner)) % GROUPS, data.owner), 1)
    counts /= counts.sum(axis=1, keepdims=True)
    centred = fitted - fitted.mean(axis=0)
    first, second = np.triu_indices(fitted.shape[1])
    products = centred[:, first] * centred[:, second]
    total = np.zeros((GROUPS, len(first)))
    for here, weights in weight_blocks(study, data, values, n):
        means = weights @ centred
        covariance = weights @ products - means[:, first] * means[:, second]
        # A weighted variance falls short by the share of one effective draw.
        covariance /= (1 - np.minimum(np.einsum("qi,qi->q", weights, weights), 0.99))[:, None]
        total += counts[:, here] @ covariance
    out = np.zeros((GROUPS, fitted.shape[1], fitted.shape[1]))
    out[:, first, second] = out[:, second, first] = total
    return out


def _shrink(prior: np.ndarray, posterior: np.ndarray, price: float) -> np.ndarray:
    """Return the matrix (S, S) that turns fitted net benefit into one with the posterior mean's covariance."""
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


def _losses(expected: np.ndarray, shrink: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the loss of each draw, the strategy chosen in it, and the best strategy on average."""
    mean = expected.mean(axis=0)
    moved = mean + (expected - mean) @ shrink
    best = int(mean.argmax())
    return loss_of(moved, best), moved.argmax(axis=1), best
