"""Budget impact: what a change of treatment mix costs the payer in each of the coming years, undiscounted.

Source: Sullivan, Mauskopf, Augustovski et al. 2014 (ISPOR good practice).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.accrual import Timeline
from psa_engine.engine import evaluate
from psa_engine.errors import InputError, nearest
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BudgetImpact:
    """`by_year`: year, people_starting, current, future, impact (money a year); `per_person`: undiscounted cost of a
    starter by year since the start and strategy."""

    by_year: "pd.DataFrame"
    per_person: "pd.DataFrame"


def budget_impact(
    model: Model,
    values: Mapping[str, float],
    people: Sequence[float],
    current: Mapping[str, Sequence[float]],
    future: Mapping[str, Sequence[float]],
    on_invalid: str = "stop",
    parameters: ParameterSet | None = None,
) -> BudgetImpact:
    """Return the yearly costs of those who start treatment in each year, under the current and the future mix.

    `people` start in each year; a mix gives each strategy's share of a year's starters, and shares of a year add up
    to one. Those who started in earlier years incur the later years of their strategy's costs, so that the costs of
    a year are summed over all who started in it or before. At the parameter values given; with the `parameters` of a
    PSA its compiled program serves.
    """
    import pandas as pd

    n_years = len(people)
    names = model.structure.strategies.names
    per_person = costs_by_year(model, values, n_years, on_invalid, parameters)
    totals = {}
    for label, mix in (("current", current), ("future", future)):
        shares = _shares(label, mix, names, n_years)
        starting = np.asarray(people, float)[:, None] * shares
        totals[label] = [
            sum(float(starting[start] @ per_person[year - start]) for start in range(year + 1))
            for year in range(n_years)
        ]
    years = np.arange(1, n_years + 1)
    table = pd.DataFrame({"year": years, "people_starting": np.asarray(people, float), **totals})
    table["impact"] = table["future"] - table["current"]
    return BudgetImpact(
        table, pd.DataFrame(per_person, columns=list(names), index=pd.Index(years, name="year"))
    )


def costs_by_year(
    model: Any,
    values: Mapping[str, float],
    n_years: int,
    on_invalid: str = "stop",
    parameters: ParameterSet | None = None,
) -> np.ndarray:
    """Return the undiscounted costs of one person by year since the start, (n_years, n_strategies).

    The difference of runs with horizons of 1, 2, ... years, which adds up to the whole; the same compiled program
    serves all, as time points beyond the horizon get no weight. Years beyond the model's horizon cost nothing.
    """
    if not hasattr(model, "timeline"):
        raise InputError("Costs by year need a model that runs along a timeline.")
    totals = [np.zeros(len(model.structure.strategies.names))]
    for years in range(1, n_years + 1):
        until = _Until(model, years)
        sample = evaluate(until, values, parameters=parameters, device="cpu", on_invalid=on_invalid)
        totals.append(sample.cost_values[0])
    return np.diff(totals, axis=0)


@dataclass(frozen=True)
class _Until:
    """A model whose payoffs count for some years only, undiscounted."""

    model: Any
    years: int

    @property
    def structure(self) -> Any:
        return self.model.structure

    def inputs(self) -> dict[str, Any]:
        whole: Timeline = self.model.timeline
        n_cycles = min(round(self.years * whole.cycles_per_year), whole.n_cycles)
        short = replace(whole, n_cycles=max(n_cycles, 1), discount_rate_costs=0.0, discount_rate_effects=0.0)
        if (
            "simpson" in whole.cycle_correction
        ):  # its weights are those of a whole horizon, not of a sum of years
            short = replace(short, cycle_correction="half_cycle")
        counted = short.series()
        inputs = self.model.inputs()
        for name in ("costs", "effects", "transition_costs", "transition_effects"):
            left_out = len(inputs[name]) - len(counted[name])
            inputs[name] = np.concatenate([counted[name], np.zeros(left_out)])
        return inputs


def _shares(label: str, mix: Mapping[str, Sequence[float]], names: Sequence[str], n_years: int) -> np.ndarray:
    out = np.zeros((n_years, len(names)))
    for strategy, shares in mix.items():
        if strategy not in names:
            raise InputError(
                f"The {label} mix names the strategy '{strategy}'.", hint=nearest(strategy, names)
            )
        if len(shares) != n_years or not all(0 <= s <= 1 for s in shares):
            raise InputError(f"The {label} shares of '{strategy}' must be {n_years} numbers between 0 and 1.")
        out[:, list(names).index(strategy)] = shares
    off = np.abs(out.sum(1) - 1)
    if off.max() > 1e-9:
        raise InputError(
            f"The {label} shares of year {int(off.argmax()) + 1} add up to {out.sum(1)[off.argmax()]:g}, and must to 1."
        )
    return out
