"""The cohort conditional on being alive, where background mortality is the same in every state.

All living states then shrink by the same factor, known beforehand: it moves from the loop into the weights
with which occupancy is summed. Edges constant over spans of cycles are evaluated once a span.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp

from psa_engine.cohort.chain import Chain, Kernel
from psa_engine.cohort.edges import Edges, SlotEdge, time_at
from psa_engine.cohort.lifetime import Horizon, lifetime
from psa_engine.cohort.live import Live
from psa_engine.cohort.payoffs import Payoffs, WeightOf
from psa_engine.cohort.time_dependence import FIELDS, TracedProgram, as_multiple, comparisons, traced

Weight = tuple[str, str | None]
"""The discounting of a weight, and the field of time that multiplies it."""


class Plan(NamedTuple):
    """How a model is simulated conditional on being alive: payoffs of states as multiples, and its edges' program."""

    multiples: dict[str, dict[int, list[tuple[Any, str | None]]]]
    program: TracedProgram


def planned(edges: Edges, payoffs: Payoffs, inputs: Mapping[str, Any]) -> Plan | None:
    """Return the plan, or None where a model needs its deaths in the loop.

    That is where mortality differs between states, probabilities are clipped or change every cycle, a
    payoff is on dying or on the dead, or changes with time otherwise than as a multiple of a field of it.
    """
    if edges.clip or (edges.death is not None and (edges.ratio or _pays_the_dead(payoffs, edges.death))):
        return None
    if any(payoffs.varying_edges.values()):
        return None

    def at(t: Any) -> Any:
        now = edges.probabilities(t) if edges.varying else edges.constant
        return [*now.values(), edges.slack(now)]

    t = time_at({k: v[0] for k, v in inputs.items()})
    program, multiples = traced(at, t), _multiples(payoffs, t)
    if multiples is None or comparisons(program.jaxpr) is None:
        return None
    return Plan(multiples, program)


def _pays_the_dead(payoffs: Payoffs, death: int) -> bool:
    states = [
        i for table in (payoffs.constant_states, payoffs.varying_states) for v in table.values() for i in v
    ]
    targets = [
        j for table in (payoffs.constant_edges, payoffs.varying_edges) for v in table.values() for _, j in v
    ]
    return death in states or death in targets


def _multiples(payoffs: Payoffs, t: Any) -> dict[str, dict[int, list[tuple[Any, str | None]]]] | None:
    """Return outcome -> slot -> (value, field) of every payoff of a state."""
    out: dict[str, dict[int, list[tuple[Any, str | None]]]] = {}
    for outcome in payoffs.outcomes:
        of: dict[int, list[tuple[Any, str | None]]] = {
            i: [(v, None)] for i, v in payoffs.constant_states[outcome].items()
        }
        for i, function in payoffs.varying_states[outcome].items():
            found = as_multiple(function, t)
            if found is None:
                return None
            of.setdefault(i, []).append(found)
        out[outcome] = of
    return out


class Sums(NamedTuple):
    """What was summed along time: weight -> slot -> occupancy, and discounting -> edge -> flow."""

    occupancy: dict[Weight, dict[int, Any]]
    flows: dict[str, dict[SlotEdge, Any]]


def simulated(
    edges: Edges,
    plan: Plan,
    payoffs: Payoffs,
    start: tuple[Any, ...],
    inputs: Mapping[str, Any],
    weight_of: WeightOf,
    live: tuple[Live, ...],
    strategy: Any,
    kernel: Kernel,
    every_state: bool = False,
) -> tuple[Sums, Any]:
    """Return the sums over the horizon and the smallest slack of the probabilities."""
    slots = tuple(sorted(frozenset().union(*(kind.slots for kind in live))))
    kinds = list(dict.fromkeys(live))
    keys, horizon = _horizon(plan, inputs, weight_of, edges.death is not None)
    of_strategy = jnp.asarray([kinds.index(kind) for kind in live])[strategy]
    passed = frozenset() if every_state else _passed(edges, slots)
    kept = [e for e in edges.keys if e[0] in slots and e[1] in slots]
    kept.sort(key=lambda e: e[0] in passed)
    chain = _chain(edges, payoffs, slots, kinds, kept, passed)
    program = _only(plan.program, [edges.keys.index(e) for e in kept])
    rows, slack = lifetime(chain, program, tuple(start[i] for i in slots), of_strategy, horizon, kernel)
    last = [
        (inputs[w] * _alive(inputs, edges.death is not None) * (inputs[f] if f else 1.0))[-1] for w, f in keys
    ]
    occupancy = {
        key: {slot: s + last[k] * x for slot, s, x in zip(slots, rows.sums[k], rows.states, strict=True)}
        for k, key in enumerate(keys)
    }
    counted = [(slots[chain.edges[k][0]], slots[chain.edges[k][1]]) for k in chain.counted]
    flows = {w: dict(zip(counted, rows.flows[k], strict=True)) for k, w in enumerate(weight_of.weights())}
    return Sums(occupancy, flows), slack


