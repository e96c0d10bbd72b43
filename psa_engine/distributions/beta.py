"""Beta, and PERT as a beta stretched over an elicited range."""

import math
from dataclasses import dataclass

import numpy as np

from psa_engine.distributions.form import Form
from psa_engine.distributions.published import (
    TWO_TERMS,
    Interval,
    Number,
    event_counts,
    inside,
    inside_unit,
    match_width,
    normal_sd,
    positive,
    root,
    score_of,
    warn_if_apart,
)
from psa_engine.distributions.univariate import Univariate, each_tail
from psa_engine.errors import InputError


@dataclass(frozen=True, init=False, repr=False)
class Beta(Univariate):
    """Beta distribution of a probability or utility in (0, 1), with shapes `alpha` and `beta`.

    Published forms: mean, se (method of moments); mean, ci (the mean held, the width of the interval
    matched); ci alone (both ends matched); events, n (alpha = events, beta = n - events), with an optional
    `prior` count added to both. `ci` is central and 95 % unless `level` says otherwise.
    """

    alpha: float
    beta: float

    def __init__(
        self,
        alpha: Number = None,
        beta: Number = None,
        *,
        mean: Number = None,
        se: Number = None,
        ci: Interval = None,
        level: Number = None,
        events: Number = None,
        n: Number = None,
        prior: Number = None,
    ):
        self._settle(_FORMS, locals())

    @property
    def mean(self) -> float:
        """alpha / (alpha + beta)."""
        return self.alpha / (self.alpha + self.beta)

    @property
    def sd(self) -> float:
        """sqrt(mean (1 - mean) / (alpha + beta + 1))."""
        total = self.alpha + self.beta
        return math.sqrt(self.alpha * self.beta / (total + 1)) / total

    @property
    def support(self) -> tuple[float, float]:
        """The unit interval."""
        return 0.0, 1.0

    @property
    def form(self) -> Form:
        """The log odds of the quantile, smooth and finite where the quantile underflows."""
        return Form("curve", "logit", 0.0, 1.0, lambda z: log_odds(self.alpha, self.beta, z))

    def quantile(self, z) -> np.ndarray:
        """Return the inverse regularised incomplete beta function at normal scores z (any shape)."""
        return beta_quantile(self.alpha, self.beta, z)


# Above it the log odds of both tails are normal but for a few known terms, and SciPy's inverse loses digits.
LARGE = 1e8


def beta_quantile(alpha: float, beta: float, z) -> np.ndarray:
    """Return the Beta(alpha, beta) quantile at normal scores z, each tail from its own inverse."""
    from scipy.special import betainccinv, betaincinv, expit, ndtr

    z = np.asarray(z, dtype=float)
    if min(alpha, beta) > LARGE:
        return expit(_large_log_odds(alpha, beta, z))
    (log_x, near_0), (log_rest, near_1) = _series(alpha, beta, z), _series(beta, alpha, -z)
    z = np.where(near_0 | near_1, 0.0, z)  # SciPy underflows there, or gives NaN
    tail = ndtr(-np.abs(z))
    x = each_tail(z, betaincinv, betainccinv, alpha, beta, values=tail)
    if min(alpha, beta) >= 1:
        x = _polished(alpha, beta, z, tail, x)
    return np.where(near_0, np.exp(log_x), np.where(near_1, -np.expm1(log_rest), x))


def _polished(alpha, beta, z, tail, x):
    """Two Newton steps: SciPy's inverse stops early, up to 1e-4 of the tail probability for large counts."""
    from scipy.special import betainc, betaincc, betaln

    for _ in range(2):
        x = np.clip(x, np.finfo(float).tiny, 1 - np.finfo(float).epsneg)
        density = np.exp((alpha - 1) * np.log(x) + (beta - 1) * np.log1p(-x) - betaln(alpha, beta))
        excess = np.where(z <= 0, 1, -1) * (each_tail(z, betainc, betaincc, alpha, beta, values=x) - tail)
        x = x - excess / density
    return x


def log_odds(alpha: float, beta: float, z) -> np.ndarray:
    """Return log(x / (1 - x)) of the quantile x; 1 - X is Beta(beta, alpha) at the opposite score."""
    z = np.asarray(z, dtype=float)
    if min(alpha, beta) > LARGE:
        return _large_log_odds(alpha, beta, z)
    return _log_quantile(alpha, beta, z) - _log_quantile(beta, alpha, -z)


def _large_log_odds(alpha, beta, z):
    """The log odds from their first four cumulants (Cornish and Fisher 1938), those of log Gamma(alpha) less beta's.

    What is left out is of the order of alpha^-3/2 standard deviations.
    """
    a, b = 1 / alpha, 1 / beta
    mean = math.log(alpha / beta) - (a - b) / 2 - (a**2 - b**2) / 12
    sd = math.sqrt(a + b + (a**2 + b**2) / 2)
    skewness = (b**2 - a**2) / sd**3
    kurtosis = 2 * (a**3 + b**3) / sd**4
    bend = skewness * (z**2 - 1) / 6 + kurtosis * (z**3 - 3 * z) / 24 - skewness**2 * (2 * z**3 - 5 * z) / 36
    return mean + sd * (z + bend)


