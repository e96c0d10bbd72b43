"""The price of a product: its standing along the price, and the threshold."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from psa_engine.report.figures.style import SIZE, money_axis, percent_axis
from psa_engine.report.palette import COLOURS, DASHES, INK, MUTED


def price_curves(results: Mapping[str, Any]) -> Figure | None:
    """Net benefit above the best other strategy, and probability of being the best, along each product's price."""
    curves = results.get("price_curves")
    if not curves:
        return None
    figure = Figure(figsize=(SIZE[0], 2.5 * len(curves) + 0.6), layout="constrained")
    panels = figure.subplots(len(curves), 2, squeeze=False)
    for (left, right), curve in zip(panels, curves, strict=True):
        of = [t for t in results["threshold_prices"] if t["product"] == curve["product"]]
        for k, w in enumerate(results["wtp"]):
            points = [p for p in curve["points"] if p["wtp"] == w]
            price, dash = [p["price"] for p in points], DASHES[k % len(DASHES)]
            line = {
                "color": COLOURS[k % len(COLOURS)],
                "linestyle": (0, dash) if dash else "-",
                "label": f"{w:,.0f}",
            }
            left.plot(price, [p["inmb"] for p in points], **line)
            right.plot(price, [p["probability"] for p in points], **line)
        for t in of:
            if t["price"] is not None and t["price"] >= 0:
                left.plot(t["price"], 0, "o", color=INK, markersize=4)
                left.annotate(
                    f"{t['price']:,.0f}", (t["price"], 0), (3, 4), textcoords="offset points", fontsize=8
                )
        left.axhline(0, color=MUTED, linewidth=0.9)
        left.set_ylabel("Net benefit above\nthe best other strategy")
        right.set_ylabel("Probability of being\nthe best choice")
        money_axis(left.yaxis)
        percent_axis(right.yaxis)
        right.set_ylim(0, 1.02)
        for ax in (left, right):
            ax.set_xlabel(
                f"{curve['label']}: net price, {results['currency']} per {curve['pack']}", fontsize=8
            )
            ax.set_xlim(left=0)
            money_axis(ax.xaxis)
    handles, labels = panels[0][0].get_legend_handles_labels()
    title = f"Willingness to pay, {results['currency']} per QALY"
    figure.legend(handles, labels, loc="outside lower center", ncols=4, title=title)
    return figure


_SHADE: dict[str, Any] = {"vmin": 0, "vmax": 1, "cmap": "cividis", "shading": "nearest", "rasterized": True}


def price_maps(results: Mapping[str, Any]) -> Figure | None:
    """Probability of being the best choice over own price and the discount on the others; the line is INMB = 0."""
    maps = results.get("price_maps")
    if not maps:
        return None
    products = list(dict.fromkeys(m["product"] for m in maps))
    figure = Figure(figsize=(SIZE[0], 2.7 * len(products) + 0.5), layout="constrained")
    panels = figure.subplots(len(products), len(results["wtp"]), squeeze=False, sharey=True)
    shade: Any = None
    for line, product in zip(panels, products, strict=True):
        of = {m["wtp"]: m for m in maps if m["product"] == product}
        for ax, w in zip(line, results["wtp"], strict=True):
            m = of[w]
            shade = ax.pcolormesh(m["prices"], m["discounts"], m["probability"], **_SHADE)
            inmb = [v for row in m["inmb"] for v in row]
            if min(inmb) < 0 < max(inmb):
                ax.contour(m["prices"], m["discounts"], m["inmb"], levels=[0], colors="white", linewidths=1.8)
            ax.set_title(f"{_label(results, product)}, at {w:,.0f}", fontsize=8.5)
            ax.set_xlabel(f"Net price per pack, {results['currency']}")
            money_axis(ax.xaxis)
            percent_axis(ax.yaxis)
            ax.grid(visible=False)
        line[0].set_ylabel("Discount on all other products")
    figure.colorbar(
        shade, ax=panels, format=lambda v, _: f"{v:.0%}", label="Probability of being the best choice"
    )
    return figure


def _label(results: Mapping[str, Any], product: str) -> str:
    return next((c["label"] for c in results.get("price_curves", []) if c["product"] == product), product)
