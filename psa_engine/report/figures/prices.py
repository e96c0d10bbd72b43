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
            if t["price"] >= 0:
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
