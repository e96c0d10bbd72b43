"""The payer's budget: costs by year since the start, summed over everyone who has started."""

from dataclasses import replace

import numpy as np
import pytest
from cohorts import cohort

import psa_engine as pe
from psa_engine.sensitivity import budget_impact, costs_by_year

TWO_STATE = pe.load_analysis("two_state")
MEANS = TWO_STATE.parameters.means()


def alive(hazard_ratio, years):
    return np.exp(-MEANS["mortality_rate"] * hazard_ratio * np.arange(years + 1))


def test_costs_of_a_year_are_those_of_the_people_alive_undiscounted():
    """With the half-cycle correction a year's cost is the mean of those alive at its ends."""
    share = alive(MEANS["hazard_ratio"], 4)
    expected = (MEANS["cost_alive"] + MEANS["cost_treatment"]) * (share[1:] + share[:-1]) / 2
    assert costs_by_year(TWO_STATE.model, MEANS, 4)[:, 1].tolist() == pytest.approx(expected.tolist())


@pytest.mark.parametrize("correction", ["half_cycle", "start_of_cycle", "end_of_cycle"])
def test_the_years_add_up_to_a_run_with_that_horizon(correction):
    timeline = replace(TWO_STATE.timeline, cycle_correction=correction, discount_rate_costs=0.0)
    whole = replace(TWO_STATE.model, timeline=timeline)
    short = replace(whole, timeline=replace(timeline, n_cycles=3))
    run = pe.evaluate(short, MEANS).cost_values[0]
    assert costs_by_year(whole, MEANS, 3).sum(0).tolist() == pytest.approx(run.tolist())


def test_what_is_paid_once_is_paid_in_the_first_year_and_at_its_transition():
    def payoffs(p):
        return {"costs.visits": {pe.START: 70.0, ("well", "ill"): 10.0}, "effects.qalys": {"well": 1.0}}

    by_year = costs_by_year(cohort(payoffs=payoffs), {"nothing": 0.0}, 3)[:, 0]
    assert by_year.tolist() == pytest.approx([70 + 3.0, 0.6 * 3.0, 0.36 * 3.0])


def test_years_beyond_the_horizon_cost_nothing():
    payoffs = {"costs.care": {"well": 5.0, "ill": 5.0}}
    assert costs_by_year(cohort(payoffs=lambda p: payoffs), {"nothing": 0.0}, 6)[4:].tolist() == [
        [0.0],
        [0.0],
    ]


def test_a_budget_adds_up_all_who_have_started():
    found = budget_impact(
        TWO_STATE.model,
        MEANS,
        people=[100, 200],
        current={"standard care": [1, 1]},
        future={"standard care": [0.7, 0.4], "new": [0.3, 0.6]},
    )
    care, new = found.per_person.to_numpy().T
    first, second = found.by_year["impact"]
    assert first == pytest.approx(30 * (new[0] - care[0]))
    assert second == pytest.approx(30 * (new[1] - care[1]) + 120 * (new[0] - care[0]))
    assert found.by_year["current"].iloc[1] == pytest.approx(100 * care[1] + 200 * care[0])


@pytest.mark.parametrize(
    ("future", "said"),
    [
        ({"newer": [1, 1]}, "'newer'.*new"),
        ({"new": [1]}, "2 numbers"),
        ({"new": [0.5, 1.5]}, "between 0 and 1"),
        ({"new": [1, 0.5]}, "year 2 add up to 0.5"),
    ],
)
def test_a_mix_that_does_not_fit_is_refused(future, said):
    with pytest.raises(pe.InputError, match=said):
        budget_impact(TWO_STATE.model, MEANS, [1, 1], {"standard care": [1, 1]}, future)


def test_a_model_without_a_timeline_has_no_years():
    flat = pe.FunctionModel(lambda p: ((1.0, 2.0), (1.0, 1.0)), ("a", "b"))
    with pytest.raises(pe.InputError, match="timeline"):
        costs_by_year(flat, {"x": 1.0}, 2)
