"""Prices on a finished sample, held against runs of the model at each price with the same draws."""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from assertions import assert_within_mc_error
from cohorts import cohort

import psa_engine as pe
from psa_engine.sensitivity import Prices, price_curve, price_map, price_thresholds
from psa_engine.summary.price_maps import price_maps_of_run

N = 400
WTP = 9_000
PRODUCTS = ("cream", "pill")
STRATEGIES = {
    "cream": {"product": "cream", "next_line": "pill"},
    "pill": {"product": "pill", "next_line": "cream"},
    "nothing": {"product": "none", "next_line": "none"},
}
ENTRIES = {
    "well_again": pe.Beta(30, 70),
    "utility": pe.Beta(80, 20),
    "worth[cream]": pe.Gamma(mean=0.4, se=0.1),
    "worth[pill]": pe.Gamma(mean=0.3, se=0.1),
    "worth[none]": 0.0,
    "used[cream]": pe.Gamma(mean=5, se=1),
    "used[pill]": pe.Gamma(mean=12, se=2),
    "used[none]": 0.0,
    "list_price[cream]": 300.0,
    "discount[cream]": 0.0,
    "list_price[pill]": 80.0,
    "discount[pill]": 0.25,
    "list_price[none]": 0.0,
    "discount[none]": 0.0,
}


def payoffs(p):
    first, after = p.at("product"), p.at("next_line")
    prices = [x["list_price"] * (1 - x["discount"]) for x in (first, after)]
    return {
        "packs.{product}": {"well": first["used"]},
        "packs.{next_line}": {"ill": after["used"]},
        "costs.drug.{product}": {"well": first["used"] * prices[0]},
        "costs.drug.{next_line}": {"ill": after["used"] * prices[1]},
        "effects.qalys": {"well": p["utility"] * first["worth"] * 2, "ill": after["worth"]},
    }


MODEL = cohort(
    lambda p: {("well", "ill"): p["well_again"], ("ill", "dead"): 0.2}, payoffs, strategies=STRATEGIES
)
PARAMETERS = pe.ParameterSet(ENTRIES)


@cache
def run(**changes):
    names = {"cream": "list_price[cream]", "discount": "discount[pill]", "used": "used[cream]"}
    return pe.run_psa(MODEL, PARAMETERS.replace({names[k]: v for k, v in changes.items()}), N, seed=3)


SAMPLE = run()
MEANS = {**PARAMETERS.means(), **SAMPLE.parameter_values}
NET = Prices.of(PRODUCTS, MEANS)
LIST = Prices({p: MEANS[f"list_price[{p}]"] for p in PRODUCTS})
GRID = [0.0, 90.0, 120.0, 150.0, 180.0, 300.0, 500.0]


def lead(sample, strategy="cream"):
    means = (WTP * sample.effect_values - sample.cost_values).mean(0)
    mine = sample.strategies.index(strategy)
    return means[mine] - np.delete(means, mine).max()


def test_the_curve_is_what_the_model_gives_at_each_price():
    curve = price_curve(SAMPLE, "cream", "cream", NET, GRID, [WTP])
    again = [run(cream=price) for price in GRID]
    assert curve["inmb"].tolist() == pytest.approx([lead(s) for s in again], rel=1e-9)
    assert curve["probability"].tolist() == pytest.approx([pe.ceac(s, [WTP])["cream"].iloc[0] for s in again])


def test_the_curve_of_a_product_that_others_use_too_is_exact():
    """The pill follows the cream, so its price moves both strategies, in opposite directions of their difference."""
    curve = price_curve(SAMPLE, "pill", "cream", NET, GRID, [WTP])
    again = [run(cream=price) for price in GRID]
    assert curve["inmb"].tolist() == pytest.approx([lead(s, "pill") for s in again], rel=1e-9)
    assert curve["probability"].tolist() == pytest.approx([pe.ceac(s, [WTP])["pill"].iloc[0] for s in again])


def test_the_error_of_the_curve_is_that_of_the_paired_draws():
    curve = price_curve(SAMPLE, "cream", "cream", NET, [150.0], [WTP]).iloc[0]
    benefit = WTP * run(cream=150.0).effect_values - run(cream=150.0).cost_values
    gain = benefit[:, 0] - benefit[:, SAMPLE.strategies.index(curve["against"])]
    assert curve["inmb_standard_error"] == pytest.approx(gain.std(ddof=1) / np.sqrt(N))


