"""Sensitivity and prices of the flagship, held against its own runs."""

from dataclasses import replace

import numpy as np
import pytest

import psa_engine as pe
from psa_engine.sensitivity import costs_by_year

CREAM, RIVAL, WTP, N = "ruxolitinib_cream", "ciclosporin", 25_000, 1_500
ANALYSIS = pe.load_analysis("ruxolitinib_ad_systemic_naive")
pytestmark = pytest.mark.slow


def run(**changes):
    changed = ANALYSIS.with_overrides({k.replace("_of_", "[") + "]": v for k, v in changes.items()})
    return pe.run_psa(changed.model, changed.parameters, N, seed=11)


def lead(sample):
    means = (WTP * sample.effect_values - sample.cost_values).mean(0)
    mine = sample.strategies.index(CREAM)
    return means[mine] - np.delete(means, mine).max()


def test_a_price_map_is_what_the_model_gives_at_those_prices():
    sample = run()
    means = {**ANALYSIS.parameters.means(), **sample.parameter_values}
    products = [p for p in ANALYSIS.products if f"packs.{p}" in sample.outcome_names]
    others = [p for p in products if p != CREAM]
    found = pe.price_map(
        sample, CREAM, CREAM, pe.Prices.of(products, means), [0, 350, 900], discounted=others,
        list_prices=pe.Prices({p: means[f"list_price[{p}]"] for p in products}), discounts=[0, 0.45, 1], wtp=WTP,
    )  # fmt: skip
    for i, j in ((0, 1), (1, 0), (1, 2), (2, 1)):
        rivals = {f"discount_of_{p}": float(found.discounts[i]) for p in others}
        again = run(list_price_of_ruxolitinib_cream=float(found.prices[j]), **rivals)
        assert found.inmb[i, j] == pytest.approx(lead(again), rel=1e-9)
        assert found.probability[i, j] == pytest.approx(pe.ceac(again, [WTP])[CREAM].iloc[0])


def test_tubes_are_linear_in_the_grams_of_the_as_needed_period():
    tubes = [
        run(grams_as_needed_of_ruxolitinib_cream=g).outcome(f"packs.{CREAM}")[CREAM].to_numpy()
        for g in (10.0, 25.0, 40.0)
    ]
    assert tubes[1] == pytest.approx((tubes[0] + tubes[2]) / 2, rel=1e-12)


def test_every_derivative_that_is_called_smooth_agrees_with_central_differences():
    table = pe.gradient(ANALYSIS.model, ANALYSIS.parameters, wtp=[WTP], strategy=CREAM, comparator=RIVAL)
    table, means = table.set_index("parameter"), ANALYSIS.parameters.means()
    smooth = list(table.index[table["smooth"]])
    step = {name: 1e-4 * (abs(means[name]) or 1.0) for name in smooth}
    values = {name: np.full(2 * len(smooth), mean) for name, mean in means.items()}
    for k, name in enumerate(smooth):
        values[name][2 * k : 2 * k + 2] += [step[name], -step[name]]
    sample = pe.evaluate(ANALYSIS.model, values, on_invalid="clip")
    i, j = sample.strategies.index(CREAM), sample.strategies.index(RIVAL)
    benefit = WTP * sample.effect_values - sample.cost_values
    gain = benefit[:, i] - benefit[:, j]
    slopes = np.array([(gain[2 * k] - gain[2 * k + 1]) / (2 * step[n]) for k, n in enumerate(smooth)])
    known = table.loc[smooth, f"gradient_{WTP}"].to_numpy()
    scale = np.array([max(abs(means[n]), 1.0) for n in smooth])
    assert np.abs((slopes - known) * scale).max() < 1e-3 * np.abs(known * scale).max()
    assert set(table.index[~table["smooth"]]) == {f"assessment_weeks[{p}]" for p in (CREAM, RIVAL)}


def test_five_years_of_costs_are_those_of_the_five_year_scenario_undiscounted():
    short = ANALYSIS.with_scenario("horizon_5_years")
    timeline = replace(short.timeline, discount_rate_costs=0.0, discount_rate_effects=0.0)
    values = ANALYSIS.parameters.means()
    whole = pe.evaluate(replace(short.model, timeline=timeline), values).cost_values[0]
    assert costs_by_year(ANALYSIS.model, values, 5).sum(0) == pytest.approx(whole, rel=1e-9)
