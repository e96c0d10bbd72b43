"""Cohort models by plain loops: cycles, states, edges, payoffs; each number an array over draws.

A model's own functions are called with arrays of draws, since they are elementwise. Where they use
jax.numpy, JAX must be in 64 bits. Nothing is checked: impossible probabilities are used as they are.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from psa_engine.reference.strategy import Draws, Strategy, strategies_of
from psa_engine.reference.time import Point, cycle_weights, discount_factor, time_points, transition_year

START = "@start"
Flows = dict[tuple[str, str], np.ndarray]
Outcomes = dict[str, dict[str, np.ndarray]]


def evaluate(model: Any, values: Mapping[str, Any]) -> Outcomes:
    """Return outcome -> strategy -> (n_draws,) of a model at parameter values, numbers or (n_draws,).

    Works on a cohort model and on a function model, by their fields. Every outcome of a cohort model has
    its twin "undiscounted.<outcome>"; one that a strategy does not have is missing for it.
    """
    outcomes: Outcomes = {}
    full = over_draws(values)
    for strategy in strategies_of(model):
        if hasattr(model, "states"):
            results = _accrued(model, Draws(full, strategy))
        else:
            results = _returned(model, full, strategy)
        for name, total in results.items():
            outcomes.setdefault(name, {})[strategy.name] = total
    return outcomes


def totals(outcomes: Outcomes, strategies: Sequence[str], kind: str) -> np.ndarray:
    """Return the costs or effects (`kind`) of each strategy, (n_draws, n_strategies): sums of components."""
    shape = np.shape(next(iter(next(iter(outcomes.values())).values())))
    sums = np.zeros((*shape, len(strategies)))
    for name, by_strategy in outcomes.items():
        for i, strategy in enumerate(strategies):
            if name.startswith(f"{kind}.") and strategy in by_strategy:
                sums[:, i] += by_strategy[strategy]
    return sums


def trace(model: Any, values: Mapping[str, Any], strategy: str) -> dict[str, np.ndarray]:
    """Return state -> (n_cycles + 1, n_draws), the share of the cohort in it at each time point."""
    found = next(s for s in strategies_of(model) if s.name == strategy)
    shares = [occupancy for _, occupancy, _ in _history(model, Draws(over_draws(values), found))]
    return {state: np.stack([share[state].sum(0) for share in shares]) for state in shares[0]}


def over_draws(values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return every parameter as float64 (n_draws,)."""
    n_draws = max(np.size(value) for value in values.values())
    return {name: np.broadcast_to(np.asarray(value, float), n_draws) for name, value in values.items()}


def _returned(model: Any, values: Mapping[str, np.ndarray], strategy: Strategy) -> dict[str, np.ndarray]:
    """Return the costs and effects of one strategy that a function model returns for all."""
    zero = np.zeros_like(next(iter(values.values())))
    place = [s.name for s in strategies_of(model)].index(strategy.name)
    results = {}
    for kind, given in zip(("costs", "effects"), model.outcomes(values), strict=True):
        for name, row in (given if isinstance(given, Mapping) else {"total": given}).items():
            results[f"{kind}.{name}"] = zero + double(row[place])
    return results


def double(value: Any) -> np.ndarray:
    """Return what a model's function gave as float64; refuses single precision, whose digits are gone."""
    array = np.asarray(value)
    if array.dtype == np.float32:
        raise TypeError("A model function returned single precision: set JAX's jax_enable_x64 to True.")
    return array.astype(float)


def _steps(state: Any) -> int:
    """The cells of a state: one, or of a tunnel one per cycle spent in it."""
    return getattr(state, "n_cycles", 1)


def _name(state: Any) -> str:
    return getattr(state, "name", state)


def _at(value: Any, t: Point, state: Any, step: int) -> np.ndarray:
    """Return a probability or payoff in one cell, evaluated at `t` where it is a function of time."""
    if not callable(value):
        return double(value)
    return double(value(t._replace(time_in_state=step) if hasattr(state, "n_cycles") else t))