def _horizon(
    plan: Plan, inputs: Mapping[str, Any], weight_of: WeightOf, mortal: bool
) -> tuple[list[Weight], Horizon]:
    """Return the weights under which occupancy is summed, survival included, and all that runs along time."""
    n_cycles = len(inputs["transition_costs"])
    alive = _alive(inputs, mortal)
    fields = sorted(
        {f for of in plan.multiples.values() for v in of.values() for _, f in v} | {None}, key=str
    )
    keys: list[Weight] = [(w, f) for w in weight_of.weights() for f in fields]
    weights = [inputs[w] * alive * (inputs[f] if f else 1.0) for w, f in keys]
    moments = [
        inputs.get(f"transition_{w}", jnp.ones_like(alive[1:])) * alive[1:] for w in weight_of.weights()
    ]
    along = tuple(inputs[f][:n_cycles] for f in FIELDS)
    return keys, Horizon(along, jnp.stack(weights, axis=1)[:n_cycles], jnp.stack(moments, axis=1))


def _alive(inputs: Mapping[str, Any], mortal: bool) -> Any:
    return inputs["alive"] if mortal else jnp.ones_like(inputs["alive"])


def _passed(edges: Edges, slots: tuple[int, ...]) -> frozenset[int]:
    """Return the slots that nobody enters and that may empty at a time; none where there are tunnels."""
    if any(edges.states.remainder(slot) != slot for slot in slots):
        return frozenset()
    entered = {j for i, j in edges.keys if i in slots}
    return frozenset(i for i, _ in edges.varying if i in slots) - entered


def _chain(
    edges: Edges,
    payoffs: Payoffs,
    slots: tuple[int, ...],
    kinds: list[Live],
    kept: list[SlotEdge],
    passed: frozenset[int],
) -> Chain:
    """Return the chain between these slots, a part of it for each kind of strategy."""
    place = {slot: k for k, slot in enumerate(slots)}
    paid = {e for by_edge in payoffs.constant_edges.values() for e in by_edge}
    return Chain(
        edges=tuple((place[i], place[j]) for i, j in kept),
        remainder=tuple(place.get(edges.states.remainder(slot), place[slot]) for slot in slots),
        counted=tuple(k for k, e in enumerate(kept) if e in paid),
        parts=tuple(
            (
                tuple(place[i] for i in sorted(kind.slots)),
                tuple(k for k, e in enumerate(kept) if e in kind.edges),
            )
            for kind in kinds
        ),
        passed=tuple(sorted(place[i] for i in passed)),
    )


def _only(program: TracedProgram, kept: list[int]) -> TracedProgram:
    """Return the program with the probabilities of these edges only, and the slack."""
    out = [program.jaxpr.outvars[k] for k in kept] + [program.jaxpr.outvars[-1]]
    return TracedProgram(program.jaxpr, program.consts, tuple(out))


def total(outcome: str, discounting: str, payoffs: Payoffs, plan: Plan, sums: Sums) -> Any:
    """Return an outcome's total under one discounting."""
    amount = payoffs.start[outcome]
    for slot, values in plan.multiples[outcome].items():
        for value, field in values:
            if slot in sums.occupancy[discounting, field]:
                amount = amount + value * sums.occupancy[discounting, field][slot]
    for e, value in payoffs.constant_edges[outcome].items():
        if e in sums.flows[discounting]:
            amount = amount + value * sums.flows[discounting][e]
    return amount
