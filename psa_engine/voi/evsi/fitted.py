"""Expected costs and effects given the informed parameters, by the regression that serves the EVPPI."""

import numpy as np

from psa_engine.sample import PsaSample
from psa_engine.voi.evsi.studies import Study
from psa_engine.voi.regression import gp, ridge, spline
from psa_engine.voi.regression.covariates import covariates
from psa_engine.voi.regression.fit import fit, outcomes


def expected_outcomes(sample: PsaSample, study: Study, seed: int) -> np.ndarray:
    """Return expected costs then effects less the first strategy's, (n_draws, 2 n_strategies)."""
    n_strategies = len(sample.strategies)
    y = outcomes(sample, seed)
    x = covariates(sample, study.free_parameters).values[y.order]
    out = np.zeros((sample.n_draws, 2 * n_strategies))
    plug_in = np.repeat(y.mean[:, None], sample.n_draws, axis=1)
    if x.shape[1] and y.varying.any():
        if x.shape[1] <= spline.MOST_PARAMETERS:
            design = spline.spline_design(x)
        elif x.shape[1] <= gp.MOST_PARAMETERS:
            design = gp.gp_design(x, y.standard)
        else:
            design = ridge.ridge_design(x)
        plug_in = fit(design, x, y).plug_in
    columns = [k for k in range(2 * n_strategies) if k % n_strategies]
    out[y.order[:, None], columns] = plug_in.T
    return out
