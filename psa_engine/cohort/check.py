"""Say in words which probability of which draw is impossible."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import jax
import numpy as np

from psa_engine.cohort.edges import time_at
from psa_engine.cohort.simulate import CohortStructure
from psa_engine.model import Draw


def describe_invalid(
    structure: CohortStructure, inputs: Mapping[str, Any], values: Mapping[str, float], strategy: int
) -> str | None:
    """Return a sentence on the first impossible probability of one draw and strategy, or None if all are possible.

    It names the state, the edge, the strategy, the time, the probability found and the parameters that
    it depends on with their values in this draw.
    """
    name = structure.strategies.names[strategy]
    start = np.array([float(x) for x in structure.start(Draw(values, structure.strategies, strategy))])
    if not (np.all(start >= -1e-9) and abs(start.sum() - 1) <= 1e-9):
        shares = ", ".join(
            f"{state} {share:.6g}"
            for (state, _), share in zip(structure.states.slots, start, strict=True)
            if share
        )
        return (
            f"The initial distribution of '{name}' is no distribution: {shares} (sum {start.sum():.9g}). "
            + _blame(structure, inputs, values, strategy, lambda e, s, t: s, None)
        )
    edges = structure.edges(Draw(values, structure.strategies, strategy), inputs)
    for slot, ratio in edges.ratio.items():
        if not float(ratio) >= -1e-9:
            return (
                f"The mortality ratio of state '{structure.states.slots[slot][0]}' is {float(ratio):.9g}, below 0, "
                f"strategy '{name}'. "
                + _blame(structure, inputs, values, strategy, lambda e, s, t, slot=slot: e.ratio[slot], 0)
            )
    for cycle in range(len(inputs["transition_costs"])):
        t = time_at({k: v[cycle] for k, v in inputs.items() if len(v) > cycle})
        now = {k: float(v) for k, v in edges.probabilities(t).items()}
        found = _first_fault(now, len(structure.states.slots))
        if found is not None:
            slot, target, text = found
            state, step = structure.states.slots[slot]
            where = f"state '{state}'" + (f" (cycle {step} within it)" if step is not None else "")
            to = f", edge '{state}' -> '{structure.states.slots[target][0]}'" if target is not None else ""
            return (
                f"{text} in {where}{to}, strategy '{name}', cycle {cycle} (year {float(t.year):.6g}). "
                + _blame(structure, inputs, values, strategy, partial(_leaving, slot, target), cycle)
            )
        if not edges.varying:
            break
    return None


def _first_fault(now: Mapping[tuple[int, int], float], n_slots: int) -> tuple[int, int | None, str] | None:
    for (i, j), p in now.items():
        if not (-1e-9 <= p <= 1 + 1e-9):
            return i, j, f"The probability is {p:.9g}, outside [0, 1],"
    for i in range(n_slots):
        total = sum(p for k, p in now.items() if k[0] == i)
        if total > 1 + 1e-9:
            return i, None, f"The probabilities of leaving sum to {total:.9g}, above 1,"
    return None


def _leaving(slot: int, target: int | None, edges: Any, _: Any, t: Any) -> Any:
    return sum(p for k, p in edges.probabilities(t).items() if k[0] == slot and target in (None, k[1]))


def _blame(
    structure: CohortStructure, inputs: Any, values: Any, strategy: int, of: Any, cycle: int | None
) -> str:
    """Name the parameters on which the faulty value depends, by its derivatives; all where there are none."""

    def fault(v: Mapping[str, Any]) -> Any:
        p = Draw(v, structure.strategies, strategy)
        if cycle is None:
            return sum(x * (k + 1) for k, x in enumerate(structure.start(p)))
        t = time_at({k: x[cycle] for k, x in inputs.items() if len(x) > cycle})
        return of(structure.edges(p, inputs), None, t)

    slopes = jax.grad(lambda v: fault(v) + 0.0)({k: float(v) for k, v in values.items()})
    guilty = [k for k, slope in slopes.items() if slope != 0] or list(values)
    if not guilty:
        return "It depends on no parameter."
    shown = ", ".join(f"{k} = {float(values[k]):.6g}" for k in guilty[:12])
    more = f" and {len(guilty) - 12} more" if len(guilty) > 12 else ""
    return f"It depends on {shown}{more}."
