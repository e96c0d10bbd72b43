"""Fully incremental cost-effectiveness analysis: every strategy against the next best, with dominance."""

from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.dominance import standings, without_rounding
from psa_engine.decision.ratio import icer_standard_error
from psa_engine.sample import PsaSample

if TYPE_CHECKING:
    import pandas as pd

_AGAINST = ("incremental_costs", "incremental_effects", "icer", "icer_standard_error")


def icers(sample: PsaSample) -> "pd.DataFrame":
    """Return the fully incremental analysis of the mean costs and effects, ordered by cost.

    Columns strategy, costs, effects, incremental_costs, incremental_effects, icer (money per unit of effect),
    icer_standard_error (Monte Carlo, delta method), status ("reference", "on frontier", "dominated",
    "extendedly dominated"), against. `against` is the frontier strategy before it, the strategy that
    dominates it, or, under extended dominance, the frontier strategy cheaper than it; increments are its own
    less those of `against`. Only strategies on the frontier have an ICER.
    Source: Johannesson, Weinstein 1993.
    """
    import pandas as pd

    return pd.DataFrame(_rows(sample))


def frontier(sample: PsaSample) -> "pd.DataFrame":
    """Return the rows of `icers` on the efficiency frontier: the reference and those with an ICER."""
    import pandas as pd

    return pd.DataFrame([row for row in _rows(sample) if row["status"] in ("reference", "on frontier")])


def _rows(sample: PsaSample) -> list[dict[str, Any]]:
    costs = without_rounding(sample.cost_values.mean(axis=0))
    effects = without_rounding(sample.effect_values.mean(axis=0))
    rows = []
    for i, status, against in standings(costs, effects):
        row = {"strategy": sample.strategies[i], "costs": costs[i], "effects": effects[i]}
        row |= dict.fromkeys(_AGAINST, np.nan)
        if against is not None:
            row["incremental_costs"] = costs[i] - costs[against]
            row["incremental_effects"] = effects[i] - effects[against]
        if status == "on frontier" and against is not None:
            row["icer"] = row["incremental_costs"] / row["incremental_effects"]
            row["icer_standard_error"] = icer_standard_error(sample, i, against, row["icer"])
        row["status"] = status
        row["against"] = "" if against is None else sample.strategies[against]
        rows.append(row)
    return rows
