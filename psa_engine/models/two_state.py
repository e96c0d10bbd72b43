"""Alive and dead at a constant rate: a model whose answer is a geometric series.

With p = exp(-rate / cycles_per_year), the share alive after k cycles is p^k, so discounted life years,
costs and QALYs under any cycle weights are sums that can be written down (tests/test_two_state.py does).
"""

from collections.abc import Mapping

from psa_engine.accrual import Timeline, rate_to_probability
from psa_engine.cohort import CohortModel

CYCLES_PER_YEAR = 1


def transitions(p):
    rate = p["mortality_rate"] * p["hazard_ratio"] ** p["treated"]
    return {("alive", "dead"): rate_to_probability(rate, 1 / CYCLES_PER_YEAR)}


def payoffs(p):
    return {
        "costs.care": {"alive": p["cost_alive"]},
        "costs.treatment": {"alive": p["cost_treatment"] * p["treated"]},
        "effects.qalys": {"alive": p["utility_alive"]},
        "life_years": {"alive": 1.0},
    }


def build(timeline: Timeline, strategies: Mapping[str, Mapping[str, float | str]]) -> CohortModel:
    """Return the two-state model; `treated` (0 or 1) is an attribute of each strategy."""
    timeline.require_cycles_per_year(CYCLES_PER_YEAR, "two-state")
    return CohortModel(("alive", "dead"), strategies, timeline, "alive", transitions, payoffs)
