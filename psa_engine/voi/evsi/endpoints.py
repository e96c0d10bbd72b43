"""What a study records of each patient: how data arise from one parameter, and their likelihood.

Every endpoint is an exponential family, so the data of n patients come down to a few sums T (k, ...), and
the log-likelihood is T . slopes(parameter) + n-dependent offset(parameter), up to terms without the
parameter. Sums and parameters broadcast against each other by NumPy's rules.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from psa_engine.errors import InputError

_NORMAL_LIMIT = 2_000
"""Follow-up times above this many in one draw are summed by their normal limit."""
_LARGEST_BLOCK = 4_000_000


class Endpoint:
    """An endpoint of one patient, driven by one parameter `mean` (its meaning is each record's own).

    `sums`: names of the sums that n patients come down to. `generate(mean (m,), n, rng) -> (k, m)`;
    `exponents(mean, n) -> slopes (k, ...), offset (...)`; `summary(sums (k, m), n) -> (r, m)` the
    regressors, an estimate of the parameter on a scale where it is spread out evenly.
    """

    sums: ClassVar[tuple[str, ...]]
    unit: ClassVar[str]
    low: ClassVar[float] = 0.0
    high: ClassVar[float] = np.inf

    def generate(self, mean: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError

    def exponents(self, mean: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    def summary(self, sums: np.ndarray, n: int) -> np.ndarray:
        return sums / n

    def check(self, mean: np.ndarray, what: str) -> None:
        """Raise InputError where a draw is not a value this endpoint can arise from."""
        wrong = np.flatnonzero(~((mean >= self.low) & (mean <= self.high)))
        if len(wrong):
            raise InputError(
                f"The endpoint {self!r} needs {self.unit}, and {what} is {mean[wrong[0]]:.6g} in draw "
                f"{wrong[0]}.",
                hint="Choose another endpoint, or check the scale of the effect.",
            )


@dataclass(frozen=True)
class Binary(Endpoint):
    """Whether an event happened: the parameter is its probability; events ~ Binomial(n, probability)."""

    sums: ClassVar = ("events",)
    unit: ClassVar = "a probability"
    high: ClassVar = 1.0

    def generate(self, mean, n, rng):
        return rng.binomial(n, mean)[None].astype(float)

    def exponents(self, mean, n):
        mean = np.clip(mean, 1e-300, 1 - 1e-16)
        return (np.log(mean) - np.log1p(-mean))[None], n * np.log1p(-mean)


@dataclass(frozen=True)
class Continuous(Endpoint):
    """A measurement with a known standard deviation between patients: the parameter is its mean."""

    sd: float
    sums: ClassVar = ("total",)
    unit: ClassVar = "a number"
    low: ClassVar = -np.inf

    def __post_init__(self):
        _positive(self, "sd", self.sd)

    def generate(self, mean, n, rng):
        return (n * mean + self.sd * np.sqrt(n) * rng.standard_normal(len(mean)))[None]

    def exponents(self, mean, n):
        return (mean / self.sd**2)[None], -n * mean**2 / (2 * self.sd**2)


@dataclass(frozen=True)
class Skewed(Endpoint):
    """A positive, right-skewed quantity such as a cost: gamma with a known coefficient of variation `cv`.

    The parameter is the mean. The sum over n patients is Gamma(shape n / cv^2, scale mean cv^2).
    """

    cv: float
    sums: ClassVar = ("total",)
    unit: ClassVar = "a mean above 0"
    low: ClassVar = np.finfo(float).tiny

    def __post_init__(self):
        _positive(self, "cv", self.cv)

    def generate(self, mean, n, rng):
        return (rng.standard_gamma(n / self.cv**2, len(mean)) * mean * self.cv**2)[None]

    def exponents(self, mean, n):
        return (-1 / (mean * self.cv**2))[None], -n / self.cv**2 * np.log(mean)

    def summary(self, sums, n):
        return np.log(np.maximum(sums, np.finfo(float).tiny) / n)


@dataclass(frozen=True)
class Count(Endpoint):
    """Events in `exposure` units of time of each patient: the parameter is the rate; Poisson counts."""

    exposure: float = 1.0
    sums: ClassVar = ("events",)
    unit: ClassVar = "a rate of at least 0"

    def __post_init__(self):
        _positive(self, "exposure", self.exposure)

    def generate(self, mean, n, rng):
        return rng.poisson(n * self.exposure * mean)[None].astype(float)

    def exponents(self, mean, n):
        return np.log(np.maximum(mean, 1e-300))[None], -n * self.exposure * mean


@dataclass(frozen=True)
class TimeToEvent(Endpoint):
    """Time to an event at a constant hazard, censored at `follow_up`: the parameter is the hazard.

    The data are the number of events and the time at risk, which are sufficient. Time in the unit of
    the hazard.
    """

    follow_up: float
    sums: ClassVar = ("events", "time at risk")
    unit: ClassVar = "a hazard above 0"
    low: ClassVar = np.finfo(float).tiny

    def __post_init__(self):
        _positive(self, "follow_up", self.follow_up)

    def generate(self, mean, n, rng):
        events = rng.binomial(n, -np.expm1(-mean * self.follow_up))
        return np.array([events, self._times(mean, events, rng) + (n - events) * self.follow_up])

    def exponents(self, mean, n):
        return np.array([np.log(mean), -mean]), np.zeros_like(mean)

    def summary(self, sums, n):
        # With half an event added the log rate exists without events; it carries nearly all of both sums.
        return np.log((sums[:1] + 0.5) / np.maximum(sums[1:], np.finfo(float).tiny))

    def _times(self, hazard: np.ndarray, events: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the sum of `events` event times, each exponential and before the end of follow-up."""
        x = np.minimum(hazard * self.follow_up, 700.0)
        total = np.zeros(len(hazard))
        exact = np.flatnonzero((events > 0) & (events <= _NORMAL_LIMIT))
        for block in np.array_split(exact, 1 + events[exact].sum() // _LARGEST_BLOCK):
            if len(block):
                owner = np.repeat(np.arange(len(block)), events[block])
                u = rng.random(len(owner))
                times = -np.log1p(u * np.expm1(-x[block][owner]))
                total[block] = np.bincount(owner, times, len(block)) / hazard[block]
        many = np.flatnonzero(events > _NORMAL_LIMIT)
        share = x[many] / np.expm1(x[many])
        mean, variance = 1 - share, 1 - share**2 * np.exp(x[many])
        noise = rng.standard_normal(len(many)) * np.sqrt(events[many] * np.maximum(variance, 0))
        total[many] = (events[many] * mean + noise) / hazard[many]
        return total


def _positive(record: Endpoint, name: str, value: float) -> None:
    if not (isinstance(value, int | float) and np.isfinite(value) and value > 0):
        raise InputError(f"The {name} of {type(record).__name__} must be a number above 0, and is {value!r}.")
