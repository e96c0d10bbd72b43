"""One draw made again, whatever the model gives for it: what it was made of, and where it breaks."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from psa_engine.cohort.check import describe_invalid
from psa_engine.cohort.simulate import CohortStructure
from psa_engine.engine.blocks import BlockRunner
from psa_engine.engine.invalid import SLACK
from psa_engine.engine.plan import RunPlan
from psa_engine.engine.trace import cohort_trace
from psa_engine.errors import InputError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet


@dataclass(frozen=True)
class Replayed:
    """One draw: all its parameters, `outcomes` name -> strategy -> value, and what is wrong with it.

    `faults` are sentences, none where the draw is sound; `traces` strategy -> share of the cohort in each
    state over time, for the strategies at fault of a cohort model.
    """

    draw: int
    parameters: dict[str, float]
    outcomes: dict[str, dict[str, float]]
    faults: list[str]
    traces: dict[str, Any]


def replay(model: Model, parameters: ParameterSet, plan: RunPlan, draw: int) -> Replayed:
    """Make one draw of a plan again, to the same bits; raises InputError for a draw that it does not have."""
    if not 0 <= draw < plan.n_draws:
        raise InputError(f"There is no draw {draw}: the run has draws 0 to {plan.n_draws - 1}.")
    runner = BlockRunner(model, parameters, replace(plan, block=1))
    block = runner.unchecked(draw, 1)
    values = {**parameters.means(), **{k: float(v[0]) for k, v in block["parameters"].items()}}
    names = model.structure.strategies.names
    outcomes = {
        name: {strategy: float(array[s, 0]) for s, strategy in enumerate(names)}
        for name, array in {**block["totals"], **block["outcomes"]}.items()
    }
    faults, broken = [], []
    for s, strategy in enumerate(names):
        found = _faults(model, values, s, block["slack"][s, 0] >= -SLACK[plan.precision], outcomes)
        faults += found
        broken += [strategy] if found else []
    traced = broken if isinstance(model.structure, CohortStructure) else []
    return Replayed(draw, values, outcomes, faults, {s: cohort_trace(model, values, s) for s in traced})


def _faults(model: Model, values: dict[str, float], s: int, possible: bool, outcomes: Any) -> list[str]:
    structure = model.structure
    strategy = structure.strategies.names[s]
    found = []
    if not possible:
        said = None
        if isinstance(structure, CohortStructure):
            said = describe_invalid(structure, model.inputs(), values, s)
        found.append(said or f"A probability of strategy '{strategy}' is impossible.")
    wrong = [name for name, row in outcomes.items() if not np.isfinite(row[strategy])]
    found += [f"{name} of strategy '{strategy}': {outcomes[name][strategy]}." for name in wrong]
    return found
