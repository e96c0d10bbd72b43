"""Cohort models against hand computations: what moves, who dies, and what is paid."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from cohorts import STATES, WAITING, WITH_DEATHS, YEARLY, cohort

import psa_engine as pe
from psa_engine import START, Timeline, Tunnel
from psa_engine.accrual import AgeTable


def trace(model, **values):
    return pe.cohort_trace(model, values, "only")


def outcome(model, name, **values):
    return pe.evaluate(model, values).outcome(name)["only"].item()


# Who is where.


def test_what_no_edge_sends_away_stays():
    shares = trace(cohort())
    assert shares.loc[1, list(STATES)].tolist() == pytest.approx([0.6, 0.3, 0.1])
    assert shares.loc[2, list(STATES)].tolist() == pytest.approx([0.36, 0.42, 0.22])


def test_the_trace_has_every_time_point():
    shares = trace(cohort(timeline=Timeline(4, 6)))
    assert shares["year"].tolist() == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5]


def test_edges_may_change_with_time():
    shares = trace(cohort(lambda p: lambda t: {("well", "ill"): jnp.where(t.cycle < 2, 0.5, 0.1)}))
    assert shares["well"].tolist() == pytest.approx([1, 0.5, 0.25, 0.225, 0.2025])


def test_edges_may_change_with_age():
    from_49 = replace(YEARLY, start_age=49)
    shares = trace(cohort(lambda p: lambda t: {("well", "ill"): t.age / 100}, timeline=from_49))
    assert shares["well"].tolist()[:3] == pytest.approx([1, 0.51, 0.51 * 0.5])


def test_edges_are_conditional_on_surviving_the_cycle():
    shares = trace(cohort(lambda p: {("well", "ill"): 0.3}, timeline=WITH_DEATHS, death="dead"))
    assert shares.loc[1, list(STATES)].tolist() == pytest.approx([0.9 * 0.7, 0.9 * 0.3, 0.1])


def test_death_takes_what_the_life_table_says():
    table = AgeTable(
        "rising", np.array([60.0, 61, 62]), np.array([0.1, 0.2, 0.3]), np.array([0.05, 0.1, 0.4])
    )
    timeline = Timeline(1, 3, start_age=60, female=0.25, life_table=table)
    shares = trace(cohort(lambda p: {("well", "ill"): 0.3}, timeline=timeline, death="dead"))
    assert (1 - shares["dead"]).tolist() == pytest.approx([1, 0.9125, 0.75375, 0.50625])


def test_a_mortality_ratio_is_a_power_of_survival():
    model = cohort(
        lambda p: {("well", "ill"): 0.0},
        timeline=WITH_DEATHS,
        initial=lambda p: {"well": 0.25, "ill": 0.75},
        death="dead",
        mortality_ratio=lambda p: {"ill": p["ratio"]},
    )
    assert trace(model, ratio=2.0).loc[1, ["well", "ill"]].tolist() == pytest.approx(
        [0.25 * 0.9, 0.75 * 0.81]
    )


def test_without_death_the_life_table_takes_nobody():
    assert trace(cohort(lambda p: {("well", "ill"): 0.3}, timeline=WITH_DEATHS)).loc[4, "dead"] == 0


def test_the_cohort_starts_where_the_decision_tree_ends():
    model = cohort(initial=lambda p: {"ill": p["response"], "well": 1 - p["response"]})
    assert trace(model, response=0.35).loc[0, list(STATES)].tolist() == pytest.approx([0.65, 0.35, 0])


def test_a_tunnel_lasts_its_cycles_and_leads_on():
    model = cohort(lambda p: {("ill", "dead"): 0.5}, states=WAITING, initial="waiting")
    assert trace(model)["waiting"].tolist() == [1, 1, 1, 0, 0]
    assert trace(model)["ill"].tolist() == [0, 0, 0, 1, 0.5]


def test_an_edge_may_depend_on_the_time_in_a_tunnel():
    leave = {("waiting", "dead"): lambda t: 0.1 * (1 + t.time_in_state)}
    shares = trace(cohort(lambda p: leave, states=WAITING, initial="waiting"))
    assert shares["waiting"].tolist() == pytest.approx([1, 0.9, 0.9 * 0.8, 0, 0])
    assert shares["ill"].tolist() == pytest.approx([0, 0, 0, 0.9 * 0.8 * 0.7, 0.9 * 0.8 * 0.7])


def test_the_last_step_of_a_tunnel_that_leads_nowhere_is_kept():
    leave = {("waiting", "dead"): lambda t: 0.1 * (1 + t.time_in_state)}
    shares = trace(cohort(lambda p: leave, states=(Tunnel("waiting", 2), "dead"), initial="waiting"))
    assert shares["waiting"].tolist() == pytest.approx([1, 0.9, 0.9 * 0.8, 0.9 * 0.8**2, 0.9 * 0.8**3])


def test_a_tunnel_is_entered_at_its_first_step():
    states = ("well", Tunnel("ill", 2, then="dead"), "dead")
    shares = trace(cohort(lambda p: {("well", "ill"): 0.5}, states=states))
    assert shares["ill"].tolist() == pytest.approx([0, 0.5, 0.5 + 0.25, 0.25 + 0.125, 0.125 + 0.0625])


def relapsing(p):
    """Ill for at most three cycles, the sooner well the longer it has lasted."""
    return {("well", "ill"): 0.3, ("ill", "well"): lambda t: 0.2 * t.time_in_state, ("well", "dead"): 0.01}


def test_nobody_is_lost_between_tunnels_edges_and_deaths():
    states = ("well", Tunnel("ill", 3, then="well"), "dead")
    long = replace(WITH_DEATHS, n_cycles=50)
    model = cohort(
        relapsing, states=states, timeline=long, death="dead", mortality_ratio=lambda p: {"ill": 3.0}
    )
    assert trace(model)[list(STATES)].sum(axis=1).to_numpy() == pytest.approx(np.ones(51), abs=1e-14)


# What is paid.

HALF_YEARS = Timeline(2, 2, discount_rate_costs=0.1, discount_rate_effects=0.0)
HALVING = {("well", "ill"): 0.5}


def v(*years):
    return 1.1 ** -np.array(years)


def paid(payoffs, timeline=HALF_YEARS, **more):
    """All outcomes when half of the well fall ill every half year: well 1, 1/2, 1/4 and ill 0, 1/2, 3/4."""
    sample = pe.evaluate(cohort(lambda p: HALVING, lambda p: payoffs, timeline=timeline, **more), {})
    return {name: by_strategy["only"].item() for name, by_strategy in sample.outcomes.items()}


def test_a_state_is_paid_by_the_year():
    in_ill = 0.5 * v(0.5) + 0.5 * 0.75 * v(1.0)  # half-cycle weights 1/2, 1, 1/2
    assert paid({"costs.care": {"ill": 100.0}})["costs.care"] == pytest.approx(100 * in_ill.item() / 2)


def test_an_edge_is_paid_once_a_transition_in_mid_cycle():
    assert paid({"costs.entry": {("well", "ill"): 40.0}})["costs.entry"] == pytest.approx(
        40 * v(0.25, 0.75) @ [0.5, 0.25]
    )


def test_the_start_is_paid_once_a_person():
    assert paid({"costs.visit": {START: 7.0}}) == {"costs.visit": 7, "undiscounted.costs.visit": 7}


def test_what_is_paid_adds_up():
    parts = [{"ill": 100.0}, {("well", "ill"): 40.0}, {START: 7.0}, {"well": 3.0}]
    whole = paid({"costs.all": {k: v for part in parts for k, v in part.items()}})
    apart = paid({f"costs.{i}": part for i, part in enumerate(parts)})
    assert whole["costs.all"] == pytest.approx(sum(apart[f"costs.{i}"] for i in range(4)), rel=1e-14)


def test_every_outcome_has_its_undiscounted_twin():
    result = paid({"costs.care": {"ill": 100.0, ("well", "ill"): 40.0}})
    assert result["undiscounted.costs.care"] == pytest.approx(100 * (0.5 + 0.375) / 2 + 40 * 0.75)


@pytest.mark.parametrize(
    ("name", "rate"), [("costs.x", 0.1), ("packs.x", 0.1), ("effects.x", 0), ("flares", 0)]
)
def test_costs_and_packs_are_discounted_as_costs_and_the_rest_as_effects(name, rate):
    assert paid({name: {("well", "ill"): 1.0}})[name] == pytest.approx(
        0.5 * (1 + rate) ** -0.25 + 0.25 * (1 + rate) ** -0.75
    )


def test_a_payoff_may_change_with_time():
    result = paid(
        {"costs.rent": {"ill": lambda t: 100 * t.year, ("well", "ill"): lambda t: 10 * (1 + t.cycle)}}
    )
    assert result["undiscounted.costs.rent"] == pytest.approx(
        100 * (0.5 * 0.5 + 1 * 0.75 / 2) / 2 + 10 * 0.5 + 20 * 0.25
    )


def test_a_payoff_may_first_read_a_strategys_own_parameter_as_time_passes():
    def payoffs(p):
        return {name: {"well": lambda t: p["price"] * (1 + t.year)} for name in ("costs.care", "costs.rent")}

    model = cohort(lambda p: HALVING, payoffs, strategies=("old", "new"))
    sample = pe.evaluate(model, {"price[old]": 3.0, "price[new]": 5.0})
    assert sample.costs["new"].item() == pytest.approx(sample.costs["old"].item() * 5 / 3)


def test_the_start_may_be_paid_as_a_function_of_time():
    from_40 = replace(HALF_YEARS, start_age=40)
    assert paid({"costs.visit": {START: lambda t: t.age + 2}}, from_40)["costs.visit"] == pytest.approx(42)


def test_a_payoff_may_depend_on_the_time_in_a_tunnel():
    payoffs = {"costs.care": {"waiting": lambda t: 10.0 * (1 + t.time_in_state), "ill": 1.0}}
    model = cohort(lambda p: {("ill", "dead"): 0.5}, lambda p: payoffs, states=WAITING, initial="waiting")
    assert outcome(model, "costs.care") == pytest.approx(10 / 2 + 20 + 30 + 1 + 0.5 / 2)


def test_utilities_follow_the_norms():
    norms = AgeTable("norms", np.array([50.0, 51, 52]), np.array([0.8, 0.6, 0.4]), np.array([0.8, 0.6, 0.4]))
    timeline = Timeline(
        1, 2, start_age=50, utility_norms=norms, discount_rate_effects=0, cycle_correction="none"
    )
    result = paid({"effects.qalys": {"well": lambda t: 0.9 * t.utility_multiplier}}, timeline)
    assert result["effects.qalys"] == pytest.approx(0.9 * (1 + 0.5 * 0.75 + 0.25 * 0.5))


def test_a_payoff_on_dying_counts_deaths_of_the_life_table_too():
    model = cohort(
        lambda p: {("well", "dead"): 0.2},
        lambda p: {"deaths": {("well", "dead"): 1.0}},
        states=("well", "dead"),
        timeline=WITH_DEATHS,
        death="dead",
    )
    assert outcome(model, "deaths") == pytest.approx(1 - (0.9 * 0.8) ** 4)


@pytest.mark.parametrize(
    ("correction", "years"),
    [
        ("none", 1 + 0.5 + 0.25 + 0.125 + 0.0625),
        ("start_of_cycle", 1 + 0.5 + 0.25 + 0.125),
        ("end_of_cycle", 0.5 + 0.25 + 0.125 + 0.0625),
        ("half_cycle", 0.5 + 0.5 + 0.25 + 0.125 + 0.03125),
        ("simpson", (1 + 4 * 0.5 + 2 * 0.25 + 4 * 0.125 + 0.0625) / 3),
        ("darthtools_simpson", (1 + 2 * 0.5 + 4 * 0.25 + 2 * 0.125 + 0.0625) / 3),
    ],
)
def test_each_cycle_correction_sums_a_halving_cohort(correction, years):
    timeline = replace(YEARLY, cycle_correction=correction)
    assert paid({"years": {"well": 1.0}}, timeline)["years"] == pytest.approx(years)


def test_more_cycles_a_year_pay_the_same_by_the_year():
    quarterly = cohort(
        lambda p: {("well", "ill"): 0.0}, timeline=replace(YEARLY, cycles_per_year=4, n_cycles=12)
    )
    assert outcome(quarterly, "life_years") == pytest.approx(3)


SEQUENCES = {
    "cream": {"product": "rux", "next": "dupi", "dose": 2.0},
    "injection": {"product": "dupi", "next": "dupi", "dose": 5.0},
    "care": {"product": "none", "next": "none", "dose": 1.0},
}


@pytest.fixture(scope="module")
def sequences():
    """Drugs first and next: half move on in the only cycle, and prices are by the name of the drug."""
    timeline = Timeline(1, 1, discount_rate_costs=0, discount_rate_effects=0, cycle_correction="none")
    drug = {"costs.drug.{product}": "well", "costs.drug.{next}": "ill"}

    def payoffs(p):
        price = {"well": p["dose"] * p.at("product")["price"], "ill": p.at("next")["price"]}
        return {**{name: {s: price[s]} for name, s in drug.items()}, "effects.qalys": {"well": p["utility"]}}

    model = cohort(lambda p: HALVING, payoffs, timeline=timeline, strategies=SEQUENCES)
    values = {"price[rux]": 10.0, "price[dupi]": 100.0, "price": 9.0, "utility": 0.5, "utility[care]": 0.25}
    return pe.evaluate(model, values)


def test_the_cost_of_a_drug_is_named_after_it(sequences):
    assert sequences.outcome("costs.drug.rux").iloc[0].tolist() == [2 * 10 * 1.5, 0, 0]


def test_a_drug_used_first_and_next_is_one_outcome(sequences):
    assert sequences.outcome("costs.drug.dupi").iloc[0].tolist() == [100 * 0.5, 5 * 100 * 1.5 + 100 * 0.5, 0]


def test_an_outcome_of_no_drug_is_left_out(sequences):
    names = {"costs.drug.rux", "costs.drug.dupi", "effects.qalys"}
    assert set(sequences.outcome_names) == names | {f"undiscounted.{name}" for name in names}


def test_costs_and_effects_are_the_sums_of_their_components(sequences):
    assert sequences.costs.iloc[0].tolist() == [30 + 50, 750 + 50, 0]
    assert sequences.effects.iloc[0].tolist() == pytest.approx([0.75, 0.75, 0.375])
