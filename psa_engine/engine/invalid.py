"""Stop a run at the first draw whose probabilities or results are impossible, and name it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from psa_engine.cohort.check import describe_invalid
from psa_engine.cohort.simulate import CohortStructure
from psa_engine.engine.plan import RunPlan
from psa_engine.errors import ModelError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet

SLACK = {"double": 1e-9, "single": 3e-5}
"""How far below zero rounding alone may take a probability or a remaining share."""


def raise_if_invalid(
    model: Model, parameters: ParameterSet, result: Mapping[str, Any], first: int, plan: RunPlan
) -> None:
    """Raise ModelError naming the first draw of a block that is invalid or not finite."""
    bad = ~(result["slack"] >= -SLACK[plan.precision])
    if bad.any():
        _raise(model, parameters, result, first, bad)
    for name, values in [*result["totals"].items(), *result["outcomes"].items()]:
        if not _all_finite(values):
            strategy, draw = _first(~np.isfinite(values))
            raise ModelError(
                f"The {name} of strategy '{model.structure.strategies.names[strategy]}' in draw {first + draw} are "
                f"{values[strategy, draw]}. " + _values_text(_values_of(parameters, result, draw)),
                hint="A division by zero, or the logarithm of zero, in the model's payoffs?",
                draw=first + draw,
            )


def _all_finite(values: np.ndarray) -> bool:
    # The sum is quicker than a look at every value, and not finite where one of them is not.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(values.sum()) or np.isfinite(values).all())


def _raise(
    model: Model, parameters: ParameterSet, result: Mapping[str, Any], first: int, bad: np.ndarray
) -> None:
    strategy, draw = _first(bad)
    values = _values_of(parameters, result, draw)
    found = None
    if isinstance(model.structure, CohortStructure):
        found = describe_invalid(model.structure, model.inputs(), values, strategy)
    name = model.structure.strategies.names[strategy]
    raise ModelError(
        f"Draw {first + draw}: "
        + (found or f"a probability of strategy '{name}' is impossible. " + _values_text(values)),
        hint="Mend the model or the distribution, or run with --on-invalid clip to clip and count such draws.",
        draw=first + draw,
    )


def _first(bad: np.ndarray) -> tuple[int, int]:
    """Return (strategy, draw) of the lowest draw that is bad."""
    draw = int(bad.any(0).argmax())
    return int(bad[:, draw].argmax()), draw


def _values_of(parameters: ParameterSet, result: Mapping[str, Any], draw: int) -> dict[str, float]:
    return {**parameters.means(), **{k: float(v[draw]) for k, v in result["parameters"].items()}}


def _values_text(values: Mapping[str, float]) -> str:
    shown = ", ".join(f"{k} = {v:.6g}" for k, v in list(values.items())[:12])
    return f"Its parameters: {shown}{', ...' if len(values) > 12 else ''}."
