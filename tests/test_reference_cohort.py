"""Cohort models: the reference by closed forms and published numbers, the engine by the reference."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from psa_engine import reference
from psa_engine.accrual import Timeline, cycle_weights, read_age_table
from psa_engine.cohort import START, CohortModel, Tunnel
from psa_engine.config import load_analysis
from psa_engine.engine import cohort_trace, evaluate, run_psa
from psa_engine.model import FunctionModel
from psa_engine.parameters import normal_scores, score_inputs
from psa_engine.reference.time import cycle_weights as reference_weights
from psa_engine.reference.time import time_points

CORRECTIONS = ["none", "half_cycle", "simpson", "start_of_cycle", "end_of_cycle", "darthtools_simpson"]
TOLERANCE = {"double": 1e-9, "single": 2e-5}
BOTH = pytest.mark.parametrize("precision", ["double", "single"])


def assert_agree(model, values, precision="double", **settings):
    """Every outcome and total within the tolerance, relative to the outcome's largest draw."""
    apart = reference.disagreement(model, values, evaluate(model, values, precision=precision, **settings))
    assert max(apart.values()) < TOLERANCE[precision], apart


class Table:
    """A table whose values are the same at every age."""

    def __init__(self, male, female):
        self.age = np.arange(3.0)
        self.male, self.female = np.full(3, male), np.full(3, female)

    def at(self, ages):
        return np.full(len(ages), self.male[0]), np.full(len(ages), self.female[0])


# The reference by itself.

SICK_SICKER = {
    "r_HD": 0.002, "r_HS1": 0.15, "r_S1H": 0.5, "r_S1S2": 0.105, "hr_S1": 3, "hr_S2": 10, "hr_trtB": 0.6,
    "c_H": 2000, "c_S1": 4000, "c_S2": 15000, "c_trtA": 12000, "c_trtB": 13000,
    "u_H": 1, "u_S1": 0.75, "u_S2": 0.5, "u_trtA": 0.95,
}  # fmt: skip
# Alarid-Escudero et al. 2023, Medical Decision Making 43(1), the tutorial's base case, recomputed in R.
PUBLISHED = {
    "darthtools_simpson": (
        [151579.865957, 284804.513371, 259100.410617, 378875.198394],
        [20.7113314643, 21.4986628084, 22.1844651408, 23.1368441350],
    ),
    "half_cycle": (
        [152262.290718, 285676.923020, 259991.515270, 379955.447347],
        [21.0381509231, 21.8288364097, 22.5111981428, 23.4668455895],
    ),
    "none": (
        [153541.412931, 287185.640776, 261490.974372, 381676.095741],
        [21.5544866105, 22.3455444559, 23.0326078071, 23.9889689258],
    ),
}


def sick_sicker(correction):
    model = load_analysis("sick_sicker").model
    return replace(model, timeline=replace(model.timeline, cycle_correction=correction))


@pytest.mark.parametrize("correction", PUBLISHED)
def test_the_reference_reproduces_the_sick_sicker_tutorial(correction):
    model = sick_sicker(correction)
    outcomes = reference.evaluate(model, SICK_SICKER)
    for kind, published in zip(("costs", "effects"), PUBLISHED[correction], strict=True):
        got = reference.totals(outcomes, list(model.strategies), kind)[0]
        np.testing.assert_allclose(got, published, rtol=5e-12, err_msg=kind)


def test_the_reference_reproduces_the_trace_of_the_tutorial():
    path = reference.trace(sick_sicker("none"), SICK_SICKER, "standard of care")
    shares = np.hstack([path[state] for state in ("healthy", "sick", "sicker", "dead")])
    published = {
        1: [0.858988280741, 0.139013717926, 0, 0.00199800133267],
        2: [0.792231299110, 0.189449484706, 0.0137733700637, 0.00454584611996],
        75: [0.115723450556, 0.0341785363064, 0.317061535511, 0.533036477626],
    }
    for cycle, expected in published.items():
        np.testing.assert_allclose(shares[cycle], expected, atol=1e-12)


def test_two_state_life_years_are_a_geometric_series():
    analysis = load_analysis("two_state")
    values = {**analysis.parameters.means(), "mortality_rate": np.array([0.05, 0.2])}
    got = reference.evaluate(analysis.model, values)["life_years"]["standard care"]
    n, ratio = analysis.timeline.n_cycles, np.exp(-values["mortality_rate"]) / 1.035
    trapezium = (1 - ratio ** (n + 1)) / (1 - ratio) - 0.5 - 0.5 * ratio**n
    np.testing.assert_allclose(got, trapezium, rtol=1e-13)


def test_the_sexes_are_mixed_by_their_share_of_the_living():
    timeline = Timeline(2, 41, 60.0, 0.3, Table(0.2, 0.05), Table(0.9, 0.6))
    points = time_points(timeline)
    men, women = 0.7 * 0.8**20.0, 0.3 * 0.95**20.0
    norm = (men * 0.9 + women * 0.6) / (men + women)
    assert points[40].utility_multiplier == pytest.approx(norm / 0.81, rel=1e-12)
    expected = (men * (1 - 0.8**0.5) + women * (1 - 0.95**0.5)) / (men + women)
    assert points[40].mortality == pytest.approx(expected, rel=1e-12)
    assert (points[40].year, points[40].age) == (20.0, 80.0)


