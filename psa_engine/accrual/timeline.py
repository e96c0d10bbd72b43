"""The time axis: cycles, ages, discount factors, cycle weights, background mortality and utility."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import numpy as np

from psa_engine.accrual.cycle_correction import CycleCorrection, cycle_weights
from psa_engine.accrual.population import AgeTable, background
from psa_engine.errors import InputError, nearest

Discounting = Literal["compound", "exponential", "whole_years"]


class Time(NamedTuple):
    """One time point as a model sees it: `t.cycle`, `t.year` (since the start), `t.age`, `t.mortality`
    (probability of background death in the cycle that starts here), `t.utility_multiplier` (the
    age-sex norm relative to the start) and, within a tunnel state, `t.time_in_state` in cycles."""

    cycle: Any
    year: Any
    age: Any
    mortality: Any
    utility_multiplier: Any
    time_in_state: int | None = None


def discount_factors(rate: float, years: np.ndarray, discounting: Discounting = "compound") -> np.ndarray:
    """Return the factors at `years`: (1 + rate)^-years, exp(-rate years), or stepwise by whole years."""
    if discounting == "exponential":
        return np.exp(-rate * years)
    return (1.0 + rate) ** -(np.floor(years + 1e-9) if discounting == "whole_years" else years)


@dataclass(frozen=True, eq=False)
class Timeline:
    """The time axis of a cohort and what is known along it; lengths in cycles, ages in years.

    Raises InputError for fewer than one cycle, a cycle of no length, a negative or absurd discount
    rate, an unknown way of discounting, a share of women or a probability of death outside [0, 1].
    """

    cycles_per_year: float
    n_cycles: int
    start_age: float = 0.0
    female: float = 0.5
    life_table: AgeTable | None = None
    utility_norms: AgeTable | None = None
    discount_rate_costs: float = 0.035
    discount_rate_effects: float = 0.035
    cycle_correction: CycleCorrection = "half_cycle"
    discounting: Discounting = "compound"

    def __post_init__(self) -> None:
        if self.n_cycles < 1:
            raise InputError(f"A cohort needs at least one cycle, and the horizon holds {self.n_cycles}.")
        if not self.cycles_per_year > 0:
            raise InputError(f"There must be more than {self.cycles_per_year} cycles a year.")
        if not 0 <= self.female <= 1:
            raise InputError(f"The share of women is {self.female}, outside [0, 1].")
        for name in ("discount_rate_costs", "discount_rate_effects"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"The {name} is {getattr(self, name)}; write 3.5 % as 0.035.")
        if self.discounting not in get_args(Discounting):
            raise InputError(
                f"The discounting '{self.discounting}' does not exist.",
                hint=nearest(self.discounting, get_args(Discounting)),
            )
        if self.life_table is not None:
            worst = max(np.append(self.life_table.male, self.life_table.female), key=lambda q: abs(q - 0.5))
            if not 0 <= worst <= 1:
                raise InputError(
                    f"The life table '{self.life_table.name}' holds {worst:g}, which is no annual probability of death."
                )

    def require_cycles_per_year(self, wanted: float, model: str) -> None:
        """Raise InputError unless there are as many cycles a year as a model's transitions are written for."""
        if self.cycles_per_year != wanted:
            raise InputError(
                f"The {model} model is written for {wanted:g} cycles a year, and the timeline has "
                f"{self.cycles_per_year:g}.",
                hint=f"Set cycles_per_year to {wanted:g}.",
            )

    @property
    def years(self) -> np.ndarray:
        """(n_cycles + 1,) years since the start at each time point."""
        return np.arange(self.n_cycles + 1) / self.cycles_per_year

    @property
    def same_discount(self) -> bool:
        """Whether costs and effects are discounted at the same rate."""
        return self.discount_rate_costs == self.discount_rate_effects

    def series(self) -> dict[str, np.ndarray]:
        """Return what the simulation reads along time, float64.

        Points (n_cycles + 1,): `cycle`, `year`, `age`, `mortality`, `utility_multiplier`, `alive` (the
        share that background mortality has left), and the weights `costs`, `effects`, `undiscounted`
        that turn occupancy into person-years. Transitions (n_cycles,): `transition_costs`,
        `transition_effects`, the discount factor of a one-off payoff in the cycle: mid-cycle under
        half_cycle and simpson, at the start under start_of_cycle, at the end otherwise.
        """
        years = self.years
        ages = self.start_age + years
        known = background(ages, self.cycles_per_year, self.female, self.life_table, self.utility_norms)
        person_years = cycle_weights(self.cycle_correction, self.n_cycles) / self.cycles_per_year
        moment = {"half_cycle": 0.5, "simpson": 0.5, "start_of_cycle": 0.0}.get(self.cycle_correction, 1.0)
        events = (np.arange(self.n_cycles) + moment) / self.cycles_per_year
        series = {
            "cycle": np.arange(self.n_cycles + 1.0),
            "year": years,
            "age": ages,
            "mortality": np.append(known.mortality, known.mortality[-1]),
            "utility_multiplier": known.utility / known.utility[0],
            "undiscounted": person_years,
            "alive": np.append(1.0, np.cumprod(1.0 - known.mortality)),
        }
        for name in ("costs", "effects"):
            rate = getattr(self, f"discount_rate_{name}")
            series[name] = person_years * discount_factors(rate, years, self.discounting)
            series[f"transition_{name}"] = discount_factors(rate, events, self.discounting)
        return series
