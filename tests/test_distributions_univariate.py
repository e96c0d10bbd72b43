"""Univariate distributions: moments, intervals and quantiles against SciPy, and the device form."""

import math

import numpy as np
import pytest
from assertions import assert_within_mc_error
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import expit

from psa_engine.distributions import (
    PERT,
    Beta,
    Fixed,
    Gamma,
    LogitNormal,
    LogNormal,
    Normal,
    Triangular,
    TruncatedNormal,
    Uniform,
)

PAIRS = [
    (Normal(-0.4, 1.7), stats.norm(-0.4, 1.7)),
    (LogNormal(0.3, 0.8), stats.lognorm(0.8, scale=math.exp(0.3))),
    (Beta(73, 242), stats.beta(73, 242)),
    (Beta(0.3, 0.7), stats.beta(0.3, 0.7)),
    (Beta(200, 3), stats.beta(200, 3)),
    (Gamma(0.1, 30), stats.gamma(0.1, scale=30)),
    (Gamma(4.5, 12), stats.gamma(4.5, scale=12)),
    (Uniform(-2, 5), stats.uniform(-2, 7)),
    (Triangular(1, 1.5, 4), stats.triang(1 / 6, 1, 3)),
    (PERT(1, 1.5, 4), stats.beta(1 + 4 / 6, 1 + 20 / 6, loc=1, scale=3)),
    (TruncatedNormal(0.8, 0.3, low=0, high=1), stats.truncnorm(-0.8 / 0.3, 0.2 / 0.3, 0.8, 0.3)),
    (TruncatedNormal(2, 3, low=1), stats.truncnorm(-1 / 3, math.inf, 2, 3)),
    (TruncatedNormal(2, 3, high=2.5), stats.truncnorm(-math.inf, 0.5 / 3, 2, 3)),
]
IDS = [repr(ours) for ours, _ in PAIRS]
EXTREME = [
    Fixed(-3.5),
    LogitNormal(-1.2, 0.7),
    LogitNormal(2, 6),
    Beta(0.02, 3),
    Beta(2000, 0.05),
    Beta(1000, 1e6),
    Beta(1.04778, 0.0577916),  # where SciPy 1.17 answers NaN
    Gamma(0.003, 5),
    Gamma(1.6e6, 1e-6),
    PERT(-4, -4, 3, shape=2),
    Triangular(-4, 3, 3),
    TruncatedNormal(0, 1, low=5, high=6),
    TruncatedNormal(0, 1, low=6.09, high=13.1),
    TruncatedNormal(0, 100, low=1, high=1.001),
    TruncatedNormal(0.9, 0.02, high=1),
]
EVERY = [ours for ours, _ in PAIRS] + EXTREME
SCORES = np.linspace(-8.3, 8.3, 1661)


def exact(scipy, z):
    """SciPy's quantile at a score, from the tail the score is in."""
    return scipy.ppf(stats.norm.cdf(z)) if z <= 0 else scipy.isf(stats.norm.sf(z))


@pytest.mark.parametrize(("ours", "scipy"), PAIRS, ids=IDS)
def test_mean_and_sd_are_scipys(ours, scipy):
    assert ours.mean == pytest.approx(scipy.mean(), rel=1e-11)
    assert ours.sd == pytest.approx(scipy.std(), rel=1e-9)


@pytest.mark.parametrize(("ours", "scipy"), PAIRS, ids=IDS)
def test_the_central_interval_is_scipys(ours, scipy):
    assert ours.interval() == pytest.approx(scipy.interval(0.95), rel=1e-10)
    assert ours.interval(level=0.5) == pytest.approx(scipy.interval(0.5), rel=1e-10)


@pytest.mark.parametrize(("ours", "scipy"), PAIRS, ids=IDS)
def test_quantiles_are_scipys_in_both_tails(ours, scipy):
    z = np.array([-8.0, -5.0, -1.3, -0.01, 0.0, 0.7, 3.0, 8.0])
    if isinstance(ours, TruncatedNormal):
        z = z[1:-1]  # SciPy 1.17 loses digits beyond; the closed forms below reach there
    expected = [exact(scipy, score) for score in z]
    np.testing.assert_allclose(ours.quantile(z), expected, rtol=1e-8, atol=0)


@pytest.mark.parametrize("ours", EVERY, ids=repr)
def test_the_support_bounds_every_quantile(ours):
    low, high = ours.support
    x = ours.quantile(SCORES)
    assert np.isfinite(x).all() and low <= x.min() and x.max() <= high


