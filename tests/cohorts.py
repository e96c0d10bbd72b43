"""Small cohort models for tests: well, ill and dead, in yearly cycles, each part replaceable."""

from dataclasses import replace

import numpy as np

from psa_engine import CohortModel, Timeline, Tunnel
from psa_engine.accrual import AgeTable

ONE_IN_TEN = AgeTable("one in ten", np.array([0.0]), np.array([0.1]), np.array([0.1]))
YEARLY = Timeline(1, 4, discount_rate_costs=0, discount_rate_effects=0)
WITH_DEATHS = replace(YEARLY, life_table=ONE_IN_TEN)
STATES = ("well", "ill", "dead")


def edges(p):
    return {("well", "ill"): 0.3, ("well", "dead"): 0.1, ("ill", "dead"): 0.2}


def life_years(p):
    return {"life_years": {"well": 1.0, "ill": 1.0}}


def cohort(transitions=edges, payoffs=life_years, *, states=STATES, timeline=YEARLY, initial="well", **more):
    strategies = more.pop("strategies", ("only",))
    return CohortModel(states, strategies, timeline, initial, transitions, payoffs, **more)


WAITING = (Tunnel("waiting", 3, then="ill"), "ill", "dead")
"""Three cycles of waiting that end in illness."""
