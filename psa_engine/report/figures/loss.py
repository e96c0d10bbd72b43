"""Expected loss of each strategy, and the expected value of perfect information that bounds it from below."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from psa_engine.report.figures.style import blank, label_ends, line_of, money_axis, wtp_axis
from psa_engine.report.palette import INK, looks

LINEAR = 1_000
"""Up to about this loss the scale is linear, above it logarithmic."""


def expected_loss(results: Mapping[str, Any]) -> Figure:
    """What choosing each strategy loses on average, along the willingness to pay; the lowest line is the EVPI."""
    grid, figure, ax = results["acceptability"], *blank(5.0)
    wtp, ends = [g["wtp"] for g in grid], []
    for strategy, look in looks(results).items():
        values = [g["expected_loss"][strategy] for g in grid]
        ax.plot(wtp, values, **line_of(look))
        ends.append((wtp[-1], values[-1], look))
    ax.set_yscale("function", functions=(lambda y: np.log1p(y / LINEAR), lambda t: LINEAR * np.expm1(t)))
    ax.yaxis.set_major_locator(FixedLocator([0, 500, *(m * 10**k for k in range(3, 7) for m in (1, 2, 5))]))
    money_axis(ax.yaxis)
    ax.set_ylim(bottom=0)
    ax.set_xlim(wtp[0], wtp[-1])
    ax.set_ylabel(f"Expected loss, {results['currency']} per person")
    wtp_axis(ax, results)
    label_ends(ax, ends, 0.048)
    return figure


def evpi(results: Mapping[str, Any]) -> Figure:
    """The expected value of perfect information along the willingness to pay."""
    grid, figure, ax = results["acceptability"], *blank(3.6)
    wtp, values = [g["wtp"] for g in grid], [g["evpi"] for g in grid]
    ax.fill_between(wtp, values, color="#0072B2", alpha=0.12, linewidth=0)
    ax.plot(wtp, values, color="#0072B2", linewidth=2)
    for d in results["decision"]:
        ax.annotate(
            f"{d['evpi']:,.0f}",
            (d["wtp"], d["evpi"]),
            (5, 5),
            textcoords="offset points",
            color=INK,
            fontsize=8,
        )
        ax.plot(d["wtp"], d["evpi"], "o", color="#0072B2", markersize=5)
    ax.set_ylim(bottom=0)
    ax.set_xlim(wtp[0], wtp[-1])
    ax.set_ylabel(f"EVPI, {results['currency']} per person")
    money_axis(ax.yaxis)
    wtp_axis(ax, results)
    return figure
