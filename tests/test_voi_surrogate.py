"""EVPPI of groups by the surrogate, its bracket, and all subsets: known answers, laws, and the closed forms."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from voi_problems import KNOWN, P1, P3, P4, P12, P13_CONFIG, P13_EVPI, P13_EVPPI, P13_REWARDS, P13_WTP

from psa_engine.config import load_analysis
from psa_engine.distributions import Normal
from psa_engine.errors import InputError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet
from psa_engine.voi import Problem, bracket, shapley_effects, surrogate
from psa_engine.voi.hermite import fit, n_points_for
from psa_engine.voi.pilot_fit import ScoreRuns, fit_pilot


@cache
def value_of(name, of):
    known = KNOWN[name]
    return surrogate.estimate(Problem(known.model, known.parameters), of, np.array([known.wtp]), seed=5)


def assert_within_error(estimate, truth, z=4):
    """Known answers have seven digits."""
    allowed = z * estimate.standard_error[0] + 1e-6 * abs(truth)
    assert abs(estimate.value[0] - truth) <= allowed, (estimate.value[0], truth, estimate.standard_error[0])


CASES = [
    (name, of)
    for name in ("P1", "P1b", "P2", "P3", "P4", "P12", "P14")
    for of in KNOWN[name].evppi
    if len(of) > 1 or of[0] in KNOWN[name].parameters.groups or name in ("P1", "P14", "P3")
]


@pytest.mark.parametrize(
    ("name", "of"), CASES, ids=lambda part: part if isinstance(part, str) else "+".join(part)
)
def test_the_estimate_is_within_its_error_of_the_known_answer(name, of):
    assert_within_error(value_of(name, of), KNOWN[name].evppi[of])


def test_groups_of_brennans_case_are_within_a_thousandth():
    for of, truth in P4.evppi.items():
        if 1 < len(of) <= 6:
            assert abs(value_of("P4", of).value[0] / truth - 1) < 1e-3
            assert value_of("P4", of).model_runs < 100_000


def test_groups_of_sick_sicker_are_within_a_thousandth_of_the_evpi():
    analysis = load_analysis(P13_CONFIG)
    problem = Problem(analysis.model, analysis.parameters)
    for of, rtol in (
        (("costs",), 5e-3),
        (("utilities",), 3e-3),
        (P13_REWARDS, 1e-3),
        (("transitions",), 2e-2),
    ):
        found = surrogate.estimate(problem, of, np.array([P13_WTP]), rtol=rtol)
        assert abs(found.value[0] - P13_EVPPI[of]) < 1e-3 * P13_EVPI
        assert found.diagnostics["surrogate_r2"][0] > 0.999


def test_incomplete_pairs_of_a_pure_interaction_are_worth_nothing():
    for of in (("t1",), ("t2", "t3"), ("t1", "t3", "t5", "t7")):
        assert abs(value_of("P3", of).value[0]) < 1e-6


def test_what_tells_nothing_of_any_choice_is_worth_exactly_nothing():
    assert value_of("P1", ("t5",)).value[0] == 0
    assert value_of("P14", ("t3",)).value[0] == 0


def test_knowing_more_is_worth_more_up_to_perfect_information():
    chain = (("x5", "x14"), ("x5", "x6", "x14", "x15"), ("x5", "x6", "x7", "x14", "x15", "x16"))
    values = [value_of("P4", of).value[0] for of in chain]
    assert values == sorted(values)
    assert values[-1] < P4.evpi + 4 * value_of("P4", chain[-1]).standard_error[0]


def test_all_parameters_together_are_worth_perfect_information():
    for name in ("P1", "P4", "P12"):
        known = KNOWN[name]
        everything = surrogate.estimate(
            Problem(known.model, known.parameters), known.parameters.names, np.array([known.wtp])
        )
        assert_within_error(everything, known.evpi)


def test_the_bracket_holds_the_truth():
    for of in (("p1",), ("p3",)):
        found = bracket.estimate(Problem(P12.model, P12.parameters), of, np.array([1000.0]), rtol=5e-3)
        low, high = found.bracket
        slack = 4 * found.standard_error[0]
        assert low[0] - slack < P12.evppi[of] < high[0] + slack
        assert found.bias_bound[0] == pytest.approx((high[0] - low[0]) / 2)


def test_the_policy_value_is_never_above_the_nested_one():
    for of in P4.evppi:
        low, high = value_of("P4", of).bracket
        assert low[0] <= high[0] + 1e-9


def test_a_poor_surrogate_hands_over_to_multilevel_monte_carlo():
    model = FunctionModel(
        lambda p: ((0.0, 0.0), (0.0, jnp.sign(jnp.sin(4 * p["x"])) + p["y"])), ("old", "new")
    )
    problem = Problem(model, ParameterSet({"x": Normal(0, 1), "y": Normal(0.2, 0.3), "w": Normal(0, 0.2)}))
    found = surrogate.estimate(problem, ("x", "y"), np.array([1.0]), rtol=0.05)
    assert found.method == "multilevel Monte Carlo"
    assert found.diagnostics["surrogate_r2"][0] < 0.9
    # sign(sin 4x) is a fair coin: E max(0, coin + y) less E y, y ~ N(.2, .3).
    mean, sd = np.array([1.2, -0.8]), 0.3
    from scipy.stats import norm

    truth = (mean * norm.cdf(mean / sd) + sd * norm.pdf(mean / sd)).mean() - 0.2
    assert abs(found.value[0] - truth) < 4 * found.standard_error[0] + found.bias_bound[0]


def test_every_wtp_is_read_off_the_same_runs():
    wtp = np.array([8e3, 1e4, 1.2e4])
    found = surrogate.estimate(Problem(P4.model, P4.parameters), ("x5", "x14"), wtp, seed=5)
    assert found.value.shape == found.standard_error.shape == (3,)
    assert abs(found.value[1] - 247.912) < 4 * found.standard_error[1]
    assert (np.diff(found.value) > 0).all()


def test_a_constant_given_to_every_strategy_changes_nothing():
    shifted = FunctionModel(
        lambda p: (P1.model.outcomes(p)[0], tuple(e + 11 for e in P1.model.outcomes(p)[1])), "ab"
    )
    found = surrogate.estimate(Problem(shifted, P1.parameters), ("t1", "t3"), np.array([1000.0]), seed=5)
    assert found.value[0] == pytest.approx(value_of("P1", ("t1", "t3")).value[0], rel=1e-7)


def test_constants_are_worth_exactly_nothing():
    parameters = P1.parameters.replace({"t1": 2.0, "t3": 1.0})
    found = surrogate.estimate(Problem(P1.model, parameters), ("t1", "t3"), np.array([1000.0]))
    assert (found.value[0], found.standard_error[0], found.method) == (0.0, 0.0, "constant")


def test_inner_draws_must_be_a_power_of_two():
    with pytest.raises(InputError, match="n_inner must be a power of two"):
        surrogate.estimate(Problem(P1.model, P1.parameters), ("t1", "t3"), np.array([1.0]), n_inner=6)


# The surrogate itself.


def cubic_of(z):
    return np.stack([3 + z[0] - 2 * z[1] * z[2] + 0.5 * z[1] ** 2, z[0] ** 2 * z[2] - z[1] ** 3 + z[3]])


@cache
def fitted():
    z = np.random.default_rng(2).standard_normal((4, 2000))
    return fit(z, cubic_of(z), cubic_of(z), 4)[0]


def test_a_cubic_is_fitted_exactly():
    z = np.random.default_rng(3).standard_normal((4, 50))
    np.testing.assert_allclose(fitted()(z), cubic_of(z), atol=1e-9)
    assert n_points_for(4) == 8 * (15 + 20)


def test_the_mean_given_some_scores_is_read_off():
    z = np.random.default_rng(4).standard_normal((4, 6))
    given = fitted().given(np.array([0, 2]))(z[[0, 2]])
    truth = np.stack([3 + z[0] + 0.5, z[0] ** 2 * z[2]])  # E z1^2 = 1, the rest has mean 0
    np.testing.assert_allclose(given, truth, atol=1e-9)


def test_the_mean_given_a_projection_is_that_of_drawing_the_rest():
    direction = np.array([0.6, 0.0, 0.8, 0.0])
    at = 1.1 * direction
    rest = np.random.default_rng(5).standard_normal((4, 400_000))
    drawn = cubic_of(at[:, None] + rest - np.outer(direction, direction @ rest))
    got = fitted()(at[:, None], np.outer(direction, direction))[:, 0]
    assert np.all(np.abs(got - drawn.mean(1)) < 4 * drawn.std(1) / np.sqrt(400_000))


def test_the_pilot_knows_how_good_its_fit_is():
    problem = Problem(P4.model, P4.parameters)
    pilot = fit_pilot(ScoreRuns(problem.split(("x5", "x6")), 0, lambda done: None), np.array([1e4]))
    assert 0.9999 < pilot.r2[0] < 1
    assert pilot.best[0] == 1
    assert pilot.evpi[0] == pytest.approx(P4.evpi, rel=0.03)


# All subsets.


@cache
def shares():
    return shapley_effects(P1.model, P1.parameters, groups=("t1", "t2", "t3", "t4", "t5"), wtp=1000.0)


def test_every_subset_is_worth_its_known_answer():
    checked = [of for of in P1.evppi if of in shares().subsets]
    assert len(checked) == 9
    for of in checked:
        assert abs(shares().subsets[of][0] - P1.evppi[of]) <= 4 * shares().subset_errors[of][0] + 1e-9


def test_shapley_effects_add_up_to_the_worth_of_all():
    everything = shares().subsets[("t1", "t2", "t3", "t4", "t5")]
    assert shares().effects.sum() == pytest.approx(everything[0], rel=1e-12)
    assert everything[0] == pytest.approx(P1.evpi, rel=0.01)


def test_what_tells_nothing_gets_no_share_and_what_only_correlates_gets_one():
    effects = dict(zip(shares().groups, shares().effects[:, 0], strict=True))
    assert abs(effects["t5"]) < 1e-9
    assert effects["t4"] > 50


def test_two_halves_of_a_pure_interaction_share_alike():
    found = shapley_effects(P3.model, P3.parameters, groups=("t1", "t2"), wtp=1000.0)
    np.testing.assert_allclose(found.effects[:, 0], 318.3099 / 2, atol=4 * found.standard_errors.max())
    assert list(found.table.index.names) == ["group", "wtp"]


def test_groups_that_cannot_share_are_refused():
    cases = {
        ("correlated", "x5"): "share 'x5'",
        tuple(f"x{k}" for k in range(1, 14)): "1 to 12 groups, and got 13",
    }
    for groups, message in cases.items():
        with pytest.raises(InputError, match=message):
            shapley_effects(P4.model, P4.parameters, groups=groups, wtp=1e4)
    with pytest.raises(InputError, match="'p1' without 'p2'"):
        shapley_effects(P12.model, P12.parameters, groups=("p1",), wtp=1e3)
