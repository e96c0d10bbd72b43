"""EVPPI by regression on a PSA sample: known answers, traps, laws, slow twins, refusals."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad_vec
from scipy.interpolate import BSpline
from voi_problems import KNOWN, P3, P4, P12, PARABOLA

from psa_engine.decision import evpi
from psa_engine.errors import InputError
from psa_engine.sample import PsaSample
from psa_engine.voi.regression import estimate
from psa_engine.voi.regression.coefficient_draws import permuted_fits, posterior_changes
from psa_engine.voi.regression.design import Columns
from psa_engine.voi.regression.fit import fit, outcomes
from psa_engine.voi.regression.marginal import bspline_values, marginal
from psa_engine.voi.regression.smoother import best_penalty, held_out_coefficients, moments, spectrum
from psa_engine.voi.regression.spline import spline_design

N_DRAWS = 10_000


@cache
def sample_of(name):
    return KNOWN[name].sample(N_DRAWS, seed=11)


@cache
def _value_of(name, of, method):
    return estimate(sample_of(name), of, [KNOWN[name].wtp], method=method)


def value_of(name, of, method="auto"):
    return _value_of(name, tuple(of), method)


def assert_within_error(estimate, truth, z=4):
    assert abs(estimate.value[0] - truth) <= z * estimate.standard_error[0] + 1e-9


def increments(benefit, **parameters):
    """A sample in which new is worth `benefit` more than old at a WTP of 1."""
    effects = np.column_stack([np.zeros_like(benefit), benefit])
    return PsaSample(("old", "new"), np.zeros_like(effects), effects, parameters)


SETS = [
    (name, of)
    for name in ("P1", "P1b", "P2", "P2b", "P4", "P12", "P12b", "P12c", "P14", "parabola")
    for of in KNOWN[name].evppi
    if all(known in sample_of(name).parameter_values for known in of)
]


@pytest.mark.parametrize(
    ("name", "of"), SETS, ids=lambda part: part if isinstance(part, str) else "+".join(part)
)
def test_the_estimate_is_within_its_error_of_the_known_answer(name, of):
    assert_within_error(value_of(name, of), KNOWN[name].evppi[of])


@pytest.mark.parametrize("of", [of for of in P3.evppi if len(of) != 3], ids="+".join)
def test_pure_interactions_are_worth_something_in_complete_pairs_only(of):
    found = value_of("P3", of)
    assert_within_error(found, P3.evppi[of])
    assert bool(found.diagnostics["distinguishable"][0]) == (P3.evppi[of] > 0)


def test_a_parameter_outside_the_model_is_worth_what_its_correlation_tells():
    found = value_of("P1", ["t4"])
    assert found.diagnostics["distinguishable"][0] and found.value[0] > 20 * found.standard_error[0]


@pytest.mark.parametrize(
    ("name", "of"), [("P1", "t5"), ("P14", "t1"), ("P14", "t3"), ("P4", "x4"), ("parabola", "idle")]
)
def test_a_parameter_that_cannot_change_the_decision_is_not_distinguishable_from_zero(name, of):
    found = value_of(name, [of])
    assert not found.diagnostics["distinguishable"][0]
    assert found.value[0] <= 2 * found.standard_error[0]


def test_a_parabola_is_seen_where_a_line_sees_nothing():
    assert value_of("parabola", ["x"]).value[0] > 0.9 * PARABOLA.evppi["x",]


@pytest.mark.parametrize("method", ["spline", "gp", "ridge"])
@pytest.mark.parametrize("of", [("x5", "x14"), ("x14", "x16"), ("x5", "x6", "x14", "x15")], ids="+".join)
def test_every_method_gives_the_known_answer(method, of):
    assert_within_error(value_of("P4", of, method), P4.evppi[of])


@pytest.mark.parametrize(
    ("d", "method"), [(1, "splines"), (4, "splines"), (5, "Gaussian"), (10, "Gaussian"), (11, "ridge")]
)
def test_the_method_is_chosen_by_the_number_of_parameters(d, method):
    of = [f"x{k}" for k in range(1, d + 1)]
    assert method in estimate(P4.sample(3_000, seed=2), of, [1e4]).method


def test_costs_and_effects_are_regressed_once_for_all_wtp():
    many = estimate(sample_of("P4"), ["x14"], [5_000.0, 10_000.0, 20_000.0])
    assert many.value.shape == many.standard_error.shape == many.bracket[1].shape == (3,)
    assert many.value[1] == value_of("P4", ["x14"]).value[0]


def test_the_estimate_is_midway_in_its_bracket():
    found = value_of("P4", ["x7"])
    low, high = found.bracket
    assert found.value == pytest.approx((low + high) / 2) and found.bias_bound == pytest.approx(
        (high - low) / 2
    )
    assert {low[0], high[0]} == {found.diagnostics["policy_value"][0], found.diagnostics["plug_in"][0]}


def test_what_noise_adds_to_the_plug_in_it_takes_from_the_policy_value():
    rng = np.random.default_rng(3)
    found = [
        estimate(increments(x + 6 * rng.normal(size=300), x=x), ["x"], [1.0])
        for x in rng.normal(size=(150, 300))
    ]
    plug_in, policy, value = (
        np.mean([f.diagnostics[k][0] if k else f.value[0] for f in found])
        for k in ("plug_in", "policy_value", "")
    )
    truth = 1 / np.sqrt(2 * np.pi)
    assert policy < value < plug_in
    # The true increment has mean 0: choosing the better mean by the same draws costs .4 of its error.
    assert abs(value - truth + 0.4 * np.hypot(1, 6) / np.sqrt(300)) < abs(plug_in - policy) / 4


# Laws


@pytest.mark.parametrize("name", ["P1", "P2", "P4", "P12", "P14"])
def test_no_set_is_worth_more_than_everything_or_less_than_nothing(name):
    everything = evpi(sample_of(name), KNOWN[name].wtp)
    for of in (of for label, of in SETS if label == name):
        found = value_of(name, of)
        assert (
            -2 * found.standard_error[0] <= found.value[0] <= everything.value + 2 * found.standard_error[0]
        )


@pytest.mark.parametrize(("name", "sets"), [
    ("P1", [["t5"], ["t1"], ["t1", "t2"], ["t1", "t2", "t3"]]),
    ("P4", [["x7"], ["x7", "x5"], ["x7", "x5", "x14", "x16"], ["x7", "x5", "x14", "x16", "x6", "x15"]]),
    ("P3", [["t1"], ["t1", "t2"], ["t1", "t2", "t3", "t4"]]),
])  # fmt: skip
def test_a_larger_set_is_worth_more(name, sets):
    values = [value_of(name, of) for of in sets]
    for smaller, larger in pairwise(values):
        assert larger.value[0] > smaller.value[0]


@pytest.mark.parametrize("name", ["P3", "P12", "P12b", "P1"])
def test_all_parameters_together_are_worth_the_evpi(name):
    sample = sample_of(name)
    found = value_of(name, list(sample.parameter_values))
    assert found.value[0] == pytest.approx(evpi(sample, KNOWN[name].wtp).value, rel=1e-3)


def test_a_constant_added_to_every_strategy_changes_nothing():
    sample = sample_of("P2")
    moved = PsaSample(
        sample.strategies, sample.cost_values + 5e4, sample.effect_values - 70, sample.parameter_values
    )
    one, other = estimate(sample, ["t1"], [1_000.0]), estimate(moved, ["t1"], [1_000.0])
    assert other.value == pytest.approx(one.value) and other.standard_error == pytest.approx(
        one.standard_error
    )


def test_without_costs_the_value_is_proportional_to_the_wtp():
    found = estimate(sample_of("P3"), ["t1", "t2"], [1_000.0, 7_000.0])
    assert found.value[1] == pytest.approx(7 * found.value[0], rel=1e-9)
    assert found.standard_error[1] == pytest.approx(7 * found.standard_error[0], rel=1e-9)


def test_the_order_of_strategies_and_the_units_of_parameters_do_not_matter():
    sample = sample_of("P2")
    scaled = {name: 1e6 * values - 3 for name, values in sample.parameter_values.items()}
    other = PsaSample(
        sample.strategies[::-1], sample.cost_values[:, ::-1], sample.effect_values[:, ::-1], scaled
    )
    one, turned = value_of("P2", ["t1", "t4"]), estimate(other, ["t4", "t1"], [1_000.0])
    assert turned.value == pytest.approx(one.value, abs=0.2 * one.standard_error[0])


def test_the_same_seed_gives_the_same_numbers_and_another_seed_other_folds():
    one, again, other = (estimate(sample_of("P4"), ["x5", "x7"], [1e4], seed=s) for s in (0, 0, 8))
    assert one.value == again.value and one.standard_error == again.standard_error
    assert other.value != one.value and abs(other.value - one.value) < one.standard_error


# Parameters out of the ordinary


def test_constant_parameters_are_named_and_worth_nothing():
    x = np.random.default_rng(4).normal(size=1_000)
    sample = increments(x, x=x, price=np.full(1_000, 3.3))
    alone, both = estimate(sample, ["price"], [1.0]), estimate(sample, ["x", "price"], [1.0])
    assert (
        alone.value[0] == alone.standard_error[0] == 0
        and "'price' is constant" in alone.diagnostics["notes"][0]
    )
    assert both.value == estimate(sample, ["x"], [1.0]).value and both.diagnostics["fitted_on"] == ("x",)


def test_proportions_that_add_up_to_one_are_no_more_than_all_but_one_of_them():
    both, all_ = value_of("P12", ["p1", "p2"]), value_of("P12", ["p1", "p2", "p3"])
    assert all_.value == both.value and "'p3' is determined by 'p1' and 'p2'" in all_.diagnostics["notes"][0]
    assert_within_error(all_, P12.evpi)


def test_a_parameter_with_three_values_is_worth_what_its_table_says():
    rng = np.random.default_rng(5)
    level, worth = rng.integers(0, 3, 8_000), np.array([-1.0, 2.0, -1.5])
    found = estimate(increments(worth[level] + 2 * rng.normal(size=8_000), arm=level / 1.0), ["arm"], [1.0])
    assert_within_error(found, 2 / 3)
    assert "3 distinct values" in found.diagnostics["notes"][0]


@pytest.mark.parametrize(("shape", "truth"), [("logarithm", 1 / np.sqrt(2 * np.pi)), ("step", 0.5)])
def test_a_skewed_parameter_and_a_kink_are_followed(shape, truth):
    rng = np.random.default_rng(6)
    z = rng.normal(size=N_DRAWS)
    signal = z if shape == "logarithm" else np.sign(z)
    found = estimate(increments(signal + 2 * rng.normal(size=N_DRAWS), ratio=np.exp(z)), ["ratio"], [1.0])
    assert abs(found.value[0] - truth) < 4 * found.standard_error[0]


def test_tied_strategies_are_pointed_out():
    (note,) = value_of("P3", ["t1", "t2"]).diagnostics["notes"]
    assert "within 2 standard errors" in note and "too low by up to" in note
    assert value_of("P4", ["x5"]).diagnostics["notes"] == ()


def test_rows_of_another_order_explain_nothing_and_are_worth_nothing():
    sample, rng = sample_of("P4"), np.random.default_rng(7)
    rows = rng.permutation(N_DRAWS)
    mixed = {name: values[rows] for name, values in sample.parameter_values.items()}
    found = estimate(
        PsaSample(sample.strategies, sample.cost_values, sample.effect_values, mixed), ["x6"], [1e4]
    )
    assert max(found.diagnostics["r_squared"].values()) < 1e-3 and not found.diagnostics["distinguishable"][0]


def test_the_share_explained_is_that_of_held_out_draws():
    x, rng = np.random.default_rng(8).normal(size=4_000), np.random.default_rng(9)
    found = estimate(increments(3 * x + 4 * rng.normal(size=4_000), x=x), ["x"], [1.0])
    assert found.diagnostics["r_squared"] == {"effects of new v old": pytest.approx(9 / 25, abs=0.04)}


def test_outcomes_that_do_not_vary_have_no_value_of_information():
    x = np.random.default_rng(10).normal(size=500)
    found = estimate(increments(np.full(500, 2.0), x=x), ["x"], [1.0])
    assert found.value[0] == 0 and "No cost and no effect varies" in found.diagnostics["notes"][0]


# Refusals


@pytest.mark.parametrize(("of", "wtp", "method", "message"), [
    (["x55"], 1.0, "auto", r"no parameter 'x55'.*Did you mean 'x5'"),
    ([], 1.0, "auto", r"needs at least one"),
    (["x5"], 0.0, "auto", r"WTP must be a number above 0"),
    (["x5"], np.nan, "auto", r"WTP must be a number above 0"),
    (["x5"], 1.0, "splines", r"no regression method 'splines'.*'spline'"),
    ([f"x{k}" for k in range(1, 6)], 1.0, "spline", r"at most 4 parameters together, got 5.*'gp'"),
    ([f"x{k}" for k in range(1, 12)], 1.0, "gp", r"at most 10 parameters together, got 11.*'ridge'"),
])  # fmt: skip
def test_what_cannot_be_estimated_is_refused_in_a_sentence(of, wtp, method, message):
    with pytest.raises(InputError, match=message):
        estimate(sample_of("P4"), of, [wtp], method=method)


@pytest.mark.parametrize(("d", "n", "message"), [
    (1, 35, "spline of 1 parameter needs 4 columns, so at least 40 draws, and the sample has 35"),
    (4, 180, "spline of 4 parameters needs 19 columns"),
    (7, 200, "Gaussian process of 7 parameters needs"),
    (19, 2_000, "quadratic ridge of 19 parameters needs 210 columns, so at least 2,100 draws"),
])  # fmt: skip
def test_a_basis_with_fewer_than_ten_draws_a_column_is_refused(d, n, message):
    with pytest.raises(InputError, match=message):
        estimate(P4.sample(n, seed=1), [f"x{k}" for k in range(1, d + 1)], [1e4])


def test_more_than_sixty_parameters_are_refused_with_advice():
    x = np.random.default_rng(1).normal(size=(61, 200))
    with pytest.raises(InputError, match=r"at most 60 parameters.*EVPI"):
        estimate(
            increments(x[0], **{f"p{k}": row for k, row in enumerate(x)}), [f"p{k}" for k in range(61)], [1.0]
        )


# Slow twins


def test_b_splines_are_those_of_scipy():
    breaks = np.array([-1.0, -0.2, 0.1, 0.9, 3.0])
    x = np.linspace(-1, 3, 57)
    knots = np.concatenate([[-1.0] * 3, breaks, [3.0] * 3])
    np.testing.assert_allclose(
        bspline_values(breaks, x), BSpline.design_matrix(x, knots, 3).toarray(), atol=1e-13
    )


def test_marginal_functions_run_from_the_constant_over_the_line_to_the_wiggly():
    x = np.random.default_rng(12).gamma(3, 2, 3_000)
    functions = marginal(x, 12)
    values, knots = (
        functions(x),
        np.concatenate([[functions.knots[0]] * 3, functions.knots, [functions.knots[-1]] * 3]),
    )
    np.testing.assert_allclose(values[:, 0], 1.0, rtol=1e-14)
    assert abs(np.corrcoef(values[:, 1], x)[0, 1]) == pytest.approx(1)
    bends = BSpline(knots, functions.weights, 3).derivative(2)
    total_bend, _ = quad_vec(lambda t: bends(t) ** 2, x.min(), x.max(), points=functions.knots[1:-1])
    assert (np.diff(total_bend[1:]) > 0).all() and total_bend[1] < 1e-9 * total_bend[2]


def small_regression(n=120):
    rng = np.random.default_rng(13)
    x = rng.normal(size=(n, 2))
    y = outcomes(increments(x[:, 0] ** 2 - x[:, 1] + rng.normal(size=n), a=x[:, 0]), seed=1)
    return spline_design(x), x[y.order], y


def test_the_fit_is_penalised_least_squares_and_what_it_leaves_fitted_once_more():
    design, x, y = small_regression()
    found = fit(design, x, y)
    columns = design.columns(x)
    ridge = found.penalty[0] * np.diag(np.arange(design.n_columns) >= design.n_free)
    smooth = columns @ np.linalg.solve(columns.T @ columns + ridge, columns.T)
    once = smooth @ y.standard[0]
    direct = once + smooth @ (y.standard[0] - once)
    np.testing.assert_allclose((found.plug_in[1] - y.mean[1]) / y.scatter[1], direct, atol=1e-9)


def dense_restricted_likelihood(free, rest, target, penalty):
    """-2 log of it, up to a constant, from the covariance of the target itself: I + rest rest' / penalty."""
    covariance = np.eye(len(target)) + rest @ rest.T / penalty
    inverse = np.linalg.inv(covariance)
    inner, cross = free.T @ inverse @ free, free.T @ inverse @ target
    residual = target @ inverse @ target - cross @ np.linalg.solve(inner, cross)
    logs = np.linalg.slogdet(covariance)[1] + np.linalg.slogdet(inner)[1]
    return (len(target) - free.shape[1]) * np.log(residual) + logs


