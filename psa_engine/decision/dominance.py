"""Dominance, extended dominance and the efficiency frontier, from mean costs and effects."""

from typing import NamedTuple

import numpy as np

# Differences this small beside the largest mean are rounding, not a difference between strategies.
_ROUNDING = 1e-12


class Standing(NamedTuple):
    """Where a strategy stands: its index, status, and the index of the strategy it is compared with."""

    index: int
    status: str
    against: int | None


def standings(costs: np.ndarray, effects: np.ndarray) -> list[Standing]:
    """Return the standing of every strategy, ordered by cost, from mean costs and effects (n_strategies,).

    Equal costs are ordered by effect, highest first, and equal strategies by position: the later of two
    equal ones counts as dominated by the earlier. Source: Johannesson, Weinstein 1993.
    """
    costs, effects = without_rounding(costs), without_rounding(effects)
    order = [int(i) for i in np.lexsort((np.arange(len(costs)), -effects, costs))]
    undominated = _undominated(order, effects)
    on_frontier = _frontier(undominated, costs, effects)
    return [_standing(i, order, undominated, on_frontier, costs, effects) for i in order]


def without_rounding(values: np.ndarray) -> np.ndarray:
    """Return the values with those that differ by rounding only made equal to the least of them."""
    order = np.argsort(values, kind="stable")
    gaps = np.diff(values[order]) > _ROUNDING * np.abs(values).max()
    starts = np.concatenate([[True], gaps])
    merged = np.empty_like(values)
    merged[order] = values[order][starts][np.cumsum(starts) - 1]
    return merged


def _undominated(order: list[int], effects: np.ndarray) -> list[int]:
    """Keep the strategies that are more effective than every one before them in order of cost."""
    kept: list[int] = []
    for i in order:
        if not kept or effects[i] > effects[kept[-1]]:
            kept.append(i)
    return kept


def _frontier(undominated: list[int], costs: np.ndarray, effects: np.ndarray) -> list[int]:
    """Keep the strategies whose ICERs rise: a higher ICER than the next one's is extended dominance."""
    kept: list[int] = []
    for i in undominated:
        while len(kept) > 1 and _above_chord(kept[-2], kept[-1], i, costs, effects):
            kept.pop()
        kept.append(i)
    return kept


def _above_chord(low: int, middle: int, high: int, costs: np.ndarray, effects: np.ndarray) -> bool:
    # Cross-multiplied ICERs; a strategy on the line between two others is kept, as no mixture beats it.
    first = (costs[middle] - costs[low]) * (effects[high] - effects[middle])
    second = (costs[high] - costs[middle]) * (effects[middle] - effects[low])
    return bool(first - second > _ROUNDING * (first + second))


def _standing(
    i: int,
    order: list[int],
    undominated: list[int],
    on_frontier: list[int],
    costs: np.ndarray,
    effects: np.ndarray,
) -> Standing:
    if i in on_frontier:
        place = on_frontier.index(i)
        return Standing(i, "on frontier", on_frontier[place - 1]) if place else Standing(i, "reference", None)
    if i in undominated:
        cheaper = [j for j in on_frontier if costs[j] < costs[i]]
        return Standing(i, "extendedly dominated", cheaper[-1])
    before = order[: order.index(i)]
    dominating = [j for j in on_frontier + undominated if j in before and effects[j] >= effects[i]]
    return Standing(i, "dominated", dominating[0])
