"""A cohort model as a picture needs it: its states and edges, and the trace of each strategy at the base case."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from psa_engine.summary.rounding import significant

POINTS = 80
"""Time points of a trace that are kept; the early ones lie closer, where cohorts move most."""


def structure_rows(model: Any, values: Mapping[str, float]) -> dict[str, Any] | None:
    """Return the states of a cohort model, its edges and which state is death; None for another model."""
    if not hasattr(model, "death"):
        return None
    from psa_engine.engine import named_edges

    edges = named_edges(model, values)
    return {
        "states": list(model.structure.states.names),
        "edges": [{"from": a, "to": b} for a, b in edges],
        "death": model.death,
        "background_mortality": model.timeline.life_table is not None and model.death is not None,
    }


def trace_rows(model: Any, values: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return for each strategy the years and the share of the cohort in each state; none for another model."""
    if not hasattr(model, "death"):
        return []
    from psa_engine.engine import cohort_traces

    rows = []
    for strategy, table in cohort_traces(model, values).items():
        kept = table.iloc[_points(len(table))]
        shares = {str(state): significant(kept[state]) for state in kept.columns if state != "year"}
        rows.append({"strategy": strategy, "year": significant(kept["year"]), "shares": shares})
    return rows


def _points(n: int) -> np.ndarray:
    if n <= POINTS:
        return np.arange(n)
    return np.unique(np.round((n - 1) * np.linspace(0, 1, POINTS) ** 2).astype(int))