@pytest.mark.parametrize("ours", EVERY, ids=repr)
def test_the_device_form_gives_the_same_quantile(ours):
    exact_value = ours.quantile(SCORES)
    held = np.abs(exact_value) > 1e-300  # below, float64 itself has few digits
    np.testing.assert_allclose(ours.form.value(SCORES)[held], exact_value[held], rtol=1e-12, atol=0)


@pytest.mark.parametrize("ours", [d for d in EVERY if d.form.family == "curve"], ids=repr)
def test_the_curve_is_finite_even_where_the_quantile_underflows(ours):
    assert np.isfinite(ours.form.curve(SCORES)).all()


@pytest.mark.parametrize("ours", [d for d in EVERY if d.form.family == "curve"], ids=repr)
def test_the_curve_has_no_jumps(ours):
    y = ours.form.curve(SCORES)
    steps = np.abs(np.diff(y)).max() + 1e-12 * np.abs(y).max()
    assert np.abs(np.diff(y, 4)).max() <= 2e-4 * steps


def test_forms_name_the_link_of_each_family():
    assert Normal(2, 3).form.link == Fixed(2).form.link == "identity"
    assert Gamma(2, 3).form.link == TruncatedNormal(2, 3, low=0).form.link == "log"
    assert Beta(2, 3).form.link == PERT(1, 2, 4).form.link == TruncatedNormal(2, 3, 0, 9).form.link == "logit"
    assert Uniform(2, 3).form.family == "uniform"
    assert Triangular(1, 2, 4).form.family == "triangular" and Triangular(1, 2, 4).form.mode == 2


def test_a_gamma_of_tiny_shape_has_the_leading_terms_logarithm():
    shape, z = 0.003, -2.0
    expected = (stats.norm.logcdf(z) + math.lgamma(shape + 1)) / shape
    assert Gamma(shape, 1).quantile(z) == 0.0
    assert Gamma(shape, 1).form.curve(z) == pytest.approx(expected, rel=1e-14)


def test_a_gamma_of_huge_shape_is_a_shifted_normal_to_second_order():
    shape, z = 4e8, np.array([-6.0, -2.0, 3.0])
    cornish_fisher = shape + math.sqrt(shape) * z + (z**2 - 1) / 3 + (z**3 - 7 * z) / 36 / math.sqrt(shape)
    np.testing.assert_allclose(Gamma(shape, 1).quantile(z), cornish_fisher, rtol=1e-15, atol=0)


def test_a_beta_with_counts_of_a_registry_keeps_its_far_tail():
    z = np.array([7.0, 7.4, 8.0])
    tail = stats.beta(1000, 1e6).sf(Beta(1000, 1e6).quantile(z))
    np.testing.assert_allclose(tail, stats.norm.sf(z), rtol=1e-9)


def test_a_narrowly_truncated_wide_normal_is_uniform():
    cut, flat = TruncatedNormal(0, 1000, low=1, high=1.5), Uniform(1, 1.5)
    np.testing.assert_allclose(cut.quantile(SCORES), flat.quantile(SCORES), rtol=1e-6)
    assert (cut.mean, cut.sd) == pytest.approx((flat.mean, flat.sd), rel=1e-6)


def test_a_truncated_normal_is_exact_right_at_its_bound():
    near_bound = TruncatedNormal(0, 1, low=0).quantile(-8.0)
    half_normal = stats.norm.cdf(-8.0) * math.sqrt(
        math.pi / 2
    )  # Phi(x) - 1/2 = Phi(z) / 2, so x = Phi(z) sqrt(pi/2)
    assert near_bound == pytest.approx(half_normal, rel=1e-12)


def test_a_truncated_normal_is_exact_far_from_its_bound():
    cut, z = TruncatedNormal(2, 3, low=1), 8.0
    expected = stats.norm(2, 3).isf(
        stats.norm(2, 3).sf(1) * stats.norm.sf(z)
    )  # P(X > x) = P(Z > z) P(X > low)
    assert cut.quantile(z) == pytest.approx(expected, rel=1e-13)


def test_cutting_from_above_mirrors_cutting_from_below():
    above, below = TruncatedNormal(2, 3, high=2.5), TruncatedNormal(-2, 3, low=-2.5)
    np.testing.assert_allclose(above.quantile(SCORES), -below.quantile(-SCORES), rtol=1e-13)


