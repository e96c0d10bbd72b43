"""The stretch of cycles in which no probability changes: the innermost loop, written for rows of draws.

Models are written for one draw and JAX adds the axis of draws, but how it lies in memory decides the speed:
here a state is a row of draws, all states of a cycle are made at once, and the sums over time are added
`TOGETHER` cycles at a time so that they are read and written once for all of them (benchmarks/NOTES.md).
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

TOGETHER = 4
"""Cycles whose contribution to the sums is added at once."""
MOST_ROWS = 256
"""States times cycles at once, at most: the time to compile grows with both, to half a minute for 200 states."""


class Chain(NamedTuple):
    """What is compiled: places of states and edges, those who stay, and which flows are summed.

    `remainder` says where those go whom no edge sends away, `counted` which edges' flow is summed. Each of
    `parts` is what one kind of strategy uses: its states and its edges. `passed` are states that nobody
    enters and all may leave: once they are empty they and their edges are left out.
    """

    edges: tuple[tuple[int, int], ...]
    remainder: tuple[int, ...]
    counted: tuple[int, ...]
    parts: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    passed: tuple[int, ...] = ()

    def part(self, states: tuple[int, ...], edges: tuple[int, ...]) -> "Chain":
        """Return the chain of some states and edges only, counted from zero."""
        place = {i: k for k, i in enumerate(states)}
        return Chain(
            tuple((place[i], place[j]) for i, j in (self.edges[k] for k in edges)),
            tuple(place[self.remainder[i]] for i in states),
            tuple(k for k, e in enumerate(edges) if e in self.counted),
            (),
        )

    def without_passed(self, states: tuple[int, ...], edges: tuple[int, ...]) -> Any:
        """Return those of the states and edges that matter when the states that nobody enters are empty."""
        return (
            tuple(i for i in states if i not in self.passed),
            tuple(k for k in edges if self.edges[k][0] not in self.passed),
        )


class Rows(NamedTuple):
    """States (n_states, n), weighted sums of them (n_weights, n_states, n) and of flows (n_moments, n_counted, n)."""

    states: Any
    sums: Any
    flows: Any


def leaving(chain: Chain, probability: Any) -> list[Any]:
    """Return the probability of leaving each state, None where no edge leads out."""
    leave: list[Any] = [None] * len(chain.remainder)
    for k, (i, _) in enumerate(chain.edges):
        leave[i] = probability[k] if leave[i] is None else leave[i] + probability[k]
    return leave


def advanced(chain: Chain, x: Any, probability: Any, leave: list[Any]) -> list[Any]:
    """Return the states one cycle later; `x` has a row a state, `probability` a row an edge.

    Who leaves is taken from who is there, not the rest multiplied out: a sum that begins with two products may be
    rounded after the one or after the other, as the compiler likes, in each loop differently.
    """
    new: list[Any] = [None] * len(chain.remainder)

    def add(j: int, people: Any) -> None:
        new[j] = people if new[j] is None else new[j] + people

    for i, j in enumerate(chain.remainder):
        add(j, x[i] if leave[i] is None else x[i] - x[i] * leave[i])
    for k, (i, j) in enumerate(chain.edges):
        add(j, x[i] * probability[k])
    return [jnp.zeros_like(x[0]) if row is None else row for row in new]


def add_up(chain: Chain, held: Rows, path: list[Any], probability: Any, weights: Any, moments: Any) -> Rows:
    """Add cycles to the sums: `path` their states, `weights` (cycle, weight) and `moments` (cycle, moment)."""
    sums, flows = held.sums, held.flows
    for u, x in enumerate(path):
        sums = sums + weights[u][:, None, None] * x[None]
        if chain.counted:
            flow = jnp.stack([x[chain.edges[k][0]] * probability[k] for k in chain.counted])
            flows = flows + moments[u][:, None, None] * flow[None]
    return Rows(held.states, sums, flows)


def run_cycles(chain: Chain, held: Rows, probability: Any, weights: Any, moments: Any, first: Any, last: Any):
    """Run the cycles from `first` to before `last`."""
    leave = leaving(chain, probability)

    def cycles(start: Any, held: Rows, n: int) -> Rows:
        x, path = held.states, []
        for _ in range(n):
            path.append(x)
            # Without the barrier XLA computes earlier cycles again in each later one.
            x = jax.lax.optimization_barrier(jnp.stack(advanced(chain, x, probability, leave)))
        w, m = (jax.lax.dynamic_slice_in_dim(a, start, n) for a in (weights, moments))
        return add_up(chain, held, path, probability, w, m)._replace(states=x)

    together = max(1, min(TOGETHER, MOST_ROWS // len(chain.remainder), len(moments)))
    whole = (last - first) // together
    held = jax.lax.fori_loop(0, whole, lambda k, h: cycles(first + k * together, h, together), held)
    return jax.lax.fori_loop(first + whole * together, last, lambda k, h: cycles(k, h, 1), held)


Kernel = Callable[..., Rows]
"""What runs cycles: `run_cycles`, or the same as a GPU kernel."""


def run_part(chain: Chain, kind: Any, kernel: Kernel, held: Rows, probability: Any, *time: Any) -> Rows:
    """Run the cycles of the part of the chain that a strategy of this kind uses.

    A product with an empty state adds nothing, and edges out of such states are the last of each sum, so that
    leaving them out changes no bit of a draw.
    """

    def only(states: tuple[int, ...], edges: tuple[int, ...]) -> Any:
        if not states:  # all whom this strategy moves have left
            return lambda held, probability: held
        part = chain.part(states, edges)
        counted = [chain.counted.index(edges[k]) for k in part.counted]

        def run(held: Rows, probability: Any) -> Rows:
            some = Rows(
                _taken(held.states, states, 0), _taken(held.sums, states, 1), _taken(held.flows, counted, 1)
            )
            some = kernel(part, some, _taken(probability, edges, 0), *time)
            return Rows(
                _put(held.states, states, 0, some.states),
                _put(held.sums, states, 1, some.sums),
                _put(held.flows, counted, 1, some.flows),
            )

        return run

    parts = chain.parts
    if chain.passed:
        parts += tuple(chain.without_passed(*p) for p in chain.parts)
        people = _taken(held.states, chain.passed, 0)
        kind = kind + len(chain.parts) * ~(people != 0).any()
    branches = [only(*p) for p in parts]
    return (
        branches[0](held, probability)
        if len(branches) == 1
        else jax.lax.switch(kind, branches, held, probability)
    )


def _taken(rows: Any, which: Sequence[int], axis: int) -> Any:
    """Return some rows along an axis, as slices put together: a gather is slow to compile and to run."""
    if list(which) == list(range(rows.shape[axis])):
        return rows
    none = [jax.lax.slice_in_dim(rows, 0, 0, axis=axis)]
    return jnp.concatenate([jax.lax.slice_in_dim(rows, k, k + 1, axis=axis) for k in which] or none, axis)


def _put(rows: Any, which: Sequence[int], axis: int, some: Any) -> Any:
    """Return rows with some of them replaced."""
    if list(which) == list(range(rows.shape[axis])):
        return some
    place = {k: n for n, k in enumerate(which)}
    parts = [(some, place[k]) if k in place else (rows, k) for k in range(rows.shape[axis])]
    return jnp.concatenate([jax.lax.slice_in_dim(a, k, k + 1, axis=axis) for a, k in parts], axis)
