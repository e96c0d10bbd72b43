"""What results leave out when confidential prices were used: whatever gives a net price by division."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from psa_engine.sample import PsaSample

WARNING = (
    "Confidential prices were used. Totals and ICERs give them away to whoever can run this model: keep these "
    "results as confidential as the prices."
)

_BY_PRODUCT = ("product_prices", "threshold_prices", "price_curves", "price_maps", "price_by")


def withheld(results: Mapping[str, Any], products: Collection[str]) -> dict[str, Any]:
    """Return results without the packs, drug costs and prices of the products; with a warning in `confidential`.

    Nor their threshold prices, curves and maps: the net benefit is a line in the price, so that the net benefit of
    the run, or that at two willingnesses to pay, gives the price at which the run was made.
    """
    if not products:
        return dict(results)
    out = {**results, "confidential": {"products": sorted(products), "warning": WARNING}}
    if "components" in out:
        out["components"] = [row for row in out["components"] if not _names(row["outcome"], products)]
    if "base_case" in out:
        out["base_case"] = [
            {**row, "components": {k: v for k, v in row["components"].items() if not _names(k, products)}}
            for row in out["base_case"]
        ]
    for name in _BY_PRODUCT:
        if name in out:
            out[name] = [row for row in out[name] if row["product"] not in products]
    return out


def shareable(sample: PsaSample, products: Collection[str]) -> PsaSample:
    """Return the sample without the outcomes of the products."""
    kept = {name: v for name, v in sample.outcomes.items() if not _names(name, products)}
    return replace(sample, outcomes=kept) if products else sample


def _names(outcome: str, products: Collection[str]) -> bool:
    return outcome.rpartition(".")[2] in products
