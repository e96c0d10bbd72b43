"""QALY shortfall against closed forms, and the weights of the NICE manual at the ends of their bands."""

from dataclasses import replace

import numpy as np
import pytest

import psa_engine as pe
from psa_engine.accrual import AgeTable, Timeline, read_age_table
from psa_engine.accrual.expected_qalys import expected_qalys
from psa_engine.decision import Shortfall, severity_weight

DYING = AgeTable("constant", np.array([0.0]), np.array([0.1]), np.array([0.1]))
HEALTH = AgeTable("constant", np.array([0.0]), np.array([0.8]), np.array([0.8]))
YEARLY = Timeline(1, 60, 30.0, life_table=DYING, utility_norms=HEALTH, cycle_correction="start_of_cycle")


def test_expected_qalys_at_a_constant_mortality_are_a_geometric_series():
    factor = 0.9 / 1.035
    assert expected_qalys(YEARLY).qalys == pytest.approx(0.8 * (1 - factor**60) / (1 - factor))


def test_life_years_are_not_discounted():
    assert expected_qalys(YEARLY).life_years == pytest.approx((1 - 0.9**60) / 0.1)


def test_women_and_men_are_mixed_as_they_are_alive():
    """Men die at once at the end of the first year; half of the cohort remain, with the women's utility."""
    life = AgeTable("men die", np.array([0.0]), np.array([1.0]), np.array([0.0]))
    norms = AgeTable("by sex", np.array([0.0]), np.array([0.9]), np.array([0.7]))
    mixed = replace(YEARLY, n_cycles=3, life_table=life, utility_norms=norms, discount_rate_effects=0.0)
    assert expected_qalys(mixed).qalys == pytest.approx(0.8 + 0.5 * 0.7 * 2)


def test_a_population_without_tables_expects_nothing_known():
    with pytest.raises(pe.InputError, match="life table and utility norms"):
        expected_qalys(replace(YEARLY, utility_norms=None))


@pytest.mark.parametrize(
    ("absolute", "proportional", "weight"),
    [
        (11.99, 0.849, 1.0),
        (12.0, 0.1, 1.2),
        (1.0, 0.85, 1.2),
        (17.99, 0.949, 1.2),
        (18.0, 0.1, 1.7),
        (1.0, 0.95, 1.7),
    ],
)
def test_the_weight_is_the_higher_of_both_shortfalls(absolute, proportional, weight):
    assert severity_weight(absolute, proportional) == weight


def test_shortfall_is_absolute_and_proportional():
    loss = Shortfall(16.0, 3.2)
    assert loss.absolute == pytest.approx(12.8) and loss.proportional == pytest.approx(0.8)
    assert loss.weight == 1.2 and Shortfall(10.0, 11.0).absolute == 0


def test_a_population_that_expects_no_qalys_is_refused():
    with pytest.raises(pe.InputError, match="more than 0"):
        Shortfall(0.0, 0.0)


def test_general_population_qalys_of_the_flagship_are_those_of_a_healthy_cohort():
    """A cohort model whose only payoff is the utility norm lives through the same life table."""
    from cohorts import cohort

    timeline = pe.load_analysis("ruxolitinib_ad_systemic_naive").timeline
    norm = timeline.utility_norms.at(np.array([timeline.start_age]))
    start = 0.5 * float(norm[0][0]) + 0.5 * float(norm[1][0])
    healthy = cohort(
        lambda p: {("well", "ill"): 0.0, ("ill", "well"): 0.0},
        lambda p: {"effects.qalys": {"well": lambda t: start * t.utility_multiplier}},
        timeline=timeline,
        death="dead",
    )
    lived = pe.evaluate(healthy, {"nothing": 0.0}).effect_values[0, 0]
    assert expected_qalys(timeline).qalys == pytest.approx(lived, rel=1e-9)


AGE = np.arange(0.0, 101.0)
FROM = [25, 35, 45, 55, 65, 75]
MEN, WOMEN = [0.94, 0.93, 0.91, 0.84, 0.78, 0.78, 0.75], [0.94, 0.93, 0.91, 0.85, 0.81, 0.78, 0.71]
BANDS = np.searchsorted(FROM, AGE, side="right")
MVH = AgeTable("MVH 1993", AGE, np.array(MEN)[BANDS], np.array(WOMEN)[BANDS])


@pytest.mark.parametrize(
    ("start", "female", "rate", "published"),
    [
        (38, 1, 0.0, 37.06), (38, 1, 0.035, 19.16), (38, 0, 0.0, 34.65), (38, 0, 0.035, 18.40),
        (65, 1, 0.015, 13.38), (65, 1, 0.035, 11.02), (65, 0, 0.0, 14.45), (65, 0, 0.035, 10.34),
    ],
)  # fmt: skip
def test_quality_adjusted_life_expectancy_is_that_published_for_england(start, female, rate, published):
    """McNamara, Schneider, Love-Koh et al. 2022 (Value in Health), code and results published with the article.

    Life table of 2017 to 2019, norms of the 1993 survey (Kind 1999), whole years discounted, closed at 101, rounded to
    .01. Theirs spreads deaths evenly over a year, ours has a constant rate within it; the difference is added.
    """
    life = read_age_table("england_2017_2019")
    timeline = Timeline(
        364,
        (101 - start) * 364,
        start,
        female,
        life,
        MVH,
        discount_rate_effects=rate,
        discounting="whole_years",
    )
    evenly = lived_if_deaths_are_even((life.female if female else life.male)[start:101], start, female, rate)
    assert expected_qalys(timeline).qalys + evenly == pytest.approx(published, abs=0.005 + 0.002)


def lived_if_deaths_are_even(dying, start, female, rate):
    """QALYs by which deaths spread evenly within years exceed those at a constant rate within years."""
    alive = np.concatenate([[1.0], np.cumprod(1 - dying)[:-1]])
    gained = (1 - dying / 2) + dying / np.log1p(-dying)
    utility = (MVH.female if female else MVH.male)[start:101]
    return float(np.sum(alive * gained * utility * (1 + rate) ** -np.arange(len(dying))))