def test_ages_read_the_life_table_at_completed_years():
    table = read_age_table("england_2017_2019")
    points = time_points(Timeline(13, 14, 70.5, 1.0, table))
    for cycle, age in ((0, 70), (6, 70), (7, 71), (13, 71)):  # the 71st birthday falls between cycles 6 and 7
        expected = 1 - (1 - table.female[age]) ** (1 / 13)
        assert points[cycle].mortality == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("correction", "exact_up_to"), [("half_cycle", 1), ("simpson", 3)])
@pytest.mark.parametrize("n_cycles", [6, 9])
def test_cycle_weights_integrate_the_polynomials_they_should(correction, exact_up_to, n_cycles):
    weights, time = reference_weights(correction, n_cycles), np.arange(n_cycles + 1)
    for power in range(exact_up_to + 1):
        assert weights @ time**power == pytest.approx(n_cycles ** (power + 1) / (power + 1), rel=1e-12)


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize("n_cycles", [2, 3, 4, 7, 20])
def test_cycle_weights_of_engine_and_reference_agree(correction, n_cycles):
    expected = reference_weights(correction, n_cycles)
    np.testing.assert_allclose(cycle_weights(correction, n_cycles), expected, rtol=1e-14)


def test_the_reference_refuses_single_precision():
    with pytest.raises(TypeError, match="single precision"):
        reference.evaluate(FunctionModel(lambda p: ((np.float32(1),), (2.0,)), ["a"]), {"x": 1.0})


# The engine against the reference.


@BOTH
@pytest.mark.parametrize("name", ["two_state", "sick_sicker"])
def test_the_worked_models_agree(name, precision):
    analysis = load_analysis(name)
    z = np.random.default_rng(4).standard_normal((len(analysis.parameters.structure.scores), 200))
    assert_agree(analysis.model, reference.draws(analysis.parameters, z), precision)


def disagreement_of_a_run(name, n_draws, precision):
    """A whole run against the reference, from the engine's own normal scores on."""
    analysis = load_analysis(name)
    sample = run_psa(analysis.model, analysis.parameters, n_draws, seed=7, precision=precision)
    inputs = score_inputs("random", 7, analysis.parameters.structure.scores, n_draws)
    dtype = {"double": jnp.float64, "single": jnp.float32}[precision]
    z = normal_scores("random", inputs, jnp.arange(n_draws, dtype=jnp.uint32), dtype)
    return reference.disagreement(analysis.model, reference.draws(analysis.parameters, z), sample)


@BOTH
@pytest.mark.parametrize("name", ["two_state", "sick_sicker"])
def test_a_whole_run_agrees(name, precision):
    assert max(disagreement_of_a_run(name, 200, precision).values()) < TOLERANCE[precision]


