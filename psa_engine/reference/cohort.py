"""Cohort models by plain loops: cycles, states, edges, payoffs; each number an array over draws.

A model's own functions are called with arrays of draws, since they are elementwise. Where they use
jax.numpy, JAX must be in 64 bits.
"""

from collections.abc import Iterator, Mapping
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
    its twin "undiscounted.<outcome>".
    """
    n_draws = max([np.size(v) for v in values.values()], default=1)
    full = {name: np.broadcast_to(np.asarray(v, float), n_draws) for name, v in values.items()}
    if not hasattr(model, "states"):
        return _function_outcomes(model, full, n_draws)
    outcomes: Outcomes = {}
    for strategy in strategies_of(model):
        for template, (discounted, undiscounted) in _accrued(model, Draws(full, strategy), n_draws).items():
            name = strategy.outcome(template)
            if name is not None:
                _add(outcomes, name, strategy, discounted)
                _add(outcomes, f"undiscounted.{name}", strategy, undiscounted)
    return outcomes


def totals(outcomes: Outcomes, strategies: list[str], kind: str) -> np.ndarray:
    """Return the costs or effects (`kind`) of each strategy, (n_draws, n_strategies): sums of components."""
    parts = [by_strategy for name, by_strategy in outcomes.items() if name.startswith(f"{kind}.")]
    return np.stack([sum(part[s] for part in parts if s in part) for s in strategies], axis=1)


def trace(model: Any, values: Mapping[str, Any], strategy: str) -> dict[str, np.ndarray]:
    """Return state -> (n_cycles + 1, n_draws), the share of the cohort in it at each time point."""
    n_draws = max([np.size(v) for v in values.values()], default=1)
    full = {name: np.broadcast_to(np.asarray(v, float), n_draws) for name, v in values.items()}
    found = next(s for s in strategies_of(model) if s.name == strategy)
    shares = [occupancy for _, occupancy, _ in _history(model, Draws(full, found), n_draws)]
    return {state: np.stack([share[state].sum(0) for share in shares]) for state in shares[0]}


def _function_outcomes(model: Any, values: Mapping[str, Any], n_draws: int) -> Outcomes:
    outcomes: Outcomes = {}
    for kind, given in zip(("costs", "effects"), model.outcomes(values), strict=True):
        for name, row in (given if isinstance(given, Mapping) else {"total": given}).items():
            for strategy, value in zip(strategies_of(model), row, strict=True):
                _add(outcomes, f"{kind}.{name}", strategy, np.broadcast_to(double(value), n_draws))
    return outcomes


def _add(outcomes: Outcomes, name: str, strategy: Strategy, total: np.ndarray) -> None:
    by_strategy = outcomes.setdefault(name, {})
    by_strategy[strategy.name] = by_strategy.get(strategy.name, 0.0) + total


def double(value: Any) -> np.ndarray:
    """Return what a model's function gave as float64; refuses single precision, whose digits are gone."""
    array = np.asarray(value)
    if array.dtype == np.float32:
        raise TypeError('A model function returned single precision: set jax.config.update("jax_enable_x64", True).')
    return array.astype(float)


def _steps(state: Any) -> int:
    """The cells of a state: one, or of a tunnel one per cycle spent in it."""
    return getattr(state, "n_cycles", 1)


def _name(state: Any) -> str:
    return getattr(state, "name", state)


def _at(value: Any, t: Point, state: Any, step: int) -> np.ndarray:
    """Return a probability or payoff of those in one cell, evaluated at `t` where it is a function of time."""
    if not callable(value):
        return double(value)
    return double(value(t._replace(time_in_state=step) if hasattr(state, "n_cycles") else t))


def _history(model: Any, p: Draws, n_draws: int) -> Iterator[tuple[Point, dict[str, np.ndarray], Flows]]:
    """Yield each time point, the share in each cell there, state -> (n_steps, n_draws), and the flows of
    the cycle that starts there, edge -> (n_steps of the state left, n_draws); none at the last point."""
    occupancy = {_name(state): np.zeros((_steps(state), n_draws)) for state in model.states}
    begin = {model.initial: 1.0} if isinstance(model.initial, str) else model.initial(p)
    for name, share in begin.items():
        occupancy[name][0] += double(share)
    edges = model.transitions(p)
    ratios = model.mortality_ratio(p) if model.mortality_ratio else {}
    *starts, last = time_points(model.timeline)
    for t in starts:
        now = edges(t) if callable(edges) else edges
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


def _accrued(model: Any, p: Draws, n_draws: int) -> dict[str, list[np.ndarray]]:
    """Return outcome template -> [discounted, undiscounted] totals per person, (n_draws,) each."""
    timeline = model.timeline
    weights = cycle_weights(timeline.cycle_correction, timeline.n_cycles) / timeline.cycles_per_year
    states = {_name(state): state for state in model.states}
    payoffs = {
        outcome: {key: value if callable(value) else double(value) for key, value in by_key.items()}
        for outcome, by_key in model.payoffs(p).items()
    }
    sums = {outcome: [np.zeros(n_draws), np.zeros(n_draws)] for outcome in payoffs}

    def accrue(outcome: str, amount: np.ndarray, year: float) -> None:
        as_cost = outcome.startswith(("costs.", "packs."))
        rate = timeline.discount_rate_costs if as_cost else timeline.discount_rate_effects
        sums[outcome][0] += amount * discount_factor(rate, year, timeline.discounting)
        sums[outcome][1] += amount

    for point, occupancy, flows in _history(model, p, n_draws):
        cycle = int(point.cycle)
        for outcome, by_key in payoffs.items():
            per_year, once = np.zeros(n_draws), np.zeros(n_draws)
            for key, value in by_key.items():
                if key == START:
                    if cycle == 0:
                        accrue(outcome, _at(value, point, None, 0), 0.0)
                elif isinstance(key, tuple):
                    for step, flow in enumerate(flows.get(key, ())):
                        once += flow * _at(value, point, states[key[0]], step)
                else:
                    for step, share in enumerate(occupancy[key]):
                        per_year += share * _at(value, point, states[key], step)
            accrue(outcome, per_year * weights[cycle], point.year)
            accrue(outcome, once, transition_year(timeline, cycle))
    return sums
