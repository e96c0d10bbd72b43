"""Expected net benefit at other prices: a slider for each product, exact because packs are an outcome."""

from collections.abc import Sequence

from psa_engine.report.page.charts.chart import (
    INK,
    Chart,
    Row,
    Spec,
    by_strategy,
    follows,
    is_shown,
    quantity,
    round_step,
    shown_boxes,
    slider,
    spec,
    tip,
    wtp_slider,
)


def prices(results: Row) -> Chart | None:
    """Strategies ranked by expected net benefit at prices that sliders set."""
    products = results.get("product_prices")
    if not products:
        return None
    currency = results["currency"]
    sliders = [_slider(i, row, results) for i, row in enumerate(products)]
    about = {s["strategy"]: (k, s["label"]) for k, s in enumerate(results["strategies"])}
    values = [
        {
            "k": about[row["strategy"]][0],
            "strategy": about[row["strategy"]][1],
            "costs": row["costs"],
            "effects": row["effects"],
            **{f"packs_{i}": p["packs"].get(row["strategy"], 0.0) for i, p in enumerate(products)},
            **{f"drug_{i}": p["drug_cost"].get(row["strategy"], 0.0) for i, p in enumerate(products)},
        }
        for row in results["mean_outcomes"]
    ]
    changes = "".join(f" + price_{i} * datum.packs_{i} - datum.drug_{i}" for i in range(len(products)))
    order = {"field": "nmb", "order": "descending"}
    scale = {"zero": False, "padding": 40}
    x = quantity("nmb", f"Net monetary benefit, {currency}", "~s", scale=scale, axis={"tickCount": 5})
    body = {
        "data": {"values": values},
        "transform": [
            is_shown(results),
            {"calculate": f"datum.costs{changes}", "as": "costs_now"},
            {"calculate": "wtp * datum.effects - datum.costs_now", "as": "nmb"},
            {"calculate": "format(datum.nmb, ',.0f')", "as": "words"},
        ],
        "title": {"text": {"expr": f"'At ' + format(wtp, ',.0f') + ' {currency} per QALY'"}},
        "encoding": {"x": x, "y": {"field": "strategy", "type": "nominal", "sort": order, "title": None}},
        "layer": _layers(results, currency),
    }
    return Chart(
        "prices",
        "At other prices",
        "Expected net benefit with the net prices set by the sliders: mean costs are linear in every price, so this is "
        "exact. Prices start where the run took them.",
        "Dot chart: strategies ordered by expected net monetary benefit at the chosen prices.",
        spec(body, [*sliders, *follows([wtp_slider(results), *shown_boxes(results)])], 36 * len(values) + 20),
        controls=("control-prices",),
    )


def _layers(results: Row, currency: str) -> Sequence[Spec]:
    hover = [
        tip("strategy", "Strategy", None),
        tip("costs_now", f"Costs, {currency}"),
        tip("effects", "QALYs", ",.3f"),
        tip("nmb", f"Net benefit, {currency}"),
    ]
    return [
        {
            "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
            "encoding": {"tooltip": hover, **by_strategy(results, "shape")},
        },
        {
            "mark": {"type": "text", "dy": -12, "fontSize": 11, "color": INK},
            "encoding": {"text": {"field": "words"}},
        },
    ]


def _slider(i: int, row: Row, results: Row) -> Spec:
    """From nothing to twice the price, or past its threshold, in round steps; it starts at the price of the run."""
    wanted = [t["price"] for t in results["threshold_prices"] if t["product"] == row["product"]]
    high = max(2 * row["price"], *(1.2 * p for p in wanted if p is not None), 1.0)
    step = round_step(high)
    label = f"{row['label']}, {results['currency']} per {row['pack']}"
    return slider(f"price_{i}", row["price"], 0, step * round(high / step), step, label, "control-prices")