def test_the_smoothing_maximises_the_restricted_likelihood():
    design, x, y = small_regression()
    free, rest = np.split(design.columns(x), [design.n_free], axis=1)
    found = fit(design, x, y).penalty[0]
    grid = found * np.geomspace(0.2, 5, 81)
    logs = [dense_restricted_likelihood(free, rest, y.standard[0], penalty) for penalty in grid]
    assert grid[np.argmin(logs)] == pytest.approx(found, rel=0.15)


def test_held_out_fits_are_fits_without_the_fold():
    design, x, y = small_regression()
    parts, penalty = moments(Columns(design, x), y.standard), np.array([3.0])
    left_out = held_out_coefficients(parts, design.n_free, penalty)
    kept = np.r_[0 : y.edges[1], y.edges[2] : len(x)]
    columns = design.columns(x[kept])
    ridge = 3.0 * np.diag(np.arange(design.n_columns) >= design.n_free)
    direct = np.linalg.solve(columns.T @ columns + ridge, columns.T @ y.standard[0, kept])
    np.testing.assert_allclose(left_out[1][:, 0], direct, atol=1e-10)


def test_columns_that_are_made_again_for_each_use_give_the_same_fit(monkeypatch):
    design, x, y = small_regression()
    kept = fit(design, x, y)
    monkeypatch.setattr("psa_engine.voi.regression.design.MOST_KEPT", 0)
    np.testing.assert_allclose(fit(design, x, y).held_out, kept.held_out, rtol=1e-9)


