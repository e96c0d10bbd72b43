"""How the results settle as draws are added, and how many draws are enough."""

from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.net_benefit import net_monetary_benefit, wtp_values
from psa_engine.sample import PsaSample
from psa_engine.sensitivity.outcomes import pair

if TYPE_CHECKING:
    import pandas as pd


def convergence(
    sample: PsaSample, wtp: Any = None, strategy: str | None = None, comparator: str | None = None, points=30
) -> "pd.DataFrame":
    """Return the running results after n_draws draws, about `points` counts evenly spaced in their logarithm.

    Columns n_draws, wtp, icer, inmb (one strategy less another) and probability (that the strategy has the highest
    net benefit of all), each with its Monte Carlo standard error beside it. The ICER is that of the running means,
    NaN while one dominates the other. While all draws agree the probability's is half the bound of the rule of three
    (Hanley and Lippman-Hand 1983), as in `draws_needed`. For samplers other than random the standard
    errors are too large.
    """
    import pandas as pd

    mine, other = (sample.strategies.index(s) for s in pair(sample.strategies, strategy, comparator))
    costs = sample.cost_values[:, mine] - sample.cost_values[:, other]
    effects = sample.effect_values[:, mine] - sample.effect_values[:, other]
    n = np.unique(np.geomspace(min(10, sample.n_draws), sample.n_draws, points).round().astype(int))
    mean_costs, mean_effects = _running(costs, n)[0], _running(effects, n)[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        icer = np.where(mean_costs * mean_effects > 0, mean_costs / mean_effects, np.nan)
    error = np.array([_ratio_error(costs[:k], effects[:k], r) for k, r in zip(n, icer, strict=True)])
    tables = []
    for w in wtp_values(wtp):
        inmb, inmb_error = _running(w * effects - costs, n)
        share = _running(_best(sample, w, mine), n)[0]
        columns = {"n_draws": n, "wtp": w, "icer": icer, "icer_standard_error": error}
        columns |= {"inmb": inmb, "inmb_standard_error": inmb_error, "probability": share}
        columns["probability_standard_error"] = _share_error(share, n)
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables, ignore_index=True)


def draws_needed(
    sample: PsaSample,
    wtp: Any = None,
    strategy: str | None = None,
    comparator: str | None = None,
    qaly_error: float = 0.001,
    probability_error: float = 0.005,
) -> "pd.DataFrame":
    """Return how many independent draws give a standard error of the INMB and of P(cost-effective), by WTP.

    The INMB's is `qaly_error` x WTP (.001 QALYs' worth), that of the probability `probability_error`. Columns wtp,
    quantity ("inmb", "sign of the inmb", "probability"), standard_error (of this sample), target, draws and enough
    (whether this sample has as many). The sign of the INMB is known when it is two standard errors from 0. NaN for
    a sample of one draw. Sources: the standard error of a mean, sd / sqrt(n); where all draws agree on the
    probability, half the upper 95 % bound 3 / n of what was never seen (Hanley and Lippman-Hand 1983).
    """
    import pandas as pd

    mine, other = (sample.strategies.index(s) for s in pair(sample.strategies, strategy, comparator))
    n, rows = sample.n_draws, []
    for w in wtp_values(wtp):
        benefit = net_monetary_benefit(sample, w)
        gain, share = benefit[:, mine] - benefit[:, other], float(_best(sample, w, mine).mean())
        sd = float(gain.std(ddof=1)) if n > 1 else np.nan
        error = float(_share_error(share, n)) if n > 1 else np.nan
        wanted = [
            ("inmb", sd / np.sqrt(n), qaly_error * w, 2),
            ("sign of the inmb", sd / np.sqrt(n), abs(gain.mean()) / 2, 2),
            ("probability", error, probability_error, 1 if _agreed(share, n) else 2),
        ]
        for quantity, found, target, power in wanted:
            # An error falls with the root of n, the bound of the rule of three with n.
            draws = np.ceil(n * (found / target) ** power - 1e-9) if target > 0 else np.inf
            row = {"wtp": w, "quantity": quantity, "standard_error": found, "target": target}
            rows.append({**row, "draws": max(draws, 2.0), "enough": bool(n >= draws)})
    return pd.DataFrame(rows)


def _best(sample: PsaSample, wtp: float, mine: int) -> np.ndarray:
    benefit = net_monetary_benefit(sample, wtp)
    wins = benefit == benefit.max(axis=1, keepdims=True)
    return wins[:, mine] / wins.sum(axis=1)


def _agreed(share: Any, n: Any) -> Any:
    return np.minimum(share, 1 - share) * n < 1e-6  # a running mean is 0 or 1 but for rounding


def _share_error(share: Any, n: Any) -> Any:
    plain = np.sqrt(np.clip(share * (1 - share), 0, None) / n)
    return np.where(_agreed(share, n), np.minimum(1.5 / n, 0.5 / np.sqrt(n)), plain)


def _running(values: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean of the first n values and its standard error, NaN for one."""
    centre = values.mean()  # sums of squares about it do not cancel
    off = values - centre
    mean, square = np.cumsum(off)[n - 1] / n, np.cumsum(off**2)[n - 1] / n
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.clip(square - mean**2, 0, None) / np.where(n > 1, n - 1, np.nan))
    return centre + mean, error


def _ratio_error(costs: np.ndarray, effects: np.ndarray, icer: float) -> float:
    if len(costs) < 2 or not np.isfinite(icer):
        return np.nan
    return float((costs - icer * effects).std(ddof=1) / np.sqrt(len(costs)) / abs(effects.mean()))
