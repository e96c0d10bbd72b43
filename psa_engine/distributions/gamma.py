"""Gamma: costs, rates and counts per person, positive and skewed."""

import math
from dataclasses import dataclass

import numpy as np

from psa_engine.distributions.form import Form
from psa_engine.distributions.published import (
    TWO_TERMS,
    Interval,
    Number,
    inside,
    logs,
    match_width,
    normal_sd,
    positive,
    score_of,
    warn_if_apart,
)
from psa_engine.distributions.univariate import Univariate, each_tail
from psa_engine.errors import InputError


@dataclass(frozen=True, init=False, repr=False)
class Gamma(Univariate):
    """Gamma distribution with `shape` (no unit) and `scale` (the parameter's unit).

    Published forms: shape, rate; mean, se (method of moments); mean, ci (the mean held, the width of the
    interval matched); ci alone (both ends matched); events, exposure (shape = events, rate = exposure: a rate
    per unit of exposure). `ci` is central and 95 % unless `level` says otherwise.
    """

    shape: float
    scale: float

    def __init__(
        self,
        shape: Number = None,
        scale: Number = None,
        *,
        rate: Number = None,
        mean: Number = None,
        se: Number = None,
        ci: Interval = None,
        level: Number = None,
        events: Number = None,
        exposure: Number = None,
    ):
        self._settle(_FORMS, locals())

    @property
    def mean(self) -> float:
        """shape * scale."""
        return self.shape * self.scale

    @property
    def sd(self) -> float:
        """sqrt(shape) * scale."""
        return math.sqrt(self.shape) * self.scale

    @property
    def support(self) -> tuple[float, float]:
        """The positive half line."""
        return 0.0, math.inf

    @property
    def form(self) -> Form:
        """The log of the quantile, smooth and finite where the quantile underflows."""
        return Form("curve", "log", 0.0, 1.0, lambda z: math.log(self.scale) + _log_quantile(self.shape, z))

    def quantile(self, z) -> np.ndarray:
        """Return the inverse regularised incomplete gamma function at normal scores z (any shape)."""
        return self.scale * gamma_quantile(self.shape, z)


# SciPy's incomplete gamma function loses digits in the lower tail above this shape.
LARGE_SHAPE = 1e5


def gamma_quantile(shape: float, z) -> np.ndarray:
    """Return the Gamma(shape, 1) quantile at normal scores z, each tail from its own inverse."""
    from scipy.special import gammainccinv, gammaincinv, ndtr

    z = np.asarray(z, dtype=float)
    if shape > LARGE_SHAPE:
        return _large_shape_quantile(shape, z)
    log_x, near_0 = _series(shape, z)
    x = each_tail(z, gammaincinv, gammainccinv, shape, values=ndtr(-np.abs(z)))
    return np.where(near_0, np.exp(log_x), x)


def _log_quantile(shape, z):
    log_x, near_0 = _series(shape, z)
    return np.where(near_0, log_x, np.log(np.where(near_0, 1.0, gamma_quantile(shape, z))))


def _series(shape, z):
    """log x from P(a, x) = x^a (1 - a x / (a + 1) + ...) / Gamma(a + 1), and where it is exact."""
    from scipy.special import gammaln, log_ndtr

    leading = (log_ndtr(z) + gammaln(shape + 1)) / shape
    small = leading < TWO_TERMS
    x = np.exp(np.where(small, leading, 0.0))
    return np.where(small, leading + x / (shape + 1), 0.0), small


def _large_shape_quantile(shape, z):
    """The quantile by the uniform expansion in 1/a of Temme (1992, Math. Comp. 58), to 1e-13 at 1e5."""
    eta = z / math.sqrt(shape)
    first = -1 / 3 + eta * (1 / 36 + eta * (1 / 1620 - eta * 7 / 6480))
    eta = eta + first / shape - 7 / 405 / shape**2
    ratio = 1 + eta * (1 + eta * (1 / 3 + eta * (1 / 36 - eta * (1 / 270 - eta * (1 / 4320 + eta / 17010)))))
    return shape * ratio


def _standard(shape, scale):
    positive(shape=shape, scale=scale)
    return shape, scale


def _shape_rate(shape, rate):
    positive(shape=shape, rate=rate)
    return shape, 1 / rate


def _mean_se(mean, se):
    positive(mean=mean, se=se)
    return (mean / se) ** 2, se**2 / mean


def _mean_ci(mean, ci, level=0.95):
    if ci[0] < 0:
        raise InputError(f"ci of a positive quantity must not go below 0, got {ci[0]:g}.")
    inside(ci, mean=mean)
    scores = np.array([-1.0, 1.0]) * score_of(level)

    def ends(shape):
        return mean / shape * gamma_quantile(shape, scores)

    start = (mean / normal_sd(ci, level)) ** 2
    shape = match_width(lambda s: float(np.diff(ends(s))[0]), ci[1] - ci[0], start)
    low, high = ends(shape)
    warn_if_apart(f"The gamma distribution with mean {mean:g}", (float(low), float(high)), ci)
    return shape, mean / shape


def _ci(ci, level=0.95):
    low, high = logs(ci)
    scores = np.array([-1.0, 1.0]) * score_of(level)
    start = ((ci[0] + ci[1]) / 2 / normal_sd(ci, level)) ** 2
    shape = match_width(lambda s: float(np.diff(_log_quantile(s, scores))[0]), high - low, start)
    return shape, math.exp(low - float(_log_quantile(shape, scores[0])))


def _events_exposure(events, exposure):
    positive(exposure=exposure)
    if events <= 0:
        raise InputError(
            f"events must be above 0, got {events:g}; for no events in {exposure:g} of exposure give"
            f" shape=0.5 and rate={exposure:g} (Jeffreys)."
        )
    return events, 1 / exposure


_FORMS = (_standard, _shape_rate, _mean_se, _mean_ci, _ci, _events_exposure)
