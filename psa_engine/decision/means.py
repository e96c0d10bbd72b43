"""Mean outcomes of every strategy, with Monte Carlo standard errors and percentiles of the draws."""

from typing import TYPE_CHECKING

import numpy as np

from psa_engine.sample import PsaSample

if TYPE_CHECKING:
    import pandas as pd


def standard_error(values: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over the first axis; NaN for one draw."""
    n = len(values)
    return values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(values.shape[1:], np.nan)


def mean_outcomes(sample: PsaSample, components: bool = False) -> "pd.DataFrame":
    """Return mean, standard_error (Monte Carlo, of the mean), low and high (2.5 and 97.5 % of draws).

    One row a strategy; columns (outcome, statistic), for costs and effects and, with `components`, every
    component and further outcome of the sample.
    """
    import pandas as pd

    tables = {"costs": _summary(sample.cost_values), "effects": _summary(sample.effect_values)}
    for name in sample.outcome_names if components else ():
        summary = np.zeros((len(sample.strategies), 4))
        for strategy, values in sample.outcomes[name].items():
            summary[sample.strategies.index(strategy)] = _summary(values[:, None])[0]
        tables[name] = summary
    statistics = ("mean", "standard_error", "low", "high")
    columns = pd.MultiIndex.from_product([list(tables), statistics], names=["outcome", "statistic"])
    index = pd.Index(sample.strategies, name="strategy")
    return pd.DataFrame(np.hstack(list(tables.values())), index=index, columns=columns)


def _summary(values: np.ndarray) -> np.ndarray:
    low, high = np.percentile(values, [2.5, 97.5], axis=0)
    return np.column_stack([values.mean(axis=0), standard_error(values), low, high])
