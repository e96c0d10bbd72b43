"""ENBS and population values: known answers, discounting in closed form, laws."""

import numpy as np
import pytest
from voi_problems import P1, P12B

from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.enbs import Population, StudyCost, enbs, population_value
from psa_engine.voi.evsi import Binary, Continuous, SingleArm, evsi
from psa_engine.voi.evsi.monotone import monotone_cubic
from psa_engine.voi.evsi.smooth import normal_evsi, smooth_evsi

SIZES = [10, 25, 50, 100, 200, 400, 800]
STUDY = SingleArm({"t1": Continuous(sd=4)})


def exact_curve(sizes=SIZES, wtp=1_000.0):
    return evsi(P1.model, P1.parameters, study=STUDY, n=sizes, wtp=wtp, n_draws=500)


def estimates(n, values, errors):
    """EVSI estimates made by hand at a WTP of 1."""
    table = zip(n, values, errors, strict=True)
    return [VoiEstimate(v, e, "by hand", wtp=1.0, diagnostics={"n": size}) for size, v, e in table]


def test_the_optimal_study_of_t1_is_the_known_one():
    found = enbs(exact_curve(), 10_000, StudyCost(fixed=2e5, per_patient=500))
    assert found.optimal_n == 287
    assert found.optimal_value == pytest.approx(4_606_861, abs=1)
    assert found.at(100) == pytest.approx(4_451_058, abs=1)
    assert found.value[3] == pytest.approx(4_451_058, abs=1) and found.notes == ()


def test_a_sample_finds_nearly_the_known_optimum():
    curve = evsi(P1.sample(20_000, 7), study=STUDY, n=SIZES, wtp=1_000.0)
    found = enbs(curve, 10_000, StudyCost(2e5, 500))
    assert abs(found.optimal_value - 4_606_861) < 4 * found.optimal_standard_error
    low, high = found.near_optimal
    assert low <= 287 <= high


def test_the_near_optimal_range_is_where_enbs_is_within_5_percent_of_the_best():
    found = enbs(exact_curve([*SIZES, 1_600]), 10_000, StudyCost(2e5, 500))
    low, high = found.near_optimal
    net = found.at(np.array([low - 1, low, high, high + 1]))
    floor = 0.95 * found.optimal_value
    assert net[0] < floor <= net[1] and net[3] < floor <= net[2]


def test_the_standard_error_is_linear_in_the_population():
    # It grew with the square of the population in a well-known package.
    curve = evsi(P12B.sample(4_000, 1), study=SingleArm({"p": Binary()}), n=SIZES, wtp=P12B.wtp)
    small, large = (enbs(curve, people, StudyCost(1e5, 100)) for people in (1_000, 7_000))
    np.testing.assert_allclose(small.standard_error, 1_000 * curve.standard_error)
    np.testing.assert_allclose(large.standard_error, 7 * small.standard_error)


def test_enbs_is_the_value_to_all_less_what_the_study_costs():
    found = enbs(estimates([10, 20, 40, 80], [1, 2, 3, 3.5], [0.1] * 4), 200, StudyCost(30, 2))
    np.testing.assert_allclose(found.value, [200 - 50, 400 - 70, 600 - 110, 700 - 190])
    np.testing.assert_allclose(found.standard_error, 20)


def test_sizes_may_come_in_any_order():
    found = enbs(estimates([80, 10, 40, 20], [3.5, 1, 3, 2], [0.1] * 4), 200, StudyCost(30, 2))
    assert found.n.tolist() == [80, 10, 40, 20]
    np.testing.assert_allclose(found.value, [700 - 190, 200 - 50, 600 - 110, 400 - 70])
    np.testing.assert_allclose(found.at(found.n), found.value, rtol=0.05)


def test_each_wtp_has_its_own_optimum():
    both = enbs(exact_curve(wtp=[500.0, 1_000.0]), 10_000, StudyCost(2e5, 500))
    assert both.value.shape == both.standard_error.shape == (7, 2) and both.optimal_n[1] == 287
    assert both.at(100).shape == (2,) and both.at([50, 100]).shape == (2, 2)
    one = enbs(exact_curve(wtp=500.0), 10_000, StudyCost(2e5, 500))
    assert both.optimal_n[0] == one.optimal_n and both.optimal_value[0] == pytest.approx(one.optimal_value)


def test_a_study_that_costs_more_than_it_is_worth_has_no_optimal_size():
    found = enbs(exact_curve(), 100, StudyCost(fixed=1e6))
    assert (found.optimal_n, found.optimal_value, found.near_optimal) == (0, 0.0, (0, 0))
    assert "no study of 10 to 800 patients is worth its cost" in found.notes[0]


def test_an_optimum_at_the_edge_of_the_sizes_is_said_to_be_there():
    found = enbs(exact_curve(), 10_000, StudyCost(fixed=1e5))
    assert found.optimal_n == 800 and "at the edge of the sizes given" in found.notes[0]


def test_few_sizes_are_joined_and_said_to_be_few():
    found = enbs(exact_curve([50, 200]), 10_000, StudyCost(2e5, 500))
    assert 50 <= found.optimal_n <= 200 and "rests on 2 sizes" in found.notes[-1]
    one = enbs([exact_curve([50])[0]], 10_000, StudyCost(2e5, 500))
    assert one.optimal_n == 50