def test_draws_of_coefficients_have_the_covariance_of_the_fit():
    design, x, y = small_regression(400)
    found = fit(design, x, y)
    columns = design.columns(x)
    ridge = found.penalty[0] * np.diag(np.arange(design.n_columns) >= design.n_free)
    covariance = found.residual[0, 0] * np.linalg.inv(columns.T @ columns + ridge) * y.scatter[1] ** 2
    draws = np.concatenate([posterior_changes(found, y, seed)[:, :, 1] for seed in range(40)], axis=1)
    expected = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(draws.std(axis=1), expected, rtol=4 / np.sqrt(2 * draws.shape[1]))


def permuted_coefficients(design, x, y, rng):
    """The coefficients of one true permutation of the outcome against the parameters."""
    columns = design.columns(x)
    s = spectrum(columns.T @ columns, design.n_free, y.n_draws)
    free, rest = s.coordinates(columns.T @ rng.permutation(y.standard[0])[:, None])
    penalty, _ = best_penalty(s, rest, y.n_draws - (free**2).sum(axis=0))
    return s.coefficients(free, s.shrink(rest, penalty))[:, 0]


def test_fits_of_permuted_outcomes_are_spread_like_true_permutations():
    design, x, y = small_regression(400)
    found, rng = fit(design, x, y), np.random.default_rng(14)
    true = np.array([permuted_coefficients(design, x, y, rng) for _ in range(800)])
    drawn = np.concatenate([permuted_fits(found, y, seed)[:, :, 1] for seed in range(20)], axis=1)
    lines = slice(1, design.n_free)
    np.testing.assert_allclose(drawn[lines].std(axis=1) / y.scatter[1], true[:, lines].std(axis=0), rtol=0.2)
