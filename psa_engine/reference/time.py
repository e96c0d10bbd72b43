"""The time axis: background mortality and utility, cycle weights, discounting."""

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class Point(NamedTuple):
    """One time point, as `t` in a model: the start of a cycle (or, the last one, the end of the horizon)."""

    cycle: float
    year: float
    age: float
    mortality: float
    utility_multiplier: float
    time_in_state: int | None = None


def time_points(timeline: Any) -> list[Point]:
    """Return the n_cycles + 1 time points of a timeline.

    Men and women are followed apart, each dying at the constant rate that gives the life table's annual
    probability at their completed age. `mortality` is the share of the living of both sexes who die in the
    cycle (at the last point that of the cycle before), `utility_multiplier` the mean norm of the living
    relative to the first point.
    """
    alive = {"male": 1.0 - timeline.female, "female": timeline.female}
    points: list[Point] = []
    first_norm = None
    for cycle in range(timeline.n_cycles + 1):
        year = cycle / timeline.cycles_per_year
        age = timeline.start_age + year
        die = {sex: _at_age(timeline.life_table, sex, age, 0.0) for sex in alive}
        survive = {sex: (1 - die[sex]) ** (1 / timeline.cycles_per_year) for sex in alive}
        norm = _mean(alive, {sex: _at_age(timeline.utility_norms, sex, age, 1.0) for sex in alive}, timeline)
        first_norm = first_norm or norm
        mortality = 1 - _mean(alive, survive, timeline)
        if cycle == timeline.n_cycles:
            mortality = points[-1].mortality
        points.append(Point(float(cycle), year, age, mortality, norm / first_norm))
        alive = {sex: alive[sex] * survive[sex] for sex in alive}
    return points


def _at_age(table: Any, sex: str, age: float, without: float) -> float:
    """Read a table at completed years (a rounding error short of a birthday counts as one), ends extended."""
    if table is None:
        return without
    years = min(max(math.floor(age + 1e-9), int(table.age[0])), int(table.age[-1]))
    return float(getattr(table, sex)[list(table.age).index(years)])


def _mean(alive: dict[str, float], value: dict[str, float], timeline: Any) -> float:
    """Average over the living, or over those at the start once nobody is left."""
    share = alive if sum(alive.values()) > 0 else {"male": 1 - timeline.female, "female": timeline.female}
    return sum(share[sex] * value[sex] for sex in share) / sum(share.values())


def discount_factor(rate: float, year: float, discounting: str) -> float:
    """Return the present value of 1 at `year` (in years since the start)."""
    if discounting == "exponential":
        return math.exp(-rate * year)
    if discounting == "whole_years":
        return (1 + rate) ** -math.floor(year + 1e-9)
    return (1 + rate) ** -year


def cycle_weights(correction: str, n_cycles: int) -> np.ndarray:
    """Return the weight, in cycles, of each of the n_cycles + 1 time points, added up rule by rule."""
    weights = np.zeros(n_cycles + 1)
    for first, rule in _rules(correction, n_cycles):
        weights[first : first + len(rule)] += rule
    return weights


def _rules(correction: str, n_cycles: int) -> Iterator[tuple[int, list[float]]]:
    """Yield (first point, weights from there on) of each piece of the horizon."""
    if correction == "none":
        yield 0, [1.0] * (n_cycles + 1)
    elif correction == "darthtools_simpson":  # 4/3 and 2/3 the other way round from Simpson's rule
        yield 0, [1 / 3, *[4 / 3 if point % 2 == 0 else 2 / 3 for point in range(1, n_cycles)], 1 / 3]
    elif correction == "simpson":
        threes = 1 if n_cycles % 2 else 0  # an odd horizon ends with one piece of three cycles
        for first in range(0, n_cycles - 3 * threes, 2):
            yield first, [1 / 3, 4 / 3, 1 / 3]
        if threes:
            yield n_cycles - 3, [3 / 8, 9 / 8, 9 / 8, 3 / 8]
    else:
        pieces = {"start_of_cycle": [1.0, 0.0], "end_of_cycle": [0.0, 1.0], "half_cycle": [0.5, 0.5]}
        for cycle in range(n_cycles):
            yield cycle, pieces[correction]


def transition_year(timeline: Any, cycle: int) -> float:
    """Return when, for discounting, the transitions of a cycle happen: at its middle, start or end."""
    moment = {"half_cycle": 0.5, "simpson": 0.5, "start_of_cycle": 0.0}.get(timeline.cycle_correction, 1.0)
    return (cycle + moment) / timeline.cycles_per_year
