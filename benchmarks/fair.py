"""The fair NumPy reference: the flagship's simulation as a careful user of NumPy would write it.

Vectorised over draws, a row a state, in place, in blocks of draws that stay in the second cache, with only
the states and edges that a strategy uses and background mortality as one product a cycle. It is handed its
probabilities, payoffs and weights ready made, and they are not in its time; the engine computes them in its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import numpy as np

from psa_engine.accrual import Time
from psa_engine.cohort import START
from psa_engine.cohort.simulate import UNDISCOUNTED
from psa_engine.model import Draw, cost_rate_applies

BLOCK = 4096
"""Draws in a block: the fastest of 512 to 4,096 on the machine of benchmarks/README.md."""


@dataclass
class Prepared:
    """One strategy: its states, start (n_states, n), edges from a cycle on, and payoffs by outcome.

    `payoffs`: outcome -> (once, {state: value}, {edge: value}, whether the norms of utility multiply it).
    """

    states: list[str]
    start: np.ndarray
    spans: dict[int, dict[tuple[int, int], np.ndarray]]
    payoffs: dict[str, tuple[Any, dict[int, Any], dict[tuple[int, int], Any], bool]]


def prepare(model: Any, values: Mapping[str, Any]) -> list[Prepared]:
    """Evaluate a cohort model's own functions at parameter values (n,), for each strategy."""
    structure, series = model.structure, model.timeline.series()
    n = max(np.size(v) for v in values.values())
    varying = {k: np.asarray(v, float) for k, v in values.items() if np.size(v) > 1}
    constant = {k: float(v) for k, v in values.items() if np.size(v) == 1}

    def at(cycle: int) -> Time:
        return Time(*(series[k][cycle] for k in ("cycle", "year", "age", "mortality", "utility_multiplier")))

    def seen(draw, strategy):
        return Draw({**constant, **draw}, structure.strategies, strategy)

    def edges(draw, strategy, t):
        given = model.transitions(seen(draw, strategy))
        return {f"{i}|{j}": x for (i, j), x in (given(t) if callable(given) else given).items()}

    def rest(draw, strategy):
        p = seen(draw, strategy)
        start = {model.initial: 1.0} if isinstance(model.initial, str) else model.initial(p)
        paid = {
            o: [
                {str(k): v(t) if callable(v) else v for k, v in by_key.items()}
                for t in (at(0), at(model.timeline.n_cycles))
            ]
            for o, by_key in model.payoffs(p).items()
        }
        return start, paid

    times = [at(c) for c in range(model.timeline.n_cycles)]
    columns = Time(*(np.array([t[k] for t in times]) for k in range(5)))
    few = {k: v[:4] for k, v in varying.items()}
    over_time = jax.jit(jax.vmap(jax.vmap(edges, (0, None, None)), (None, None, 0)))
    of_draws = jax.jit(jax.vmap(edges, (0, None, None)))
    once = jax.jit(jax.vmap(rest, (0, None)))
    prepared = []
    for s in range(len(structure.strategies.names)):
        path = {k: np.asarray(v) for k, v in over_time(few, s, columns).items()}
        changed = [c for c in range(1, len(times)) if any((v[c] != v[c - 1]).any() for v in path.values())]
        spans = {c: of_draws(varying, s, times[c]) for c in [0, *changed]}
        prepared.append(_one(model, structure, series, s, n, spans, *once(varying, s)))
    return prepared


def _one(model, structure, series, s, n, spans, start, paid) -> Prepared:
    """Keep what the strategy uses: live edges, the states they reach, the outcomes that it has."""
    live = {
        c: {tuple(k.split("|")): _full(v, n) for k, v in e.items() if np.any(np.asarray(v) != 0)}
        for c, e in spans.items()
    }
    reached = {k for k, v in start.items() if np.any(np.asarray(v) != 0)}
    for _ in structure.states.names:
        reached |= {j for e in live.values() for i, j in e if i in reached}
    states = [x for x in structure.states.names if x in reached and x != model.death]
    place = {x: i for i, x in enumerate(states)}
    edges = {c: {(place[i], place[j]): v for (i, j), v in e.items() if i in place} for c, e in live.items()}
    names, payoffs = {str((i, j)): (i, j) for i in states for j in states}, {}
    for template, (first, last) in paid.items():
        outcome = structure.strategies.resolve(template, s)
        if outcome is None:
            continue
        norms = any(np.any(np.asarray(first[k]) != np.asarray(last[k])) for k in first)
        if norms:  # the only payoffs that change with time are utilities times the norms
            for k in first:
                expected = np.asarray(first[k]) * series["utility_multiplier"][-1]
                np.testing.assert_allclose(last[k], expected, rtol=1e-12)
        of_states = {place[k]: _full(v, n) for k, v in first.items() if k in place and np.any(v)}
        of_edges = {
            (place[names[k][0]], place[names[k][1]]): _full(v, n) for k, v in first.items() if k in names
        }
        payoffs.setdefault(outcome, []).append((_full(first.get(START, 0.0), n), of_states, of_edges, norms))
    rows = np.stack([_full(start.get(x, 0.0), n) for x in states])
    return Prepared(states, rows, edges, payoffs)


