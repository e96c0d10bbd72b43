"""Parameter values: the reference by closed forms, and the engine against the reference, draw by draw."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtr

from psa_engine import reference
from psa_engine.distributions import (
    PERT,
    Beta,
    Dirichlet,
    Empirical,
    Fixed,
    Gamma,
    LogitNormal,
    LogNormal,
    MultivariateNormal,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
)
from psa_engine.engine import run_psa
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet, normal_scores, score_inputs
from psa_engine.reference.sampling import conditional, correlated

N = 400
COVARIANCE = np.array([[0.04, 0.03, 0.0], [0.03, 0.09, -0.02], [0.0, -0.02, 0.01]])
UNIVARIATE = {
    "normal": (Normal(-3.0, 2.0), stats.norm(-3, 2)),
    "log_normal": (LogNormal(0.5, 0.8), stats.lognorm(0.8, scale=np.exp(0.5))),
    "logit_normal": (LogitNormal(-1.0, 1.3), None),
    "beta": (Beta(2.5, 7.0), stats.beta(2.5, 7)),
    "steep_beta": (Beta(0.3, 0.2), stats.beta(0.3, 0.2)),
    "tight_beta": (Beta(4e4, 9e3), stats.beta(4e4, 9e3)),
    "gamma": (Gamma(3.0, 200.0), stats.gamma(3, scale=200)),
    "steep_gamma": (Gamma(0.05, 40.0), stats.gamma(0.05, scale=40)),
    "uniform": (Uniform(-2.0, 5.0), stats.uniform(-2, 7)),
    "triangular": (Triangular(1.0, 2.0, 7.0), stats.triang(1 / 6, 1, 6)),
    "pert": (PERT(10.0, 30.0, 35.0, 3.0), stats.beta(1 + 3 * 20 / 25, 1 + 3 * 5 / 25, 10, 25)),
    "truncated": (TruncatedNormal(1.0, 2.0, low=0.0, high=4.0), stats.truncnorm(-0.5, 1.5, 1, 2)),
    "truncated_below": (TruncatedNormal(1.0, 2.0, low=0.5), stats.truncnorm(-0.25, np.inf, 1, 2)),
}


def every_kind():
    """A parameter set with every distribution, four pairs, a named block and two parameters held."""
    scales = ["identity", "log", "logit"]
    joint = {
        "slopes": MultivariateNormal(["s1", "s2", "s3"], [1.0, -2.0, 0.3], COVARIANCE, scale=scales),
        "shares": Dirichlet(["p1", "p2", "p3", "p4"], [6.0, 0.7, 3.0, 1.0]),
        "rows": Empirical(["e1", "e2"], np.arange(14.0).reshape(7, 2) ** 2),
    }
    pairs = {
        ("gamma", "beta"): 0.6,
        ("uniform", "beta"): -0.5,
        ("pert", "uniform"): 0.3,
        ("pert", "normal"): 0.4,
    }
    matrix = [[1, 0.5, 0.2], [0.5, 1, -0.3], [0.2, -0.3, 1]]
    block = {"means": (["truncated", "log_normal", "logit_normal"], matrix)}
    entries = {"price": Fixed(12.0), **{k: d for k, (d, _) in UNIVARIATE.items()}, **joint, "dose": 3.0}
    return ParameterSet(entries, {**pairs, **block}, fixed={"uniform": 0.25, "s2": 4.0})


def scores(parameters, sampler="random", dtype=jnp.float64, seed=11):
    names = parameters.structure.scores
    inputs = score_inputs(sampler, seed, names, N)
    return np.asarray(normal_scores(sampler, inputs, jnp.arange(N, dtype=jnp.uint32), dtype), float)


def sampled(parameters, **settings):
    """The draws of a whole run of the engine."""
    model = FunctionModel(lambda p: ((p["normal"], 0.0), (1.0, 2.0)), ["a", "b"])
    return run_psa(model, parameters, N, 11, **settings).parameter_values


def correlation_of(parameters):
    factor = correlated(parameters, np.eye(len(parameters.structure.scores)))
    return factor @ factor.T


@pytest.mark.parametrize("name", [k for k, (_, law) in UNIVARIATE.items() if law])
def test_a_marginal_is_the_inverse_distribution_function(name):
    record, law = UNIVARIATE[name]
    z = np.linspace(-4, 4, 81)[None]
    expected = np.where(z[0] < 0, law.ppf(ndtr(z[0])), law.isf(ndtr(-z[0])))
    got = reference.draws(ParameterSet({name: record}), z)[name]
    np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-14)


def test_a_logit_normal_has_its_parameters_on_the_log_odds():
    x = reference.draws(ParameterSet({"x": LogitNormal(-1.0, 1.3)}), np.array([[-2.0, 0.0, 1.5]]))["x"]
    np.testing.assert_allclose(np.log(x / (1 - x)), [-3.6, -1.0, 0.95], rtol=1e-12)


def test_pairs_that_share_a_parameter_make_one_block_and_others_stay_apart():
    entries = {name: Normal(0.0, 1.0) for name in "abcde"}
    parameters = ParameterSet(entries, {("c", "a"): 0.6, ("d", "e"): -0.4, ("b", "c"): 0.5})
    expected = np.eye(5)
    for i, j, rho in ((2, 0, 0.6), (3, 4, -0.4), (1, 2, 0.5)):
        expected[i, j] = expected[j, i] = rho
    np.testing.assert_allclose(correlation_of(parameters), expected, atol=1e-15)


def test_a_multivariate_normal_has_its_covariance_on_the_scale_of_each_name():
    record = MultivariateNormal(["a", "b", "c"], [1, 2, -3], COVARIANCE, scale=["identity", "log", "logit"])
    x = reference.draws(ParameterSet({"m": record}), np.eye(3))
    factor = np.stack([x["a"] - 1, np.log(x["b"]) - 2, np.log(x["c"] / (1 - x["c"])) + 3])
    np.testing.assert_allclose(factor @ factor.T, COVARIANCE, atol=1e-14)


def test_dirichlet_shares_sum_to_one_and_have_its_means_and_variances():
    alpha, n = np.array([6.0, 0.7, 3.0, 1.0]), 40_000
    z = np.random.default_rng(2).standard_normal((3, n))
    shares = np.stack(list(reference.draws(ParameterSet({"d": Dirichlet(list("wxyz"), alpha)}), z).values()))
    law = stats.dirichlet(alpha)
    assert np.abs(shares.sum(0) - 1).max() < 1e-14
    assert np.all(np.abs(shares.mean(1) - law.mean()) < 4 * np.sqrt(law.var() / n))
    squares = (shares - law.mean()[:, None]) ** 2
    assert np.all(np.abs(squares.mean(1) - law.var()) < 4 * squares.std(1) / np.sqrt(n))


def test_conditional_scores_hold_what_is_given_and_have_the_conditional_law():
    pairs = {("a", "b"): 0.6, ("b", "c"): 0.5, ("a", "d"): 0.7}
    parameters = ParameterSet({name: Normal(0, 1) for name in "abcd"}, pairs)
    precision = np.linalg.inv(correlation_of(parameters))
    y = conditional(parameters, [1, 3], np.array([2.0, -1.0]), np.zeros((4, 1)))[:, 0]
    moved = conditional(parameters, [1, 3], np.zeros(2), np.eye(4))[[0, 2]]
    assert y[[1, 3]].tolist() == [2.0, -1.0]
    np.testing.assert_allclose((precision @ y)[[0, 2]], 0, atol=1e-14)  # the mode of the others given these
    np.testing.assert_allclose(moved @ moved.T, np.linalg.inv(precision[np.ix_([0, 2], [0, 2])]), atol=1e-14)


@pytest.mark.parametrize("sampler", ["random", "antithetic", "latin_hypercube", "sobol"])
def test_a_run_draws_what_the_reference_draws_from_its_scores(sampler):
    parameters = every_kind()
    expected = reference.draws(parameters, scores(parameters, sampler))
    for name, got in sampled(parameters, sampler=sampler).items():
        np.testing.assert_allclose(got, expected[name], rtol=1e-9, atol=1e-12, err_msg=name)


def test_a_run_in_single_precision_draws_what_the_reference_draws_from_its_scores():
    parameters = every_kind()
    expected = reference.draws(parameters, scores(parameters, dtype=jnp.float32))
    for name, got in sampled(parameters, precision="single").items():
        assert np.abs(got - expected[name]).max() < 2e-5 * np.abs(expected[name]).max(), name


def test_what_is_held_or_known_does_not_vary():
    parameters = every_kind()
    expected = reference.draws(parameters, scores(parameters))
    for name, value in {"price": 12.0, "dose": 3.0, "uniform": 0.25, "s2": 4.0}.items():
        assert np.unique(expected[name]).tolist() == [value]
    assert set(expected) == set(parameters.names)


def test_rows_of_a_table_are_drawn_together():
    drawn = reference.draws(every_kind(), scores(every_kind()))
    rows = {((2.0 * i) ** 2, (2.0 * i + 1) ** 2) for i in range(7)}
    assert {*zip(drawn["e1"], drawn["e2"], strict=True)} == rows
