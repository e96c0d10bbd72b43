"""A normal cut off at one or two bounds, accurate right up to the bound."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from psa_engine.distributions.form import Form
from psa_engine.distributions.published import Number, positive
from psa_engine.distributions.univariate import Univariate, moments_over_scores
from psa_engine.errors import InputError

# A cut that leaves less of the parent than this is taken for a mistake.
SMALLEST_MASS = 1e-10
NODES, WEIGHTS = np.polynomial.legendre.leggauss(48)


@dataclass(frozen=True, init=False, repr=False)
class TruncatedNormal(Univariate):
    """Normal(mean, sd) given that it lies within [low, high]; `mean` and `sd` are those of the parent normal.

    At least one bound is given; the other may be left out. The properties `mean` and `sd` are those of the
    truncated distribution; the parent's are kept as `parent_mean` and `parent_sd`.
    """

    parent_mean: float
    parent_sd: float
    low: float
    high: float

    def __init__(self, mean: float, sd: float, low: Number = None, high: Number = None):
        low, high = (
            None if bound is not None and bound in (-math.inf, math.inf) else bound for bound in (low, high)
        )
        self._settle((_truncated,), locals())

    @cached_property
    def _moments(self) -> tuple[float, float]:
        return moments_over_scores(self.quantile)

    @property
    def mean(self) -> float:
        """The mean of the truncated distribution (by quadrature over the normal score)."""
        return self._moments[0]

    @property
    def sd(self) -> float:
        """The standard deviation of the truncated distribution (by quadrature over the normal score)."""
        return self._moments[1]

    @property
    def support(self) -> tuple[float, float]:
        """The bounds."""
        return self.low, self.high

    @property
    def form(self) -> Form:
        """The log odds of the position between the bounds, or the log distance from the only one."""
        if math.isinf(self.high):
            return Form("curve", "log", self.low, self.parent_sd, lambda z: np.log(self._above_low(z)))
        if math.isinf(self.low):
            return Form("curve", "log", self.high, -self.parent_sd, lambda z: np.log(self._below_high(z)))

        def log_odds(z):
            return np.log(self._above_low(z)) - np.log(self._below_high(z))

        return Form("curve", "logit", self.low, self.high - self.low, log_odds)

    def quantile(self, z) -> np.ndarray:
        """Return the values at normal scores z (any shape), measured from the nearer bound."""
        above, below = self._above_low(z), self._below_high(z)
        from_low = (
            self.low + self.parent_sd * above if math.isfinite(self.low) else np.full_like(above, -math.inf)
        )
        from_high = (
            self.high - self.parent_sd * below if math.isfinite(self.high) else np.full_like(above, math.inf)
        )
        return np.where(above <= below, from_low, from_high)

    def _above_low(self, z):
        return _distance(*self._standard_bounds(), np.asarray(z, dtype=float))

    def _below_high(self, z):
        a, b = self._standard_bounds()
        return _distance(-b, -a, -np.asarray(z, dtype=float))

    def _standard_bounds(self):
        return (self.low - self.parent_mean) / self.parent_sd, (self.high - self.parent_mean) / self.parent_sd


def _truncated(mean, sd, low=-math.inf, high=math.inf):
    from scipy.special import ndtr

    positive(sd=sd)
    if math.isinf(low) and math.isinf(high):
        raise InputError("give low, high or both; without a bound use Normal.")
    if not low < high:
        raise InputError(f"low must be below high, got low {low:g} and high {high:g}.")
    a, b = (low - mean) / sd, (high - mean) / sd
    mass = ndtr(-a) - ndtr(-b) if a > 0 else ndtr(b) - ndtr(a)
    if mass < SMALLEST_MASS and (a > 0 or b < 0):
        raise InputError(
            f"only {mass:.2g} of the parent normal lies between the bounds; check mean, sd, low and high."
        )
    return mean, sd, low, high


def _distance(a: float, b: float, z: np.ndarray) -> np.ndarray:
    """Return x - a, in sd units, at score z of the standard normal within [a, b].

    Phi(x) = Phi(a) Phi(-z) + Phi(b) Phi(z), in logs and in whichever tail is smaller. Close to a, where that
    difference loses digits, Newton's method solves for the distance itself.
    """
    from scipy.special import log_ndtr, ndtri_exp

    lower = np.logaddexp(log_ndtr(a) + log_ndtr(-z), log_ndtr(b) + log_ndtr(z))
    upper = np.logaddexp(log_ndtr(-a) + log_ndtr(-z), log_ndtr(-b) + log_ndtr(z))
    x = np.where(lower < upper, ndtri_exp(np.minimum(lower, 0)), -ndtri_exp(np.minimum(upper, 0)))
    if math.isinf(a):
        return np.full_like(x, math.inf)
    distance = np.asarray(x - a)
    near = distance < 0.2 * max(1.0, abs(a))
    if near.any():
        distance[near] = _near_bound(a, b, z[near], distance[near])
    return distance


def _near_bound(a, b, z, start):
    """Solve area(d) = Phi(z) area(b - a), area(d) being the mass on [a, a + d] over the density at a."""
    from scipy.special import ndtr

    target = ndtr(z) * _whole_area(a, b)
    distance = np.where(start > 1e-6, start, target)
    for _ in range(6):
        distance = distance - (_area(a, distance) - target) * np.exp(distance * (a + distance / 2))
    return distance


def _area(a, d):
    """The integral of exp(-a s - s^2 / 2) over s in [0, d], by Gauss-Legendre quadrature."""
    s = 0.5 * np.asarray(d)[..., None] * (NODES + 1)
    return 0.5 * d * (np.exp(-s * (a + s / 2)) @ WEIGHTS)


def _whole_area(a, b):
    """area(b - a): a quadrature if short, else a difference of Mills ratios from the side with less mass."""
    from scipy.special import erfcx

    if (b - a) * (abs(a) + b - a) < 40:
        return float(_area(a, b - a))
    density_ratio = math.exp(-(b - a) * (a + b) / 2) if math.isfinite(b) else 0.0
    if b <= 0:
        return math.sqrt(math.pi / 2) * (density_ratio * erfcx(-b / math.sqrt(2)) - erfcx(-a / math.sqrt(2)))
    return math.sqrt(math.pi / 2) * (erfcx(a / math.sqrt(2)) - density_ratio * erfcx(b / math.sqrt(2)))
