"""EVSI in closed form: conjugate prior and data, and net benefit linear in the informed parameters.

Then the expected net benefit after the study is the same linear function of the posterior mean, whose
distribution before the study is known (Raiffa, Schlaifer 1961; Ades, Lu, Claxton 2004).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np

from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.envelope import chosen
from psa_engine.voi.evsi.outcomes import incremental_outcomes, net_benefit
from psa_engine.voi.evsi.posterior_means import Gaussian, Points, companions, posterior_means
from psa_engine.voi.evsi.studies import Study, informed_values

N_SIMULATED = 200_000
"""Data sets simulated where their possible results are too many to visit."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Outcomes as a linear function of the informed parameters, fitted to a sample.

    `coefficients` (1 + k, c), at parameters whose prior means are `means` (1 + k,), the first being 1;
    `influence` (n_draws, 1 + k) is what a unit of residual of each draw adds to them, n_draws times;
    `residual` (n_draws, c); `bend` is what squares, products and cubes explain, in multiples of the most that
    chance would have them explain.
    """

    coefficients: np.ndarray
    means: np.ndarray
    influence: np.ndarray
    residual: np.ndarray
    bend: float


MOST_BEND = 1.0
"""Bend beyond which the outcomes are not taken as linear."""


def applies(sample: PsaSample, study: Study, parameters: ParameterSet, n: Sequence[int]) -> bool:
    """Whether prior and data are a conjugate pair and the outcomes are linear in the informed parameters."""
    after = posterior_means(parameters, study, min(n), np.random.default_rng(0), 1)
    return after is not None and linear(sample, parameters, after.parameters).bend <= MOST_BEND


def estimates(
    sample: PsaSample,
    study: Study,
    n: Sequence[int],
    wtp: np.ndarray,
    *,
    parameters: ParameterSet,
    seed: int = 0,
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    The standard error is that of the linear coefficients, which are estimated from the sample (none where
    the model is exactly linear). Raises InputError where prior and data are not a conjugate pair, or
    outcomes bend with the informed parameters.
    """
    informed_values(study, sample.parameter_values, n)
    started = perf_counter()
    found: list[VoiEstimate] = []
    line = None
    for size in n:
        after = posterior_means(parameters, study, size, np.random.default_rng([seed, size]), N_SIMULATED)
        if after is None:
            raise InputError(
                f"The distributions of {', '.join(study.parameters)} and the data of this study are not a "
                "conjugate pair, so there is no closed form.",
                hint="Use method='regression', 'importance' or 'nested'.",
            )
        line = line or linear(sample, parameters, after.parameters)
        if line.bend > MOST_BEND:
            raise InputError(
                f"The outcomes are not linear in {', '.join(after.parameters)}, which the closed form needs.",
                hint="Use method='regression', or 'nested' with a model.",
            )
        found.append(_one(after, line, wtp, study, size, perf_counter() - started))
        started = perf_counter()
    return found


def _one(
    after: Points | Gaussian, line: Linear, wtp: np.ndarray, study: Study, n: int, seconds: float
) -> VoiEstimate:
    value, error = np.zeros(len(wtp)), np.zeros(len(wtp))
    k = len(after.parameters)
    for i, price in enumerate(wtp):
        slopes = net_benefit(line.coefficients, price)
        prior_mean = line.means @ slopes
        best = int(prior_mean.argmax())
        start = prior_mean - line.means[1 : 1 + k] @ slopes[1 : 1 + k]
        got = chosen(after, start, slopes[1 : 1 + k])
        value[i] = got.value - got.level[best]
        # How the value moves with each coefficient, and each draw's residual with it.
        gradient = line.means[:, None] * got.probability
        gradient[1 : 1 + k] = got.moment
        gradient[:, best] -= line.means
        pulls = ((line.influence @ gradient) * net_benefit(line.residual, price)).sum(axis=1)
        error[i] = np.hypot(pulls.std() / np.sqrt(len(pulls)), got.standard_error)
    return VoiEstimate(
        value, error, "conjugate closed form", wtp, study.parameters, seconds=seconds,
        diagnostics={"n": n, "n_draws": len(line.residual), "bend": line.bend},
    )  # fmt: skip


def linear(sample: PsaSample, parameters: ParameterSet, informed: Sequence[str]) -> Linear:
    """Fit the outcomes as linear in the informed parameters and measure how far they bend.

    Independent parameters are in the fit too, at their known means, where there are draws enough: they
    explain noise away.
    """
    outcomes = incremental_outcomes(sample)
    linked = companions(parameters, informed)
    others = [name for name in sample.parameter_values if name not in linked]
    if len(others) + len(informed) > sample.n_draws / 20:
        others = []
    names = [*informed, *others]
    x = np.column_stack([sample.parameter_values[name] for name in names])
    n = len(x)
    basis = np.column_stack([np.ones(n), x])
    inverse = np.linalg.pinv(basis, rcond=1e-13)
    coefficients = inverse @ outcomes
    residual = outcomes - basis @ coefficients
    known = parameters.means()
    means = np.array([1.0, *(known[name] for name in names)])
    bend = _bend(basis, x[:, : len(informed)], outcomes, residual)
    return Linear(coefficients, means, n * inverse.T, residual, bend)


def _bend(basis: np.ndarray, x: np.ndarray, outcomes: np.ndarray, residual: np.ndarray) -> float:
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    first, second = np.triu_indices(z.shape[1])
    curved = np.column_stack([basis, z[:, first] * z[:, second], z**3])
    axes = np.linalg.qr(curved)[0][:, basis.shape[1] :]
    columns = axes.shape[1]
    noise = residual.var(axis=0)
    rounding = (1e-11 * np.abs(outcomes).max(axis=0)) ** 2
    explained = ((axes.T @ residual) ** 2).sum(axis=0)
    multiple = np.where(noise > rounding, explained / np.maximum(noise, 1e-300), 0.0)
    return float(multiple.max() / (columns + 8 * np.sqrt(2 * columns)))
