"""A product along its price, and over its price and the discount on the others."""

from psa_engine.report.page.charts.chart import (
    TICKS,
    UNSEEN,
    Chart,
    Row,
    Spec,
    by_wtp,
    choice,
    quantity,
    spec,
    tip,
)


def price_curve(results: Row) -> Chart | None:
    """The probability of being the best choice along the price of a product, one chosen in a list."""
    curves = results.get("price_curves")
    if not curves:
        return None
    currency = results["currency"]
    values = [
        {
            "product": c["label"],
            "wtp": f"{p['wtp']:,.0f}",
            "price": p["price"],
            "probability": p["probability"],
            "inmb": p["inmb"],
        }
        for c in curves
        for p in c["points"]
    ]
    hover = [
        tip("wtp", "Willingness to pay", None),
        tip("price", f"Price, {currency}", ",.2f"),
        tip("probability", "Probability", ".1%"),
        tip("inmb", f"Net benefit above the best other, {currency}"),
    ]
    packs = {c["label"]: c["pack"] for c in curves}
    first = curves[0]["label"]
    pack = packs[first] if len(set(packs.values())) == 1 else "pack"
    title = f"Net price per {pack}, {currency}"
    y = quantity("probability", "Probability of being the best choice", ".0%", scale={"domain": [0, 1]})
    body = {
        "data": {"values": values},
        "transform": [{"filter": "datum.product == price_of"}],
        "encoding": {
            "x": quantity("price", title, axis=TICKS),
            "y": y,
            **by_wtp([f"{w:,.0f}" for w in results["wtp"]], currency),
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.5}},
            {"mark": UNSEEN, "encoding": {"tooltip": hover}},
        ],
    }
    return Chart(
        "price-curve",
        "Probability along the price",
        "The share of draws in which the product is the best choice, at each net price and willingness to pay.",
        "Line chart: probability of being the best choice against the net price of the product.",
        spec(body, [choice("price_of", list(packs), "Product", "control-price-curve")], 280),
        controls=("control-price-curve",),
    )


def price_map(results: Row) -> Chart | None:
    """The probability of being the best choice over own price and the discount on the others, as a heat map."""
    maps = results.get("price_maps")
    if not maps:
        return None
    currency = results["currency"]
    labels = {s["strategy"]: s["label"] for s in results["strategies"]}
    name = {c["product"]: c["label"] for c in results.get("price_curves", [])}
    values = [
        {
            "map": f"{name.get(m['product'], m['product'])}, at {m['wtp']:,.0f}",
            "price": [p for _ in m["discounts"] for p in m["prices"]],
            "discount": [d for d in m["discounts"] for _ in m["prices"]],
            "probability": [round(p, 4) for line in m["probability"] for p in line],
            "optimal": [labels[s] for line in m["optimal"] for s in line],
            "across": m["prices"][1] - m["prices"][0],
            "up": m["discounts"][1] - m["discounts"][0],
        }
        for m in maps
    ]
    hover = [
        tip("price", f"Net price, {currency}", ",.2f"),
        tip("discount", "Discount on the others", ".0%"),
        tip("probability", "Probability of being the best", ".1%"),
        tip("optimal", "Highest expected net benefit", None),
    ]
    colour = {"scheme": "cividis", "domain": [0, 1]}
    legend = {"format": ".0%", "title": "Probability", "orient": "bottom", "gradientLength": 200}
    cells = [
        {"calculate": "max(datum.price - datum.across / 2, 0)", "as": "left"},
        {"calculate": "datum.price + datum.across / 2", "as": "right"},
        {"calculate": "max(datum.discount - datum.up / 2, 0)", "as": "low"},
        {"calculate": "min(datum.discount + datum.up / 2, 1)", "as": "high"},
    ]
    body = {
        "data": {"values": values},
        "transform": [
            {"filter": "datum.map == price_map"},
            {"flatten": ["price", "discount", "probability", "optimal"]},
            *cells,
        ],
        "mark": {"type": "rect", "aria": False},
        "encoding": {
            "x": quantity("left", f"Net price per pack, {currency}", axis=TICKS, scale={"nice": False}),
            "x2": {"field": "right"},
            "y": quantity("low", "Discount on all other products", ".0%", scale={"domain": [0, 1]}),
            "y2": {"field": "high"},
            "color": _colour("probability", colour, legend),
            "tooltip": hover,
        },
    }
    return Chart(
        "price-map",
        "Own price against the discount on the others",
        "The share of draws in which the product is the best choice, at each net price and discount on the list prices "
        "of all other products; the pointer names the strategy of highest expected net benefit.",
        "Heat map: probability of being the best choice over the net price and the discount on other products.",
        spec(
            body, [choice("price_map", [v["map"] for v in values], "Product, WTP", "control-price-map")], 320
        ),
        controls=("control-price-map",),
    )


def _colour(field: str, scale: Spec, legend: Spec) -> Spec:
    """Return the encoding of a number by colour."""
    return {"field": field, "type": "quantitative", "scale": scale, "legend": legend}
