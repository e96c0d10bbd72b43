"""The time axis: cycle weights, discounting, background mortality and utility, rates."""

import jax.numpy as jnp
import numpy as np
import pytest

from psa_engine.accrual import (
    AgeTable,
    Timeline,
    cycle_weights,
    discount_factors,
    odds_shift,
    probability_to_rate,
    rate_to_probability,
    read_age_table,
    shipped_tables,
)
from psa_engine.errors import InputError

LIFE_TABLE = AgeTable(
    "hand-made", np.array([60.0, 61, 62]), np.array([0.1, 0.2, 0.3]), np.array([0.05, 0.1, 0.4])
)
NORMS = AgeTable("norms", np.array([60.0, 61, 62]), np.array([0.9, 0.8, 0.7]), np.array([0.85, 0.7, 0.6]))


def yearly(n_cycles=3, cycles_per_year=1.0, female=0.25, **more):
    """Three quarters of the cohort men, aged 60 at the start."""
    return Timeline(
        cycles_per_year, n_cycles, start_age=60, female=female, life_table=LIFE_TABLE, **more
    ).series()


@pytest.mark.parametrize(
    ("correction", "weights"),
    [
        ("none", [1, 1, 1, 1, 1]),
        ("start_of_cycle", [1, 1, 1, 1, 0]),
        ("end_of_cycle", [0, 1, 1, 1, 1]),
        ("half_cycle", [0.5, 1, 1, 1, 0.5]),
        ("simpson", [1 / 3, 4 / 3, 2 / 3, 4 / 3, 1 / 3]),
        ("darthtools_simpson", [1 / 3, 2 / 3, 4 / 3, 2 / 3, 1 / 3]),
    ],
)
def test_each_convention_has_its_weights(correction, weights):
    assert cycle_weights(correction, 4) == pytest.approx(weights, rel=1e-15)


@pytest.mark.parametrize("n_cycles", [2, 3, 4, 5, 7, 10, 75, 806])
def test_simpson_is_exact_on_cubics_for_even_and_odd_numbers_of_cycles(n_cycles):
    t = np.arange(n_cycles + 1.0)
    integral = n_cycles**4 / 4 - 2 * n_cycles**3 / 3 + 5 * n_cycles
    assert cycle_weights("simpson", n_cycles) @ (t**3 - 2 * t**2 + 5) == pytest.approx(integral, rel=1e-13)


@pytest.mark.parametrize("n_cycles", [1, 6])
def test_half_cycle_is_exact_on_straight_lines(n_cycles):
    line = 3 + 2 * np.arange(n_cycles + 1)
    assert cycle_weights("half_cycle", n_cycles) @ line == pytest.approx(3 * n_cycles + n_cycles**2)


def test_darthtools_weights_are_those_of_its_published_totals():
    weights = cycle_weights("darthtools_simpson", 75)
    assert weights[[0, 1, 2, 73, 74, 75]] == pytest.approx([1 / 3, 2 / 3, 4 / 3, 2 / 3, 4 / 3, 1 / 3])


def test_simpson_needs_two_cycles():
    with pytest.raises(InputError, match="at least 2 cycles, and there are 1"):
        cycle_weights("simpson", 1)


def test_an_unknown_cycle_correction_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"'half-cycle' does not exist. Did you mean 'half_cycle'"):
        cycle_weights("half-cycle", 4)


@pytest.mark.parametrize(
    ("discounting", "factors"),
    [
        ("compound", [1, 1.05**-0.5, 1.05**-1, 1.05**-2.75]),
        ("exponential", [1, np.exp(-0.025), np.exp(-0.05), np.exp(-0.1375)]),
        ("whole_years", [1, 1, 1 / 1.05, 1.05**-2]),
    ],
)
def test_discounting_is_a_named_option(discounting, factors):
    assert discount_factors(0.05, np.array([0, 0.5, 1, 2.75]), discounting) == pytest.approx(
        factors, rel=1e-14
    )


def test_a_whole_year_has_passed_after_its_last_cycle():
    thirteenths = np.arange(40) / 13
    years = np.repeat([0, 1, 2, 3], [13, 13, 13, 1])
    assert discount_factors(0.1, thirteenths, "whole_years") == pytest.approx(1.1**-years, rel=1e-14)


def test_costs_and_effects_have_their_own_discount_rates():
    series = Timeline(
        2, 4, discount_rate_costs=0.06, discount_rate_effects=0.015, cycle_correction="none"
    ).series()
    years = np.array([0, 0.5, 1, 1.5, 2])
    assert series["costs"] == pytest.approx(0.5 * 1.06**-years)
    assert series["effects"] == pytest.approx(0.5 * 1.015**-years)


def test_person_years_add_up_to_the_horizon():
    for correction in ("half_cycle", "simpson", "start_of_cycle", "end_of_cycle"):
        assert Timeline(13, 40, cycle_correction=correction).series()["undiscounted"].sum() == pytest.approx(
            40 / 13
        )


@pytest.mark.parametrize(
    ("correction", "moment"),
    [("half_cycle", 0.5), ("simpson", 0.5), ("start_of_cycle", 0), ("end_of_cycle", 1), ("none", 1)],
)
def test_transitions_are_discounted_where_the_convention_puts_them(correction, moment):
    series = Timeline(4, 8, discount_rate_costs=0.08, cycle_correction=correction).series()
    assert series["transition_costs"] == pytest.approx(1.08 ** -((np.arange(8) + moment) / 4))


