"""The simulation of one draw: each strategy's cohort stepped through time, its payoffs accrued."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp

from psa_engine.cohort import living
from psa_engine.cohort.chain import Kernel, run_cycles
from psa_engine.cohort.edges import Edges, is_zero, time_at
from psa_engine.cohort.live import Live, live_edges
from psa_engine.cohort.model import States
from psa_engine.cohort.payoffs import Payoffs, WeightOf, sort_payoffs
from psa_engine.errors import InputError
from psa_engine.model import Draw, Simulated, Strategies

UNDISCOUNTED = "undiscounted."


@dataclass(frozen=True)
class CohortStructure:
    """The compiled part of a cohort model; what runs along time is its input."""

    states: States
    strategies: Strategies
    initial: str | Callable[[Draw], Mapping[str, Any]]
    transitions: Callable[[Draw], Any]
    payoffs: Callable[[Draw], Mapping[str, Mapping[Any, Any]]]
    death: str | None
    mortality_ratio: Callable[[Draw], Mapping[str, Any]] | None
    same_discount: bool
    clip: bool = False
    kernel: Kernel = run_cycles
    live: tuple[Live, ...] | None = None
    """What may carry anybody under each strategy; None where that is every edge."""
    every_state: bool = False
    """Whether states that all have left are stepped on too: nobody is in them, but a derivative of theirs may be."""
    identity: str | None = field(default=None, compare=False)
    """A digest of all that the model was built from; None where nobody knows."""

    def simulate(self, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> Simulated:
        """Return the outcomes of one draw: name -> (n_strategies,), each with its undiscounted twin."""

        def one(strategy: Any) -> Simulated:
            return self._accrue(Draw(values, self.strategies, strategy), inputs, strategy)

        indices = jnp.arange(len(self.strategies.names))
        return jax.lax.map(one, indices)

    def given(self, names: Iterable[str], constants: Mapping[str, float]) -> "CohortStructure":
        """Return the structure to compile where these parameters are constant: without edges that are always zero."""
        live = live_edges(replace(self, live=None), tuple(names), tuple(sorted(constants.items())))
        return replace(self, live=live)

    def trace(self, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> Any:
        """Return the occupancy of one draw: (n_strategies, n_cycles + 1, n_states), tunnels summed."""

        def one(strategy: Any) -> Any:
            p = Draw(values, self.strategies, strategy)
            edges, start = self.edges(p, inputs), self.start(p)

            def step(occupancy, row):
                new = edges.step(occupancy, row).occupancy
                return _like(new, occupancy), jnp.stack(occupancy)

            last, path = jax.lax.scan(step, start, _rows(inputs))
            whole = jnp.concatenate([path, jnp.stack(last)[None]])
            slots = [self.states.of_state(name, "trace") for name in self.states.names]
            return jnp.stack([whole[:, jnp.asarray(s)].sum(1) for s in slots], axis=1)

        return jax.lax.map(one, jnp.arange(len(self.strategies.names)))

    def edges(self, p: Draw, inputs: Mapping[str, Any]) -> Edges:
        """Return the edges of one draw and strategy."""
        probe = tuple(time_at({k: v[i] for k, v in inputs.items() if len(v) > i}) for i in (0, 1))
        ratio = self.mortality_ratio(p) if self.mortality_ratio else None
        return Edges(self.states, self.transitions(p), self.death, ratio, probe, self.clip)  # type: ignore[arg-type]

    def start(self, p: Draw) -> tuple[Any, ...]:
        """Return the initial share of each slot; a tunnel is entered at its first step."""
        shares = self.shares(p)
        dtype = jnp.result_type(*[x for x in shares if not isinstance(x, int | float)] or [float])
        return tuple(jnp.asarray(x, dtype) for x in shares)

    def shares(self, p: Draw) -> list[Any]:
        """Return the initial share of each slot as the model gives it, 0.0 for one that it leaves out."""
        given = {self.initial: 1.0} if isinstance(self.initial, str) else self.initial(p)
        shares: list[Any] = [0.0] * len(self.states.slots)
        for name, share in given.items():
            shares[self.states.of_state(name, "The initial distribution")[0]] = share
        return shares

    def _accrue(self, p: Draw, inputs: Mapping[str, Any], strategy: Any) -> Simulated:
        dtype = inputs["cycle"].dtype
        edges = self.edges(p, inputs)
        start = tuple(jnp.asarray(x, dtype) for x in self.start(p))
        at_start = time_at({k: v[0] for k, v in inputs.items()})
        payoffs = sort_payoffs(self.states, edges, self.payoffs(p), at_start)
        if not payoffs.outcomes:
            raise InputError("The model's payoffs name no outcome.")
        first_slack = jnp.minimum(jnp.stack(start).min(), -jnp.abs(sum(start) - 1.0))
        slack = jnp.minimum(first_slack, edges.constant_slack()).astype(dtype)
        plan = living.planned(edges, payoffs, inputs)
        if plan is not None:
            begin = {i for i, share in enumerate(self.shares(p)) if not is_zero(share)}
            live = self.live or (Live.of(begin, edges.keys, self.states),) * len(self.strategies.names)
            sums, worst = living.simulated(
                edges, plan, payoffs, start, inputs, WeightOf(self.same_discount), live, strategy, self.kernel,
                self.every_state,
            )  # fmt: skip
            return Simulated(
                self._totals(payoffs, plan, sums, dtype), jnp.minimum(slack, worst), jnp.zeros((), dtype)
            )
        sums = Sums(payoffs, WeightOf(self.same_discount))

        def step(carry, row):
            occupancy, held, slack, clipped = carry
            moved = edges.step(occupancy, row)
            held = sums.add_flows(sums.add_occupancy(held, occupancy, row), moved.flows, row)
            now = (
                moved.occupancy,
                held,
                jnp.minimum(slack, moved.slack),
                jnp.maximum(clipped, moved.clipped),
            )
            return _like(now, carry), None

        zero = jnp.zeros((), dtype)
        carry = (start, sums.zeros(zero), slack, zero)
        (last, held, slack, clipped), _ = jax.lax.scan(step, carry, _rows(inputs))
        final = {k: v[-1] for k, v in inputs.items()}
        return Simulated(sums.totals(sums.add_occupancy(held, last, final)), slack, clipped)

    def _totals(self, payoffs: Payoffs, plan: Any, sums: Any, dtype: Any) -> dict[str, Any]:
        totals, weight_of = {}, WeightOf(self.same_discount)
        for outcome in payoffs.outcomes:
            twins = ((outcome, weight_of.discounted(outcome)), (UNDISCOUNTED + outcome, "undiscounted"))
            for name, weight in twins:
                totals[name] = jnp.asarray(living.total(outcome, weight, payoffs, plan, sums), dtype)
        return totals


class Sums:
    """What is summed along time, and how totals are read off at the end.

    Constant payoffs need the weighted occupancy of their slots and the weighted flow of their edges;
    payoffs that vary with time are multiplied out every cycle.
    """

    def __init__(self, payoffs: Payoffs, weight_of: WeightOf):
        self.payoffs, self.weight_of = payoffs, weight_of
        self.weights = weight_of.weights()

    def zeros(self, zero: Any) -> dict[str, dict[Any, Any]]:
        return {
            w: {
                **{("slot", i): zero for i in self.payoffs.slots(w, self.weight_of)},
                **{("edge", *e): zero for e in self.payoffs.edges(w, self.weight_of)},
                **{("varying", o): zero for o in self._varying(w)},
            }
            for w in self.weights
        }

    def _varying(self, weight: str) -> list[str]:
        return [
            o
            for o in self.payoffs.outcomes
            if self.weight_of(o, weight) and (self.payoffs.varying_states[o] or self.payoffs.varying_edges[o])
        ]

    def add_occupancy(self, held: Any, occupancy: tuple[Any, ...], row: Mapping[str, Any]) -> Any:
        """Add one time point."""
        t = time_at(row)
        value = {
            o: sum(occupancy[i] * v(t) for i, v in self.payoffs.varying_states[o].items())
            for o in self._varying("undiscounted")
        }
        return {w: self._add(h, row[w], lambda i: occupancy[i], "slot", value) for w, h in held.items()}

    def add_flows(self, held: Any, flows: Mapping[Any, Any], row: Mapping[str, Any]) -> Any:
        """Add the transitions of one cycle."""
        t = time_at(row)
        value = {
            o: sum(flows[e] * v(t) for e, v in self.payoffs.varying_edges[o].items())
            for o in self._varying("undiscounted")
        }
        return {
            w: self._add(h, row.get(f"transition_{w}", 1.0), lambda *e: flows[e], "edge", value)
            for w, h in held.items()
        }

    @staticmethod
    def _add(held: Mapping[Any, Any], weight: Any, of: Callable, kind: str, value: Mapping[str, Any]) -> Any:
        out = {}
        for key, total in held.items():
            if key[0] == kind:
                out[key] = total + weight * of(*key[1:])
            elif key[0] == "varying":
                out[key] = total + weight * value[key[1]]
            else:
                out[key] = total
        return out

    def totals(self, held: Mapping[str, Mapping[Any, Any]]) -> dict[str, Any]:
        """Return outcome -> total, and its undiscounted twin."""
        totals = {}
        for outcome in self.payoffs.outcomes:
            totals[outcome] = self._total(outcome, held[self.weight_of.discounted(outcome)])
            totals[UNDISCOUNTED + outcome] = self._total(outcome, held["undiscounted"])
        return totals

    def _total(self, outcome: str, sums: Mapping[Any, Any]) -> Any:
        total = sums.get(("varying", outcome), 0.0) + self.payoffs.start[outcome]
        total += sum(v * sums["slot", i] for i, v in self.payoffs.constant_states[outcome].items())
        total += sum(v * sums["edge", *e] for e, v in self.payoffs.constant_edges[outcome].items())
        return jnp.asarray(total, next(x.dtype for w in [sums] for x in [*w.values(), jnp.zeros(())]))


def _rows(inputs: Mapping[str, Any]) -> dict[str, Any]:
    n_cycles = len(inputs["transition_costs"])
    return {k: v[:n_cycles] for k, v in inputs.items()}


def _like(new: Any, old: Any) -> Any:
    """Keep the carry's types: a plain number that a model gives must not change them."""
    return jax.tree.map(lambda a, b: jnp.asarray(a, b.dtype), new, old)
