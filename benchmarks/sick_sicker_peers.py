"""The Sick-Sicker model as heormodel and pyheor take it, in the fastest way that each documents.

Both call a function for each draw and strategy that returns a matrix of probabilities. Both run the draws given.
"""

from typing import Any

import numpy as np

STATES = ("healthy", "sick", "sicker", "dead")
STRATEGIES = {
    "standard of care": (0, 0),
    "strategy A": (1, 0),
    "strategy B": (0, 1),
    "strategy AB": (1, 1),
}


def matrix(p: Any, treated_b: int) -> np.ndarray:
    """Return the yearly probabilities, from state x to state, at one draw of the parameters."""
    r_dead = p["r_HD"]
    rates = np.array([r_dead, r_dead * p["hr_S1"], r_dead * p["hr_S2"], p["r_HS1"], p["r_S1H"], p["r_S1S2"]])
    rates[5] *= p["hr_trtB"] if treated_b else 1.0
    die, die_sick, die_sicker, fall_ill, recover, progress = -np.expm1(-rates)
    ill = (1 - die) * fall_ill
    back, on = (1 - die_sick) * recover, (1 - die_sick) * progress
    return np.array(
        [
            [1 - die - ill, ill, 0, die],
            [back, 1 - die_sick - back - on, on, die_sick],
            [0, 0, 1 - die_sicker, die_sicker],
            [0, 0, 0, 1],
        ]
    )


def costs(p: Any, a: int, b: int) -> list[float]:
    """Return the yearly costs of the states."""
    drugs = a * p["c_trtA"] + b * p["c_trtB"]
    return [p["c_H"], p["c_S1"] + drugs, p["c_S2"] + drugs, 0.0]


def utilities(p: Any, a: int) -> list[float]:
    """Return the utilities of the states."""
    return [p["u_H"], p["u_trtA"] if a else p["u_S1"], p["u_S2"], 0.0]


def by_heormodel(draws: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return costs and QALYs (n, n_strategies): draws in parallel on all cores, weights "simpson" (swapped)."""
    from heormodel.models.markov import CohortSpec, MarkovModel
    from heormodel.run import run_psa

    def spec(p, strategy):
        a, b = STRATEGIES[strategy]
        return CohortSpec(matrix(p, b), np.array(costs(p, a, b)), np.array(utilities(p, a)))

    model = MarkovModel(
        states=STATES, interventions=tuple(STRATEGIES), transitions_and_rewards=spec, n_cycles=75
    )
    found = run_psa(model, draws, progress=False).outcomes
    order = list(STRATEGIES)
    return found.costs_wide()[order].to_numpy(), found.effects_wide()[order].to_numpy()


def by_pyheor(draws: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return costs and QALYs (n, n_strategies) from occupancy at the start of cycles; draws are handed out in turn."""
    import pyheor

    class Given(pyheor.distributions.Distribution):
        def __init__(self, values):
            self.values = iter(values)

        def sample(self, n=1, rng=None):
            return np.array([next(self.values) for _ in range(n)])

        def __repr__(self):
            return "Given()"

    year = pyheor.Cycle(1, "year")
    model = pyheor.MarkovModel(
        states=list(STATES), strategies=list(STRATEGIES), n_cycles=75, cycle=year, method="beginning",
        dr_cost=0.03, dr_qaly=0.03,
    )  # fmt: skip
    for name in draws.columns:
        model.add_param(name, base=float(draws[name].iloc[0]), dist=Given(draws[name]))
    for strategy, (_, b) in STRATEGIES.items():
        model.set_transitions(strategy, lambda p, cycle, b=b: matrix(p, b))
    model.set_state_cost("care", _by_state(lambda p, a, b: costs(p, a, b)))
    model.set_state_qaly("health", _by_state(lambda p, a, b: utilities(p, a)))
    table = model.run_psa(n_sim=len(draws), seed=1, progress=False).ce_table
    by_draw = (table.pivot(index="sim", columns="strategy", values=v) for v in ("total_cost", "qalys"))
    found_costs, found_qalys = (t[list(STRATEGIES)].to_numpy() for t in by_draw)
    return found_costs, found_qalys


def _by_state(of: Any) -> dict[str, dict[str, Any]]:
    def reward(k, a, b):
        return lambda p, cycle: of(p, a, b)[k]

    return {
        strategy: {state: reward(k, a, b) for k, state in enumerate(STATES[:3])}
        for strategy, (a, b) in STRATEGIES.items()
    }
