"""Uniform and triangular: a range from experts, with or without a most likely value."""

import math
from dataclasses import dataclass

from psa_engine.distributions.beta import check_range
from psa_engine.distributions.form import Form
from psa_engine.distributions.univariate import Univariate


@dataclass(frozen=True, init=False, repr=False)
class Uniform(Univariate):
    """Uniform distribution on [low, high], in the parameter's unit."""

    low: float
    high: float

    def __init__(self, low: float, high: float):
        self._settle((_uniform,), locals())

    @property
    def mean(self) -> float:
        """(low + high) / 2."""
        return (self.low + self.high) / 2

    @property
    def sd(self) -> float:
        """(high - low) / sqrt(12)."""
        return (self.high - self.low) / math.sqrt(12)

    @property
    def support(self) -> tuple[float, float]:
        """The range."""
        return self.low, self.high

    @property
    def form(self) -> Form:
        """low + (high - low) Phi(z)."""
        return Form("uniform", "identity", self.low, self.high - self.low)


def _uniform(low, high):
    check_range(low, low, high)
    return low, high


@dataclass(frozen=True, init=False, repr=False)
class Triangular(Univariate):
    """Triangular distribution on [low, high] with a most likely value, in the parameter's unit."""

    low: float
    mode: float
    high: float

    def __init__(self, low: float, mode: float, high: float):
        self._settle((_triangular,), locals())

    @property
    def mean(self) -> float:
        """(low + mode + high) / 3."""
        return (self.low + self.mode + self.high) / 3

    @property
    def sd(self) -> float:
        """The square root of (low^2 + mode^2 + high^2 - low mode - low high - mode high) / 18."""
        left, right = self.mode - self.low, self.high - self.mode
        return math.sqrt((left * left + left * right + right * right) / 18)

    @property
    def support(self) -> tuple[float, float]:
        """The range."""
        return self.low, self.high

    @property
    def form(self) -> Form:
        """The closed form, with its corner at the mode."""
        return Form("triangular", "identity", self.low, self.high - self.low, mode=self.mode)


def _triangular(low, mode, high):
    check_range(low, mode, high)
    return low, mode, high
