"""Published forms: the fitted distribution really has the printed mean, SE and interval, or is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

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
from psa_engine.errors import InputError

STEADY = settings(deadline=None, derandomize=True)
WIDE = 1.959963984540054  # the 97.5 % point of the standard normal


def width(distribution, level=0.95):
    low, high = distribution.interval(level)
    return high - low


@pytest.mark.parametrize("family", [Normal, LogNormal, Gamma])
def test_a_mean_and_se_come_back_for_a_cost(family):
    d = family(mean=1264.89, se=88.5)
    assert (d.mean, d.sd) == pytest.approx((1264.89, 88.5), rel=1e-12)


@pytest.mark.parametrize("family", [Normal, Beta, LogitNormal, Gamma, LogNormal])
def test_a_mean_and_se_come_back_for_a_utility(family):
    d = family(mean=0.83, se=0.057)
    assert (d.mean, d.sd) == pytest.approx((0.83, 0.057), rel=1e-10)


@pytest.mark.parametrize("family", [Beta, Gamma, LogNormal, LogitNormal])
def test_both_ends_of_an_interval_alone_come_back(family):
    assert family(ci=(0.02, 0.31)).interval() == pytest.approx((0.02, 0.31), rel=1e-9)
    assert family(ci=(0.62, 0.97), level=0.8).interval(0.8) == pytest.approx((0.62, 0.97), rel=1e-9)


def test_a_normal_of_an_interval_alone_is_centred_in_it():
    d = Normal(ci=(-1.0, 2.0), level=0.9)
    assert d.mean == 0.5
    assert d.interval(0.9) == pytest.approx((-1.0, 2.0), rel=1e-12)


@pytest.mark.parametrize("family", [Normal, Beta, Gamma])
def test_a_mean_and_interval_keep_the_mean_and_the_width(family):
    d = family(mean=0.21, ci=(0.12, 0.32))
    assert d.mean == pytest.approx(0.21, rel=1e-12)
    assert width(d) == pytest.approx(0.20, rel=1e-10)


def test_a_log_normals_mean_and_interval_keep_the_mean_and_the_ratio_of_the_ends():
    d = LogNormal(mean=1500, ci=(1000, 2200))
    low, high = d.interval()
    assert d.mean == pytest.approx(1500, rel=1e-12) and high / low == pytest.approx(2.2, rel=1e-12)


@pytest.mark.parametrize(
    ("family", "truth"), [(Beta, Beta(4, 11)), (Gamma, Gamma(3, 40)), (LogNormal, LogNormal(1, 0.4))]
)
def test_a_family_is_recovered_from_its_own_mean_and_interval(family, truth):
    fitted = family(mean=truth.mean, ci=truth.interval())
    assert fitted.interval() == pytest.approx(truth.interval(), rel=1e-9)
    assert fitted.sd == pytest.approx(truth.sd, rel=1e-9)


def test_a_level_other_than_95_is_used():
    assert Normal(mean=2, ci=(1, 3), level=0.5).sd == pytest.approx(1 / stats.norm.ppf(0.75), rel=1e-12)
    assert width(Beta(mean=0.3, ci=(0.2, 0.42), level=0.8), 0.8) == pytest.approx(0.22, rel=1e-10)


@pytest.mark.parametrize("name", ["hazard_ratio", "odds_ratio", "rate_ratio", "ratio", "median"])
def test_a_ratio_is_the_median_with_its_interval_on_the_log_scale(name):
    d = LogNormal(**{name: 0.6}, ci=(0.4, 0.9))
    assert d.quantile(0.0) == pytest.approx(0.6, rel=1e-13)
    assert d.sdlog == pytest.approx(math.log(0.9 / 0.4) / (2 * WIDE), rel=1e-13)


def test_a_ratio_with_se_takes_the_standard_error_of_the_log():
    d = LogNormal(hazard_ratio=0.6, se=0.2)
    assert (d.meanlog, d.sdlog) == pytest.approx((math.log(0.6), 0.2))


def test_a_normal_of_an_odds_ratio_is_of_its_logarithm():
    d = Normal(odds_ratio=2.0, ci=(1.25, 3.2))
    assert d.mean == pytest.approx(math.log(2))
    assert np.exp(d.interval()) == pytest.approx((1.25, 3.2), rel=1e-12)


def test_a_log_odds_ratio_is_taken_as_it_is():
    assert Normal(log_odds_ratio=-0.7, se=0.2) == Normal(-0.7, 0.2)
    assert Normal(log_odds_ratio=-0.7, ci=(-1.1, -0.3)).sd == pytest.approx(0.4 / WIDE)


def test_counts_are_the_shapes_of_a_beta():
    assert Beta(events=73, n=315) == Beta(73, 242)
    assert Beta(events=0, n=40, prior=0.5) == Beta(0.5, 40.5)


def test_counts_give_a_logit_normal_the_log_odds_and_woolfs_standard_error():
    d = LogitNormal(events=20, n=100)
    assert d.meanlogit == pytest.approx(math.log(0.25))
    assert d.sdlogit == pytest.approx(math.sqrt(1 / 20 + 1 / 80))


def test_events_in_an_exposure_are_a_gamma_rate():
    d = Gamma(events=30, exposure=400)
    assert (d.mean, d.sd) == pytest.approx((30 / 400, math.sqrt(30) / 400))
    assert Gamma(shape=30, rate=400) == d


@STEADY
@given(st.floats(0.01, 0.99), st.floats(0.01, 0.95))
def test_every_possible_beta_moment_comes_back(mean, share):
    se = share * math.sqrt(mean * (1 - mean))
    d = Beta(mean=mean, se=se)
    assert (d.mean, d.sd) == pytest.approx((mean, se), rel=1e-9)


@STEADY
@given(st.floats(0.02, 0.98), st.floats(0.01, 0.8))
def test_every_moderate_logit_normal_moment_comes_back(mean, share):
    se = share * math.sqrt(mean * (1 - mean))
    d = LogitNormal(mean=mean, se=se)
    assert (d.mean, d.sd) == pytest.approx((mean, se), rel=1e-8)


@STEADY
@given(st.floats(0.2, 200), st.floats(0.2, 200))
def test_every_beta_interval_comes_back(alpha, beta):
    ends = Beta(alpha, beta).interval()
    if ends[0] > 1e-9 and ends[1] < 1 - 1e-9:
        assert Beta(ci=ends).interval() == pytest.approx(ends, rel=1e-7)


def test_a_point_far_from_the_middle_of_its_interval_is_warned_of():
    with pytest.warns(UserWarning, match=r"normal distribution with mean 1 has the interval \(-0.05, 2.05\)"):
        Normal(mean=1, ci=(0.9, 3))
    with pytest.warns(UserWarning, match="normal distribution of the log"):
        LogNormal(hazard_ratio=0.5, ci=(0.45, 0.9))
    with pytest.warns(UserWarning, match="gamma distribution with mean 40"):
        Gamma(mean=40, ci=(39, 90))


REFUSED = {
    "Beta(mean=0.3, se=0.6): se must be below sqrt(mean (1 - mean)) = 0.4583": lambda: Beta(mean=0.3, se=0.6),
    "mean must be strictly between 0 and 1, got 30; a percentage": lambda: Beta(mean=30, se=2),
    "alpha must be above 0, got 0": lambda: Beta(0, 3),
    "se must be above 0, got 0. For a value known without error use Fixed": lambda: Beta(mean=0.3, se=0),
    "0 events in n = 40 leave no uncertainty; add prior=0.5": lambda: Beta(events=0, n=40),
    "40 events in n = 40 leave no uncertainty": lambda: LogitNormal(events=40, n=40),
    "events must be between 0 and n = 10, got 12": lambda: Beta(events=12, n=10),
    "prior must be 0 or above": lambda: Beta(events=2, n=10, prior=-1),
    "n must be above 0": lambda: Beta(events=0, n=0),
    "give the numbers of one of these forms: alpha and beta; mean and se;": lambda: Beta(mean=0.3, n=20),
    "Gamma(mean=3): give the numbers of one of these forms": lambda: Gamma(mean=3),
    "ci must lie within 0 and 1, got (-0.1, 0.4)": lambda: Beta(mean=0.1, ci=(-0.1, 0.4)),
    "ci (0, 1) is the whole range": lambda: Beta(mean=0.4, ci=(0, 1)),
    "the lower limit of ci must be strictly between 0 and 1, got 0": lambda: Beta(ci=(0, 0.4)),
    "has no interval as wide; give mean and se": lambda: Beta(mean=0.01, ci=(0.001, 0.9)),
    "mean 0.5 is outside its interval (0.1, 0.4)": lambda: Beta(mean=0.5, ci=(0.1, 0.4)),
    "ci of a positive quantity must not go below 0, got -2": lambda: Gamma(mean=5, ci=(-2, 9)),
    "for no events in 90 of exposure give shape=0.5 and rate=90": lambda: Gamma(events=0, exposure=90),
    "mean must be above 0, got -5": lambda: Gamma(mean=-5, se=1),
    "ratio 2 is outside its interval (3, 4)": lambda: LogNormal(odds_ratio=2, ci=(3, 4)),
    "the lower limit of ci must be above 0 for a ratio": lambda: LogNormal(hazard_ratio=0.5, ci=(0, 2)),
    "two names for the same number": lambda: LogNormal(odds_ratio=2, hazard_ratio=2, se=0.1),
    "odds_ratio, hazard_ratio, rate_ratio are read as ratio": lambda: LogNormal(odds_ratio=2),
    "the lower limit of ci must be below the upper one, got (0.9, 0.4)": lambda: LogNormal(ci=(0.9, 0.4)),
    "ci must be two numbers (low, high), got (0.4,)": lambda: Normal(mean=0, ci=(0.4,)),
    "level must be strictly between 0 and 1 (0.95": lambda: Normal(mean=0, ci=(-1, 1), level=95),
    "sd must be above 0, got -1": lambda: Normal(0, -1),
    "sdlogit must be at most 30": lambda: LogitNormal(0, 31),
    "se must be well below sqrt(mean (1 - mean)) = 0.4": lambda: LogitNormal(mean=0.2, se=0.399),
    "low must be below high, got low 3 and high 1": lambda: Uniform(3, 1),
    "mode must lie between low and high, got 5 outside [1, 3]": lambda: Triangular(1, 5, 3),
    "shape must be above 0": lambda: PERT(1, 2, 3, shape=0),
    "give low, high or both; without a bound use Normal": lambda: TruncatedNormal(0, 1),
    "low must be below high, got low 5": lambda: TruncatedNormal(0, 1, low=5, high=3),
    "of the parent normal lies between the bounds": lambda: TruncatedNormal(0, 1, low=9),
    "mean must be a number, got '1e5' (str)": lambda: Normal("1e5", 2),
    "sd must be finite, got nan": lambda: Normal(0, math.nan),
    "must be a number, got True (bool)": lambda: Fixed(True),
}


@pytest.mark.parametrize("message", REFUSED)
def test_impossible_numbers_are_refused_with_the_reason(message):
    with pytest.raises(InputError) as refusal:
        REFUSED[message]()
    assert message in str(refusal.value)
