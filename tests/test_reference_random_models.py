"""The engine against the reference on random cohort models: states, tunnels, edges, payoffs, timelines."""

import jax.numpy as jnp
import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from psa_engine import reference
from psa_engine.accrual import Timeline, read_age_table
from psa_engine.cohort import START, CohortModel, Tunnel
from psa_engine.engine import evaluate

CORRECTIONS = ["none", "half_cycle", "simpson", "start_of_cycle", "end_of_cycle", "darthtools_simpson"]
STRATEGIES = {"old": {"product": "x", "next": "none"}, "new": {"product": "y", "next": "x", "dose": 2.5}}
OUTCOMES = [
    "costs.care", "costs.{product}", "costs.{next}", "packs.{next}", "effects.qalys", "events.{strategy}",
]  # fmt: skip
N_DRAWS = 5


@st.composite
def timelines(draw):
    tables = draw(st.sampled_from([(None, None), ("england_2017_2019", "england_hse_2014")]))
    return Timeline(
        cycles_per_year=draw(st.sampled_from([0.5, 1, 4, 13, 365.25 / 28])),
        n_cycles=draw(st.integers(2, 30)),
        start_age=draw(st.floats(0, 104)),
        female=draw(st.floats(0, 1)),
        life_table=read_age_table(tables[0]) if tables[0] else None,
        utility_norms=read_age_table(tables[1]) if tables[1] else None,
        discount_rate_costs=draw(st.sampled_from([0.0, 0.015, 0.035])),
        discount_rate_effects=draw(st.sampled_from([0.0, 0.035])),
        cycle_correction=draw(st.sampled_from(CORRECTIONS)),
        discounting=draw(st.sampled_from(["compound", "exponential", "whole_years"])),
    )


@st.composite
def cohort_models(draw):
    """A model of 2 to 6 living states, any of them a tunnel, with and without background mortality."""
    living = list("abcdef"[: draw(st.integers(2, 6))])
    death = draw(st.sampled_from(["dead", None]))
    ends = [*living, "dead"]
    tunnels = {name: draw(st.integers(1, 4)) for name in living if draw(st.booleans())}
    then = {name: draw(st.sampled_from([None, *ends])) for name in tunnels}
    states = [Tunnel(s, tunnels[s], then[s]) if s in tunnels else s for s in ends]
    pairs = [(a, b) for a in living for b in ends if a != b]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True, min_size=1, max_size=8))
    flows = edges + [(s, "dead") for s in living if death and (s, "dead") not in edges]
    key = st.sampled_from([*ends, *flows, START])
    keys = {outcome: draw(st.lists(key, unique=True, max_size=5)) for outcome in OUTCOMES}
    kinds = {k: draw(st.integers(0, 4)) for k in [*edges, *((o, k) for o in OUTCOMES for k in keys[o])]}
    shares = {e: draw(st.floats(0.05, 1)) / sum(e[0] == other[0] for other in edges) for e in edges}
    ratios = {s: draw(st.floats(0.5, 5)) for s in living if draw(st.booleans())}
    return CohortModel(
        states,
        STRATEGIES,
        draw(timelines()),
        initial=lambda p: {living[0]: p["begin"], living[1]: 1 - p["begin"]},
        transitions=lambda p: (
            lambda t: {e: varied(kinds[e], shares[e] * p["leave"], t, e[0] in tunnels) for e in edges}
        ),
        payoffs=lambda p: {o: {k: payoff(kinds[o, k], p, k, tunnels) for k in keys[o]} for o in OUTCOMES},
        death=death,
        mortality_ratio=lambda p: {s: r * p["ratio"] for s, r in ratios.items()},
    )


def varied(kind, probability, t, in_tunnel):
    """A probability that is constant or changes with time, background mortality or time in state."""
    if kind == 4 and in_tunnel:
        return lambda t: probability / (1 + t.time_in_state)
    by_time = (1.0, jnp.where(t.cycle >= 3, 1.0, 0.3), jnp.where(t.age < 50, 0.2, 0.9), 1 - t.mortality)
    return probability * by_time[kind % 4]


def payoff(kind, p, key, tunnels):
    """A payoff that is a number, a parameter, or a function of time or of time in state."""
    if kind == 4 and (key[0] if isinstance(key, tuple) else key) in tunnels:
        return lambda t: p["dose"] * (1 + t.time_in_state)
    functions = (lambda t: p["value"] * t.utility_multiplier, lambda t: 1 + t.year * p.at("product")["value"])
    plain = (2.5, p["dose"] * p.at("next")["value"])
    return (*plain, *(functions if key != START else plain))[kind % 4]


def parameter_values(seed):
    rng = np.random.default_rng(seed)
    shares = {"begin": (0.1, 0.9), "leave": (0.1, 1), "leave[new]": (0.1, 1)}
    others = {"ratio": (0.5, 2), "dose": (1, 3), "value": (5, 9), "value[x]": (1, 2), "value[new]": (3, 4)}
    return {name: rng.uniform(*ends, N_DRAWS) for name, ends in {**shares, **others}.items()}


@given(model=cohort_models(), seed=st.integers(0, 2**31))
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],  # shrinking would compile hundreds of models
    suppress_health_check=list(HealthCheck),
)
def test_the_engine_computes_what_the_reference_computes(model, seed):
    values = parameter_values(seed)
    for precision, tolerance in (("double", 1e-9), ("single", 2e-5)):
        apart = reference.disagreement(model, values, evaluate(model, values, precision=precision))
        assert max(apart.values()) < tolerance, (precision, apart)
