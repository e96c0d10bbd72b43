"""How a device computes a univariate quantile: a smooth curve of the normal score and a cheap outer link."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

Family = Literal["curve", "uniform", "triangular"]
Link = Literal["identity", "log", "logit"]


@dataclass(frozen=True)
class Form:
    """The quantile function as x = low + scale * g(y), in the distribution's own unit.

    family "curve": y = curve(z), smooth and finite for |z| <= 8.3, and g is the inverse of `link`: y itself
    ("identity"), exp(y) ("log") or 1 / (1 + exp(-y)) ("logit"). `scale` is negative where x is a distance
    below an upper bound. family "uniform": x = low + scale * Phi(z). family "triangular": the closed form on
    [low, low + scale] with the given mode. `curve` is None for the last two.
    """

    family: Family
    link: Link
    low: float
    scale: float
    curve: Callable[[np.ndarray], np.ndarray] | None = None
    mode: float | None = None

    def value(self, z) -> np.ndarray:
        """Return x at normal scores z (any shape), as the device computes it, in NumPy."""
        from scipy.special import expit, ndtr

        z = np.asarray(z, dtype=float)
        if self.family == "uniform":
            return self.low + self.scale * ndtr(z)
        if self.family == "triangular":
            return self._triangular(z)
        assert self.curve is not None
        y = self.curve(z)
        inverse = {"identity": np.asarray, "log": np.exp, "logit": expit}[self.link]
        return self.low + self.scale * inverse(y)

    def _triangular(self, z):
        from scipy.special import ndtr

        assert self.mode is not None
        high = self.low + self.scale
        rising = self.low + np.sqrt(ndtr(z) * self.scale * (self.mode - self.low))
        falling = high - np.sqrt(ndtr(-z) * self.scale * (high - self.mode))
        return np.where(ndtr(z) * self.scale <= self.mode - self.low, rising, falling)
