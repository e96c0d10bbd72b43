"""Joint distributions: marginals, dependence, the exact twin of stick breaking, rows kept together."""

import math

import numpy as np
import pytest
from assertions import assert_mean
from scipy import stats

from psa_engine.distributions import (
    Beta,
    Dirichlet,
    Empirical,
    LogitNormal,
    LogNormal,
    MultivariateNormal,
    Normal,
)
from psa_engine.errors import InputError

SCORES = np.random.default_rng(11).standard_normal((3, 40_000))
SHARES = Dirichlet(["cream", "tablet", "injection", "none"], alpha=[6, 3, 1, 0.5])


def two_costs(**changes):
    fields = {"names": ["a", "b"], "mean": [1.0, -2.0], "covariance": [[4.0, 1.5], [1.5, 9.0]]}
    return MultivariateNormal(**(fields | changes))


def test_dirichlet_proportions_are_positive_and_sum_to_one():
    draws = SHARES.quantile(SCORES)
    assert list(draws) == list(SHARES.names) and min(x.min() for x in draws.values()) > 0
    np.testing.assert_allclose(sum(draws.values()), 1, rtol=1e-13)


def test_dirichlet_moments_are_scipys():
    scipy = stats.dirichlet([6, 3, 1, 0.5])
    assert list(SHARES.mean.values()) == pytest.approx(scipy.mean())
    assert list(SHARES.sd.values()) == pytest.approx(np.sqrt(scipy.var()))


def test_dirichlet_draws_have_the_dirichlet_mean_and_covariance():
    draws, mean = SHARES.quantile(SCORES), SHARES.mean
    for name in SHARES.names:
        assert_mean(draws[name], mean[name])
    product = (draws["cream"] - mean["cream"]) * (draws["tablet"] - mean["tablet"])
    assert_mean(product, -6 * 3 / (10.5**2 * 11.5))  # -a_i a_j / (A^2 (A + 1))


def test_dirichlet_draws_have_beta_marginals():
    draws = SHARES.quantile(SCORES)
    for name, alpha in zip(SHARES.names, SHARES.alpha, strict=True):
        assert stats.kstest(draws[name], stats.beta(alpha, 10.5 - alpha).cdf).pvalue > 1e-4


def test_dirichlet_sticks_share_out_what_is_left():
    assert SHARES.sticks == (Beta(6, 4.5), Beta(3, 1.5), Beta(1, 0.5)) and SHARES.n_scores == 3
    first, second, *_ = SHARES.quantile(np.array([[0.3], [-1.1], [0.0]])).values()
    assert first == Beta(6, 4.5).quantile(0.3)
    assert second == pytest.approx((1 - first) * Beta(3, 1.5).quantile(-1.1), rel=1e-13)


def test_a_dirichlet_of_two_is_a_beta():
    draws = Dirichlet(["yes", "no"], events=[73, 242]).quantile(SCORES[:1])
    np.testing.assert_allclose(draws["yes"], Beta(73, 242).quantile(SCORES[0]), rtol=1e-14)


def test_dirichlet_counts_may_carry_a_prior():
    assert Dirichlet(["a", "b", "c"], events=[5, 0, 2], prior=0.5).alpha == (5.5, 0.5, 2.5)


def test_a_dirichlet_interval_is_that_of_its_beta_marginal():
    expected = stats.beta(3, 7.5).interval(0.9)
    assert SHARES.marginal_interval("tablet", level=0.9) == pytest.approx(expected)


def test_a_multivariate_normal_is_the_mean_plus_cholesky_times_scores():
    draws = two_costs().quantile(np.array([[1.0, 0.0], [0.0, 1.0]]))
    np.testing.assert_allclose(draws["a"], [1 + 2, 1])  # L = [[2, 0], [.75, sqrt(9 - .5625)]]
    np.testing.assert_allclose(draws["b"], [-2 + 0.75, -2 + math.sqrt(9 - 0.5625)])


def test_sd_with_correlation_is_the_same_as_a_covariance():
    other = two_costs(covariance=None, sd=[2, 3], correlation=[[1, 0.25], [0.25, 1]])
    np.testing.assert_allclose(other.covariance, two_costs().covariance)


def test_multivariate_normal_draws_have_the_covariance():
    draws = two_costs().quantile(SCORES[:2])
    assert_mean((draws["a"] - 1) * (draws["b"] + 2), 1.5)
    assert_mean((draws["b"] + 2) ** 2, 9.0)


def test_each_name_may_have_its_own_scale():
    d = two_costs(scale=["log", "logit"])
    assert d.marginals == {"a": LogNormal(1, 2), "b": LogitNormal(-2, 3)}
    plain, drawn = two_costs().quantile(SCORES[:2]), d.quantile(SCORES[:2])
    np.testing.assert_allclose(np.log(drawn["a"]), plain["a"], atol=1e-12)
    np.testing.assert_allclose(np.log(drawn["b"] / (1 - drawn["b"])), plain["b"], rtol=1e-6)


def test_moments_of_a_log_scale_are_those_of_the_parameter():
    d = two_costs(scale="log")
    assert d.mean == pytest.approx({"a": math.exp(1 + 4 / 2), "b": math.exp(-2 + 9 / 2)})
    assert d.sd["a"] == pytest.approx(stats.lognorm(2, scale=math.e).std())
    assert two_costs().marginal_interval("b") == pytest.approx(stats.norm(-2, 3).interval(0.95))


def test_variances_of_very_different_size_are_accepted():
    d = MultivariateNormal(["cost", "utility"], [9000, 0.8], [[1e8, -0.5], [-0.5, 1e-8]])
    assert d.marginals["utility"] == Normal(0.8, 1e-4)


