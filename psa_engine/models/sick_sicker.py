"""The Sick-Sicker model with four strategies.

Alarid-Escudero F, Krijkamp E, Enns EA, et al. An introductory tutorial on cohort state-transition
models in R using a cost-effectiveness analysis example. Medical Decision Making 2023;43(1):3-20.
Annual cycles from age 25 to 100; transitions are conditional on survival; treatment B slows the
progression from sick to sicker, treatment A raises the utility of the sick, AB does both.
"""

from collections.abc import Mapping

from psa_engine.accrual import Timeline, rate_to_probability
from psa_engine.cohort import CohortModel

STATES = ("healthy", "sick", "sicker", "dead")


def transitions(p):
    die_healthy = rate_to_probability(p["r_HD"])
    die_sick = rate_to_probability(p["r_HD"] * p["hr_S1"])
    die_sicker = rate_to_probability(p["r_HD"] * p["hr_S2"])
    progress = rate_to_probability(p["r_S1S2"] * p["hr_trtB"] ** p["treatment_b"])
    return {
        ("healthy", "sick"): (1 - die_healthy) * rate_to_probability(p["r_HS1"]),
        ("healthy", "dead"): die_healthy,
        ("sick", "healthy"): (1 - die_sick) * rate_to_probability(p["r_S1H"]),
        ("sick", "sicker"): (1 - die_sick) * progress,
        ("sick", "dead"): die_sick,
        ("sicker", "dead"): die_sicker,
    }


def payoffs(p):
    treatment = p["c_trtA"] * p["treatment_a"] + p["c_trtB"] * p["treatment_b"]
    sick_utility = p["u_S1"] + (p["u_trtA"] - p["u_S1"]) * p["treatment_a"]
    return {
        "costs.care": {"healthy": p["c_H"], "sick": p["c_S1"], "sicker": p["c_S2"]},
        "costs.treatment": {"sick": treatment, "sicker": treatment},
        "effects.qalys": {"healthy": p["u_H"], "sick": sick_utility, "sicker": p["u_S2"]},
        "life_years": {"healthy": 1.0, "sick": 1.0, "sicker": 1.0},
    }


def build(timeline: Timeline, strategies: Mapping[str, Mapping[str, float | str]]) -> CohortModel:
    """Return the Sick-Sicker model; `treatment_a` and `treatment_b` (0 or 1) are attributes of each strategy."""
    timeline.require_cycles_per_year(1, "Sick-Sicker")
    return CohortModel(STATES, strategies, timeline, "healthy", transitions, payoffs)
