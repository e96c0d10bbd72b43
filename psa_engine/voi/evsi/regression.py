"""EVSI by regression of net benefit on summary statistics of simulated data (Strong et al. 2015)."""

from collections.abc import Sequence
from time import perf_counter

import numpy as np

from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.fitted import conditional_means
from psa_engine.voi.evsi.outcomes import incremental_outcomes, loss_of, net_benefit, take
from psa_engine.voi.evsi.studies import Study, informed_values


def estimates(
    sample: PsaSample, study: Study, n: Sequence[int], wtp: np.ndarray, *, seed: int = 0
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    One data set is simulated per draw. The standard error is that of the efficient influence function,
    net benefit of the strategy chosen by the data less that of the best one, which has the error of the
    fit in it.
    """
    values = informed_values(study, sample.parameter_values, n)
    outcomes = incremental_outcomes(sample)
    found = []
    for size in n:
        started = perf_counter()
        data = study.generate(values, size, np.random.default_rng([seed, size]))
        fitted = conditional_means(study.summary(data, size).T, outcomes)
        value, error = np.zeros(len(wtp)), np.zeros(len(wtp))
        for i, price in enumerate(wtp):
            expected, benefit = net_benefit(fitted, price), net_benefit(outcomes, price)
            best = int(benefit.mean(axis=0).argmax())
            value[i] = loss_of(expected, best).mean()
            gain = take(benefit, expected.argmax(axis=1)) - benefit[:, best]
            error[i] = gain.std(ddof=1) / np.sqrt(len(gain))
        found.append(
            VoiEstimate(
                value, error, "regression on summary statistics", wtp, study.parameters,
                seconds=perf_counter() - started,
                diagnostics={"n": size, "statistics": study.statistic_names, "n_draws": sample.n_draws},
            )
        )  # fmt: skip
    return found
