"""What every univariate distribution answers: mean, sd, interval, support, quantile and device form."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from psa_engine.distributions.form import Form
from psa_engine.distributions.published import number, resolve, score_of


class Univariate:
    """A distribution of one parameter, driven by a standard normal score z.

    Subclasses are frozen records of their standard parameters and define `mean`, `sd`, `support` (infinite
    where unbounded), `form` (how a device computes the quantile) and, where that is not the exact twin,
    `quantile`. Arrays are float64; values are in the parameter's own unit.
    """

    mean: float
    sd: float
    support: tuple[float, float]
    form: Form

    def _settle(self, forms: Iterable[Callable], given: Mapping[str, Any], synonyms: Mapping[str, str] = {}):
        values = resolve(type(self).__name__, forms, given, synonyms)
        for field, value in zip(fields(self), values, strict=True):  # type: ignore[arg-type]
            object.__setattr__(self, field.name, float(value))

    def quantile(self, z) -> np.ndarray:
        """Return the values at normal scores z (any shape), |z| <= 8.3, accurate in both tails."""
        return self.form.value(z)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the central interval (low, high) that holds `level` of the probability."""
        z = score_of(level)
        low, high = self.quantile(np.array([-z, z]))
        return float(low), float(high)

    def __repr__(self) -> str:
        shown = (f"{f.name}={getattr(self, f.name):.6g}" for f in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Fixed(Univariate):
    """A value known without error."""

    value: float

    def __post_init__(self):
        object.__setattr__(self, "value", number("The value of Fixed", self.value))

    @property
    def mean(self) -> float:
        """The value itself."""
        return self.value

    @property
    def sd(self) -> float:
        """Zero."""
        return 0.0

    @property
    def support(self) -> tuple[float, float]:
        """The value, twice."""
        return self.value, self.value

    @property
    def form(self) -> Form:
        """A constant curve."""
        return Form("curve", "identity", 0.0, 1.0, lambda z: np.full(np.shape(z), self.value))


def each_tail(
    z: np.ndarray, lower: Callable, upper: Callable, *shapes: float, values: np.ndarray
) -> np.ndarray:
    """Return lower(*shapes, values) where z <= 0 and upper(...) elsewhere, computed only there."""
    # Gathered by index: `where=` of a SciPy ufunc with a scalar corrupts memory (SciPy 1.17.1, NumPy 2.4.6).
    out = np.empty(z.shape)
    for part, function in ((z <= 0, lower), (z > 0, upper)):
        out[part] = function(*shapes, np.asarray(values)[part])
    return out


def moments_over_scores(quantile: Callable[[np.ndarray], np.ndarray]) -> tuple[float, float]:
    """Return (mean, sd) of a distribution by the trapezoidal rule over its normal score.

    For a quantile analytic in the score the rule converges geometrically (Trefethen and Weideman 2014).
    """
    z = np.linspace(-9.0, 9.0, 1801)
    weight = np.exp(-0.5 * z * z)
    weight /= weight.sum()
    x = quantile(z)
    mean = float(weight @ x)
    return mean, float(np.sqrt(weight @ (x - mean) ** 2))
