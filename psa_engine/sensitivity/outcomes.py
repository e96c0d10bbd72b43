"""What a sensitivity analysis shows of each run of the model: one strategy less another."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from psa_engine.decision.net_benefit import wtp_values
from psa_engine.engine import evaluate
from psa_engine.errors import InputError, ModelError, nearest
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample
from psa_engine.sensitivity.ranges import setting


def pair(strategies: Sequence[str], strategy: str | None, comparator: str | None) -> tuple[str, str]:
    """Return (strategy, comparator), by default the first and the last; InputError for one unknown, or the same."""
    for name in (strategy, comparator):
        if name is not None and name not in strategies:
            raise InputError(f"There is no strategy '{name}'.", hint=nearest(name, strategies))
    mine = strategy or next(s for s in strategies if s != comparator)
    other = comparator or next((s for s in reversed(strategies) if s != mine), mine)
    if mine == other:
        raise InputError(f"'{mine}' cannot be compared with itself.", hint="Name another comparator.")
    return mine, other


def runs(
    model: Model, parameters: ParameterSet, changes: Sequence[Mapping[str, float]], on_invalid: str = "stop"
) -> PsaSample:
    """Run the model once for each change of parameters from their means, all by one compiled program.

    ModelError that says which change gives an invalid probability.
    """
    means = parameters.means()
    rows = [setting(parameters, change) for change in changes]
    touched = {name for row in rows for name in row} | set(parameters.uncertain)
    values = {
        name: np.array([row.get(name, mean) for row in rows]) if name in touched else mean
        for name, mean in means.items()
    }
    try:
        return evaluate(model, values, parameters=parameters, device="cpu", on_invalid=on_invalid)
    except ModelError as error:
        found = re.match(r"Draw (\d+): ", error.message)
        if found is None:
            raise
        change = changes[int(found[1])]
        words = ", ".join(f"{k} = {v:g}" for k, v in change.items()) or "the base case"
        hint = "Narrow the range, or run with --on-invalid clip."
        raise ModelError(f"At {words}: {error.message[found.end() :]}", hint=hint) from None


def increments(sample: PsaSample, strategy: str, comparator: str, wtp: Any) -> dict[str, np.ndarray]:
    """Return incremental_costs, incremental_effects, icer and inmb_<wtp> of every run, each (n_runs,).

    The ICER is NaN where one strategy dominates the other, or their effects are equal.
    """
    mine, other = (sample.strategies.index(s) for s in (strategy, comparator))
    costs = sample.cost_values[:, mine] - sample.cost_values[:, other]
    effects = sample.effect_values[:, mine] - sample.effect_values[:, other]
    with np.errstate(divide="ignore", invalid="ignore"):
        icer = np.where(costs * effects > 0, costs / effects, np.nan)
    out = {"incremental_costs": costs, "incremental_effects": effects, "icer": icer}
    return out | {f"inmb_{w:.12g}": w * effects - costs for w in wtp_values(wtp)}