def _history(model: Any, p: Draws) -> Iterator[tuple[Point, dict[str, np.ndarray], Flows]]:
    """Yield each time point, the share in each cell there, state -> (n_steps, n_draws), and the flows of
    the cycle that starts there, edge -> (n_steps of the state left, n_draws); none at the last point."""
    occupancy = {_name(state): np.zeros((_steps(state), p.n_draws)) for state in model.states}
    begin = {model.initial: 1.0} if isinstance(model.initial, str) else model.initial(p)
    for name, share in begin.items():
        occupancy[name][0] += double(share)
    edges: Any = model.transitions(p)
    ratios = model.mortality_ratio(p) if model.mortality_ratio else {}
    *starts, last = time_points(model.timeline)
    for t in starts:
        now: Any = edges(t) if callable(edges) else edges
        following, flows = _cycle(model, occupancy, now, ratios, t)
        yield t, occupancy, flows
        occupancy = following
    yield last, occupancy, {}


def _cycle(model: Any, occupancy: Any, edges: Mapping[Any, Any], ratios: Mapping[str, Any], t: Point) -> Any:
    """Move a cohort through one cycle: background deaths, then edges among the survivors; the rest stay."""
    following = {name: np.zeros_like(share) for name, share in occupancy.items()}
    flows: Flows = {}

    def move(source: str, step: int, target: str, people: np.ndarray) -> None:
        flows.setdefault((source, target), np.zeros_like(occupancy[source]))[step] += people
        following[target][0] += people

    for state in model.states:
        source = _name(state)
        for step in range(_steps(state)):
            people = occupancy[source][step]
            if model.death is not None and source != model.death:
                survivors = people * (1 - t.mortality) ** double(ratios.get(source, 1.0))
                move(source, step, model.death, people - survivors)
                people = survivors
            left = people
            for edge, probability in edges.items():
                if edge[0] == source:
                    moved = people * _at(probability, t, state, step)
                    move(source, step, edge[1], moved)
                    left = left - moved
            if step + 1 < _steps(state):
                following[source][step + 1] += left
            elif getattr(state, "then", None):
                following[state.then][0] += left
            else:
                following[source][step] += left
    return following, flows


def _accrued(model: Any, p: Draws) -> dict[str, np.ndarray]:
    """Return outcome -> total per person (n_draws,), discounted, and its undiscounted twin."""
    timeline = model.timeline
    weights = cycle_weights(timeline.cycle_correction, timeline.n_cycles) / timeline.cycles_per_year
    states = {_name(state): state for state in model.states}
    payoffs: list[tuple[str, Any, Any]] = []
    sums: dict[str, np.ndarray] = {}
    for template, by_key in model.payoffs(p).items():
        outcome = p.strategy.outcome(template)
        if outcome is not None:
            sums[outcome], sums[f"undiscounted.{outcome}"] = np.zeros(p.n_draws), np.zeros(p.n_draws)
            payoffs += [(outcome, key, v if callable(v) else double(v)) for key, v in by_key.items()]

    def accrue(outcome: str, amount: np.ndarray, year: float) -> None:
        as_cost = outcome.startswith(("costs.", "packs."))
        rate = timeline.discount_rate_costs if as_cost else timeline.discount_rate_effects
        sums[outcome] += amount * discount_factor(rate, year, timeline.discounting)
        sums[f"undiscounted.{outcome}"] += amount

    for t, occupancy, flows in _history(model, p):
        cycle = int(t.cycle)
        for outcome, key, value in payoffs:
            if key == START:
                if cycle == 0:
                    accrue(outcome, _at(value, t, None, 0), 0.0)
            elif isinstance(key, tuple):
                for step, flow in enumerate(flows.get(key, ())):
                    amount = flow * _at(value, t, states[key[0]], step)
                    accrue(outcome, amount, transition_year(timeline, cycle))
            else:
                for step, share in enumerate(occupancy[key]):
                    amount = weights[cycle] * share * _at(value, t, states[key], step)
                    accrue(outcome, amount, t.year)
    return sums
