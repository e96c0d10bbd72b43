"""How a model's functions of time depend on it, read from the program that JAX traces of them.

An edge that reads time through comparisons only ("from year 2 on") is constant between the times at which
one of them changes; a payoff that is a value times one column of the time axis needs that column as a weight.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from psa_engine.accrual import Time

FIELDS = ("cycle", "year", "age", "mortality", "utility_multiplier")
_COMPARISONS = {"lt", "le", "gt", "ge", "eq", "ne", "floor", "ceil", "round", "sign"}
_FREE, _STEPWISE, _SMOOTH = range(3)


class TracedProgram(NamedTuple):
    """The traced program of a function of time: its inputs are the fields of a time point, its results `out`."""

    jaxpr: Any
    consts: Sequence[Any]
    out: tuple[Any, ...]


def traced(at: Callable[[Time], Any], t: Time) -> TracedProgram:
    """Trace a function of time."""

    def of_fields(cycle: Any, year: Any, age: Any, mortality: Any, utility_multiplier: Any) -> Any:
        return at(Time(cycle, year, age, mortality, utility_multiplier, t.time_in_state))

    closed = jax.make_jaxpr(of_fields)(*(getattr(t, f) for f in FIELDS))
    return TracedProgram(closed.jaxpr, closed.consts, tuple(closed.jaxpr.outvars))


def comparisons(jaxpr: Any) -> list[Any] | None:
    """Return the variables of every comparison through which a program reads time.

    None where its results depend on time in another way too; none of them where they do not depend on it.
    """
    kinds = dict.fromkeys(jaxpr.invars, _SMOOTH)
    roots = []
    for eqn in jaxpr.eqns:
        kind = max([kinds.get(v, _FREE) for v in eqn.invars if not hasattr(v, "val")], default=_FREE)
        if kind == _SMOOTH and eqn.primitive.name in _COMPARISONS:
            roots += eqn.outvars
            kind = _STEPWISE
        kinds.update(dict.fromkeys(eqn.outvars, kind))
    out = [v for v in jaxpr.outvars if not hasattr(v, "val")]
    return None if any(kinds.get(v, _FREE) == _SMOOTH for v in out) else roots


def evaluated(program: TracedProgram, wanted: Sequence[Any], given: Sequence[Any]) -> list[Any]:
    """Evaluate variables of a program at inputs, with no more of it than they need."""
    needed, steps = {v for v in wanted if not hasattr(v, "val")}, []
    for eqn in reversed(program.jaxpr.eqns):
        if needed.intersection(eqn.outvars):
            needed.update(v for v in eqn.invars if not hasattr(v, "val"))
            steps.append(eqn)
    known = dict(zip(program.jaxpr.constvars, program.consts, strict=True))
    known |= dict(zip(program.jaxpr.invars, given, strict=True))
    for eqn in reversed(steps):
        known.update(zip(eqn.outvars, _apply(eqn, [_read(known, v) for v in eqn.invars]), strict=True))
    return [_read(known, v) for v in wanted]


def _read(known: Mapping[Any, Any], v: Any) -> Any:
    return v.val if hasattr(v, "val") else known[v]


def _apply(eqn: Any, values: Sequence[Any]) -> list[Any]:
    params = eqn.primitive.get_bind_params(eqn.params)
    functions, params = params if isinstance(params, tuple) else ((), params)  # by version of JAX
    result = eqn.primitive.bind(*functions, *values, **params)
    return list(result) if eqn.primitive.multiple_results else [result]


def as_multiple(at: Callable[[Time], Any], t: Time) -> tuple[Any, str | None] | None:
    """Return (value, field) where `at(t)` is the value times that field of time, or constant (field None).

    None where it is neither.
    """
    program = traced(at, t)
    known: dict[Any, tuple[Any, str | None]] = {
        v: (x, None) for v, x in zip(program.jaxpr.constvars, program.consts, strict=True)
    }
    for v, field in zip(program.jaxpr.invars, FIELDS, strict=True):
        known[v] = jnp.ones_like(getattr(t, field)), field
    for eqn in program.jaxpr.eqns:
        parts = [(v.val, None) if hasattr(v, "val") else known.get(v) for v in eqn.invars]
        if None in parts:
            continue
        values, fields = zip(*parts, strict=True)  # type: ignore[arg-type]
        field = _field(eqn, fields)
        if field != "other":
            out = _apply(eqn, values)
            known.update({v: (x, field) for v, x in zip(eqn.outvars, out, strict=True)})
    (out,) = program.jaxpr.outvars
    return (out.val, None) if hasattr(out, "val") else known.get(out)


def _field(eqn: Any, fields: Sequence[str | None]) -> str | None:
    """Return the field that a result is a multiple of when its operands are; "other" where it is of none."""
    if not any(fields):
        return None
    linear = {"mul": fields.count(None) == len(fields) - 1, "div": len(fields) == 2 and fields[1] is None}
    linear |= dict.fromkeys(("add", "sub", "neg"), len(set(fields)) == 1)
    linear["convert_element_type"] = jnp.issubdtype(eqn.params.get("new_dtype", int), jnp.floating)
    return next(f for f in fields if f) if linear.get(eqn.primitive.name) else "other"
