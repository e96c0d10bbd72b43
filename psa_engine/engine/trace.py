"""The cohort of each strategy at given parameter values: who is in which state when, and which edges lead where."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.cache import keep, key_of, read_kept
from psa_engine.cohort.simulate import CohortStructure
from psa_engine.engine.devices import configure
from psa_engine.errors import InputError, nearest
from psa_engine.model import Draw

if TYPE_CHECKING:
    import pandas as pd


def cohort_trace(model: Any, values: Mapping[str, float], strategy: str) -> "pd.DataFrame":
    """Return the share of the cohort in each state, time point x state, at given parameter values.

    The index is the cycle; a `year` column comes first. Raises InputError for an unknown strategy or a
    model without states.
    """
    names = _cohort(model).strategies.names
    if strategy not in names:
        raise InputError(f"There is no strategy '{strategy}'.", hint=nearest(strategy, names))
    return cohort_traces(model, values)[strategy]


def cohort_traces(model: Any, values: Mapping[str, float]) -> "dict[str, pd.DataFrame]":
    """Return the trace of every strategy (see `cohort_trace`); InputError for a model without states."""
    import pandas as pd

    configure()
    structure, inputs = _cohort(model), model.inputs()
    at = {k: np.float64(v) for k, v in values.items()}
    occupancy = np.asarray(_occupancy(structure)(at, inputs))
    traces = {}
    for name, shares in zip(structure.strategies.names, occupancy, strict=True):
        table = pd.DataFrame(shares, columns=pd.Index(structure.states.names))
        table.insert(0, "year", inputs["year"])
        table.index.name = "cycle"
        traces[name] = table
    return traces


@lru_cache(maxsize=64)
def _occupancy(structure: CohortStructure) -> Any:
    import jax

    from psa_engine.engine.ahead import Ahead

    key = key_of("occupancy", structure.identity) if structure.identity else None
    return Ahead(jax.jit(structure.trace), key=key)


def named_edges(model: Any, values: Mapping[str, float]) -> list[tuple[str, str]]:
    """Return the edges (from_state, to_state) that a cohort model declares, background mortality apart.

    Nothing is run: the model's functions are traced once, the strategy unknown. InputError for a model without states.
    """
    configure()
    structure = _cohort(model)
    key = key_of("named edges", structure.identity, dict(values)) if structure.identity else None
    kept = read_kept(key) if key else None
    if kept is not None:
        return [(a, b) for a, b in json.loads(kept)]
    found = _declared(structure, values, model.inputs())
    if key:
        keep(key, json.dumps(found).encode())
    return found


def _declared(
    structure: CohortStructure, values: Mapping[str, float], inputs: Mapping[str, Any]
) -> list[tuple[str, str]]:
    import jax
    import jax.numpy as jnp

    found: list[tuple[int, int]] = []

    def one(strategy: Any) -> Any:
        edges = structure.edges(Draw(values, structure.strategies, strategy), inputs)
        found.extend(sorted(edges.declared))
        return strategy

    jax.eval_shape(one, jnp.int32(0))
    slots = structure.states.slots
    return list(dict.fromkeys((slots[a][0], slots[b][0]) for a, b in found))


def _cohort(model: Any) -> CohortStructure:
    if not isinstance(model.structure, CohortStructure):
        raise InputError("Only a cohort model has a trace.")
    return model.structure
