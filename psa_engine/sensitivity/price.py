"""Prices on a finished sample: packs are an outcome, so each draw's net benefit is a line in every price."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.decision.net_benefit import wtp_values
from psa_engine.decision.threshold_price import threshold_price
from psa_engine.errors import InputError, nearest
from psa_engine.sample import PsaSample
from psa_engine.sensitivity.price_interval import best_between, share_within

if TYPE_CHECKING:
    import pandas as pd

Z95 = 1.959963984540054
NOT_LINEAR = 1e-4


@dataclass(frozen=True)
class Prices:
    """The net price per pack that a sample was run at, by product: a number or one per draw."""

    net: Mapping[str, Any]

    @classmethod
    def of(cls, products: Sequence[str], values: Mapping[str, Any]) -> "Prices":
        """Return list_price[X] x (1 - discount[X]) of every product, from parameter values."""
        return cls({p: values[f"list_price[{p}]"] * (1 - values[f"discount[{p}]"]) for p in products})

    def at(self, product: str, sample: PsaSample) -> np.ndarray:
        """Return the net price of a product in every draw, (n_draws,); InputError for an unknown product."""
        if product not in self.net:
            raise InputError(f"There is no product '{product}'.", hint=nearest(product, self.net))
        return np.broadcast_to(np.asarray(self.net[product], float), sample.n_draws)


def packs_of(sample: PsaSample, product: str) -> np.ndarray:
    """Return the discounted packs of a product, (n_draws, n_strategies); InputError where the sample has none."""
    name = f"packs.{product}"
    if name not in sample.outcome_names:
        known = [n.removeprefix("packs.") for n in sample.outcome_names if n.startswith("packs.")]
        raise InputError(f"The sample has no packs of '{product}'.", hint=nearest(product, known))
    return sample.outcome(name).to_numpy()


def without_cost_of(sample: PsaSample, product: str, prices: Prices) -> tuple[np.ndarray, np.ndarray]:
    """Return (costs with the product free, its packs), each (n_draws, n_strategies).

    InputError where the sample's drug cost of the product is not its packs times the price, so that another
    price would not be arithmetic.
    """
    packs, price = packs_of(sample, product), prices.at(product, sample)
    spent = price[:, None] * packs
    name = f"costs.drug.{product}"
    if name in sample.outcome_names:
        told = sample.outcome(name).to_numpy()
        if np.abs(told - spent).max() > NOT_LINEAR * max(np.abs(told).max(), 1.0):
            raise InputError(
                f"The drug cost of '{product}' is not its packs times its price in this sample, so another price "
                "needs another run."
            )
    return sample.cost_values - spent, packs


def price_thresholds(
    sample: PsaSample, strategy: str, product: str, prices: Prices, wtp: Any = None
) -> "pd.DataFrame":
    """Return the highest price at which a strategy is the best choice, by WTP.

    Columns price, standard_error, low, high (95 % Monte Carlo interval of the price at which mean net benefits are
    equal), against, and draws_low, draws_median, draws_high: 2.5, 50 and 97.5 % of the highest price at which the
    strategy is best within a draw, which is decision uncertainty and does not shrink with draws. Price and interval
    are NaN where the strategy is the best at no price; a draw in which it never is counts as -infinity.
    """
    table = threshold_price(sample, strategy, product, prices.at(product, sample), wtp)
    free, packs = without_cost_of(sample, product, prices)
    mine = sample.strategies.index(strategy)
    table["low"] = table["price"] - Z95 * table["standard_error"]
    table["high"] = table["price"] + Z95 * table["standard_error"]
    for w in wtp_values(wtp):
        low, high, _ = best_between(w * sample.effect_values - free, packs, mine)
        ends = np.quantile(np.where(low <= high, high, -np.inf), [0.025, 0.5, 0.975], method="inverted_cdf")
        table.loc[w, ["draws_low", "draws_median", "draws_high"]] = ends
    return table.drop(columns="run_at")


def price_curve(
    sample: PsaSample, strategy: str, product: str, prices: Prices, at: Any, wtp: Any = None
) -> "pd.DataFrame":
    """Return a strategy's standing along prices of a product, rows by WTP and price.

    Columns wtp, price, inmb (mean net benefit less that of the best other strategy, 0 at the threshold price),
    inmb_standard_error (paired draws), against (that other strategy), probability (that it is the best) and
    probability_standard_error. Exact: what a run at each price with the same draws would give.
    """
    import pandas as pd

    grid = price_values(at)
    free, packs = without_cost_of(sample, product, prices)
    if strategy not in sample.strategies:
        raise InputError(f"There is no strategy '{strategy}'.", hint=nearest(strategy, sample.strategies))
    mine, n = sample.strategies.index(strategy), sample.n_draws
    tables = []
    for w in wtp_values(wtp):
        benefit = w * sample.effect_values - free
        means = benefit.mean(0) - grid[:, None] * packs.mean(0)
        others = np.where(np.arange(len(sample.strategies)) == mine, -np.inf, means)
        rival = others.argmax(1)
        low, high, ties = best_between(benefit, packs, mine)
        share = share_within(low, high, ties, grid)
        tables.append(
            pd.DataFrame(
                {
                    "wtp": w,
                    "price": grid,
                    "inmb": means[:, mine] - others.max(1),
                    "inmb_standard_error": _errors(benefit, packs, mine, rival, grid),
                    "against": [sample.strategies[k] for k in rival],
                    "probability": share,
                    "probability_standard_error": np.sqrt(np.clip(share * (1 - share), 0, None) / n),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def price_values(at: Any) -> np.ndarray:
    """Return prices as an ascending array; InputError for none, one below 0 or one that is no number."""
    try:
        grid = np.unique(np.asarray(at, float))
    except (TypeError, ValueError):
        raise InputError(f"The prices {at!r} are no numbers.") from None
    if not len(grid) or not np.isfinite(grid).all() or grid[0] < 0:
        raise InputError("The grid of prices is empty, or holds one that is below 0 or no number.")
    return grid


def _errors(
    benefit: np.ndarray, packs: np.ndarray, mine: int, rival: np.ndarray, grid: np.ndarray
) -> np.ndarray:
    """Return the standard error of the mean difference at each price: a quadratic in the price for each rival."""
    n = len(benefit)
    if n < 2:
        return np.full(len(grid), np.nan)
    out = np.zeros(len(grid))
    for k in np.unique(rival):
        covariance = np.cov(benefit[:, mine] - benefit[:, k], packs[:, mine] - packs[:, k])
        x = grid[rival == k]
        variance = covariance[0, 0] - 2 * x * covariance[0, 1] + x**2 * covariance[1, 1]
        out[rival == k] = np.sqrt(np.clip(variance, 0, None) / n)
    return out
