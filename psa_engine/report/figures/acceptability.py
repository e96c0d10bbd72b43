"""Acceptability curves (CEAC) and the acceptability frontier (CEAF)."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from psa_engine.report.figures.style import blank, label_ends, line_of, percent_axis, wtp_axis
from psa_engine.report.palette import INK, MUTED, looks

VISIBLE = 0.01
"""A strategy that is nowhere the best choice in more draws than this is named, and not drawn along the axis."""


def ceac(results: Mapping[str, Any]) -> Figure:
    """The probability of each strategy having the highest net benefit, along the willingness to pay."""
    grid, figure, ax = results["acceptability"], *blank()
    wtp, hidden, ends = [g["wtp"] for g in grid], [], []
    for strategy, look in looks(results).items():
        p = [g["probability"][strategy] for g in grid]
        if max(p) < VISIBLE:
            hidden.append(look.label)
            continue
        ax.plot(wtp, p, **line_of(look))
        ends.append((wtp[-1], p[-1], look))
    _frame(ax, results, wtp)
    label_ends(ax, ends)
    if hidden:
        words = f"Nowhere above {VISIBLE:.0%}: {', '.join(hidden)}"
        figure.supxlabel(words, fontsize=7.5, color=MUTED, wrap=True)
    return figure


def ceaf(results: Mapping[str, Any]) -> Figure:
    """The probability that the strategy of highest expected net benefit is the best choice, along the WTP."""
    grid, figure, ax = results["acceptability"], *blank()
    all_looks, wtp, ends = looks(results), [g["wtp"] for g in grid], []
    for strategy, look in all_looks.items():
        p = [g["probability"][strategy] if g["optimal"] == strategy else None for g in grid]
        if any(v is not None for v in p):
            ax.plot(wtp, [float("nan") if v is None else v for v in p], **{**line_of(look), "linewidth": 2.6})
            last = max(i for i, v in enumerate(p) if v is not None)
            ends.append((last, p[last], look))
    for last, height, look in ends:
        ax.annotate(
            look.label,
            (wtp[last], height),
            (-4, 8),
            textcoords="offset points",
            fontsize=8,
            color=INK,
            ha="right",
        )
    _frame(ax, results, wtp)
    return figure


def _frame(ax: Any, results: Mapping[str, Any], wtp: list[float]) -> None:
    ax.set_ylim(0, 1.02)
    ax.set_xlim(wtp[0], wtp[-1])
    ax.set_ylabel("Probability of being cost-effective")
    percent_axis(ax.yaxis)
    wtp_axis(ax, results)
