"""What a price change would do to mean costs: packs used of each product, so that prices are arithmetic."""

from collections.abc import Mapping
from typing import Any

from psa_engine.sample import PsaSample


def product_price_rows(analysis: Any, sample: PsaSample) -> list[dict[str, Any]]:
    """Return for each product the mean net price it was run at and, by strategy, mean packs and drug cost.

    Mean costs at a price q per pack are then mean costs - drug_cost + q * packs, exactly, strategy by strategy.
    """
    values: Mapping[str, Any] = {**analysis.parameters.means(), **sample.parameter_values}
    rows = []
    for product, about in analysis.products.items():
        name = f"packs.{product}"
        if name not in sample.outcomes or f"list_price[{product}]" not in values:
            continue
        net = values[f"list_price[{product}]"] * (1 - values[f"discount[{product}]"])
        packs = sample.outcomes[name]
        rows.append(
            {
                "product": product,
                "label": getattr(about, "label", None) or _label(analysis, product),
                "pack": about.pack or "pack",
                "price": float(net.mean()) if hasattr(net, "mean") else float(net),
                "packs": {s: float(v.mean()) for s, v in packs.items()},
                "drug_cost": {s: float((v * net).mean()) for s, v in packs.items()},
            }
        )
    return rows


def _label(analysis: Any, product: str) -> str:
    return analysis.label(product) if product in analysis.strategies else product
