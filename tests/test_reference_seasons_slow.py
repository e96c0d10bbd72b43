"""The engine against the reference where edges come and go: windows, seasons, drawn thresholds, constants of zero."""

import random

import jax.numpy as jnp
import numpy as np
import pytest

import psa_engine as pe
from psa_engine import reference
from psa_engine.accrual import Timeline
from psa_engine.cohort import CohortModel, Tunnel

pytestmark = pytest.mark.slow
STRATEGIES = {"old": {"treated": 0}, "new": {"treated": 1}, "other": {"treated": 0}}
CORRECTIONS = ["none", "half_cycle", "simpson", "start_of_cycle", "end_of_cycle"]
N_DRAWS = 70


def model_of(r):
    """A model of 2 to 6 living states, the first of them often entered by nobody."""
    living = "abcdef"[: r.randint(2, 6)]
    states = [Tunnel(s, r.randint(1, 4), r.choice([None, "dead"])) if r.random() < 0.2 else s for s in living]
    pairs = [(a, b) for a in living for b in (*living, "dead") if a != b]
    pairs = [e for e in pairs if e[1] != "a"] if r.random() < 0.6 else pairs
    edges = r.sample(pairs, min(len(pairs), r.randint(1, 8)))
    whole = {e: r.choice([1.0, 1.0, 0.4]) / sum(e[0] == other[0] for other in edges) for e in edges}
    seasons = {e: season_of(r) for e in edges}
    n_cycles, correction = r.randint(2, 26), r.choice(CORRECTIONS)
    paid = r.sample(edges, min(2, len(edges)))
    return CohortModel(
        (*states, "dead"),
        STRATEGIES,
        Timeline(cycles_per_year=4, n_cycles=n_cycles, cycle_correction=correction, discount_rate_costs=0.1),
        initial=lambda p: {"a": 1 - p["begin"], living[-1]: p["begin"]},
        transitions=lambda p: lambda t: {e: whole[e] * seasons[e](p, t) for e in edges},
        payoffs=lambda p: {
            "costs.care": {**{s: 3.0 + k for k, s in enumerate(living)}, **dict.fromkeys(paid, p["value"])},
            "effects.qalys": {living[-1]: lambda t: p["value"] * t.utility_multiplier},
        },
    )


def season_of(r):
    """A share of an edge's probability, of the draw and of time."""
    low, length = r.randint(0, 20), r.randint(1, 6)
    return r.choice(
        [
            lambda p, t: p["leave"],
            lambda p, t: jnp.where((t.cycle >= low) & (t.cycle < low + length), p["leave"], 0.0),
            lambda p, t: jnp.where(jnp.floor((t.cycle + low) / length) % 2 == 0, 1.0, 0.0),
            lambda p, t: jnp.where(t.cycle >= p["when"], 1.0, 0.0),
            lambda p, t: jnp.where(t.cycle >= p["when"], 0.0, p["leave"]) * p["treated"],
            lambda p, t: p["leave"] * p["none"],
        ]
    )


def parameters_of(r):
    drawn = {"begin": pe.Uniform(0.1, 0.9), "leave": pe.Uniform(0.1, 1.0), "when": pe.Uniform(0.0, 9.0)}
    held = {"begin": r.choice([0.0, 1.0]), "leave": 1.0, "when": r.choice([0.0, 2.0, 99.0])}
    some = {name: value for name, value in held.items() if r.random() < 0.3}
    return pe.ParameterSet({**drawn, "value": pe.Uniform(1.0, 5.0), "none": 0.0, **some})


@pytest.mark.parametrize("seed", range(24))
def test_draws_and_tables_are_what_the_reference_computes(seed):
    r = random.Random(seed)
    model, parameters = model_of(r), parameters_of(r)
    sample = pe.run_psa(model, parameters, n_draws=N_DRAWS, seed=seed)
    drawn = {name: np.asarray(values) for name, values in sample.parameter_values.items()}
    values = {name: drawn.get(name, np.full(N_DRAWS, mean)) for name, mean in parameters.means().items()}
    table = pe.evaluate(model, {**parameters.means(), **drawn}, parameters=parameters)
    assert max(reference.disagreement(model, values, sample).values()) < 1e-9
    assert table.cost_values.tolist() == sample.cost_values.tolist()
