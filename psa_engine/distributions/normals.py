"""Normal, log-normal and logit-normal: a normal on the identity, log or logit scale."""

import math
from dataclasses import dataclass
from functools import cached_property

from psa_engine.distributions.form import Form
from psa_engine.distributions.published import (
    Interval,
    Number,
    event_counts,
    inside,
    inside_unit,
    logs,
    normal_sd,
    positive,
    root,
    warn_if_apart,
)
from psa_engine.distributions.univariate import Univariate, moments_over_scores
from psa_engine.errors import InputError

# Beyond this sd of the log odds practically every draw is 0 or 1, and quadrature of the moments loses digits.
WIDEST_SDLOGIT = 30.0


@dataclass(frozen=True, init=False, repr=False)
class Normal(Univariate):
    """Normal distribution; `mean` and `sd` (the standard error of an estimate) in the parameter's unit.

    Published forms: mean, se; mean, ci; ci alone; odds_ratio, ci (normal of the LOG odds ratio);
    log_odds_ratio with se or ci. `ci` is central and 95 % unless `level` says otherwise.
    """

    mean: float  # type: ignore[assignment]
    sd: float  # type: ignore[assignment]

    def __init__(
        self,
        mean: Number = None,
        sd: Number = None,
        *,
        se: Number = None,
        ci: Interval = None,
        level: Number = None,
        odds_ratio: Number = None,
        log_odds_ratio: Number = None,
    ):
        self._settle(_NORMAL_FORMS, locals())

    @property
    def support(self) -> tuple[float, float]:
        """The whole line."""
        return -math.inf, math.inf

    @property
    def form(self) -> Form:
        """A straight line in the score."""
        return Form("curve", "identity", 0.0, 1.0, lambda z: self.mean + self.sd * z)


def _normal(mean, sd):
    positive(sd=sd)
    return mean, sd


def _normal_mean_se(mean, se):
    positive(se=se)
    return mean, se


def _normal_mean_ci(mean, ci, level=0.95):
    inside(ci, mean=mean)
    return _centred(mean, ci, level, "The normal distribution")


def _centred(mean, ci, level, on="The normal distribution of the log"):
    half = (ci[1] - ci[0]) / 2
    warn_if_apart(f"{on} with mean {mean:.4g}", (mean - half, mean + half), ci)
    return mean, normal_sd(ci, level)


def _normal_ci(ci, level=0.95):
    return (ci[0] + ci[1]) / 2, normal_sd(ci, level)


def _normal_odds_ratio_ci(odds_ratio, ci, level=0.95):
    return _log_normal_ratio_ci(odds_ratio, ci, level)


def _normal_log_odds_ratio_se(log_odds_ratio, se):
    return _normal_mean_se(log_odds_ratio, se)


def _normal_log_odds_ratio_ci(log_odds_ratio, ci, level=0.95):
    inside(ci, log_odds_ratio=log_odds_ratio)
    return _normal_mean_ci(log_odds_ratio, ci, level)


_NORMAL_FORMS = (
    _normal,
    _normal_mean_se,
    _normal_mean_ci,
    _normal_ci,
    _normal_odds_ratio_ci,
    _normal_log_odds_ratio_se,
    _normal_log_odds_ratio_ci,
)


@dataclass(frozen=True, init=False, repr=False)
class LogNormal(Univariate):
    """Log-normal distribution; `meanlog` and `sdlog` are the mean and sd of the natural log.

    Published forms: mean, se; mean, ci; median, ci; ci alone; odds_ratio, hazard_ratio, rate_ratio or ratio
    with ci (the point estimate is the median) or with se (the standard error of the LOG ratio). For mean, ci
    the mean is held and the ratio of the ends matched. `ci` is central and 95 % unless `level` is given.
    """

    meanlog: float
    sdlog: float

    def __init__(
        self,
        meanlog: Number = None,
        sdlog: Number = None,
        *,
        mean: Number = None,
        se: Number = None,
        ci: Interval = None,
        level: Number = None,
        median: Number = None,
        odds_ratio: Number = None,
        hazard_ratio: Number = None,
        rate_ratio: Number = None,
        ratio: Number = None,
    ):
        self._settle(_LOG_NORMAL_FORMS, locals(), _RATIOS)

    @property
    def mean(self) -> float:
        """exp(meanlog + sdlog^2 / 2)."""
        return math.exp(self.meanlog + self.sdlog**2 / 2)

    @property
    def sd(self) -> float:
        """mean * sqrt(exp(sdlog^2) - 1)."""
        return self.mean * math.sqrt(math.expm1(self.sdlog**2))

    @property
    def support(self) -> tuple[float, float]:
        """The positive half line."""
        return 0.0, math.inf

    @property
    def form(self) -> Form:
        """A straight line in the score, on the log scale."""
        return Form("curve", "log", 0.0, 1.0, lambda z: self.meanlog + self.sdlog * z)


def _log_normal(meanlog, sdlog):
    positive(sdlog=sdlog)
    return meanlog, sdlog