def _full(value: Any, n: int) -> np.ndarray:
    return np.ascontiguousarray(np.broadcast_to(np.asarray(value, float), n))


def simulate(
    prepared: list[Prepared], series: Mapping[str, Any], dtype: Any = np.float64, block: int = BLOCK
):
    """Return for each strategy outcome -> (n,) totals, discounted and not."""
    n = prepared[0].start.shape[1]
    out: list[dict[str, np.ndarray]] = []
    for strategy in prepared:
        names = [x for o in strategy.payoffs for x in (o, UNDISCOUNTED + o)]
        totals = {o: np.empty(n) for o in names}
        for low in range(0, n, block):
            here = slice(low, min(low + block, n))
            for name, total in _block(strategy, series, here, dtype).items():
                totals[name][here] = total
        out.append(totals)
    return out


def _block(strategy: Prepared, series: Mapping[str, Any], here: slice, dtype: Any) -> dict[str, np.ndarray]:
    n_cycles = len(series["transition_costs"])
    norms = series["utility_multiplier"]
    weights = {"costs": series["costs"], "undiscounted": series["undiscounted"]}
    weights |= {"effects*": series["effects"] * norms, "undiscounted*": series["undiscounted"] * norms}
    moments = {"costs": series["transition_costs"], "undiscounted": np.ones(n_cycles)}
    if not np.array_equal(series["costs"], series["effects"]):
        weights["effects"], moments["effects"] = series["effects"], series["transition_effects"]
    survive = 1.0 - series["mortality"]
    x = strategy.start[:, here].astype(dtype)
    new, held = np.empty_like(x), np.empty_like(x)
    sums = {w: np.zeros_like(x) for w in weights}
    counted = {e for paid in strategy.payoffs.values() for _, _, of_edges, _ in paid for e in of_edges}
    flows = {(w, e): np.zeros_like(x[0]) for w in moments for e in counted}
    flow, part = np.empty_like(x[0]), np.empty_like(x[0])
    starts = [*strategy.spans, n_cycles]
    for first, last in pairwise(starts):
        edges = {e: v[here].astype(dtype) for e, v in strategy.spans[first].items()}
        stay = np.ones_like(x)
        for (i, _), p in edges.items():
            stay[i] -= p
        for cycle in range(first, last):
            for w, weight in weights.items():
                np.multiply(x, dtype(weight[cycle]), out=held)
                sums[w] += held
            x *= dtype(survive[cycle])
            np.multiply(x, stay, out=new)
            for e, p in edges.items():
                np.multiply(x[e[0]], p, out=flow)
                new[e[1]] += flow
                if e in counted:
                    for w, moment in moments.items():
                        np.multiply(flow, dtype(moment[cycle]), out=part)
                        flows[w, e] += part
            x, new = new, x
    for w, weight in weights.items():
        sums[w] += x * dtype(weight[n_cycles])
    return _totals(strategy, here, dtype, sums, flows)


def _totals(strategy: Prepared, here: slice, dtype: Any, sums: Mapping, flows: Mapping) -> dict[str, Any]:
    totals = {}
    for outcome, paid in strategy.payoffs.items():
        discounted = "costs" if cost_rate_applies(outcome) or "effects" not in sums else "effects"
        for name, weight in ((outcome, discounted), (UNDISCOUNTED + outcome, "undiscounted")):
            total = 0.0
            for once, of_states, of_edges, norms in paid:
                key = ("effects*" if weight != "undiscounted" else "undiscounted*") if norms else weight
                total = total + once[here].astype(dtype)
                for i, value in of_states.items():
                    total = total + sums[key][i] * value[here].astype(dtype)
                for e, value in of_edges.items():
                    if (weight, e) in flows:
                        total = total + flows[weight, e] * value[here].astype(dtype)
            totals[name] = total
    return totals