def test_the_moments_of_a_truncated_normal_have_their_closed_form():
    cut = TruncatedNormal(0, 1, low=0)
    assert cut.mean == pytest.approx(math.sqrt(2 / math.pi), rel=1e-13)
    assert cut.sd == pytest.approx(math.sqrt(1 - 2 / math.pi), rel=1e-12)


def test_the_mean_of_a_logit_normal_is_scipys_quadrature():
    expected = stats.norm(-1.2, 0.7).expect(expit)
    assert LogitNormal(-1.2, 0.7).mean == pytest.approx(expected, rel=1e-8)


def test_a_fixed_value_does_not_vary():
    fixed = Fixed(3)
    assert (fixed.mean, fixed.sd, fixed.interval(), fixed.support) == (3.0, 0.0, (3.0, 3.0), (3.0, 3.0))
    np.testing.assert_array_equal(fixed.quantile([-2.0, 0.0, 5.0]), [3.0, 3.0, 3.0])


def test_quantiles_keep_the_shape_of_the_scores():
    z = np.zeros((2, 3))
    assert all(d.quantile(z).shape == d.form.value(z).shape == (2, 3) for d in EVERY)


def test_draws_through_the_quantile_have_the_mean():
    z = np.random.default_rng(7).standard_normal(20_000)
    for d in (Beta(73, 242), Gamma(4.5, 12), TruncatedNormal(0.8, 0.3, 0, 1), PERT(1, 1.5, 4)):
        assert_within_mc_error(d.quantile(z).mean(), d.mean, d.sd / math.sqrt(len(z)))


def test_records_show_their_standard_parameters():
    assert repr(Beta(events=73, n=315)) == "Beta(alpha=73, beta=242)"
    assert repr(PERT(1, 2, 4)) == "PERT(low=1, mode=2, high=4, shape=4)"


def test_records_are_frozen_and_equal_by_value():
    assert Gamma(2, 0.25) == Gamma(shape=2, rate=4) and hash(Gamma(2, 0.25)) == hash(Gamma(shape=2, rate=4))
    with pytest.raises(AttributeError):
        Normal(0, 1).sd = 2.0


STEADY = settings(deadline=None, derandomize=True)
positive = st.floats(0.05, 500)
scores = st.tuples(st.floats(-8.3, 8.3), st.floats(-8.3, 8.3)).map(sorted)
families = st.one_of(
    st.builds(Normal, st.floats(-100, 100), positive),
    st.builds(LogNormal, st.floats(-5, 5), st.floats(0.01, 3)),
    st.builds(LogitNormal, st.floats(-5, 5), st.floats(0.01, 5)),
    st.builds(Beta, positive, positive),
    st.builds(Gamma, positive, positive),
    st.builds(
        lambda low, left, right: PERT(low, low + left, low + left + right), positive, positive, positive
    ),
    st.builds(
        lambda low, left, right: Triangular(low, low + left, low + left + right), positive, positive, positive
    ),
    st.builds(
        lambda mean, sd, a, b: TruncatedNormal(mean, sd, mean - a * sd, mean + b * sd),
        positive,
        positive,
        st.floats(0.1, 4),
        st.floats(0.1, 4),
    ),
)


@STEADY
@given(families, scores)
def test_the_quantile_never_falls_with_the_score(distribution, pair):
    lower, upper = distribution.quantile(np.array(pair))
    assert lower <= upper + 4 * np.spacing(abs(upper))


@STEADY
@given(families, st.floats(-8.3, 8.3))
def test_form_and_quantile_agree_everywhere(distribution, z):
    value = float(distribution.quantile(z))
    assert float(distribution.form.value(z)) == pytest.approx(value, rel=1e-12, abs=1e-290)


@STEADY
@given(positive, positive, st.floats(-8.3, 8.3))
def test_the_complement_of_a_beta_is_the_mirrored_beta(alpha, beta, z):
    assert 1 - Beta(beta, alpha).quantile(-z) == pytest.approx(
        float(Beta(alpha, beta).quantile(z)), abs=1e-14
    )
    assert Beta(beta, alpha).form.curve(-z) == pytest.approx(
        -float(Beta(alpha, beta).form.curve(z)), abs=1e-9
    )


@STEADY
@given(st.floats(0.02, 0.98), st.floats(0.05, 0.9))
def test_the_interval_holds_its_level(mean, level):
    d = Beta(mean=mean, se=0.1 * math.sqrt(mean * (1 - mean)))
    low, high = d.interval(level)
    held = stats.beta.cdf(high, d.alpha, d.beta) - stats.beta.cdf(low, d.alpha, d.beta)
    assert held == pytest.approx(level, abs=1e-11)
