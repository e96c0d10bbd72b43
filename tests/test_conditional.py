"""Conditional draws are exact: with some parameters held, the others follow their conditional law."""

import jax
import numpy as np
import pytest
from assertions import assert_mean, assert_within_mc_error
from numpy.polynomial.hermite_e import hermegauss

from psa_engine.distributions import Beta, Dirichlet, Empirical, Gamma, MultivariateNormal, Normal
from psa_engine.errors import InputError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet, conditional, members
from psa_engine.voi.problem import Problem

N = 40_000
MEAN = np.array([1.0, 0.5, -2.0, 0.0])
COVARIANCE = np.array([[1, 1, 0.3, 0.8], [1, 4, 0, 0.6], [0.3, 0, 2.25, -0.5], [0.8, 0.6, -0.5, 1]])
NAMES = ("a", "b", "c", "d")
THETA = ParameterSet({"theta": MultivariateNormal(names=NAMES, mean=MEAN, covariance=COVARIANCE)})


def draws_given(parameters, of, z_of, seed=5):
    """Draws of all parameters with the scores that determine `of` held at z_of."""
    arranged, rows = conditional(parameters, of)
    z = np.random.default_rng(seed).standard_normal((len(arranged.structure.scores), N))
    z[list(rows)] = np.asarray(z_of, float)[:, None]
    return drawn(arranged, z)


def drawn(parameters, z):
    """Parameter name -> draws, from independent scores."""
    return {k: np.asarray(v) for k, v in jax.jit(parameters.structure.draw)(parameters.inputs(), z).items()}


def assert_normal(draws, mean, variance):
    assert_mean(draws, mean)
    assert_within_mc_error(draws.var(ddof=1), variance, variance * np.sqrt(2 / N))


def assert_moments(draws, mean, variance):
    """Compare a mean and a variance, the latter in standard errors from the fourth moment."""
    assert_mean(draws, mean)
    assert_mean((draws - mean) ** 2, variance)


@pytest.mark.parametrize("of", [("d",), ("b",), ("d", "b"), ("c", "a"), ("a", "b", "d")])
def test_normals_given_some_of_them_have_the_conditional_mean_and_variance(of):
    draws = draws_given(THETA, of, [1.3, -0.7, 0.4][: len(of)])
    s = [NAMES.index(n) for n in of]
    held = np.array([draws[n][0] for n in of])
    slope = COVARIANCE[:, s] @ np.linalg.inv(COVARIANCE[np.ix_(s, s)])
    for i, name in enumerate(NAMES):
        if name in of:
            assert np.ptp(draws[name]) == 0
        else:
            variance = COVARIANCE[i, i] - slope[i] @ COVARIANCE[s, i]
            assert_normal(draws[name], MEAN[i] + slope[i] @ (held - MEAN[s]), variance)


def test_normals_on_a_log_scale_are_conditional_on_that_scale():
    joint = MultivariateNormal(
        names=("x", "y"), mean=(0.2, -1), sd=(0.5, 0.8), correlation=[[1, 0.6], [0.6, 1]], scale="log"
    )
    draws = draws_given(ParameterSet({"joint": joint}), ("y",), [1.7])
    assert_normal(np.log(draws["x"]), 0.2 + 0.6 * 0.5 / 0.8 * (np.log(draws["y"][0]) + 1), 0.25 * (1 - 0.36))


PAIR = ParameterSet(
    {"rate": Gamma(3, 0.2), "share": Beta(4, 9), "alone": Normal(0, 1)}, correlation={("rate", "share"): 0.7}
)


@pytest.mark.parametrize(("held", "free"), [("rate", "share"), ("share", "rate")])
def test_a_copula_pair_follows_the_conditional_score(held, free):
    z_held = -1.1
    draws = draws_given(PAIR, (held,), [z_held])
    nodes, weights = hermegauss(64)
    x = PAIR.entries[free].quantile(0.7 * z_held + np.sqrt(1 - 0.49) * nodes)
    mean = weights @ x / weights.sum()
    assert_moments(draws[free], mean, weights @ (x - mean) ** 2 / weights.sum())
    np.testing.assert_allclose(draws[held], PAIR.entries[held].quantile(np.array([z_held]))[0], rtol=1e-8)


def test_what_is_not_correlated_is_drawn_as_before():
    assert_normal(draws_given(PAIR, ("rate",), [2.5])["alone"], 0, 1)


@pytest.mark.parametrize(("of", "left"), [(("p2",), ("p1", "p3", "p4")), (("p4", "p1"), ("p2", "p3"))])
def test_proportions_given_some_of_them_are_a_smaller_dirichlet(of, left):
    alpha = {"p1": 6.0, "p2": 3.0, "p3": 1.0, "p4": 2.5}
    parameters = ParameterSet({"p": Dirichlet(names=tuple(alpha), alpha=tuple(alpha.values()))})
    draws = draws_given(parameters, of, [0.8, -0.5][: len(of)])
    rest = 1 - sum(draws[n][0] for n in of)
    total = sum(alpha[n] for n in left)
    for name in left:
        share = alpha[name] / total
        assert_moments(draws[name], rest * share, rest**2 * share * (1 - share) / (total + 1))
    np.testing.assert_allclose(sum(draws[n] for n in alpha), 1, atol=1e-12)


def test_the_parameters_of_interest_keep_their_own_distribution():
    parameters = ParameterSet({"p": Dirichlet(names=("p1", "p2", "p3"), alpha=(6, 3, 1))})
    arranged, _ = conditional(parameters, ("p3",))
    z = np.random.default_rng(8).standard_normal((2, N))
    assert_moments(drawn(arranged, z)["p3"], 0.1, 0.1 * 0.9 / 11)


@pytest.mark.parametrize("of", [("d",), ("c", "b")])
def test_both_loops_together_draw_the_joint_distribution(of):
    arranged, _ = conditional(THETA, of)
    z = np.random.default_rng(9).standard_normal((4, N))
    draws = drawn(arranged, z)
    x = np.array([draws[name] for name in NAMES]) - MEAN[:, None]
    for i in range(4):
        for j in range(4):
            assert_mean(x[i] * x[j], COVARIANCE[i, j])


ROWS = ParameterSet({"fit": Empirical(names=("u", "v"), rows=[[1, 2], [3, 5], [4, 9]]), "w": Normal(0, 1)})


def test_splitting_rows_that_are_kept_jointly_is_refused_by_name():
    with pytest.raises(InputError, match=r"'v' belongs to rows.*with 'u'.*Name all of them together"):
        conditional(ROWS, ("v", "w"))


def test_rows_named_whole_are_one_score():
    assert conditional(ROWS, ("u", "v"))[1] == (0,)
    assert conditional(ROWS, members(ROWS, ("fit",)))[1] == (0,)


def test_members_expands_groups_once_and_suggests_names():
    assert members(THETA, ("theta", "b")) == NAMES
    assert members(THETA, "b") == ("b",)
    with pytest.raises(InputError, match=r"There is no parameter or group 'thetta'\. Did you mean 'theta'"):
        members(THETA, ("thetta",))
    with pytest.raises(InputError, match="at least one parameter"):
        members(THETA, ())


def test_a_parameter_held_at_a_number_tells_nothing_of_what_it_is_correlated_with():
    model = FunctionModel(lambda p: ((0.0, p["rate"]), (0.0, p["share"])), ("old", "new"))
    problem = Problem(model, PAIR.replace({"rate": 0.5}))
    assert problem.split(("rate",)).n_outer == 0
    assert problem.split(("rate", "alone")).n_outer == 1
    assert problem.split(("share",)).n_inner == 2
