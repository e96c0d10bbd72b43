"""EVSI by regression of costs and effects on summary statistics of simulated data (Strong et al. 2015).

A summary statistic of data simulated at each draw is to the regression a parameter like any other: its EVPPI
is the EVSI.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from time import perf_counter

import numpy as np

from psa_engine.engine.where import HERE, Where
from psa_engine.estimate import VoiEstimate
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.studies import Study, Values, informed_values
from psa_engine.voi.regression import estimate_from, outcomes
from psa_engine.voi.regression.fit import Outcomes


def estimates(
    sample: PsaSample,
    study: Study,
    n: Sequence[int],
    wtp: np.ndarray,
    *,
    seed: int = 0,
    fit: str = "auto",
    where: Where = HERE,
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    One data set is simulated per draw, from the same random numbers for every size. `fit` is the regression
    ("spline", "gp", "ridge" or "auto"); its errors, bracket and diagnostics are those of the EVPPI.
    """
    values = informed_values(study, sample.parameter_values, n)
    totals = PsaSample(sample.strategies, sample.cost_values, sample.effect_values, {})
    one = partial(_one, study, values, totals, outcomes(sample, seed), wtp, seed, fit)
    return list(where.compute(one, ((size,) for size in n)))


def _one(
    study: Study,
    values: Values,
    totals: PsaSample,
    prepared: Outcomes,
    wtp: np.ndarray,
    seed: int,
    fit: str,
    n: int,
) -> VoiEstimate:
    started = perf_counter()
    data = study.generate(values, n, np.random.default_rng(seed))
    named = {f"statistic {j + 1}": row for j, row in enumerate(study.summary(data, n))}
    simulated = replace(totals, parameter_values=named)
    one = estimate_from(prepared, simulated, tuple(named), wtp, seed=seed, method=fit)
    return replace(
        one,
        method=f"regression on {len(named)} summary statistic{'s' * (len(named) > 1)} of the data"
        + one.method.removeprefix("regression on the sample"),
        of=study.parameters,
        seconds=perf_counter() - started,
        diagnostics={**one.diagnostics, "n": n, "data": study.statistic_names},
    )
