"""EVPPI of single parameters by curves on a shared design: known answers, laws, and the parts it is made of."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, ndtr
from scipy.stats import norm
from voi_problems import KNOWN, P1, P4, P13_CONFIG, P13_EVPI, P13_EVPPI, P13_WTP, P14, PARABOLA

from psa_engine.config import load_analysis
from psa_engine.distributions import Empirical, LogNormal, Normal, Triangular, Uniform
from psa_engine.engine.compiled import Program
from psa_engine.engine.pick_freeze import DRAWS, TOGETHER, design_sums, parts_of
from psa_engine.errors import InputError, ModelError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet, normal_scores, score_inputs
from psa_engine.parameters.sobol_directions import sobol_directions
from psa_engine.voi import Problem, curves
from psa_engine.voi.line import GRID, expected_maximum, polynomial, spline
from psa_engine.voi.scrambles import sobol_scores, spread


@cache
def singles(name):
    known = KNOWN[name]
    problem = Problem(known.model, known.parameters)
    found = curves.estimate_all(problem, None, np.array([known.wtp]), seed=3)
    return {one.of[0]: one for one in found}


def assert_within_error(estimate, truth, z=4):
    """Known answers have seven digits."""
    allowed = z * estimate.standard_error[0] + estimate.bias_bound[0] + 1e-6 * abs(truth)
    assert abs(estimate.value[0] - truth) <= allowed, (estimate.value[0], truth, estimate.standard_error[0])


CASES = [
    (name, parameter)
    for name in ("P1", "P1b", "P2", "P2b", "P3", "P4", "P12", "P12b", "P12c", "P14", "parabola")
    for parameter in KNOWN[name].singles
    if parameter not in KNOWN[name].parameters.groups
]


@pytest.mark.parametrize(("name", "parameter"), CASES)
def test_the_estimate_is_within_its_error_of_the_known_answer(name, parameter):
    assert_within_error(singles(name)[parameter], KNOWN[name].singles[parameter])


def test_a_parameter_without_a_part_in_the_model_is_worth_what_its_correlation_tells():
    t4 = singles("P1")["t4"]
    assert_within_error(t4, 366.8165)
    assert t4.standard_error[0] < 0.01


def test_a_parameter_that_is_linked_to_nothing_is_worth_exactly_nothing():
    assert singles("P1")["t5"].value[0] == 0
    assert singles("P1")["t5"].standard_error[0] == 0


def test_a_parameter_that_never_changes_the_choice_is_worth_exactly_nothing():
    assert singles("P14")["t1"].value[0] == 0
    assert singles("P14")["t3"].value[0] == 0


def test_a_parameter_of_a_pure_interaction_is_not_distinguishable_from_nothing():
    t8 = singles("P3")["t8"]
    assert abs(t8.value[0]) < 2 * t8.standard_error[0]


def test_brennans_case_comes_out_to_three_digits():
    for parameter, found in singles("P4").items():
        truth = P4.singles[parameter]
        unit = 10.0 ** (np.floor(np.log10(truth)) - 2) if truth else 1e-6
        assert abs(found.value[0] - truth) < unit / 2


def test_sick_sicker_comes_out_to_a_thousandth_of_the_evpi():
    analysis = load_analysis(P13_CONFIG)
    problem = Problem(analysis.model, analysis.parameters)
    found = curves.estimate_all(problem, None, np.array([P13_WTP]))
    assert len(found) == 16
    for one in found:
        assert one.standard_error[0] < 1e-3 * P13_EVPI
        assert abs(one.value[0] - P13_EVPPI.get(one.of, one.value[0])) < 1e-3 * P13_EVPI


def test_the_standard_error_meets_the_tolerance():
    for estimate in singles("P4").values():
        tolerance = 1e-3 * max(estimate.value[0], P4.evpi / 20)
        assert 1.96 * estimate.standard_error[0] <= 1.01 * tolerance
        assert estimate.diagnostics["converged"]


def test_no_parameter_is_worth_more_than_perfect_information():
    for name in ("P1", "P2", "P4", "P12", "P14"):
        for estimate in singles(name).values():
            assert -4 * estimate.standard_error[0] <= estimate.value[0] <= KNOWN[name].evpi


def test_a_constant_given_to_every_strategy_changes_nothing():
    shifted = FunctionModel(
        lambda p: (tuple(c - 7e4 for c in P1.model.outcomes(p)[0]), P1.model.outcomes(p)[1]), "ab"
    )
    found = curves.estimate_all(Problem(shifted, P1.parameters), ["t1", "t3"], np.array([P1.wtp]), seed=3)
    assert found[0].value[0] == pytest.approx(singles("P1")["t1"].value[0], rel=1e-9)
    assert found[1].value[0] == pytest.approx(singles("P1")["t3"].value[0], rel=1e-9)


def test_with_zero_costs_the_value_is_linear_in_wtp():
    model = FunctionModel(lambda p: ((0.0, 0.0), (0.3, p["x"] * p["y"])), ("old", "new"))
    problem = Problem(model, ParameterSet({"x": Normal(1, 0.5), "y": LogNormal(-1, 0.4)}))
    value = curves.estimate(problem, ("x",), np.array([10.0, 30.0])).value
    assert value[1] == pytest.approx(3 * value[0], rel=1e-12)
    assert value[0] > 0.1


def test_every_wtp_is_read_off_the_same_runs():
    wtp = np.array([500.0, 1000.0, 1500.0])
    found = curves.estimate(Problem(P1.model, P1.parameters), ("t1",), wtp, seed=3)
    mean, sd = -1600 + 300 + 1.2 * wtp, 1.4 * wtp  # of the increment given t1, which tells t2 as well
    truth = sd * norm.pdf(mean / sd) - abs(mean) * norm.cdf(-abs(mean) / sd)
    np.testing.assert_allclose(found.value, truth, rtol=1e-5)


def test_a_constant_is_worth_exactly_nothing():
    parameters = P1.parameters.replace({"t1": 2.0})
    found = curves.estimate(Problem(P1.model, parameters), ("t1",), np.array([1000.0]))
    assert (found.value[0], found.standard_error[0], found.method) == (0.0, 0.0, "constant")


@pytest.mark.parametrize("distribution", [Uniform(-1, 2), Triangular(-1, 0.2, 2)])
def test_bounded_parameters_in_a_steep_model_get_a_spline(distribution):
    model = FunctionModel(lambda p: ((0.0, 0.4), (0.0, 1 / (1 + jnp.exp(-6 * p["x"])))), ("old", "new"))
    found = curves.estimate(Problem(model, ParameterSet({"x": distribution})), ("x",), np.array([1.0]))
    z = np.linspace(-8, 8, 160_001)
    gain = expit(6 * distribution.quantile(z)) - 0.4
    after, before = (np.trapezoid(x * norm.pdf(z), z) for x in (np.maximum(gain, 0), gain))
    assert found.diagnostics["nodes"] == 32
    assert_within_error(found, after - max(before, 0))


def test_rows_of_a_table_are_refused_with_advice():
    rows = np.random.default_rng(1).normal(size=(50, 2))
    problem = Problem(P1.model, ParameterSet({"rows": Empirical(names=("a", "b"), rows=rows)}))
    with pytest.raises(InputError, match=r"rows of a table, decide rows.*surrogate, nested or mlmc"):
        curves.estimate(problem, ("rows",), np.array([1.0]))


def test_two_scores_are_refused_with_advice():
    with pytest.raises(InputError, match=r"Several scores.* decide t1, t3"):
        curves.estimate(Problem(P1.model, P1.parameters), ("t1", "t3"), np.array([1.0]))


def test_a_budget_too_small_is_kept_and_said():
    [found] = curves.estimate_all(
        Problem(P4.model, P4.parameters), ["x5"], np.array([1e4]), rtol=1e-5, max_runs=60_000
    )
    assert found.model_runs <= 60_000
    assert not found.diagnostics["converged"]
    assert_within_error(found, 22.45992)


# The parts.


def test_frozen_designs_are_the_model_at_moved_scores():
    problem = Problem(P4.model, P4.parameters)
    program = Program(P4.model.structure, P4.parameters.structure, "random", "double", "auto", False, True)
    z = np.random.default_rng(0).standard_normal((19, 96))
    split = problem.split(("x6",))
    part, _ = parts_of(96, 2)
    sums = design_sums(
        P4.model, P4.parameters, z, np.eye(19)[[5, 5]], np.array([-1.5, 0.7]), part, program=program
    )
    got = sums / 48
    costs, effects = split.evaluate(np.full((1, 96), 0.7), np.delete(z, 5, 0))
    np.testing.assert_allclose(got[1, 0].T, costs.reshape(2, 48, 2).mean(1), rtol=1e-12)
    np.testing.assert_allclose(got[1, 1].T, effects.reshape(2, 48, 2).mean(1), rtol=1e-12)


def test_moving_along_a_row_of_the_factor_draws_a_correlated_parameter_conditionally():
    factor = P4.parameters.blocks[0].factor()
    z = np.random.default_rng(4).standard_normal((4, 200_000))
    u = factor[2]
    y = factor @ (z + u[:, None] * (1.3 - u @ z))
    assert np.ptp(y[2]) < 1e-12
    np.testing.assert_allclose(y[[0, 1, 3]].mean(1), 0.6 * 1.3, atol=0.01)
    np.testing.assert_allclose(y[[0, 1, 3]].var(1), 1 - 0.36, atol=0.01)


def test_results_that_are_not_finite_are_named():
    model = FunctionModel(lambda p: ((0.0, 0.0), (0.0, jnp.sqrt(p["x"]))), ("old", "new"))
    with pytest.raises(ModelError, match="not finite"):
        curves.estimate(Problem(model, ParameterSet({"x": Normal(0, 1)})), ("x",), np.array([1.0]))


def test_draws_that_do_not_divide_are_refused():
    with pytest.raises(InputError, match="24 draws do not divide"):
        parts_of(24, 1)


def test_parts_are_within_a_group_and_within_the_draws_that_are_added_up_together():
    n = 3 * DRAWS
    part, group = parts_of(n, 4)
    first = np.arange(n // TOGETHER) * TOGETHER
    found = {(int(p), int(f // (n // 4)), int(f // DRAWS)) for p, f in zip(part, first, strict=True)}
    assert sorted(found) == [(0, 0, 0), (1, 1, 0), (2, 1, 1), (3, 2, 1), (4, 2, 2), (5, 3, 2)]
    assert group.tolist() == [0, 1, 1, 2, 2, 3]


def test_points_are_those_that_the_engine_draws():
    names = ("a", "b", "c")
    inputs = score_inputs("sobol", 2_005, names, 64)
    engine = normal_scores("sobol", inputs, jnp.arange(16, 48, dtype=jnp.uint32), np.float64)
    np.testing.assert_allclose(sobol_scores(names, 2, 5, 16, 48), engine, atol=1e-12)


def test_spread_scores_with_weights_keep_normal_moments():
    z = sobol_scores(("a",), 1, 0, 0, 2**14)
    weights = spread(z)
    assert (np.abs(z) > 4).mean() > 0.15
    np.testing.assert_allclose([(weights * z[0] ** k).mean() for k in (0, 2, 4)], [1, 1, 3], rtol=2e-4)


@pytest.mark.parametrize("where", [0.013, -1.23, 2.5])
def test_the_expected_maximum_of_a_line_and_nothing_is_exact(where):
    lines = np.stack([0 * GRID, GRID - where], -1)
    assert expected_maximum(lines) == pytest.approx(norm.pdf(where) - where * norm.sf(where), rel=1e-4)
    middling = expected_maximum(np.stack([lines, lines + 1e3]))
    assert middling[1] == pytest.approx(middling[0] + 1e3, rel=1e-12)


def test_the_expected_maximum_of_three_curves_agrees_with_quadrature():
    curves_ = (lambda z: 0.3 * z**2 - 0.2, lambda z: 0.5 * z, lambda z: 0.4 - 0.7 * z)
    truth = quad(lambda z: max(f(z) for f in curves_) * norm.pdf(z), -9, 9, points=(-1.1, 0.33), limit=200)[0]
    assert expected_maximum(np.stack([f(GRID) for f in curves_], -1)) == pytest.approx(truth, rel=1e-7)


def test_the_polynomial_is_exact_for_polynomials_and_the_spline_close_to_a_step():
    nodes, basis, _ = polynomial()
    inside = np.abs(GRID) < 5
    np.testing.assert_allclose(
        (basis @ (nodes**5 - 2 * nodes))[inside], (GRID**5 - 2 * GRID)[inside], atol=1e-8
    )
    nodes, basis, _ = spline()
    assert np.abs(basis @ ndtr(2 * nodes) - ndtr(2 * GRID)).max() < 1e-3


def test_the_parabola_is_found_where_lines_see_nothing():
    assert_within_error(singles("parabola")["x"], PARABOLA.singles["x"])
    assert_within_error(singles("P14")["t2"], P14.singles["t2"])


def test_direction_numbers_give_the_points_of_scipys_sequence():
    from scipy.stats import qmc

    index = np.arange(2**9, dtype=np.uint64)
    bits = (index[:, None] >> np.arange(32, dtype=np.uint64)) & np.uint64(1)
    points = np.bitwise_xor.reduce(bits[:, None] * sobol_directions(40), axis=-1) / 2.0**32
    scipys = qmc.Sobol(40, scramble=False, bits=32).random_base2(9)
    order = [np.lexsort(p.T[::-1]) for p in (points, scipys)]
    np.testing.assert_array_equal(points[order[0]], scipys[order[1]])


def test_high_direction_numbers_give_scipys_point_of_high_number():
    from scipy.stats import qmc

    engine = qmc.Sobol(6, scramble=False, bits=32)
    engine.fast_forward(2**21)  # in its order, by Gray code: numbers 21 and 20
    point = (sobol_directions(6)[:, 21] ^ sobol_directions(6)[:, 20]) / 2.0**32
    np.testing.assert_array_equal(engine.random(1)[0], point)
