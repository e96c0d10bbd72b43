"""EVSI by regression of costs and effects on summary statistics of simulated data (Strong et al. 2015).

A summary statistic of data simulated at each draw is to the regression a parameter like any other: its EVPPI
is the EVSI.
"""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

import numpy as np

from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.studies import Study, informed_values
from psa_engine.voi.regression import estimate_from, outcomes


def estimates(
    sample: PsaSample, study: Study, n: Sequence[int], wtp: np.ndarray, *, seed: int = 0, fit: str = "auto"
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    One data set is simulated per draw, from the same random numbers for every size. `fit` is the regression
    ("spline", "gp", "ridge" or "auto"); its errors, bracket and diagnostics are those of the EVPPI.
    """
    values = informed_values(study, sample.parameter_values, n)
    prepared = outcomes(sample, seed)
    found = []
    for size in n:
        started = perf_counter()
        data = study.generate(values, size, np.random.default_rng(seed))
        summary = study.summary(data, size)
        named = {f"statistic {j + 1}": row for j, row in enumerate(summary)}
        simulated = PsaSample(sample.strategies, sample.cost_values, sample.effect_values, named)
        one = estimate_from(prepared, simulated, tuple(named), wtp, seed=seed, method=fit)
        found.append(
            replace(
                one,
                method=f"regression on {len(named)} summary statistic{'s' * (len(named) > 1)} of the data"
                + one.method.removeprefix("regression on the sample"),
                of=study.parameters,
                seconds=perf_counter() - started,
                diagnostics={**one.diagnostics, "n": size, "data": study.statistic_names},
            )
        )
    return found