def _log_normal_mean_se(mean, se):
    positive(mean=mean, se=se)
    variance = math.log1p((se / mean) ** 2)
    return math.log(mean) - variance / 2, math.sqrt(variance)


def _log_normal_mean_ci(mean, ci, level=0.95):
    inside(ci, mean=mean)
    low, high = logs(ci)
    meanlog = math.log(mean) - normal_sd((low, high), level) ** 2 / 2
    return _centred(meanlog, (low, high), level)


def _log_normal_median_ci(median, ci, level=0.95):
    inside(ci, median=median)
    return _centred(math.log(median), logs(ci), level)


def _log_normal_ratio_ci(ratio, ci, level=0.95):
    inside(ci, ratio=ratio)
    return _centred(math.log(ratio), logs(ci), level)


def _log_normal_ratio_se(ratio, se):
    positive(ratio=ratio, se=se)
    return math.log(ratio), se


def _log_normal_ci(ci, level=0.95):
    return _normal_ci(logs(ci), level)


_LOG_NORMAL_FORMS = (
    _log_normal,
    _log_normal_mean_se,
    _log_normal_mean_ci,
    _log_normal_median_ci,
    _log_normal_ratio_ci,
    _log_normal_ratio_se,
    _log_normal_ci,
)
_RATIOS = {"odds_ratio": "ratio", "hazard_ratio": "ratio", "rate_ratio": "ratio"}


@dataclass(frozen=True, init=False, repr=False)
class LogitNormal(Univariate):
    """Logit-normal distribution of a probability; `meanlogit` and `sdlogit` are those of the log odds.

    Published forms: mean, se (solved numerically); ci alone (both ends matched); events, n (the log odds of
    the proportion, with standard error sqrt(1/events + 1/(n - events))), with an optional `prior` count added
    to both. `ci` is central and 95 % unless `level` says otherwise.
    """

    meanlogit: float
    sdlogit: float

    def __init__(
        self,
        meanlogit: Number = None,
        sdlogit: Number = None,
        *,
        mean: Number = None,
        se: Number = None,
        ci: Interval = None,
        level: Number = None,
        events: Number = None,
        n: Number = None,
        prior: Number = None,
    ):
        self._settle(_LOGIT_NORMAL_FORMS, locals())

    @cached_property
    def _moments(self) -> tuple[float, float]:
        return moments_over_scores(self.quantile)

    @property
    def mean(self) -> float:
        """The mean of the probability (no closed form; by quadrature)."""
        return self._moments[0]

    @property
    def sd(self) -> float:
        """The sd of the probability (no closed form; by quadrature)."""
        return self._moments[1]

    @property
    def support(self) -> tuple[float, float]:
        """The unit interval."""
        return 0.0, 1.0

    @property
    def form(self) -> Form:
        """A straight line in the score, on the logit scale."""
        return Form("curve", "logit", 0.0, 1.0, lambda z: self.meanlogit + self.sdlogit * z)


def _logit_normal(meanlogit, sdlogit):
    positive(sdlogit=sdlogit)
    if sdlogit > WIDEST_SDLOGIT:
        raise InputError(
            f"sdlogit must be at most {WIDEST_SDLOGIT:g} (the probability is then 0 or 1), got {sdlogit:g}."
        )
    return meanlogit, sdlogit


def _logit_normal_mean_se(mean, se):
    from scipy.special import expit

    inside_unit(mean=mean)
    positive(se=se)

    def moments(meanlogit, sdlogit):
        return moments_over_scores(lambda z: expit(meanlogit + sdlogit * z))

    def centre(sdlogit):
        logit, far = math.log(mean / (1 - mean)), sdlogit**2 + 10 * sdlogit + 1
        return root(lambda m: moments(m, sdlogit)[0] - mean, logit - far, logit + far)

    def excess(log_sdlogit):
        sdlogit = math.exp(log_sdlogit)
        return moments(centre(sdlogit), sdlogit)[1] - se

    narrowest, widest = math.log(se) + 1, math.log(WIDEST_SDLOGIT)
    if se**2 >= mean * (1 - mean) or excess(widest) <= 0:
        largest = math.sqrt(mean * (1 - mean))
        raise InputError(
            f"se must be well below sqrt(mean (1 - mean)) = {largest:.4g} for a probability, got {se:g}."
        )
    sdlogit = math.exp(root(excess, narrowest, widest))
    return centre(sdlogit), sdlogit


def _logit_normal_ci(ci, level=0.95):
    inside_unit(**{"the lower limit of ci": ci[0], "the upper limit of ci": ci[1]})
    return _normal_ci((math.log(ci[0] / (1 - ci[0])), math.log(ci[1] / (1 - ci[1]))), level)


def _logit_normal_events_n(events, n, prior=0.0):
    happened, not_happened = event_counts(events, n, prior)
    return math.log(happened / not_happened), math.sqrt(1 / happened + 1 / not_happened)


_LOGIT_NORMAL_FORMS = (_logit_normal, _logit_normal_mean_se, _logit_normal_ci, _logit_normal_events_n)
