"""Decision analysis of costs and effects, (n_draws, n_strategies) each, by the definitions themselves."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Standing(NamedTuple):
    """How a strategy stands: "on frontier" (with its ICER against the one before it, NaN for the first),
    "dominated" or "extendedly dominated" (by the strategies, or one of the pairs, in `by`)."""

    status: str
    icer: float
    by: list


def net_monetary_benefit(costs: np.ndarray, effects: np.ndarray, wtp: float) -> np.ndarray:
    """Return wtp x effects - costs, in money."""
    return wtp * effects - costs


def incremental(costs: Sequence[float], effects: Sequence[float]) -> list[Standing]:
    """Return the standing of each strategy from mean costs and effects (n_strategies,).

    Dominated: another costs no more and does no worse, and is not its equal (of equals the first stands).
    Extendedly dominated: some mixture of two others is as effective and costs less.
    """
    n = len(costs)
    dominators = [[j for j in range(n) if _dominates(costs, effects, j, i)] for i in range(n)]
    rest = [i for i in range(n) if not dominators[i]]
    pairs = [(j, k) for j in rest for k in rest]
    mixtures = [[pair for pair in pairs if _mixture_beats(costs, effects, pair, i)] for i in range(n)]
    frontier = sorted((i for i in rest if not mixtures[i]), key=lambda i: costs[i])
    standings = []
    for i in range(n):
        if dominators[i]:
            standings.append(Standing("dominated", np.nan, dominators[i]))
        elif mixtures[i]:
            standings.append(Standing("extendedly dominated", np.nan, mixtures[i]))
        else:
            before = frontier[: frontier.index(i)][-1:]
            icer = [(costs[i] - costs[j]) / (effects[i] - effects[j]) for j in before]
            standings.append(Standing("on frontier", icer[0] if icer else np.nan, before))
    return standings


def _dominates(costs: Sequence[float], effects: Sequence[float], j: int, i: int) -> bool:
    equal = costs[j] == costs[i] and effects[j] == effects[i]
    return j < i if equal else costs[j] <= costs[i] and effects[j] >= effects[i]


def _mixture_beats(costs: Sequence[float], effects: Sequence[float], pair: tuple[int, int], i: int) -> bool:
    j, k = pair
    if not effects[j] < effects[i] < effects[k]:
        return False
    share = (effects[i] - effects[j]) / (effects[k] - effects[j])
    mixed = (1 - share) * costs[j] + share * costs[k]
    return mixed < costs[i] - 1e-12 * abs(costs[i])  # a strategy on the line between two others stands


def ceac(costs: np.ndarray, effects: np.ndarray, wtp: Sequence[float]) -> np.ndarray:
    """Return the probability that each strategy is the best, (n_wtp, n_strategies); ties are shared."""
    wins = np.zeros((len(wtp), costs.shape[1]))
    for w, value in enumerate(wtp):
        for benefit in net_monetary_benefit(costs, effects, value):
            best = benefit == benefit.max()
            wins[w] += best / best.sum()
    return wins / len(costs)


def ceaf(costs: np.ndarray, effects: np.ndarray, wtp: Sequence[float]) -> list[tuple[int, float]]:
    """Return for each WTP the strategy of highest mean net benefit and its probability of being the best."""
    best = [int(net_monetary_benefit(costs, effects, value).mean(0).argmax()) for value in wtp]
    return [(d, row[d]) for d, row in zip(best, ceac(costs, effects, wtp), strict=True)]


def evpi(costs: np.ndarray, effects: np.ndarray, wtp: float) -> tuple[float, float]:
    """Return the expected value of perfect information and its standard error, money per person."""
    return value_of_choosing(net_monetary_benefit(costs, effects, wtp))


def value_of_choosing(benefit: np.ndarray) -> tuple[float, float]:
    """Return the mean gain, and its standard error, of choosing in each row over the best single choice."""
    chosen = benefit.mean(0).argmax()
    gain = benefit.max(1) - benefit[:, chosen]
    return float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(len(gain)))