def _log_quantile(alpha, beta, z):
    log_x, near_0 = _series(alpha, beta, z)
    return np.where(near_0, log_x, np.log(np.where(near_0, 1.0, beta_quantile(alpha, beta, z))))


def _series(alpha, beta, z):
    """log x from I_x(a, b) = x^a (1 + a (1 - b) x / (a + 1) + ...) / (a B(a, b)), and where it is exact."""
    from scipy.special import betaln, log_ndtr

    leading = (log_ndtr(z) + math.log(alpha) + betaln(alpha, beta)) / alpha
    small = leading < TWO_TERMS - math.log1p(beta)
    x = np.exp(np.where(small, leading, 0.0))
    return np.where(small, leading - (1 - beta) / (alpha + 1) * x, 0.0), small


def _standard(alpha, beta):
    positive(alpha=alpha, beta=beta)
    return alpha, beta


def _mean_se(mean, se):
    inside_unit(mean=mean)
    positive(se=se)
    total = mean * (1 - mean) / se**2 - 1
    if total <= 0:
        largest = math.sqrt(mean * (1 - mean))
        raise InputError(
            f"se must be below sqrt(mean (1 - mean)) = {largest:.4g}, the largest possible on (0, 1), got"
            f" {se:g}; check that it is the standard error of the mean."
        )
    return mean * total, (1 - mean) * total


def _mean_ci(mean, ci, level=0.95):
    inside_unit(mean=mean)
    _inside_support(ci)
    inside(ci, mean=mean)

    def ends(total):
        return _ends(mean, total, level)

    start = mean * (1 - mean) / normal_sd(ci, level) ** 2
    total = match_width(lambda total: ends(total)[1] - ends(total)[0], ci[1] - ci[0], start)
    warn_if_apart(f"The beta distribution with mean {mean:g}", ends(total), ci)
    return mean * total, (1 - mean) * total


def _ci(ci, level=0.95):
    from scipy.special import expit

    _inside_support(ci)
    inside_unit(**{"the lower limit of ci": ci[0], "the upper limit of ci": ci[1]})

    def mean_of(total):
        return expit(root(lambda y: _ends(expit(y), total, level)[0] - ci[0], -35, 35))

    middle = (ci[0] + ci[1]) / 2
    start = middle * (1 - middle) / normal_sd(ci, level) ** 2
    total = match_width(lambda total: _ends(mean_of(total), total, level)[1] - ci[0], ci[1] - ci[0], start)
    mean = mean_of(total)
    return mean * total, (1 - mean) * total


def _ends(mean, total, level):
    z = score_of(level)
    low, high = beta_quantile(mean * total, (1 - mean) * total, np.array([-z, z]))
    return float(low), float(high)


def _inside_support(ci):
    if ci == (0.0, 1.0):
        raise InputError("ci (0, 1) is the whole range and says nothing about the distribution.")
    if ci[0] < 0 or ci[1] > 1:
        raise InputError(
            f"ci must lie within 0 and 1, got ({ci[0]:g}, {ci[1]:g}); a percentage is divided by 100."
        )


_FORMS = (_standard, _mean_se, _mean_ci, _ci, event_counts)


@dataclass(frozen=True, init=False, repr=False)
class PERT(Univariate):
    """PERT distribution on [low, high] with a most likely value, in the parameter's unit (Vose 2008).

    A beta stretched over the range, with alpha = 1 + shape (mode - low) / (high - low) and
    beta = 1 + shape (high - mode) / (high - low).
    """

    low: float
    mode: float
    high: float
    shape: float

    def __init__(self, low: float, mode: float, high: float, shape: float = 4.0):
        self._settle((_pert,), locals())

    @property
    def unit(self) -> Beta:
        """The beta distribution of (x - low) / (high - low)."""
        width = self.high - self.low
        return Beta(
            1 + self.shape * (self.mode - self.low) / width, 1 + self.shape * (self.high - self.mode) / width
        )

    @property
    def mean(self) -> float:
        """(low + shape * mode + high) / (shape + 2)."""
        return (self.low + self.shape * self.mode + self.high) / (self.shape + 2)

    @property
    def sd(self) -> float:
        """(high - low) times the sd of the unit beta."""
        return (self.high - self.low) * self.unit.sd

    @property
    def support(self) -> tuple[float, float]:
        """The elicited range."""
        return self.low, self.high

    @property
    def form(self) -> Form:
        """The unit beta's log odds, stretched over the range."""
        return Form("curve", "logit", self.low, self.high - self.low, self.unit.form.curve)

    def quantile(self, z) -> np.ndarray:
        """Return the stretched beta quantile at normal scores z (any shape)."""
        return self.low + (self.high - self.low) * self.unit.quantile(z)


def check_range(low: float, mode: float, high: float) -> None:
    """Raise InputError unless low <= mode <= high and low < high."""
    if not low < high:
        raise InputError(f"low must be below high, got low {low:g} and high {high:g}.")
    if not low <= mode <= high:
        raise InputError(f"mode must lie between low and high, got {mode:g} outside [{low:g}, {high:g}].")


def _pert(low, mode, high, shape):
    check_range(low, mode, high)
    positive(shape=shape)
    return low, mode, high, shape