@pytest.mark.parametrize("precision", ["double", pytest.param("single", marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["ruxolitinib_ad_post_systemic", "ruxolitinib_ad_systemic_naive"])
def test_a_whole_run_of_the_atopic_dermatitis_model_agrees(name, precision):
    assert max(disagreement_of_a_run(name, 12, precision).values()) < TOLERANCE[precision]


def initial(p):
    return {"well": p["start_well"], "therapy": 1 - p["start_well"]}


def transitions(p):
    def edges(t):
        return {
            ("well", "therapy"): p["onset"] * (1 + jnp.cos(2 * jnp.pi * t.year)) / 2,
            ("well", "ill"): p["onset"] * 0.3,
            ("therapy", "well"): lambda t: jnp.where(t.time_in_state >= 1, p["recover"], 0.0),
            ("therapy", "ill"): p["recover"] * jnp.where(t.age > 70, 0.2, 0.1),
            ("ill", "dead"): p["fatal"],
            ("ill", "rest"): 0.1,
            ("rest", "well"): lambda t: 0.0 if t.time_in_state < 1 else p["recover"] * (1 - t.mortality),
        }

    return edges


def payoffs(p):
    price, utility = p["price"], p["utility"]
    aged = {"well": lambda t: utility * t.utility_multiplier, "therapy": lambda t: utility - 0.01 * t.year}
    given = {("well", "therapy"): 3.0, ("therapy", "well"): lambda t: 2 + t.time_in_state + t.year}
    dying = {("ill", "dead"): 500.0, ("well", "dead"): lambda t: 100 * t.age, ("therapy", "dead"): price}
    return {
        "costs.drug.{product}": {"therapy": lambda t: price * (1 + t.time_in_state), START: price * 2},
        "costs.drug.{next_line}": {"ill": p.at("next_line")["price"] * p["dose"]},
        "packs.{product}": given,
        "costs.death": dying,
        "costs.burial": {"dead": 3.0},
        "effects.qalys": {**aged, "ill": 0.4, "rest": 0.5, ("well", "ill"): -0.1},
        "life_years": dict.fromkeys(("well", "therapy", "ill", "rest"), 1.0),
        "deaths_{strategy}": {(state, "dead"): 1.0 for state in ("well", "therapy", "ill", "rest")},
    }


def every_feature(**time):
    """Tunnels with and without an exit, hazard ratios, all kinds of payoffs, attributes of both kinds."""
    axis = {
        "cycles_per_year": 4,
        "n_cycles": 31,
        "start_age": 66.3,
        "female": 0.62,
        "discount_rate_effects": 0.01,
    }
    tables = {
        "life_table": read_age_table("england_2017_2019"),
        "utility_norms": read_age_table("england_hse_2014"),
    }
    strategies = {
        "a": {"product": "x", "next_line": "y", "dose": 1},
        "b": {"product": "y", "next_line": "y", "dose": 2.5},
        "c": {"product": "z", "next_line": "w", "dose": 0},
    }
    states = ("well", Tunnel("therapy", 3, "ill"), "ill", Tunnel("rest", 4), "dead")
    timeline = Timeline(**{**axis, **tables, **time})
    return CohortModel(states, strategies, timeline, initial, transitions, payoffs, "dead", mortality_ratio)


def mortality_ratio(p):
    return {"ill": p["hazard_ratio"], "therapy": 1.5}


def feature_values(n=9):
    rng = np.random.default_rng(8)
    ends = {
        "start_well": (0.2, 0.8), "onset": (0.1, 0.3), "onset[b]": (0.1, 0.3), "recover": (0.1, 0.5),
        "fatal": (0.01, 0.1), "price[b]": (50, 80), "price[y]": (20, 30), "utility": (0.7, 0.9),
        "hazard_ratio": (1, 4),
    }  # fmt: skip
    varying = {name: rng.uniform(low, high, n) for name, (low, high) in ends.items()}
    return {**varying, "price[a]": 100.0, "price": 10.0}


@BOTH
@pytest.mark.parametrize("correction", CORRECTIONS)
def test_a_model_with_every_feature_agrees(correction, precision):
    assert_agree(every_feature(cycle_correction=correction), feature_values(), precision)


@pytest.mark.parametrize("discounting", ["exponential", "whole_years"])
@pytest.mark.parametrize("cycles_per_year", [0.5, 365.25 / 28])
def test_every_way_of_discounting_agrees(discounting, cycles_per_year):
    assert_agree(every_feature(discounting=discounting, cycles_per_year=cycles_per_year), feature_values())


def test_nobody_left_alive_in_the_general_population_agrees():
    table = read_age_table("england_2017_2019")
    male, female = (np.where(table.age > last, 1.0, 0.1) for last in (80, 84))
    deadly = replace(table, male=male, female=female)
    assert_agree(every_feature(cycles_per_year=1, life_table=deadly), feature_values())


@BOTH
def test_rare_deaths_agree(precision):
    """One in 100,000 dies in a week at 25: in single precision 1 - (1 - q) has lost all but three digits."""
    timeline = Timeline(52, 520, 25.0, 0.4, read_age_table("england_2017_2019"))
    counted = {"deaths": {("well", "dead"): 1.0}, "costs.care": {"well": 1.0}, "effects.qalys": {"well": 0.9}}
    model = CohortModel(("well", "dead"), ["a"], timeline, "well", lambda p: {}, lambda p: counted, "dead")
    assert_agree(model, {"unused": np.ones(3)}, precision)


def test_traces_agree_and_keep_everybody():
    model, values = every_feature(), feature_values()
    expected = reference.trace(model, values, "b")
    third = {name: value if np.ndim(value) == 0 else value[2] for name, value in values.items()}
    got = cohort_trace(model, third, "b")
    for state, shares in expected.items():
        np.testing.assert_allclose(got[state], shares[:, 2], atol=1e-13)
    np.testing.assert_allclose(sum(expected.values()), 1, rtol=1e-13)


def test_what_a_strategy_has_none_of_is_in_neither_outcomes_nor_totals():
    model = every_feature()
    strategies = {**model.strategies, "c": {"product": "z", "next_line": "none", "dose": 2}}
    assert_agree(replace(model, strategies=strategies), feature_values())


def test_a_payoff_may_read_a_parameter_of_the_strategy_when_it_is_called():
    def read_late(p):
        return {"costs.drug": {"ill": lambda t: p["dose"] * t.year}, "effects.qalys": {"well": 1.0}}

    assert_agree(replace(every_feature(), payoffs=read_late), feature_values())


@BOTH
def test_a_function_model_agrees(precision):
    def outcomes(p):
        costs = {"drug": (0.0, p["price"] * 3), "care": (p["care"], p["care"] * 0.7)}
        return costs, (jnp.exp(-p["rate"]), 1 - p["rate"] ** 2)

    rng = np.random.default_rng(3)
    values = {name: rng.uniform(0.1, 0.8, 300) for name in ("care", "price", "rate")}
    assert_agree(FunctionModel(outcomes, ["old", "new"]), values, precision)
