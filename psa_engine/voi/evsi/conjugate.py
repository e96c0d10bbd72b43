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
from psa_engine.voi.evsi.envelope import Chosen, chosen_among_points, chosen_by_normal
from psa_engine.voi.evsi.outcomes import incremental_outcomes, net_benefit
from psa_engine.voi.evsi.posterior_means import Gaussian, posterior_means
from psa_engine.voi.evsi.studies import Study, informed_values

N_SIMULATED = 200_000


@dataclass(frozen=True, eq=False)
class Linear:
    """Outcomes as a linear function of the informed parameters, fitted to a sample.

    `coefficients` (1 + k, c); `influence` (n_draws, 1 + k) is what a unit of residual of each draw adds to
    them; `residual` (n_draws, c); `bend` is the largest share of variance that squares and products add, in
    multiples of what they would add by chance.
    """

    coefficients: np.ndarray
    influence: np.ndarray
    residual: np.ndarray
    bend: float


def estimates(
    sample: PsaSample, study: Study, n: Sequence[int], wtp: np.ndarray, *, parameters: ParameterSet, seed: int = 0
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    The standard error is that of the linear coefficients, which are estimated from the sample (none where
    the model is exactly linear). Raises InputError where prior and data are not a conjugate pair, or
    outcomes bend with the informed parameters.
    """
    values = informed_values(study, sample.parameter_values, n)
    line = linear(sample, study)
    if line.bend > 1:
        raise InputError(
            f"The outcomes are not linear in {', '.join(study.parameters)}, which the closed form needs.",
            hint="Use method='regression', or 'nested' with a model.",
        )
    found = []
    for size in n:
        started = perf_counter()
        after = posterior_means(parameters, study, size, np.random.default_rng([seed, size]), N_SIMULATED)
        if after is None:
            raise InputError(
                f"The distributions of {', '.join(study.parameters)} and the data of this study are not a conjugate "
                "pair, so there is no closed form.",
                hint="Use method='regression', 'importance' or 'nested'.",
            )
        at = [study.free_parameters.index(name) for name in after.parameters]
        means = np.array([parameters.means()[name] for name in study.free_parameters])
        value, error = np.zeros(len(wtp)), np.zeros(len(wtp))
        for i, price in enumerate(wtp):
            slopes = net_benefit(line.coefficients, price)
            prior_mean = slopes[0] + means @ slopes[1:]
            best = int(prior_mean.argmax())
            select = chosen_by_normal if isinstance(after, Gaussian) else chosen_among_points
            got: Chosen = select(after, slopes[0], slopes[1:][at])
            value[i] = got.value - prior_mean[best]
            weights = np.vstack([got.probability, got.moment])
            weights[:, best] -= np.concatenate([[1.0], means])
            pulls = ((line.influence @ weights) * net_benefit(line.residual, price)).sum(axis=1)
            error[i] = np.hypot(pulls.std() / np.sqrt(len(pulls)), got.standard_error)
        found.append(
            VoiEstimate(
                value, error, "conjugate closed form", wtp, study.parameters, seconds=perf_counter() - started,
                diagnostics={"n": size, "n_draws": sample.n_draws, "draws": len(values), "bend": line.bend},
            )
        )  # fmt: skip
    return found


def linear(sample: PsaSample, study: Study) -> Linear:
    """Fit the outcomes as linear in the informed parameters and measure how far they bend."""
    outcomes = incremental_outcomes(sample)
    x = np.column_stack([sample.parameter_values[name] for name in study.free_parameters])
    n, k = x.shape
    basis = np.column_stack([np.ones(n), x])
    inverse = np.linalg.pinv(basis)
    coefficients = inverse @ outcomes
    residual = outcomes - basis @ coefficients
    centred = (x - x.mean(axis=0)) / x.std(axis=0)
    first, second = np.triu_indices(k)
    curved = np.column_stack([basis, centred[:, first] * centred[:, second], centred**3])
    axes = np.linalg.qr(curved)[0][:, 1 + k :]
    exact = np.maximum(outcomes.var(axis=0), 1e-300) * 1e-18
    explained = (axes.T @ residual) ** 2
    noise = np.maximum(residual.var(axis=0), exact)
    columns = axes.shape[1]
    chance = columns + 5 * np.sqrt(2 * columns)
    bend = np.where(residual.var(axis=0) > exact, explained.sum(axis=0) / noise, 0.0) / chance
    return Linear(coefficients, n * inverse.T, residual, float(bend.max()))
