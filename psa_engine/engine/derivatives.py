"""Exact derivatives of costs and effects with respect to parameters, through the compiled model."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from psa_engine.engine.compiled import Program, cast, outcomes_of
from psa_engine.model import Model


def derivatives(
    model: Model, values: Mapping[str, float], of: Sequence[str]
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return ({"costs", "effects"} -> (n_strategies,)) at `values`, and their derivatives (n_parameters, n_strategies).

    Forward mode: each lane of a tile of draws carries the tangent of one parameter, so that a tile of runs
    gives as many parameters at once.
    """
    structure: Any = model.structure
    if hasattr(structure, "every_state"):
        structure = replace(structure, every_state=True)
    program = Program(structure, None, None, "double", "cpu", False, True)
    inputs = cast(model.inputs(), np.float64)
    run = _tangents(program)
    slopes: dict[str, list[np.ndarray]] = {"costs": [], "effects": []}
    here = {name: np.full(program.tile, float(value)) for name, value in values.items()}
    at: Mapping[str, Any] = {}
    for start in range(0, len(of), program.tile):
        tangents = {name: np.zeros(program.tile) for name in values}
        for lane, name in enumerate(of[start : start + program.tile]):
            tangents[name][lane] = 1.0
        at, slope = run(inputs, here, tangents)
        for kind, found in slopes.items():
            found.append(np.asarray(slope[kind]).T[: len(of) - start])
    return (
        {kind: np.asarray(total)[:, 0] for kind, total in at.items()},
        {kind: np.concatenate(found) for kind, found in slopes.items()},
    )


@lru_cache(maxsize=16)
def _tangents(program: Program) -> Any:
    def run(inputs: Any, values: Any, tangents: Any) -> Any:
        return jax.jvp(lambda v: outcomes_of(program, v, inputs)["totals"], (values,), (tangents,))

    return jax.jit(run)