def test_men_and_women_die_by_their_own_column():
    alive = np.array([0.75 + 0.25, 0.675 + 0.2375, 0.54 + 0.21375, 0.378 + 0.12825])
    assert yearly()["mortality"][:3] == pytest.approx(1 - alive[1:] / alive[:-1], rel=1e-14)


def test_beyond_its_last_row_a_life_table_repeats_it():
    assert yearly(n_cycles=6, female=1.0)["mortality"] == pytest.approx([0.05, 0.1, 0.4, 0.4, 0.4, 0.4, 0.4])


def test_the_cycles_of_a_year_multiply_to_its_probability_of_death():
    monthly = yearly(n_cycles=24, cycles_per_year=12.0, female=0.0)["mortality"]
    assert 1 - np.prod(1 - monthly[:12]) == pytest.approx(0.1, rel=1e-13)
    assert 1 - np.prod(1 - monthly[12:24]) == pytest.approx(0.2, rel=1e-13)


def test_a_birthday_within_the_horizon_moves_to_the_next_row():
    series = Timeline(2, 3, start_age=60.75, female=0.0, life_table=LIFE_TABLE).series()
    assert 1 - (1 - series["mortality"][:3]) ** 2 == pytest.approx([0.1, 0.2, 0.2])


def test_when_all_have_died_nobody_dies():
    certain = AgeTable("certain", np.array([60.0, 61]), np.array([1.0, 1.0]), np.array([1.0, 1.0]))
    series = Timeline(1, 3, start_age=60, life_table=certain, utility_norms=NORMS).series()
    assert all(np.isfinite(values).all() for values in series.values())


def test_utility_norms_are_averaged_over_the_living_and_relative_to_the_start():
    mean = np.array([0.75 * 0.9 + 0.25 * 0.85, (0.675 * 0.8 + 0.2375 * 0.7) / 0.9125])
    series = yearly(utility_norms=NORMS)
    assert series["utility_multiplier"][:2] == pytest.approx([1, mean[1] / mean[0]], rel=1e-14)


def test_without_tables_nobody_dies_and_utility_is_one():
    series = Timeline(13, 5, start_age=40).series()
    assert not series["mortality"].any() and np.all(series["utility_multiplier"] == 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_cycles": 0}, "at least one cycle, and the horizon holds 0"),
        ({"cycles_per_year": 0}, "more than 0 cycles a year"),
        ({"female": 1.2}, "share of women is 1.2"),
        ({"discount_rate_costs": 3.5}, "discount_rate_costs is 3.5; write 3.5 % as 0.035"),
        ({"discount_rate_effects": -0.01}, "discount_rate_effects is -0.01"),
        ({"discounting": "continuous"}, "discounting 'continuous' does not exist"),
        (
            {"life_table": AgeTable("per 1,000", np.array([60.0]), np.array([8.1]), np.array([5.2]))},
            "per 1,000.*8.1",
        ),
    ],
)
def test_a_timeline_that_cannot_be_is_refused(changes, message):
    given = {"cycles_per_year": 1, "n_cycles": 3} | changes
    with pytest.raises(InputError, match=message):
        Timeline(**given)


def test_shipped_tables_reach_a_hundred_years():
    for name in shipped_tables():
        assert list(read_age_table(name).age) == list(range(101))


def test_a_table_beside_the_configuration_is_read(tmp_path):
    (tmp_path / "mine.csv").write_text(
        "# invented\nAge,qx_female,qx_male\n50,0.01,0.02\n51,0.03,0.05\n", encoding="utf-8-sig"
    )
    table = read_age_table("mine.csv", tmp_path)
    assert table.at(np.array([49.0, 50.99, 51.0]))[0] == pytest.approx([0.02, 0.02, 0.05])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("age,men,women\n50,0.1,0.2\n", "needs the columns age, male and female; it has"),
        ("age,male,female\n50,0.1,0.2\n52,0.1,0.2\n", "consecutive whole years"),
        ("age,male,female\n50,0.1,a lot\n", "not a number"),
        ("age,male,female\n50,0.1,nan\n", "not a number"),
        ("age,male,female\n50,0.1\n", "not a number"),
        ("age,male,female\n", "consecutive whole years"),
        ("", "needs the columns"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, text, message):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_age_table("bad.csv", tmp_path)


def test_an_unknown_table_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"no table 'england_2017_2018'. Did you mean 'england_2017_2019'"):
        read_age_table("england_2017_2018")


def test_a_rate_becomes_the_probability_of_at_least_one_event():
    assert rate_to_probability(0.3, 0.25) == pytest.approx(1 - np.exp(-0.075), rel=1e-15)


def test_tiny_rates_keep_their_digits():
    assert rate_to_probability(3e-13, 0.5) == pytest.approx(1.5e-13, rel=1e-12)


def test_a_probability_becomes_its_rate_and_back():
    rate = probability_to_rate(0.2, 4.0)
    assert (rate, rate_to_probability(rate, 4.0)) == pytest.approx((-np.log(0.8) / 4, 0.2), rel=1e-15)


@pytest.mark.parametrize("function", [rate_to_probability, probability_to_rate])
def test_arrays_of_numpy_and_of_jax_give_the_same(function):
    at = np.array([0.02, 0.7])
    assert np.asarray(function(jnp.asarray(at), 0.5)) == pytest.approx(function(at, 0.5), rel=1e-14)


def test_an_odds_ratio_of_three_on_one_in_five():
    assert odds_shift(0.2, np.log(3.0)) == pytest.approx(3 / 7)


def test_certainty_is_beyond_any_odds_ratio():
    assert (odds_shift(0.0, 1.5), odds_shift(1.0, -1.5)) == (0.0, 1.0)
