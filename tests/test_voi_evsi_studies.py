"""Study designs: the data they make, their likelihood, and what they refuse."""

import numpy as np
import pytest
from assertions import assert_mean
from scipy import stats

from psa_engine.errors import InputError
from psa_engine.voi.evsi import (
    Binary,
    Continuous,
    Count,
    Multinomial,
    SingleArm,
    Skewed,
    TimeToEvent,
    TwoArmTrial,
)

M = 20_000
ENDPOINTS = {
    "binary": (Binary(), 0.3, 25),
    "continuous": (Continuous(sd=2.5), -4.0, 7),
    "skewed": (Skewed(cv=0.8), 350.0, 6),
    "count": (Count(exposure=0.5), 2.2, 9),
    "time to event": (TimeToEvent(follow_up=1.4), 0.6, 11),
}
STUDIES = {
    "single arm": SingleArm({"p": Binary(), "cost": Skewed(1.2), "rate": Count(2.0)}),
    "trial of arms": TwoArmTrial(Binary(), "p", treated="q", allocation=0.3),
    "trial of an odds ratio": TwoArmTrial(Binary(), "p", effect="ratio", scale="odds ratio"),
    "trial of a hazard ratio": TwoArmTrial(TimeToEvent(2.0), "rate", effect="ratio", scale="hazard ratio"),
    "known control": TwoArmTrial(Continuous(3), 0.25, effect=("p", "q"), scale="difference"),
    "multinomial": Multinomial(("p", "half", "rest")),
}


def draws_of(m, seed=1):
    g = np.random.default_rng(seed)
    p, q = g.uniform(0.1, 0.4, m), g.uniform(0.3, 0.6, m)
    values = {
        "p": p,
        "q": q,
        "cost": g.gamma(9, 40, m),
        "rate": g.gamma(8, 0.1, m),
        "ratio": g.uniform(0.5, 1.5, m),
    }
    return values | {"half": (1 - p) / 3, "rest": (1 - p) * 2 / 3}


def log_density(name, sums, mean, n):
    """The log-density of the data of n patients by SciPy."""
    if name == "binary":
        return stats.binom.logpmf(sums[0], n, mean)
    if name == "continuous":
        return stats.norm.logpdf(sums[0], n * mean, 2.5 * np.sqrt(n))
    if name == "skewed":
        return stats.gamma.logpdf(sums[0], n / 0.64, scale=mean * 0.64)
    if name == "count":
        return stats.poisson.logpmf(sums[0], n * 0.5 * mean)
    return sums[0] * np.log(mean) - mean * sums[1]  # events at the hazard, and nobody's hazard spent in vain


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_data_of_n_patients_have_the_mean_they_should(name):
    endpoint, mean, n = ENDPOINTS[name]
    sums = endpoint.generate(np.full(M, mean), n, np.random.default_rng(3))
    died = -np.expm1(-0.6 * 1.4)
    expected = {"binary": [n * mean], "count": [n * 0.5 * mean], "time to event": [n * died, n * died / 0.6]}
    for row, truth in zip(sums, expected.get(name, [n * mean]), strict=True):
        assert_mean(row, truth)


@pytest.mark.parametrize(
    ("name", "variance"),
    [("binary", 25 * 0.21), ("continuous", 7 * 6.25), ("skewed", 6 * (0.8 * 350) ** 2), ("count", 9 * 1.1)],
)
def test_the_data_of_n_patients_have_the_variance_they_should(name, variance):
    endpoint, mean, n = ENDPOINTS[name]
    total = endpoint.generate(np.full(M, mean), n, np.random.default_rng(4))[0]
    assert_mean((total - total.mean()) ** 2, variance)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_likelihood_differs_between_two_values_as_scipys_does(name):
    endpoint, mean, n = ENDPOINTS[name]
    sums = endpoint.generate(np.full(8, mean), n, np.random.default_rng(5))
    found = []
    for value in (mean, 1.1 * mean):
        slopes, offset = endpoint.exponents(np.array([value]), n)
        found.append((sums * slopes).sum(axis=0) + offset)
    truth = log_density(name, sums, 1.1 * mean, n) - log_density(name, sums, mean, n)
    np.testing.assert_allclose(found[1] - found[0], truth, rtol=1e-9, atol=1e-9)


def test_censored_times_are_those_of_patients_followed_one_by_one():
    g, endpoint, n = np.random.default_rng(6), TimeToEvent(follow_up=1.4), 11
    times = g.exponential(1 / 0.6, (M, n))
    one_by_one = np.minimum(times, 1.4).sum(axis=1)
    sums = endpoint.generate(np.full(M, 0.6), n, g)
    at_risk = stats.ks_2samp(sums[1], one_by_one)
    assert at_risk.pvalue > 1e-4
    slope = np.polyfit((times < 1.4).sum(axis=1), one_by_one, 1)[0]
    assert np.polyfit(sums[0], sums[1], 1)[0] == pytest.approx(slope, rel=0.05)


