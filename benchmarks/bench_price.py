"""A map of 200 prices x 200 discounts over a finished sample, held against runs of the model at three of its points."""

from functools import lru_cache

import numpy as np
import pytest
from measuring import measured

import psa_engine as pe
from psa_engine.sensitivity import Prices, price_map

FLAGSHIP = "ruxolitinib_ad_systemic_naive"
CREAM, RIVAL = "ruxolitinib_cream", "ciclosporin"
WTP = 25_000.0


@lru_cache(maxsize=2)
def sampled(n_draws: int, price: float | None = None, discount: float | None = None):
    analysis = pe.load_analysis(FLAGSHIP)
    at = {f"list_price[{CREAM}]": price, f"discount[{RIVAL}]": discount}
    analysis = analysis.with_overrides({k: v for k, v in at.items() if v is not None})
    sample = pe.run_psa(analysis.model, analysis.parameters, n_draws=n_draws, seed=1)
    return analysis, sample


def bench_price_map(benchmark, quick):
    n, grid, rates = 20_000 if quick else 100_000, np.linspace(0, 1_500, 200), np.linspace(0, 1, 200)
    analysis, sample = sampled(n)
    means = {**analysis.parameters.means(), **sample.parameter_values}
    products = [p for p in analysis.products if f"packs.{p}" in sample.outcome_names]
    net, full = Prices.of(products, means), Prices({p: means[f"list_price[{p}]"] for p in products})

    def mapped():
        return price_map(
            sample, CREAM, CREAM, net, grid, discounted=[RIVAL], list_prices=full, discounts=rates, wtp=WTP
        )

    benchmark.group = f"price map: 200 x 200 prices, {len(sample.strategies)} strategies"
    benchmark.extra_info.update(version="double", n_draws=n)
    kept, difference = [], 0.0
    measured(benchmark, lambda: kept.append(mapped()), 1 if quick else 3)
    found = kept[-1]
    for i, j in ((0, 0), (60, 70), (199, 120)):
        again = sampled(n, float(grid[j]), float(rates[i]))[1]
        means = (WTP * again.effect_values - again.cost_values).mean(0)
        mine = again.strategies.index(CREAM)
        truth = means[mine] - np.delete(means, mine).max()
        difference = max(difference, float(abs(found.inmb[i, j] / truth - 1)))
        assert found.probability[i, j] == pytest.approx(pe.ceac(again, [WTP])[CREAM].iloc[0], abs=2 / n)
    assert difference < 1e-9
    benchmark.extra_info["difference"] = difference
