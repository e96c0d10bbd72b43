"""One-way sensitivity analysis: each parameter from its low to its high end, the others at their means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.net_benefit import wtp_values
from psa_engine.errors import InputError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sensitivity.outcomes import increments, pair, runs
from psa_engine.sensitivity.ranges import Range, correlated_with, intervals

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Tornado:
    """One strategy against another as parameters vary one at a time.

    `base` holds incremental_costs, incremental_effects, icer and inmb_<wtp> with every parameter at its mean;
    `bars`, the widest first at the first WTP, holds each at both ends as <name>_low and <name>_high: where the
    parameter is low and where it is high, not the smaller and the larger result.
    """

    strategy: str
    comparator: str
    wtp: tuple[float, ...]
    base: dict[str, float]
    bars: "pd.DataFrame"


def tornado(
    model: Model,
    parameters: ParameterSet,
    *,
    wtp: Any = None,
    strategy: str | None = None,
    comparator: str | None = None,
    ranges: Sequence[Range] = (),
    level: float = 0.95,
    on_invalid: str = "stop",
) -> Tornado:
    """Vary every uncertain parameter over the central interval that holds `level`, and over the `ranges` given.

    All runs are one compiled call. Correlated parameters are varied alone (column correlated_with names the
    others, which stay at their means); the rest of a Dirichlet keeps its proportions. InputError where nothing
    is uncertain and no range is given. Source: Briggs, Claxton, Sculpher 2006, chapter 4.
    """
    import pandas as pd

    mine, other = pair(model.structure.strategies.names, strategy, comparator)
    bars = [*ranges, *intervals(parameters, level)]
    if not bars:
        raise InputError("No parameter is uncertain, so there is nothing to vary.", hint="Give a range.")
    ends = [{k: v[end] for k, v in bar.ends.items()} for bar in bars for end in (0, 1)]
    sample = runs(model, parameters, [{}, *ends], on_invalid)
    found = increments(sample, mine, other, wtp)
    table = pd.DataFrame(
        {
            "parameter": bar.name,
            "range": bar.kind,
            "low": next(iter(bar.ends.values()))[0] if len(bar.ends) == 1 else np.nan,
            "high": next(iter(bar.ends.values()))[1] if len(bar.ends) == 1 else np.nan,
            "correlated_with": ", ".join(c for name in bar.ends for c in correlated_with(parameters, name)),
            **{f"{k}_low": v[1 + 2 * i] for k, v in found.items()},
            **{f"{k}_high": v[2 + 2 * i] for k, v in found.items()},
        }
        for i, bar in enumerate(bars)
    )
    values = tuple(float(w) for w in wtp_values(wtp))
    first = f"inmb_{values[0]:.12g}"
    width = (table[f"{first}_high"] - table[f"{first}_low"]).abs()
    order = np.argsort(-width.to_numpy(), kind="stable")
    base = {k: float(v[0]) for k, v in found.items()}
    return Tornado(mine, other, values, base, table.iloc[order].reset_index(drop=True))
