"""Two-way price maps as rows: a product's own price against a discount on the list prices of the others."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from psa_engine.sample import PsaSample
from psa_engine.sensitivity import price_map
from psa_engine.summary.sensitivity import list_prices, net_prices

PRICES, DISCOUNTS = 31, 21


def price_map_rows(
    analysis: Any,
    sample: PsaSample,
    product: str,
    strategy: str,
    at: Any,
    others: Sequence[str],
    discounts: Any,
    wtp: Sequence[float],
) -> list[dict[str, Any]]:
    """Return a map for each willingness to pay; inmb, probability and optimal are lists by discount, then price."""
    used = [o for o in others if f"packs.{o}" in sample.outcome_names and o != product]
    rows = []
    for w in wtp:
        m = price_map(
            sample, strategy, product, net_prices(analysis, sample), at,
            discounted=used, list_prices=list_prices(analysis, sample), discounts=discounts, wtp=w,
        )  # fmt: skip
        rows.append(
            {
                "product": m.product,
                "strategy": m.strategy,
                "discounted": list(m.discounted),
                "wtp": m.wtp,
                "prices": m.prices.tolist(),
                "discounts": m.discounts.tolist(),
                "inmb": m.inmb.tolist(),
                "probability": m.probability.tolist(),
                "optimal": np.array(m.strategies)[m.best].tolist(),
            }
        )
    return rows


def price_maps_of_run(
    analysis: Any, sample: PsaSample, curves: Sequence[dict[str, Any]], wtp: Sequence[float]
) -> list[dict[str, Any]]:
    """Return a coarse map of each product in question; none where no other product could be discounted.

    Nor where prices are confidential, to be on the safe side.
    """
    if analysis.confidential:
        return []
    rows = []
    for curve in curves:
        others = [
            p for p in analysis.products if p != curve["product"] and f"packs.{p}" in sample.outcome_names
        ]
        if others:
            highest = max(point["price"] for point in curve["points"])
            at, rates = np.linspace(0, highest, PRICES), np.linspace(0, 1, DISCOUNTS)
            rows += price_map_rows(
                analysis, sample, curve["product"], curve["strategy"], at, others, rates, wtp
            )
    return rows
