"""The expected net benefit of sampling: a study's worth to all it will serve, less its cost."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.evsi.curve import EvsiCurve
from psa_engine.voi.evsi.smooth import FEWEST, SmoothEvsi, smooth_evsi

Timing = Literal["continuous", "start_of_year", "end_of_year"]
NEAR = 0.05


@dataclass(frozen=True)
class Population:
    """People whose treatment a decision settles: `prevalence`, and `annual_incidence` over `horizon_years`.

    `discount_rate` a year, (1 + r)^-t. `timing` says when a year's new patients count. Those who come before
    `years_to_results`, while a study still runs, do not benefit from it, and the benefit of all others is
    discounted to today.
    """

    annual_incidence: float = 0.0
    prevalence: float = 0.0
    horizon_years: float = 0.0
    discount_rate: float = 0.0
    timing: Timing = "continuous"
    years_to_results: float = 0.0

    def __post_init__(self):
        for name in ("annual_incidence", "prevalence", "horizon_years", "discount_rate", "years_to_results"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and np.isfinite(value) and value >= 0):
                raise InputError(
                    f"The {name} of a population must be a number of at least 0, and is {value!r}."
                )
        if self.timing not in ("continuous", "start_of_year", "end_of_year"):
            raise InputError(
                f"The timing must be continuous, start_of_year or end_of_year, and is '{self.timing}'."
            )
        if self.annual_incidence and not self.horizon_years:
            raise InputError(
                "A population with an annual incidence needs horizon_years, the years it counts for."
            )
        whole = float(self.horizon_years).is_integer() and float(self.years_to_results).is_integer()
        if self.timing != "continuous" and not whole:
            raise InputError(
                "Counting new patients by the year needs whole horizon_years and years_to_results.",
                hint="Use timing='continuous'.",
            )
        if not self.size > 0:
            raise InputError(
                "This population has nobody in it: give an annual incidence or a prevalence above 0."
            )

    @property
    def size(self) -> float:
        """The discounted number of people."""
        return self.prevalence * self._discount(self.years_to_results) + self.annual_incidence * self._years()

    def _discount(self, years: Any) -> Any:
        return (1 + self.discount_rate) ** -np.asarray(years, float)

    def _years(self) -> float:
        """Return the discounted years from the results to the horizon."""
        first, last = self.years_to_results, self.horizon_years
        if last <= first:
            return 0.0
        if self.timing == "continuous":
            rate = np.log1p(self.discount_rate)
            return float((self._discount(first) - self._discount(last)) / rate) if rate > 0 else last - first
        years = np.arange(first, last) + (self.timing == "end_of_year")
        return float(self._discount(years).sum())


@dataclass(frozen=True)
class StudyCost:
    """What a study costs: `fixed`, and `per_patient` for each patient in it (both arms of a trial)."""

    fixed: float = 0.0
    per_patient: float = 0.0

    def __post_init__(self):
        for name in ("fixed", "per_patient"):
            value = getattr(self, name)
            if not (isinstance(value, int | float) and np.isfinite(value) and value >= 0):
                raise InputError(
                    f"The {name} cost of a study must be a number of at least 0, and is {value!r}."
                )

    def of(self, n: Any) -> np.ndarray:
        """Return the cost of a study of n patients, any shape."""
        return self.fixed + self.per_patient * np.asarray(n, float)


@dataclass(frozen=True, eq=False)
class Enbs:
    """ENBS of a study at sample sizes `n` (k,), and the best size; money.

    `value` and `standard_error` are (k,), or (k, n_wtp) where `wtp` is a list; `optimal_n` and the other
    optima are then lists over WTP. `near_optimal` is the range of n around the optimum with at least 95 % of
    its value. Optima are read off a smooth EVSI(n) between the smallest and the largest n. `optimal_n` is 0
    where no size is worth its cost.
    """

    n: np.ndarray
    value: np.ndarray
    standard_error: np.ndarray
    optimal_n: Any
    optimal_value: Any
    optimal_standard_error: Any
    near_optimal: Any
    population: float
    cost: StudyCost
    wtp: Any
    notes: tuple[str, ...]
    curves: tuple[SmoothEvsi, ...]

    def at(self, n: Any) -> Any:
        """Return the smooth ENBS at any n within the sizes estimated; a WTP axis is last if there is one."""
        found = [self.population * curve(n) - self.cost.of(n) for curve in self.curves]
        return found[0] if np.ndim(self.wtp) == 0 else np.stack(found, axis=-1)


def population_value(estimate: VoiEstimate, population: Population | float) -> VoiEstimate:
    """Return an EVPI, EVPPI or EVSI of a population in place of a person, its errors with it."""
    size = _size(population)
    scaled = None if estimate.bias_bound is None else np.multiply(size, estimate.bias_bound)
    bracket = estimate.bracket and tuple(np.multiply(size, end) for end in estimate.bracket)
    return replace(
        estimate,
        value=size * estimate.value,
        standard_error=size * estimate.standard_error,
        bias_bound=scaled,
        bracket=bracket,
        diagnostics={**estimate.diagnostics, "population": size},
    )


def enbs(
    evsi_estimates: EvsiCurve | Sequence[VoiEstimate], population: Population | float, cost: StudyCost
) -> Enbs:
    """Return the expected net benefit of sampling over the sample sizes of EVSI estimates, and the best size.

    `population` is a `Population` or a discounted number of people. Raises InputError for estimates that do
    not say their n, and for a population of nobody.
    """
    n, value, error, wtp = _by_size(evsi_estimates)
    size = _size(population)
    curves = tuple(smooth_evsi(n, value[:, i], error[:, i]) for i in range(value.shape[1]))
    optima = [_optimum(curve, size, cost) for curve in curves]
    notes = tuple(
        f"At a WTP of {price:,.10g}, {note}"
        for price, (*_, said) in zip(np.atleast_1d(wtp), optima, strict=True)
        for note in said
    )
    total = size * value - cost.of(n)[:, None]
    one = np.ndim(wtp) == 0

    def picked(i: int) -> Any:
        return optima[0][i] if one else [optimum[i] for optimum in optima]

    return Enbs(
        n=n,
        value=total[:, 0] if one else total,
        standard_error=size * (error[:, 0] if one else error),
        optimal_n=picked(0),
        optimal_value=picked(1),
        optimal_standard_error=picked(2),
        near_optimal=picked(3),
        population=size,
        cost=cost,
        wtp=wtp,
        notes=notes,
        curves=curves,
    )


def _size(population: Population | float) -> float:
    if isinstance(population, Population):
        return population.size
    if isinstance(population, int | float | np.number) and np.isfinite(population) and population > 0:
        return float(population)
    raise InputError(
        f"The population must be a Population or a number of people above 0, got {population!r}."
    )


def _by_size(estimates: EvsiCurve | Sequence[VoiEstimate]) -> tuple[np.ndarray, np.ndarray, np.ndarray, Any]:
    """Return sample sizes (k,), values and standard errors (k, n_wtp), and the WTP, all as given."""
    listed = list(estimates)
    if not listed or any("n" not in one.diagnostics for one in listed):
        raise InputError("ENBS needs EVSI estimates over sample sizes: evsi(..., n=[50, 100, 200, ...]).")
    n = np.array([one.diagnostics["n"] for one in listed])
    value = np.array([np.atleast_1d(one.value) for one in listed])
    error = np.array([np.atleast_1d(one.standard_error) for one in listed])
    return n, value, error, listed[0].wtp


def _optimum(
    curve: SmoothEvsi, population: float, cost: StudyCost
) -> tuple[int, float, float, tuple[int, int], list[str]]:
    """Return the best n, its ENBS and standard error, the near-optimal range, and what to know about them."""
    low, high = int(curve.n[0]), int(curve.n[-1])
    tried = (
        np.arange(low, high + 1)
        if high - low < 1_000_000
        else np.unique(np.geomspace(low, high, 100_000).round())
    )
    net = population * curve(tried) - cost.of(tried)
    at = int(net.argmax())
    if net[at] <= 0:
        return 0, 0.0, 0.0, (0, 0), [f"no study of {low:,} to {high:,} patients is worth its cost."]
    # Walk outwards from the optimum, so that a second hump further off does not count.
    fine = net >= (1 - NEAR) * net[at]
    left = at - int(np.argmin(fine[: at + 1][::-1])) + 1 if not fine[: at + 1].all() else 0
    right = at + int(np.argmin(fine[at:])) - 1 if not fine[at:].all() else len(net) - 1
    notes = []
    if at in (0, len(net) - 1):
        notes.append(f"the best n, {int(tried[at]):,}, is at the edge of the sizes given: widen them.")
    if len(curve.n) < FEWEST:
        notes.append(f"the best n rests on {len(curve.n)} sizes: give {FEWEST} or more.")
    elif not curve.parametric:
        notes.append("EVSI(n) is not of the normal-theory shape: a monotone cubic was drawn through it.")
    error = population * float(curve.standard_error(tried[at]))
    return int(tried[at]), float(net[at]), error, (int(tried[left]), int(tried[right])), notes
