"""Cohort models that cannot be: what is impossible is named, clipped where asked for, or refused."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from cohorts import WAITING, WITH_DEATHS, YEARLY, cohort

import psa_engine as pe
from psa_engine import Tunnel
from psa_engine.errors import InputError, ModelError

RISK = pe.ParameterSet({"risk": pe.Uniform(0, 0.9), "ratio": 1.5, "price": pe.Normal(5, 1)})
TREATED = {"old": {"treated": 0}, "new": {"treated": 1}}


def risky(p):
    return {("well", "ill"): p["risk"] * p["ratio"] ** p["treated"], ("ill", "dead"): 0.1}


@pytest.fixture(scope="module")
def risky_model():
    return cohort(risky, lambda p: {"costs.care": {"well": p["price"]}}, strategies=TREATED)


@pytest.fixture(scope="module")
def clipped(risky_model):
    return pe.run_psa(risky_model, RISK, n_draws=500, seed=4, on_invalid="clip")


def test_an_impossible_probability_is_named_with_everything_it_depends_on(risky_model, clipped):
    risk = clipped.parameters["risk"]
    first = (risk * 1.5 > 1).idxmax()
    with pytest.raises(ModelError) as caught:
        pe.run_psa(risky_model, RISK, n_draws=500, seed=4)
    assert str(caught.value).startswith(
        f"Draw {first}: The probability is {risk[first] * 1.5:.9g}, outside [0, 1], in state 'well', "
        "edge 'well' -> 'ill', strategy 'new', cycle 0 (year 0). "
        f"It depends on ratio = 1.5, risk = {risk[first]:.6g}."
    )


def test_an_impossible_probability_comes_with_the_remedy(risky_model):
    with pytest.raises(ModelError, match="Mend the model or the distribution, or run with --on-invalid clip"):
        pe.run_psa(risky_model, RISK, n_draws=500, seed=4)


def test_clipped_simulations_are_counted(clipped):
    assert clipped.metadata["clipped"] == (clipped.parameters["risk"] * 1.5 > 1).sum() > 100


def test_a_clipped_probability_is_one(clipped):
    certain = clipped.parameters["risk"] * 1.5 > 1
    years = clipped.costs["new"] / clipped.parameters["price"]
    assert years[certain].to_numpy() == pytest.approx(np.full(certain.sum(), 0.5))


def test_clipping_leaves_possible_draws_alone(clipped):
    alive = 1 - clipped.parameters["risk"]
    years = 0.5 + alive + alive**2 + alive**3 + alive**4 / 2
    assert clipped.costs["old"].to_numpy() == pytest.approx((years * clipped.parameters["price"]).to_numpy())


def test_clipping_shares_one_among_edges_that_ask_for_more():
    model = cohort(
        lambda p: {("well", "ill"): p["x"], ("well", "dead"): 0.6}, timeline=replace(YEARLY, n_cycles=1)
    )
    sample = pe.evaluate(
        replace(model, payoffs=lambda p: {"life_years": {"ill": 2.0}}), {"x": 0.8}, on_invalid="clip"
    )
    assert sample.outcome("life_years").iloc[0, 0] == pytest.approx(0.8 / 1.4)


@pytest.mark.parametrize(
    ("transitions", "message"),
    [
        (
            lambda p: {("well", "ill"): p["x"], ("well", "dead"): 0.6},
            r"leaving sum to 1.3, above 1, in state 'well', strategy 'only', cycle 0 .* depends on x = 0.7",
        ),
        (
            lambda p: {("well", "ill"): 0.5, ("ill", "dead"): -p["x"]},
            r"probability is -0.7, .* edge 'ill' -> 'dead'",
        ),
        (
            lambda p: lambda t: {("well", "ill"): 0.1, ("ill", "dead"): p["x"] * t.year},
            r"probability is 1.4, .* edge 'ill' -> 'dead', strategy 'only', cycle 2 \(year 2\)",
        ),
        (
            lambda p: lambda t: {("well", "ill"): p["x"] + 0.1 * (t.cycle >= 3) * 6},
            r"probability is 1.3, .* cycle 3 \(year 3\)",
        ),
        (
            lambda p: {("well", "ill"): jnp.log(p["x"] - 1), ("ill", "dead"): 0.1},
            r"probability is nan, .* edge 'well' -> 'ill'.* depends on x = 0.7",
        ),
    ],
)
def test_an_impossible_transition_is_named(transitions, message):
    with pytest.raises(ModelError, match=message):
        pe.evaluate(cohort(transitions), {"x": 0.7, "unused": 3.0})


def test_an_impossible_probability_within_a_tunnel_says_when():
    leave = {("waiting", "dead"): lambda t: 0.6 * t.time_in_state}
    model = cohort(lambda p: leave, lambda p: {"flares": {"ill": 1.0}}, states=WAITING, initial="waiting")
    with pytest.raises(
        ModelError, match=r"is 1.2, .* in state 'waiting' \(cycle 2 within it\).* on no parameter"
    ):
        pe.evaluate(model, {})


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (
            lambda p: {"well": p["x"], "ill": 1 - p["x"]},
            r"of 'only' is no distribution: well 1.2, ill -0.2 \(sum 1\)",
        ),
        (lambda p: {"well": p["x"] / 2, "ill": 0.3}, r"well 0.6, ill 0.3 \(sum 0.9\).*depends on x = 1.2"),
    ],
)
def test_a_start_that_is_no_distribution_is_named(initial, message):
    with pytest.raises(ModelError, match=message):
        pe.evaluate(cohort(initial=initial), {"x": 1.2})


def test_a_negative_mortality_ratio_is_refused():
    model = cohort(timeline=WITH_DEATHS, death="dead", mortality_ratio=lambda p: {"ill": p["ratio"]})
    with pytest.raises(
        ModelError, match=r"mortality ratio of state 'ill' is -2, .*strategy 'only'.* ratio = -2"
    ):
        pe.evaluate(model, {"ratio": -2.0})


def test_rounding_to_single_precision_is_no_fault():
    model = cohort(
        lambda p: {("well", "ill"): p["x"], ("well", "dead"): 1 - p["x"]},
        initial=lambda p: {"well": p["x"], "ill": 1 - p["x"]},
    )
    sample = pe.evaluate(model, {"x": np.linspace(0, 1, 101)}, precision="single")
    assert sample.n_draws == 101


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transitions": lambda p: {("well", "il"): 0.1}}, r"names the state 'il'. Did you mean 'ill'"),
        ({"transitions": lambda p: {("well", "well"): 0.1}}, "leads back to itself"),
        ({"transitions": lambda p: {"well": 0.1}}, "'well' must be written"),
        ({"payoffs": lambda p: {"costs.x": {"sick": 1.0}}}, "payoff 'costs.x' names the state 'sick'"),
        (
            {"payoffs": lambda p: {"costs.x": {("ill", "well"): 1.0}}},
            r"is on the edge \('ill', 'well'\), which",
        ),
        ({"payoffs": lambda p: {"costs.x": {("well", "ill", "dead"): 1.0}}}, "must be written"),
        ({"payoffs": lambda p: {}}, "payoffs name no outcome"),
        (
            {"transitions": lambda p: {("dead", "well"): 0.1}, "death": "dead"},
            "leads out of 'dead', the state of",
        ),
        ({"initial": "wel"}, "initial distribution names the state 'wel'. Did you mean 'well'"),
        ({"death": "died"}, "`death` names the state 'died'. Did you mean 'dead'"),
        ({"states": ("well", "ill", "well", "dead")}, "Two states have the name 'well'"),
        ({"states": (Tunnel("well", 0), "ill", "dead")}, "tunnel 'well' of 0 cycles"),
        ({"states": (Tunnel("well", 2, then="gone"), "ill", "dead")}, "leads to 'gone'"),
        (
            {"mortality_ratio": lambda p: {"il": 2.0}, "death": "dead"},
            "`mortality_ratio` names the state 'il'",
        ),
        (
            {"payoffs": lambda p: {"costs.x": {"ill": p["prise"]}}},
            "needs the parameter 'prise' for 'only'.*mean 'price'",
        ),
    ],
)
def test_a_model_that_does_not_hang_together_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        pe.evaluate(cohort(**changes), {"price": 3.0})


def test_edges_may_not_come_and_go():
    evaluations = []

    def one_more_each_time(t):
        evaluations.append(t)
        return dict([(("well", "ill"), 0.1), (("ill", "dead"), 0.1)][: len(evaluations)])

    with pytest.raises(
        InputError, match="edges must be the same at every time; give an edge the probability 0"
    ):
        pe.evaluate(cohort(lambda p: one_more_each_time), {})
