"""Two-way price maps: a product's net price against discounts on the list prices of others."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.errors import InputError, nearest
from psa_engine.sample import PsaSample
from psa_engine.sensitivity.price import Prices, packs_of, price_values, without_cost_of
from psa_engine.sensitivity.price_interval import share_within

if TYPE_CHECKING:
    import pandas as pd

BLOCK = 4096
"""Draws that stay in a core's cache while the discounts pass over them."""


@dataclass(frozen=True, eq=False)
class PriceMap:
    """A strategy's standing over (discount, price): each array is (n_discounts, n_prices).

    `inmb` is its mean net benefit less that of the best other strategy, `best` the index in `strategies` of the
    strategy of highest mean net benefit, `probability` that the strategy is the best.
    """

    strategies: tuple[str, ...]
    strategy: str
    product: str
    discounted: tuple[str, ...]
    wtp: float
    prices: np.ndarray
    discounts: np.ndarray
    inmb: np.ndarray
    best: np.ndarray
    probability: np.ndarray

    def table(self) -> "pd.DataFrame":
        """Return a row per discount and price."""
        import pandas as pd

        discount, price = np.meshgrid(self.discounts, self.prices, indexing="ij")
        names = np.array(self.strategies)
        columns = {"discount": discount, "price": price, "inmb": self.inmb, "optimal": names[self.best]}
        columns["probability"] = self.probability
        return pd.DataFrame({k: v.ravel() for k, v in columns.items()}).assign(wtp=self.wtp)


def price_map(
    sample: PsaSample,
    strategy: str,
    product: str,
    prices: Prices,
    at: Any,
    *,
    discounted: Sequence[str],
    list_prices: Prices,
    discounts: Any,
    wtp: float,
) -> PriceMap:
    """Map a net price of `product` against one discount on the list prices of all the `discounted` products.

    Every point is what a run at those prices with the same draws would give. InputError for an unknown product or
    strategy, the product among those discounted, an empty grid, or a discount outside 0 to 1.
    """
    grid, rates = price_values(at), price_values(discounts)
    if rates[-1] > 1:
        raise InputError(f"A discount of {rates[-1]:g} is more than the price.", hint="Write 35 % as 0.35.")
    if not discounted or product in discounted:
        raise InputError(f"The map needs products other than '{product}' to discount.")
    if strategy not in sample.strategies:
        raise InputError(f"There is no strategy '{strategy}'.", hint=nearest(strategy, sample.strategies))
    costs, packs = without_cost_of(sample, product, prices)
    spent = np.zeros_like(costs)
    for other in discounted:
        costs = costs - prices.at(other, sample)[:, None] * packs_of(sample, other)
        spent += list_prices.at(other, sample)[:, None] * packs_of(sample, other)
    # Net benefit of a draw: full + discount x spent - price x packs.
    full = wtp * sample.effect_values - costs - spent
    mine = sample.strategies.index(strategy)
    means = full.mean(0) + rates[:, None, None] * spent.mean(0) - grid[:, None] * packs.mean(0)
    others = np.where(np.arange(means.shape[-1]) == mine, -np.inf, means)
    return PriceMap(
        strategies=sample.strategies,
        strategy=strategy,
        product=product,
        discounted=tuple(discounted),
        wtp=float(wtp),
        prices=grid,
        discounts=rates,
        inmb=means[..., mine] - others.max(-1),
        best=means.argmax(-1),
        probability=_probability(full, spent, packs, mine, grid, rates),
    )


def _probability(
    full: np.ndarray, spent: np.ndarray, packs: np.ndarray, mine: int, grid: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """Return P(best), (n_discounts, n_prices), summed over blocks of draws on two threads."""

    def counted(start: int) -> np.ndarray:
        rows = slice(start, start + BLOCK)
        return _counts(full[rows].T, spent[rows].T, packs[rows].T, mine, grid, rates)

    with ThreadPoolExecutor(2) as pool:
        counts = list(pool.map(counted, range(0, len(full), BLOCK)))
    return np.sum(counts, axis=0) / len(full)


def _counts(
    full: np.ndarray, spent: np.ndarray, packs: np.ndarray, mine: int, grid: np.ndarray, rates: np.ndarray
) -> np.ndarray:
    """Count the draws of a block in which strategy `mine` is best, (n_discounts, n_prices).

    The ends of the interval of prices at which it is best (see `price_interval`) are the least and the greatest of
    lines in the discount, one line an other strategy.
    """
    above: list[tuple[np.ndarray, np.ndarray]] = []
    below: list[tuple[np.ndarray, np.ndarray]] = []
    level: list[tuple[np.ndarray, np.ndarray]] = []
    equals = np.ones(full.shape[1])
    for other in range(len(full)):
        if other == mine:
            continue
        gain, slope, more = (x[mine] - x[other] for x in (full, spent, packs))
        if (more > 0).any():
            above.append(_where(more > 0, gain, slope, more, np.inf))
        if (more < 0).any():
            below.append(_where(more < 0, gain, slope, more, -np.inf))
        if (more == 0).any():
            # As many packs: never the best where the other's net benefit is higher, at any price.
            level.append((np.where(more == 0, gain, 0.0), np.where(more == 0, slope, 0.0)))
            equals += (more == 0) & (gain == 0) & (slope == 0)
    share = 1 / equals if (equals > 1).any() else None
    out = np.zeros((len(rates), len(grid)))
    for i, rate in enumerate(rates):
        high, low = np.full(full.shape[1], np.inf), np.full(full.shape[1], -np.inf)
        for start, slope in above:
            np.minimum(high, start + rate * slope, out=high)
        for start, slope in below:
            np.maximum(low, start + rate * slope, out=low)
        for start, slope in level:
            high[start + rate * slope < 0] = -np.inf
        out[i] = share_within(low, high, share, grid) * len(low)
    return out


def _where(
    applies: np.ndarray, gain: np.ndarray, slope: np.ndarray, more: np.ndarray, otherwise: float
) -> tuple[np.ndarray, np.ndarray]:
    divisor = np.where(applies, more, 1.0)
    return np.where(applies, gain / divisor, otherwise), np.where(applies, slope / divisor, 0.0)