def test_the_smooth_curve_is_exact_where_theory_is_and_rises_elsewhere():
    n, shape = np.array(SIZES), (6.2, -0.4, 3.1)
    curve = smooth_evsi(n, normal_evsi(n, *shape), 0 * n)
    np.testing.assert_allclose(curve([17, 333]), normal_evsi(np.array([17, 333]), *shape), rtol=1e-6)
    odd = smooth_evsi(n, np.array([0, 0, 5, 4.5, 90, 91, 400.0]), 0.01 * np.ones(7))
    assert not odd.parametric and (np.diff(odd(np.arange(10, 800))) >= -1e-9).all()


# ---- population


def test_a_population_without_discounting_is_counted():
    assert Population(annual_incidence=300, prevalence=1_200, horizon_years=10).size == 4_200
    assert Population(prevalence=50).size == 50


def test_discounted_years_are_the_integral_or_the_sums():
    given = dict(annual_incidence=300, horizon_years=10, discount_rate=0.035)
    start = 300 * sum(1.035**-t for t in range(10))
    end = 300 * sum(1.035**-t for t in range(1, 11))
    middle = 300 * np.mean([1.035 ** -(10 * (i + 0.5) / 1e5) for i in range(100_000)]) * 10
    assert Population(**given, timing="start_of_year").size == pytest.approx(start)
    assert Population(**given, timing="end_of_year").size == pytest.approx(end)
    assert Population(**given).size == pytest.approx(middle, rel=1e-9) and end < middle < start


def test_who_comes_before_the_results_does_not_benefit():
    now = Population(annual_incidence=300, prevalence=900, horizon_years=10, discount_rate=0.035)
    later = Population(300, 900, 10, 0.035, years_to_results=3)
    first_three = Population(annual_incidence=300, horizon_years=3, discount_rate=0.035).size
    assert later.size == pytest.approx(now.size - first_three - 900 * (1 - 1.035**-3))
    assert Population(300, 900, 10, years_to_results=12).size == 900


def test_population_evpi_scales_the_estimate_and_its_errors_alike():
    one = VoiEstimate(12.0, 0.5, "m", wtp=20_000.0, bias_bound=0.1, bracket=(11.0, 13.0), of=("x",))
    many = population_value(one, Population(prevalence=3_000))
    assert (many.value, many.standard_error, many.bias_bound) == (36_000, 1_500, pytest.approx(300))
    assert many.bracket == (33_000, 39_000) and many.of == ("x",) and many.diagnostics["population"] == 3_000


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Population(), "nobody in it"),
        (lambda: Population(annual_incidence=10), "needs horizon_years"),
        (lambda: Population(prevalence=-1), "prevalence of a population must be"),
        (lambda: Population(10, 0, 2.5, timing="start_of_year"), "needs whole horizon_years"),
        (lambda: Population(10, 0, 2, timing="mid"), "timing must be continuous"),
        (lambda: StudyCost(fixed=-1), "fixed cost of a study"),
        (lambda: population_value(VoiEstimate(1.0, 0.1, "m"), 0), "number of people above 0"),
        (lambda: enbs([VoiEstimate(1.0, 0.1, "m")], 10, StudyCost()), "over sample sizes"),
        (lambda: enbs([], 10, StudyCost()), "over sample sizes"),
    ],
)
def test_what_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


# The curve through EVSI estimates.


@pytest.mark.parametrize(("delta", "n0"), [(0.0, 40.0), (0.7, 300.0), (1.5, 5.0)])
def test_estimates_of_the_normal_shape_give_that_shape_back(delta, n0):
    sizes, shape = np.array(SIZES, float), (np.log(120.0), delta, np.log(n0))
    value = normal_evsi(sizes, *shape)
    curve = smooth_evsi(sizes, value, np.full(len(sizes), 0.5))
    assert curve.parametric
    assert curve(np.array([17.0, 333.0])) == pytest.approx(
        normal_evsi(np.array([17.0, 333.0]), *shape), rel=1e-6
    )


def test_the_fitted_shape_is_that_of_least_squares():
    from scipy.optimize import least_squares

    sizes = np.array(SIZES, float)
    value = normal_evsi(sizes, 3.0, 0.6, 4.0) + np.random.default_rng(5).normal(scale=0.05, size=len(sizes))
    curve = smooth_evsi(sizes, value, np.full(len(sizes), 0.05))
    best = least_squares(lambda s: normal_evsi(sizes, *s) - value, [3.0, 0.6, 4.0], xtol=1e-14, ftol=1e-14)
    assert ((curve(sizes) - value) ** 2).sum() == pytest.approx(2 * best.cost, rel=1e-8)


@pytest.mark.parametrize("k", [2, 3, 4, 7])
def test_the_monotone_cubic_is_that_of_scipy(k):
    from scipy.interpolate import PchipInterpolator

    rng = np.random.default_rng(k)
    for _ in range(50):
        x, y = np.sort(rng.random(k)), rng.normal(size=k).round(1)
        at = np.linspace(x[0], x[-1], 31)
        assert monotone_cubic(x, y, at) == pytest.approx(PchipInterpolator(x, y)(at), abs=1e-12)
