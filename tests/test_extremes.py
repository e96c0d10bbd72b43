"""Extreme and still valid: the engine against the reference where numbers, axes or horizons are at their ends."""

from itertools import pairwise

import numpy as np
import pytest
from assertions import assert_mean
from cohorts import cohort
from scipy import stats
from scipy.special import ndtr

from psa_engine import reference
from psa_engine.accrual import Timeline
from psa_engine.cohort import CohortModel
from psa_engine.distributions import Beta, Gamma, LogNormal, Normal
from psa_engine.engine import evaluate, run_psa
from psa_engine.errors import InputError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet

TINY = 1e-12
DISCOUNTED = Timeline(4, 12, discount_rate_costs=0.035, discount_rate_effects=0.015)


def agree(model, values, tolerance=1e-9, **settings):
    apart = reference.disagreement(model, values, evaluate(model, values, **settings))
    assert max(apart.values()) < tolerance, apart


def two_edges(p):
    return {("well", "ill"): p["falls_ill"], ("ill", "dead"): p["dies"]}


def outcomes(p):
    return {"costs.care": {"ill": p["cost"]}, "effects.qalys": {"well": 1.0, "ill": p["utility"]}}


VALUES = {
    "falls_ill": np.array([0.0, 1.0, 1.0, 0.0, 5e-324, 1 - 2**-53, 1e-300]),
    "dies": np.array([1.0, 0.0, 1.0, 0.0, 1.0, 5e-324, 1 - 2**-53]),
    "cost": np.array([0.0, 1e15, 1e-15, 1.0, 1e300, 3.0, 7.0]),
    "utility": np.array([1.0, 0.0, -1.0, 0.5, 1e-300, 0.2, 0.3]),
}
MODEST = {"falls_ill": np.array([0.1, 0.3]), "dies": np.array([0.2, 0.05]), "cost": 30.0, "utility": 0.6}


def test_probabilities_of_nought_and_one_and_their_neighbours():
    agree(cohort(two_edges, outcomes, timeline=DISCOUNTED), VALUES)


def test_probabilities_of_one_empty_a_state_in_one_cycle():
    sample = evaluate(
        cohort(two_edges, outcomes), {"falls_ill": 1.0, "dies": 1.0, "cost": 5.0, "utility": 0.5}
    )
    # Trapezoid over four cycles: half a year well at the start, then one time point ill, then dead.
    assert sample.effect_values.tolist() == [[0.5 + 0.5]] and sample.cost_values.tolist() == [[5.0]]


@pytest.mark.parametrize("n_cycles", [1, 2])
@pytest.mark.parametrize("correction", ["none", "half_cycle", "start_of_cycle", "end_of_cycle"])
def test_a_horizon_of_one_cycle(n_cycles, correction):
    timeline = Timeline(1, n_cycles, cycle_correction=correction, discount_rate_effects=0.1)
    agree(cohort(two_edges, outcomes, timeline=timeline), MODEST)


@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-9), ("single", 1e-3)])
def test_a_horizon_of_ten_thousand_cycles(precision, tolerance):
    timeline = Timeline(100, 10_000, discount_rate_costs=0.035)
    agree(cohort(two_edges, outcomes, timeline=timeline), MODEST, tolerance, precision=precision)


def test_a_single_state():
    model = cohort(
        lambda p: {}, lambda p: {"costs.a": {"on": p["cost"]}, "effects.b": {"on": 2.0}},
        states=("on",), initial="on", timeline=DISCOUNTED,
    )  # fmt: skip
    agree(model, {"cost": np.array([1.0, 1e12])})


@pytest.mark.slow
def test_two_hundred_states_in_a_row():
    names = tuple(f"s{i}" for i in range(200))
    model = cohort(
        lambda p: {(a, b): p["move"] for a, b in pairwise(names)},
        lambda p: {"costs.a": {names[150]: 3.0}, "effects.b": {name: i / 200 for i, name in enumerate(names)}},
        states=names, initial=names[0], timeline=Timeline(12, 240),
    )  # fmt: skip
    agree(model, {"move": np.array([0.0, 0.5, 0.97, 1.0])})


