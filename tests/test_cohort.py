"""Cohort models against hand computations: what moves, who dies, what is paid, and what is refused."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import psa_engine as pe
from psa_engine import START, CohortModel, Timeline, Tunnel
from psa_engine.accrual import AgeTable
from psa_engine.errors import InputError, ModelError

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


WAITING = (Tunnel("waiting", 3, then="ill"), "ill", "dead")


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


def test_nobody_is_lost_between_tunnels_edges_and_deaths():
    model = cohort(
        lambda p: (
            lambda t: {
                ("well", "ill"): 0.3,
                ("ill", "well"): lambda s: 0.2 * s.time_in_state,
                ("well", "dead"): 0.01,
            }
        ),
        states=("well", Tunnel("ill", 3, then="well"), "dead"),
        timeline=replace(WITH_DEATHS, n_cycles=50),
        death="dead",
        mortality_ratio=lambda p: {"ill": 3.0},
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


# What cannot be.

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
