"""Edges that lead nowhere whatever is drawn: a product with a constant zero, found before anything is compiled.

A strategy without a next line has edges to it all the same, each a product with zero. They are found by
following the constants through the traced program of the transitions; a product with zero is zero (a
factor that is not finite would be an error elsewhere), and what is not understood is not zero.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from psa_engine.accrual import Time
from psa_engine.cohort.edges import SlotEdge, expand, reached
from psa_engine.cohort.model import States
from psa_engine.cohort.time_dependence import FIELDS
from psa_engine.model import Draw

_KNOWN = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "max": np.maximum, "min": np.minimum,
    "neg": np.negative, "gt": np.greater, "ge": np.greater_equal, "lt": np.less, "le": np.less_equal,
    "eq": np.equal, "ne": np.not_equal, "and": np.bitwise_and, "or": np.bitwise_or, "not": np.invert,
    "exp": np.exp, "expm1": np.expm1, "log1p": np.log1p,
}  # fmt: skip


class Live(NamedTuple):
    """The slots that anybody may reach under a strategy, and the edges that may lead on from them."""

    slots: frozenset[int]
    edges: frozenset[SlotEdge]

    @classmethod
    def of(cls, start: Iterable[int], edges: Iterable[SlotEdge], states: States) -> "Live":
        """Follow the edges from where people start."""
        edges = tuple(edges)
        slots = reached(start, edges, states)
        return cls(frozenset(slots), frozenset(e for e in edges if e[0] in slots))


@lru_cache(maxsize=64)
def live_edges(
    structure: Any, names: tuple[str, ...], constants: tuple[tuple[str, float], ...]
) -> tuple[Live, ...]:
    """Return for each strategy what may carry anybody, given the parameters that are constant."""
    return tuple(
        _of_strategy(structure, names, dict(constants), s) for s in range(len(structure.strategies.names))
    )


def read_by_edges(structure: Any, names: tuple[str, ...]) -> list[str]:
    """Return the parameters that initial shares and probabilities depend on, under any strategy."""
    found: set[int] = set()
    for strategy in range(len(structure.strategies.names)):
        jaxpr = _traced(structure, names, strategy)[0].jaxpr
        needed = {v for v in jaxpr.outvars if not hasattr(v, "val")}
        for eqn in reversed(jaxpr.eqns):
            if needed.intersection(eqn.outvars):
                needed.update(v for v in eqn.invars if not hasattr(v, "val"))
        found |= {i for i, v in enumerate(jaxpr.invars[len(FIELDS) :]) if v in needed}
    return [names[i] for i in sorted(found)]


def _of_strategy(structure: Any, names: Sequence[str], constants: Mapping[str, float], strategy: int) -> Live:
    closed, keys = _traced(structure, tuple(names), strategy)
    given = [None] * len(FIELDS) + [np.float64(constants[n]) if n in constants else None for n in names]
    with np.errstate(all="ignore"):
        values = _followed(closed.jaxpr, closed.consts, given)
    n_slots = len(structure.states.slots)
    start = [i for i, share in enumerate(values[:n_slots]) if not _is_zero(share)]
    live = [k for k, v in zip(keys, values[n_slots:], strict=True) if not _is_zero(v)]
    return Live.of(start, live, structure.states)


@lru_cache(maxsize=256)
def _traced(structure: Any, names: tuple[str, ...], strategy: int) -> tuple[Any, tuple[SlotEdge, ...]]:
    """Return the program of a strategy's initial shares and probabilities at (time, parameters), and the edges."""
    keys: list[SlotEdge] = []

    def shares_and_edges(row: Sequence[Any], *values: Any) -> list[Any]:
        # Constants are traced too, and followed below: the model sees arrays, as when it is run.
        p = Draw(dict(zip(names, values, strict=True)), structure.strategies, strategy)
        given, t = structure.transitions(p), Time(*row)  # type: ignore[misc]
        now: Any = given(t) if callable(given) else given
        slots = expand(structure.states, now, t)
        keys[:] = slots
        return [*structure.shares(p), *slots.values()]

    return jax.make_jaxpr(shares_and_edges)([1.5] * len(FIELDS), *[0.5] * len(names)), tuple(keys)


def _followed(jaxpr: Any, consts: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """Return what is known of a program's results: a number, or None."""
    known: dict[Any, Any] = dict(zip(jaxpr.constvars, map(_number, consts), strict=True))
    known |= dict(zip(jaxpr.invars, given, strict=True))

    def read(v: Any) -> Any:
        return _number(v.val) if hasattr(v, "val") else known.get(v)

    for eqn in jaxpr.eqns:
        values = [read(v) for v in eqn.invars]
        inner = eqn.params.get("jaxpr") if eqn.primitive.name in ("pjit", "jit") else None
        if inner is not None:
            known.update(zip(eqn.outvars, _followed(inner.jaxpr, inner.consts, values), strict=True))
        else:
            known[eqn.outvars[0]] = _result(eqn, values)
    return [read(v) for v in jaxpr.outvars]


def _number(value: Any) -> Any:
    return np.asarray(value)[()] if np.ndim(value) == 0 else None


def _result(eqn: Any, values: Sequence[Any]) -> Any:
    operation = eqn.primitive.name
    if operation == "mul" and any(map(_is_zero, values)):
        return 0.0
    if operation == "div" and _is_zero(values[0]):
        return 0.0
    if operation == "select_n" and values[0] is not None:
        return values[1 + int(values[0])]
    if any(v is None for v in values):
        return None
    if operation == "convert_element_type":
        return np.asarray(values[0]).astype(eqn.params["new_dtype"])[()]
    if operation == "div":
        return values[0] / values[1] if values[1] != 0 else None
    return _KNOWN[operation](*values) if operation in _KNOWN else None


def _is_zero(value: Any) -> bool:
    return value is not None and value == 0
