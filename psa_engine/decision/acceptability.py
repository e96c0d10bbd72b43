"""Cost-effectiveness acceptability curves and frontier (Fenwick, Claxton, Sculpher 2001)."""

from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.net_benefit import mean_net_benefit, net_benefit_blocks, wtp_grid, wtp_values
from psa_engine.sample import PsaSample

if TYPE_CHECKING:
    import pandas as pd


def ceac(sample: PsaSample, wtp: Any = None) -> "pd.DataFrame":
    """Return the probability that each strategy has the highest net benefit, wtp x strategy.

    Draws in which strategies tie exactly are split equally between them. `wtp` defaults to `wtp_grid()`.
    Source: Fenwick, Claxton, Sculpher 2001.
    """
    import pandas as pd

    values = wtp_values(wtp, default=wtp_grid())
    probabilities = _probabilities(sample, values)
    return pd.DataFrame(probabilities, columns=list(sample.strategies), index=pd.Index(values, name="wtp"))


def ceaf(sample: PsaSample, wtp: Any = None) -> "pd.DataFrame":
    """Return, for each WTP, the strategy of highest mean net benefit and the probability that it is the best.

    The optimal strategy need not be the most probably best one (skewed net benefit); equal means go to the
    first in the order of strategies. Index wtp; columns strategy, probability, standard_error, mean_nmb.
    Source: Fenwick, Claxton, Sculpher 2001; Barton, Briggs, Fenwick 2008.
    """
    import pandas as pd

    values = wtp_values(wtp, default=wtp_grid())
    means = mean_net_benefit(sample, values)
    best = means.argmax(axis=1)
    rows = np.arange(len(values))
    probability = _probabilities(sample, values)[rows, best]
    return pd.DataFrame(
        {
            "strategy": [sample.strategies[i] for i in best],
            "probability": probability,
            "standard_error": np.sqrt(np.clip(probability * (1 - probability), 0, None) / sample.n_draws),
            "mean_nmb": means[rows, best],
        },
        index=pd.Index(values, name="wtp"),
    )


def _probabilities(sample: PsaSample, wtp: np.ndarray) -> np.ndarray:
    counts = np.zeros((len(wtp), len(sample.strategies)))
    for i, benefit in net_benefit_blocks(sample, wtp):
        wins = benefit == benefit.max(axis=0)
        count = np.array([np.count_nonzero(row) for row in wins], dtype=np.float64)
        if count.sum() > wins.shape[1]:
            count = (wins / wins.sum(axis=0)).sum(axis=1)
        counts[i] += count
    return counts / sample.n_draws
