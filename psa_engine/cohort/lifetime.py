"""The whole horizon for rows of draws: span after span of constant probabilities.

Models are traced for one draw. What of the trace depends on time is handed over as a program with its
constants, so that here the axis of draws is explicit and lies last in memory.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap

from psa_engine.cohort.chain import Chain, Kernel, Rows, run_cycles, run_part
from psa_engine.cohort.time_dependence import TracedProgram, comparisons, evaluated


class Horizon(NamedTuple):
    """What runs along time, (n_cycles, ...): fields of time, weights of states and moments of flows."""

    fields: tuple[Any, ...]
    weights: Any
    moments: Any


def lifetime(
    chain: Chain,
    program: TracedProgram,
    start: tuple[Any, ...],
    kind: Any,
    horizon: Horizon,
    kernel: Kernel = run_cycles,
):
    """Return (Rows, least slack) of one draw after all cycles, every number of them by itself in nested tuples.

    `program` gives at a time the probability of each edge, then the slack of all; `start` has a number a
    state; `kind` is the part of the chain to run.
    """
    n_consts = len(program.consts)

    @custom_vmap
    def one(kind: Any, horizon: Horizon, *numbers: Any) -> Any:
        mapped = (False,) * n_consts
        return _apart(_over_rows(chain, program, kernel, mapped, 1, kind, horizon, *numbers), lambda a: a[0])

    @one.def_vmap
    def _(n: int, batched: Any, kind: Any, horizon: Horizon, *numbers: Any) -> Any:
        mapped = tuple(batched[2:][:n_consts])
        out = _apart(_over_rows(chain, program, kernel, mapped, n, kind, horizon, *numbers), lambda a: a)
        return out, jax.tree.map(lambda _: True, out)

    return one(kind, horizon, *program.consts, *start)


def _apart(rows: Any, number: Any) -> Any:
    """Take arrays apart along all axes but the last, that of draws."""
    if hasattr(rows, "ndim"):
        return number(rows) if rows.ndim == 1 else tuple(_apart(row, number) for row in rows)
    return (
        type(rows)(*(_apart(r, number) for r in rows))
        if hasattr(rows, "_fields")
        else tuple(_apart(r, number) for r in rows)
    )


def _over_rows(
    chain: Chain,
    program: TracedProgram,
    kernel: Kernel,
    mapped: tuple[bool, ...],
    n: int,
    kind: Any,
    horizon: Horizon,
    *numbers: Any,
) -> tuple[Rows, Any]:
    """Return Rows of n draws and their least slack; constants of the program are a number a draw where `mapped`."""
    consts, start = numbers[: len(mapped)], numbers[len(mapped) :]
    axes = tuple(0 if m else None for m in mapped)
    dtype = horizon.weights.dtype

    def at(*row: Any) -> tuple[Any, Any]:
        def one(*given: Any) -> Any:
            return [
                jnp.asarray(v, dtype) for v in evaluated(program._replace(consts=given), program.out, row)
            ]

        *probability, slack = jax.vmap(one, axes, axis_size=n)(*consts)
        return jnp.stack(probability) if probability else jnp.zeros((0, n), dtype), slack

    x = jnp.stack([jnp.broadcast_to(jnp.asarray(s, dtype), (n,)) for s in start])
    held = Rows(
        x,
        jnp.zeros((horizon.weights.shape[1], *x.shape), dtype),
        jnp.zeros((horizon.moments.shape[1], len(chain.counted), n), dtype),
    )
    n_cycles = len(horizon.moments)
    changes = _changes(program, mapped, axes, consts, horizon)

    def span(carry: Any) -> Any:
        first, held, least = carry
        probability, slack = at(*(f[first] for f in horizon.fields))
        last = (
            n_cycles
            if changes is None
            else 1 + jax.lax.while_loop(lambda k: ~changes[k], lambda k: k + 1, first)
        )
        held = run_part(chain, kind, kernel, held, probability, horizon.weights, horizon.moments, first, last)
        return jnp.int32(last), held, jnp.minimum(least, slack)

    carry = (jnp.int32(0), held, jnp.ones(n, dtype))
    if changes is None:
        _, held, least = span(carry)
    else:
        _, held, least = jax.lax.while_loop(lambda c: c[0] < n_cycles, span, carry)
    return held, least


def _changes(program: TracedProgram, mapped: Any, axes: Any, consts: Any, horizon: Horizon) -> Any:
    """Return (n_cycles,) whether a comparison of any draw changes after a cycle (always after the last).

    None where there is none.
    """
    roots = comparisons(program.jaxpr)
    if not roots:
        return None
    differs = []
    for root in roots:

        def one(*given: Any, root: Any = root) -> Any:
            return jax.vmap(lambda *row: evaluated(program._replace(consts=given), [root], row)[0])(
                *horizon.fields
            )

        path = jax.vmap(one, axes, 0)(*consts) if any(mapped) else one(*consts)[None]
        path = path.reshape(*path.shape[:2], -1)  # a comparison with several numbers at once
        differs.append((path[:, 1:] != path[:, :-1]).any((0, 2)))
    return jnp.append(jnp.stack(differs).any(0), True)
