"""EVSI: whether standard errors are what they say, over 200 seeds, method by method."""

import numpy as np
import pytest
from voi_problems import P1, P12, P12B, P12C

from psa_engine.voi.evsi import Binary, Continuous, Count, Multinomial, SingleArm, evsi

N_SEEDS = 200
T1, T3 = Continuous(sd=4), Continuous(sd=5)
STUDIES = {
    "t1, n = 10": (P1, SingleArm({"t1": T1}), 10, P1.evsi["t1"][10]),
    "t1, n = 200": (P1, SingleArm({"t1": T1}), 200, P1.evsi["t1"][200]),
    "t1 and t3": (P1, SingleArm({"t1": T1, "t3": T3}), 50, P1.evsi["t1 and t3"][50]),
    "multinomial": (P12, Multinomial(("p1", "p2", "p3")), 20, P12.evsi["multinomial"][20]),
    "binomial": (P12B, SingleArm({"p": Binary()}), 50, P12B.evsi["binomial"][50]),
    "poisson": (P12C, SingleArm({"rate": Count()}), 5, P12C.evsi["poisson"][5]),
}


def covered(found, truth):
    """The share of 95 % intervals that hold the truth, the bias bound added to them."""
    off = [abs(one.value - truth) - (one.bias_bound or 0.0) for one in found]
    return np.mean([d < 1.96 * one.standard_error for d, one in zip(off, found, strict=True)])


def z_scores(found, truth):
    return np.array([(one.value - truth) / one.standard_error for one in found])


@pytest.mark.slow
@pytest.mark.parametrize("method", ["regression", "importance", "moment_matching"])
@pytest.mark.parametrize("name", STUDIES)
def test_intervals_from_a_sample_hold_the_truth_as_often_as_they_say(name, method):
    problem, study, n, truth = STUDIES[name]
    found = [
        evsi(problem.sample(2_000, 100 + seed), study=study, n=n, wtp=problem.wtp, method=method, seed=seed)
        for seed in range(N_SEEDS)
    ]
    assert 0.9 <= covered(found, truth) <= 0.99
    assert abs(z_scores(found, truth).mean()) < 4 / np.sqrt(N_SEEDS) + 0.15


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "options"), [("nested", {"n_outer": 256, "n_inner": 16}), ("mlmc", {"rtol": 0.1})]
)
@pytest.mark.parametrize("name", ["t1, n = 200", "t1 and t3", "multinomial", "binomial", "poisson"])
def test_intervals_from_a_model_hold_the_truth_as_often_as_they_say(name, method, options):
    problem, study, n, truth = STUDIES[name]
    given = {"study": study, "n": n, "wtp": problem.wtp, "method": method, **options}
    found = [evsi(problem.model, problem.parameters, seed=seed, **given) for seed in range(N_SEEDS)]
    assert 0.9 <= covered(found, truth) <= 0.99
    assert abs(z_scores(found, truth).mean()) < 4 / np.sqrt(N_SEEDS) + 0.15


@pytest.mark.slow
def test_the_closed_form_with_estimated_slopes_holds_the_truth_as_often_as_it_says():
    # The slope of t1 is estimated against the noise of an outcome made at random.
    problem, study, n, truth = STUDIES["t1, n = 200"]
    found = []
    for seed in range(N_SEEDS):
        sample = problem.sample(500, 100 + seed)
        noise = np.random.default_rng(seed).normal(0, 2, sample.n_draws)
        effects = sample.effect_values + np.column_stack([0 * noise, noise])
        noisy = type(sample)(sample.strategies, sample.cost_values, effects, sample.parameter_values)
        found.append(evsi(noisy, problem.parameters, study=study, n=n, wtp=problem.wtp, method="conjugate"))
    assert 0.9 <= covered(found, truth) <= 0.99