def test_five_hundred_strategies():
    strategies = {f"s{i}": {"dose": i / 500} for i in range(500)}
    model = CohortModel(
        ("well", "ill", "dead"), strategies, DISCOUNTED, "well",
        lambda p: {("well", "ill"): 0.5 * p["dose"] ** p["shape"], ("ill", "dead"): 0.1},
        lambda p: {"costs.drug": {"well": 100 * p["dose"]}, "effects.qalys": {"well": 1.0, "ill": 0.4}},
    )  # fmt: skip
    agree(model, {"shape": np.array([0.3, 2.0])})


def test_one_strategy():
    agree(cohort(two_edges, outcomes, strategies=("only",)), MODEST)


NEARLY_FIXED = {
    "normal": (Normal(mean=3.0, se=TINY), 3.0),
    "gamma": (Gamma(mean=200.0, se=TINY), 200.0),
    "beta": (Beta(mean=0.3, se=TINY), 0.3),
    "small_beta": (Beta(mean=1e-6, se=TINY), 1e-6),
    "log_normal": (LogNormal(mean=1.5, se=TINY), 1.5),
}
SHAPES = {
    "steep_beta": (Beta(0.05, 0.3), stats.beta(0.05, 0.3)),
    "lopsided_beta": (Beta(1e7, 3.0), stats.beta(1e7, 3.0)),
    "large_beta": (Beta(2e8, 5e8), stats.norm(2 / 7, np.sqrt(10 / 49 / 7e8))),  # normal to 1e-4 of its sd
    "steep_gamma": (Gamma(1e-2, 1e3), stats.gamma(1e-2, scale=1e3)),
    "large_gamma": (Gamma(1e9, 1e-9), stats.gamma(1e9, scale=1e-9)),
    "minute": (LogNormal(-300.0, 0.5), stats.lognorm(0.5, scale=np.exp(-300.0))),
}


@pytest.fixture(scope="module")
def drawn():
    """Draws of every distribution above, in one run."""
    given = {name: distribution for name, (distribution, _) in {**NEARLY_FIXED, **SHAPES}.items()}
    model = FunctionModel(lambda p: ((p["normal"], 0.0), (1.0, 2.0)), ["a", "b"])
    return run_psa(model, ParameterSet(given), 4_000, 3).parameter_values


@pytest.mark.parametrize("name", NEARLY_FIXED)
def test_a_standard_error_of_next_to_nothing_is_kept(drawn, name):
    """A draw is right to 1e-14 of its value, so 200 with an SE of 1e-12 spreads by up to three of them."""
    centre = NEARLY_FIXED[name][1]
    off, blur = drawn[name] - centre, 1e-14 * centre
    assert np.abs(off).max() < 5 * (TINY + blur) and 0.9 * TINY < off.std() < 1.1 * TINY + blur


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_extreme_shapes_follow_their_distribution(drawn, name, level):
    assert np.isfinite(drawn[name]).all()
    assert_mean(drawn[name] <= SHAPES[name][1].ppf(level), level)


def test_a_beta_of_millions_meets_its_distribution_function():
    z = np.array([-6.0, -1.5, 0.4, 3.0])
    beta = Beta(1.5e8, 3.5e8)
    np.testing.assert_allclose(stats.beta(1.5e8, 3.5e8).cdf(beta.quantile(z)), ndtr(z), rtol=1e-6)
    np.testing.assert_allclose(beta.form.value(z), beta.quantile(z), rtol=1e-15)


@pytest.mark.parametrize(
    ("beta", "words"), [(Beta(0.01, 0.01), "too steep"), (Beta(300, 1e-308), "beyond what numbers can hold")]
)
def test_a_beta_that_cannot_be_prepared_is_refused_by_name(beta, words):
    parameters = ParameterSet({"steep": beta, "normal": Normal(0.0, 1.0)})
    model = FunctionModel(lambda p: ((p["normal"], 0.0), (1.0, 2.0)), ["a", "b"])
    with pytest.raises(InputError, match=rf"'steep': .*{words}"):
        run_psa(model, parameters, 10, 1)