def test_a_higher_price_is_never_better():
    curve = price_curve(SAMPLE, "cream", "cream", NET, np.linspace(0, 900, 91), [WTP])
    assert curve["inmb"].is_monotonic_decreasing


def test_at_the_threshold_price_the_lead_is_nothing():
    row = price_thresholds(SAMPLE, "cream", "cream", NET, [WTP]).iloc[0]
    assert lead(run(cream=row["price"])) == pytest.approx(0, abs=1e-8)


def test_the_interval_of_the_threshold_holds_the_mean_of_other_seeds():
    row = price_thresholds(SAMPLE, "cream", "cream", NET, [WTP]).iloc[0]
    far = pe.run_psa(MODEL, PARAMETERS, 20 * N, seed=4)
    truth = price_thresholds(far, "cream", "cream", Prices.of(PRODUCTS, PARAMETERS.means()), [WTP])
    assert_within_mc_error(row["price"], truth["price"].iloc[0], row["standard_error"])
    assert row["high"] - row["low"] == pytest.approx(2 * 1.96 * row["standard_error"], rel=1e-4)


def test_half_of_the_draws_are_won_at_the_median_threshold():
    """Where the strategy beats every other below a price, that price's distribution is the curve of P(best)."""
    row = price_thresholds(SAMPLE, "cream", "cream", NET, [WTP]).iloc[0]
    at = price_curve(SAMPLE, "cream", "cream", NET, [row["draws_median"]], [WTP])["probability"].iloc[0]
    benefit = WTP * run(cream=0.0).effect_values - run(cream=0.0).cost_values
    more = run().outcome("packs.cream").to_numpy()
    limit = min_over_others(benefit, more)
    assert row["draws_median"] == pytest.approx(np.sort(limit)[N // 2 - 1])
    assert at <= 0.5 + 1 / N


def min_over_others(benefit, packs):
    """The slow twin: for each draw, the least of the prices at which another draws level from below, if any is won."""
    out = []
    for b, k in zip(benefit, packs, strict=True):
        at = min((b[0] - b[j]) / (k[0] - k[j]) for j in (1, 2) if k[0] > k[j])
        best = b[0] - at * k[0] >= (b - at * k).max() - 1e-6
        out.append(at if best else -np.inf)
    return np.array(out)


DISCOUNTS = [0.0, 0.3, 0.8, 1.0]


@cache
def mapped():
    return price_map(
        SAMPLE,
        "cream",
        "cream",
        NET,
        GRID,
        discounted=["pill"],
        list_prices=LIST,
        discounts=DISCOUNTS,
        wtp=WTP,
    )


@pytest.mark.parametrize("d", range(4))
def test_the_map_is_what_the_model_gives_at_each_pair_of_prices(d):
    again = [run(cream=price, discount=DISCOUNTS[d]) for price in GRID]
    assert mapped().inmb[d].tolist() == pytest.approx([lead(s) for s in again], rel=1e-9)
    shares = [pe.ceac(s, [WTP])["cream"].iloc[0] for s in again]
    assert mapped().probability[d].tolist() == pytest.approx(shares)
    best = [pe.ceaf(s, [WTP])["strategy"].iloc[0] for s in again]
    assert [mapped().strategies[k] for k in mapped().best[d]] == best


def test_the_map_of_a_run_is_its_price_curve_where_the_discount_is_that_of_the_run():
    about = SimpleNamespace(products=dict.fromkeys(PRODUCTS), parameters=PARAMETERS, confidential=frozenset())
    points = [{"price": p} for p in GRID]
    (row,) = price_maps_of_run(
        about, SAMPLE, [{"product": "cream", "strategy": "cream", "points": points}], [WTP]
    )
    quarter = row["discounts"].index(0.25)
    curve = price_curve(SAMPLE, "cream", "cream", NET, row["prices"], [WTP])
    assert row["prices"][-1] == GRID[-1] and row["discounted"] == ["pill"]
    assert row["probability"][quarter] == pytest.approx(curve["probability"].tolist())
    assert row["inmb"][quarter] == pytest.approx(curve["inmb"].tolist(), rel=1e-9)


def test_a_run_at_confidential_prices_has_no_map():
    about = SimpleNamespace(products=dict.fromkeys(PRODUCTS), parameters=PARAMETERS, confidential={"pill"})
    assert price_maps_of_run(about, SAMPLE, [{"product": "cream"}], [WTP]) == []


def test_the_table_of_a_map_has_a_row_a_point():
    table = mapped().table()
    assert len(table) == len(GRID) * len(DISCOUNTS)
    row = table[(table["discount"] == 0.3) & (table["price"] == 150)].iloc[0]
    assert row["inmb"] == mapped().inmb[1, 3]


def test_strategies_that_are_the_same_share_the_draws_in_which_they_are_best():
    """Two copies of one strategy: each is the best in half of the draws, as an acceptability curve has it."""
    costs, effects = np.array([[5.0, 5.0, 9.0]] * 4), np.ones((4, 3))
    packs = {"packs.x": {s: np.array([1.0, 2.0, 3.0, 4.0]) for s in ("a", "b")}}
    twins = pe.PsaSample(("a", "b", "c"), costs, effects, outcomes=packs)
    curve = price_curve(twins, "a", "x", Prices({"x": 0.0}), [0.0, 2.5], [1])
    assert curve["probability"].tolist() == [0.5, 0.125]


def three_lines(*last):
    """Of "a" one pack is used, of "b" none, of "c" two: "a" and "b" are level at a price of 2; free, "c" has `last`."""
    n = len(last)
    effects = np.array([[10.0, 8.0, c] for c in last])
    packs = {"packs.x": {"a": np.ones(n), "c": np.full(n, 2.0)}}
    return pe.PsaSample(("a", "b", "c"), np.zeros((n, 3)), effects, {}, packs, "b")


def test_a_strategy_that_is_the_best_at_no_price_has_no_threshold():
    row = price_thresholds(three_lines(20.0, 20.0, 21.0), "a", "x", Prices({"x": 0.0}), [1]).iloc[0]
    assert row[["price", "standard_error", "low", "high"]].isna().all() and row["against"] == "c"
    assert row["draws_high"] == -np.inf


def test_another_that_uses_more_may_be_better_at_lower_prices_only():
    row = price_thresholds(three_lines(11.0, 11.5), "a", "x", Prices({"x": 0.0}), [1]).iloc[0]
    assert (row["price"], row["against"]) == (2, "b")


def test_a_draw_in_which_a_strategy_is_never_the_best_has_no_highest_price():
    row = price_thresholds(three_lines(20.0, 0.0), "a", "x", Prices({"x": 0.0}), [1]).iloc[0]
    assert (row["price"], row["draws_low"], row["draws_high"]) == (2, -np.inf, 2)


def test_an_equal_in_packs_that_is_better_leaves_no_threshold():
    packs = {"packs.x": {"a": np.ones(2), "b": np.ones(2)}}
    sample = pe.PsaSample(("a", "b", "c"), np.zeros((2, 3)), np.tile([4.0, 5.0, 0.0], (2, 1)), {}, packs, "c")
    row = price_thresholds(sample, "a", "x", Prices({"x": 0.0}), [1]).iloc[0]
    assert np.isnan(row["price"]) and row["against"] == "b"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: price_curve(SAMPLE, "cream", "creme", NET, GRID), "packs of 'creme'.*cream"),
        (lambda: price_curve(SAMPLE, "creme", "cream", NET, GRID), "strategy 'creme'"),
        (lambda: price_curve(SAMPLE, "cream", "cream", NET, []), "empty"),
        (lambda: price_curve(SAMPLE, "cream", "cream", NET, [-1.0]), "below 0"),
        (lambda: price_curve(SAMPLE, "cream", "cream", Prices({"cream": 1.0}), GRID), "needs another run"),
        (lambda: price_curve(SAMPLE, "cream", "cream", Prices({}), GRID), "no product 'cream'"),
        (lambda: some_map(discounted=["cream"]), "other than 'cream'"),
        (lambda: some_map(discounted=["pilule"]), "'pilule'.*pill"),
        (lambda: some_map(discounts=[35]), "Write 35 % as 0.35"),
        (lambda: some_map(discounts=[]), "empty"),
        (lambda: price_thresholds(SAMPLE, "nothing", "cream", NET), "no more of this product"),
    ],
)
def test_bad_input_is_one_clear_message(call, said):
    with pytest.raises(pe.InputError, match=said):
        call()


def some_map(discounted=("pill",), discounts=(0.1,)):
    return price_map(
        SAMPLE, "cream", "cream", NET, GRID,
        discounted=list(discounted), list_prices=LIST, discounts=list(discounts), wtp=WTP,
    )  # fmt: skip