def test_many_censored_times_are_summed_by_their_normal_limit():
    endpoint, n = TimeToEvent(follow_up=2.0), 10_000
    sums = endpoint.generate(np.full(4_000, 0.7), n, np.random.default_rng(7))
    followed = np.minimum(np.random.default_rng(8).exponential(1 / 0.7, 1_000_000), 2.0)
    assert_mean(sums[1] / n, -np.expm1(-1.4) / 0.7)
    assert (sums[1] / n).std() == pytest.approx(followed.std() / np.sqrt(n), rel=0.05)


@pytest.mark.parametrize("name", STUDIES)
def test_every_data_set_under_every_draw_is_the_same_one_by_one(name):
    study, values = STUDIES[name], draws_of(6)
    data = study.generate(values, 40, np.random.default_rng(9))
    table = study.log_likelihoods(data[:, :4], values, 40)
    assert table.shape == (4, 6) and len(data) == len(study.statistic_names)
    np.testing.assert_allclose(table, study.log_likelihood(data[:, :4, None], values, 40), rtol=1e-12)


@pytest.mark.parametrize("name", STUDIES)
def test_data_are_likelier_under_the_draw_that_made_them(name):
    study, values = STUDIES[name], draws_of(4_000)
    data = study.generate(values, 50, np.random.default_rng(10))
    other = {key: np.roll(draws, 1) for key, draws in values.items()}
    gain = study.log_likelihood(data, values, 50) - study.log_likelihood(data, other, 50)
    assert gain.mean() > 4 * gain.std() / np.sqrt(len(gain))


@pytest.mark.parametrize("name", STUDIES)
def test_summaries_are_finite_and_follow_the_parameters(name):
    study, values = STUDIES[name], draws_of(500)
    summary = study.summary(study.generate(values, 2_000, np.random.default_rng(11)), 2_000)
    assert np.isfinite(summary).all() and summary.shape[1] == 500
    first = values[study.free_parameters[0]]
    assert abs(stats.spearmanr(summary[-1 if name == "known control" else 0], first).statistic) > 0.4


def test_an_endpoint_without_a_single_event_still_has_a_summary():
    summary = TimeToEvent(2.0).summary(np.array([[0.0, 3.0], [8.0, 5.0]]), 4)
    np.testing.assert_allclose(summary, [np.log([0.5 / 8, 3.5 / 5])])


def test_patients_are_divided_between_the_arms_by_the_allocation():
    study = STUDIES["trial of arms"]
    assert [arm.n for arm in study.arms(draws_of(2), 100)] == [70, 30]
    assert [arm.n for arm in TwoArmTrial(Binary(), "p", treated="q").arms(draws_of(2), 101)] == [51, 50]


@pytest.mark.parametrize(
    ("scale", "effects", "treated"),
    [
        ("difference", (0.1, 0.05), 0.35),
        ("odds ratio", (2.0,), 0.4 / 1.2),
        ("log odds ratio", (np.log(1.6), np.log(1.25)), 0.4 / 1.2),
        ("risk ratio", (1.5, 2.0), 0.6),
        ("log hazard ratio", (np.log(0.5),), 0.1),
    ],
)
def test_an_effect_changes_the_control_arm_on_its_scale(scale, effects, treated):
    names = tuple(f"effect {i}" for i in range(len(effects)))
    study = TwoArmTrial(Binary(), 0.2, effect=names, scale=scale)
    values = {name: np.array([value]) for name, value in zip(names, effects, strict=True)}
    assert study.arms(values, 10)[1].mean[0] == pytest.approx(treated)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Continuous(sd=0), "sd of Continuous must be a number above 0"),
        (lambda: TimeToEvent(follow_up=-1), "follow_up of TimeToEvent"),
        (lambda: SingleArm({}), "at least one parameter"),
        (lambda: SingleArm({"p": "binary"}), "endpoint of p must be Binary"),
        (lambda: TwoArmTrial(Binary(), "p"), "either `treated`"),
        (lambda: TwoArmTrial(Binary(), "p", treated="q", effect="r", scale="ratio"), "either `treated`"),
        (lambda: TwoArmTrial(Binary(), "p", effect="r", scale="log odds"), "Did you mean 'log odds ratio'"),
        (lambda: TwoArmTrial(Binary(), "p", treated="q", allocation=1), "share between 0 and 1"),
        (lambda: Multinomial(("p",)), "two or more different categories"),
    ],
)
def test_a_design_that_cannot_be_is_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_an_effect_that_leaves_the_scale_of_the_endpoint_is_refused_by_draw():
    study = TwoArmTrial(Binary(), "p", effect="ratio", scale="risk ratio")
    values = {"p": np.array([0.2, 0.9]), "ratio": np.array([1.5, 1.5])}
    with pytest.raises(InputError, match=r"'treated' is 1.35 in draw 1"):
        study.check(values, 10)