def test_empirical_rows_stay_together():
    rows = [[1, 10], [2, 20], [3, 30], [4, 40]]
    draws = Empirical(["intercept", "slope"], rows).quantile(SCORES[:1])
    np.testing.assert_array_equal(draws["slope"], 10 * draws["intercept"])
    assert set(draws["intercept"]) == {1, 2, 3, 4}


def test_an_empirical_score_picks_the_row_by_its_probability():
    d = Empirical(["x"], [[5], [6], [7], [8]])
    z = stats.norm.ppf([1e-12, 0.24, 0.26, 0.51, 0.76, 1 - 1e-12])
    np.testing.assert_array_equal(d.row_of(z), [0, 0, 1, 2, 3, 3])
    np.testing.assert_array_equal(d.quantile([[-8.3, 8.3]])["x"], [5, 8])


def test_empirical_moments_are_those_of_its_rows():
    d = Empirical(["x", "y"], [[1, 4], [2, 9], [6, 5]])
    assert d.mean == pytest.approx({"x": 3, "y": 6})
    assert d.sd == pytest.approx({"x": math.sqrt(14 / 3), "y": math.sqrt(14 / 3)})
    assert d.marginal_interval("y", level=0.5) == (4, 9)


def test_an_empirical_sample_is_read_from_csv(tmp_path):
    (tmp_path / "coda.csv").write_text('"","alpha","beta"\n"1",0.5,-2\n"2",0.75,-3\n')
    d = Empirical.from_csv(tmp_path / "coda.csv")
    assert d.names == ("alpha", "beta") and d.rows.tolist() == [[0.5, -2], [0.75, -3]]
    assert Empirical.from_csv(tmp_path / "coda.csv", names=["beta"]).rows.tolist() == [[-2], [-3]]


@pytest.mark.parametrize(
    ("text", "names", "message"),
    [
        ("a,b\n1,2\n3,4\n", ["c"], "has no column 'c'. Known: a, b."),
        ("a,b\n1,2\n3,x\n", None, "row 2 of"),
        ("a,b\n1,2\n3\n", None, "has 1 entries, the header 2"),
        ("a\n1\n", None, "at least 2 rows"),
        ("", None, "at least 1 names are needed"),
    ],
)
def test_a_bad_csv_is_refused_with_its_place(tmp_path, text, names, message):
    (tmp_path / "rows.csv").write_text(text)
    with pytest.raises(InputError) as refusal:
        Empirical.from_csv(tmp_path / "rows.csv", names)
    assert message in str(refusal.value)


ABC = ["a", "b", "c"]
OVER = [[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]]
REFUSED = {
    "alpha of 'b' must be above 0, got 0": lambda: Dirichlet(ABC, [1, 0, 2]),
    "events of 'c' must be above 0, got 0. Add prior=0.5": lambda: Dirichlet(ABC, events=[3, 1, 0]),
    "alpha must hold one number per name (3), got [1, 2]": lambda: Dirichlet(ABC, [1, 2]),
    "give either alpha or events": lambda: Dirichlet(ABC),
    "at least 2 names are needed, got 1": lambda: Dirichlet(["a"], [1]),
    "every name must be different; repeated: a": lambda: Dirichlet(["a", "b", "a"], [1, 2, 3]),
    "names must be a list of texts, got 'ab'": lambda: Dirichlet("ab", [1, 2]),
    "correlation is not positive definite": lambda: MultivariateNormal(
        ABC, [0] * 3, sd=[1] * 3, correlation=OVER
    ),
    "correlation must have 1 on its diagonal": lambda: two_costs(
        covariance=None, sd=[1, 1], correlation=np.ones((2, 2)) * 0.5
    ),
    "covariance is not symmetric; (a, b) and (b, a) differ": lambda: two_costs(covariance=[[4, 1], [2, 9]]),
    "makes the correlation of 'a' and 'b' 1.5": lambda: two_costs(covariance=[[4, 9], [9, 9]]),
    "the variance of 'b' must be above 0": lambda: two_costs(covariance=[[4, 0], [0, 0]]),
    "covariance must be 2 by 2 finite numbers, got shape (1, 2)": lambda: two_costs(covariance=[[4, 0]]),
    "must be a table of numbers with equally long rows": lambda: two_costs(covariance=[[4, 0], [0]]),
    "give either covariance, or sd with correlation": lambda: two_costs(sd=[1, 2]),
    "every sd must be above 0": lambda: two_costs(covariance=None, sd=[1, -2], correlation=np.eye(2)),
    "scale must be identity, log or logit": lambda: two_costs(scale=["log", "cloglog"]),
    "mean of 'b' must be a number, got '2'": lambda: two_costs(mean=[1, "2"]),
    "has no parameter 'tablets'. Did you mean 'tablet'?": lambda: SHARES.marginal_interval("tablets"),
    "needs normal scores of shape (3, n), got (2, 5)": lambda: SHARES.quantile(np.zeros((2, 5))),
    "row 2 of 'y' is not a finite number": lambda: Empirical(["x", "y"], [[1, 2], [3, math.inf]]),
    "at least 2 rows and 2 columns, got shape (2, 1)": lambda: Empirical(["x", "y"], [[1], [2]]),
    "there is no file nowhere.csv": lambda: Empirical.from_csv("nowhere.csv"),
}


@pytest.mark.parametrize("message", REFUSED)
def test_impossible_joint_distributions_are_refused_with_the_reason(message):
    with pytest.raises(InputError) as refusal:
        REFUSED[message]()
    assert message in str(refusal.value)
