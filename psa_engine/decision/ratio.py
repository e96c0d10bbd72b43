"""The Monte Carlo error of a ratio of mean increments."""

import numpy as np

from psa_engine.sample import PsaSample


def icer_standard_error(sample: PsaSample, new: int, old: int, icer: float) -> float:
    """Return the standard error of an ICER by the delta method: sd(dC - ICER dE) / (sqrt(n) |mean dE|).

    It is the Monte Carlo error of the number shown, which more draws shrink, not the decision uncertainty.
    NaN for one draw. Source: O'Brien, Drummond, Labelle, Willan 1994 (Taylor series).
    """
    n = sample.n_draws
    if n < 2:
        return np.nan
    costs = sample.cost_values[:, new] - sample.cost_values[:, old]
    effects = sample.effect_values[:, new] - sample.effect_values[:, old]
    return float((costs - icer * effects).std(ddof=1) / np.sqrt(n) / abs(effects.mean()))
