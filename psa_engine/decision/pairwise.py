"""Every strategy against one comparator, with the direction of each comparison written out."""

from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.dominance import without_rounding
from psa_engine.decision.means import standard_error
from psa_engine.decision.net_benefit import wtp_values
from psa_engine.decision.ratio import icer_standard_error
from psa_engine.errors import InputError, nearest
from psa_engine.sample import PsaSample

if TYPE_CHECKING:
    import pandas as pd

_QUADRANTS = {
    (1, 1): "north-east: more effective, more costly",
    (1, -1): "south-east: dominates, more effective and less costly",
    (-1, 1): "north-west: dominated, less effective and more costly",
    (-1, -1): "south-west: less effective, less costly",
    (1, 0): "east: dominates, more effective at equal cost",
    (-1, 0): "west: dominated, less effective at equal cost",
    (0, 1): "north: dominated, more costly with equal effect",
    (0, -1): "south: dominates, less costly with equal effect",
    (0, 0): "origin: equal cost and effect",
}


def pairwise_icers(sample: PsaSample, comparator: str | None = None, wtp: Any = None) -> "pd.DataFrame":
    """Return every other strategy less the comparator (the sample's own, else its first strategy).

    Columns comparison ("new v standard care"), strategy, comparator, incremental_costs, incremental_effects,
    icer, quadrant, and inmb_<wtp> for each WTP; standard errors (Monte Carlo, paired draws) beside each as
    <column>_standard_error. The ICER is a number in the north-east (cost per unit gained) and south-west
    (saving per unit lost), infinite where effects are equal, and NaN where one strategy dominates.
    """
    import pandas as pd

    values = wtp_values(wtp)
    name = comparator or sample.comparator or sample.strategies[0]
    if name not in sample.strategies:
        raise InputError(f"The comparator '{name}' is not a strategy.", hint=nearest(name, sample.strategies))
    old = sample.strategies.index(name)
    signs_costs, signs_effects = _signs(sample.cost_values, old), _signs(sample.effect_values, old)
    return pd.DataFrame(
        _row(sample, new, old, int(signs_costs[new]), int(signs_effects[new]), values)
        for new in range(len(sample.strategies))
        if new != old
    )


def _row(
    sample: PsaSample, new: int, old: int, sign_costs: int, sign_effects: int, wtp: np.ndarray
) -> dict[str, Any]:
    costs = sample.cost_values[:, new] - sample.cost_values[:, old]
    effects = sample.effect_values[:, new] - sample.effect_values[:, old]
    row = {
        "comparison": f"{sample.strategies[new]} v {sample.strategies[old]}",
        "strategy": sample.strategies[new],
        "comparator": sample.strategies[old],
        "incremental_costs": costs.mean(),
        "incremental_costs_standard_error": standard_error(costs),
        "incremental_effects": effects.mean(),
        "incremental_effects_standard_error": standard_error(effects),
        "icer": np.nan,
        "icer_standard_error": np.nan,
        "quadrant": _QUADRANTS[sign_effects, sign_costs],
    }
    if sign_effects == 0 and sign_costs != 0:
        row["icer"] = sign_costs * np.inf
    elif sign_effects * sign_costs > 0:
        row["icer"] = costs.mean() / effects.mean()
        row["icer_standard_error"] = icer_standard_error(sample, new, old, row["icer"])
    for value in wtp:
        benefit = value * effects - costs
        row[f"inmb_{value:.12g}"] = benefit.mean()
        row[f"inmb_{value:.12g}_standard_error"] = standard_error(benefit)
    return row


def _signs(values: np.ndarray, old: int) -> np.ndarray:
    means = without_rounding(values.mean(axis=0))
    return np.sign(means - means[old])
