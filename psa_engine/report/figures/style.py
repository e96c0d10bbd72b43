"""How static figures look: print size, quiet axes, strategies told apart without colour, labels beside their lines."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from psa_engine.report.palette import INK, MUTED, PALE, Look

SIZE = (7.2, 4.4)
"""Inches: the width of the text of an A4 page."""
MARKERS = {"circle": "o", "square": "s", "triangle-up": "^", "diamond": "D", "cross": "P"}
_LOOK: dict[Any, Any] = {
    "font.family": "sans-serif", "font.size": 9, "axes.edgecolor": MUTED, "axes.labelcolor": INK, "text.color": INK,
    "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.color": PALE, "grid.linewidth": 0.6, "axes.axisbelow": True,
    "xtick.color": MUTED, "ytick.color": MUTED, "legend.frameon": False, "legend.fontsize": 8, "svg.hashsalt": "psa",
    "svg.fonttype": "path", "savefig.dpi": 200, "savefig.bbox": "tight", "axes.formatter.useoffset": False,
}  # fmt: skip


def styled() -> Any:
    """Return the context that figures are drawn and written in."""
    return rc_context(_LOOK)


def blank(height: float = SIZE[1]) -> tuple[Figure, Axes]:
    """Return an empty figure and its axes."""
    figure = Figure(figsize=(SIZE[0], height), layout="constrained")
    return figure, figure.add_subplot()


def line_of(look: Look) -> dict[str, Any]:
    """Return the colour and dash of a strategy's line."""
    return {"color": look.colour, "linestyle": (0, look.dash) if look.dash else "-", "linewidth": 1.6}


def money_axis(axis: Any) -> None:
    """Write an axis with thousands separators."""
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}".replace("-", "−")))


def percent_axis(axis: Any) -> None:
    """Write an axis as percentages."""
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.0%}"))


def wtp_axis(ax: Axes, results: Mapping[str, Any]) -> None:
    """Name and write the axis of the willingness to pay, with a thin line at each threshold of the result."""
    ax.set_xlabel(f"Willingness to pay, {results['currency']} per QALY")
    money_axis(ax.xaxis)
    for w in results["wtp"]:
        ax.axvline(w, color=MUTED, linewidth=0.8, linestyle=(0, (1, 2)))


def label_ends(ax: Axes, ends: Sequence[tuple[float, float, Look]], room: float = 0.055) -> None:
    """Write each line's label at its right end, pushed apart where ends lie close; `room` is a share of the axis."""
    ax.figure.canvas.draw()
    to_axes = ax.transAxes.inverted()
    placed = sorted((to_axes.transform(ax.transData.transform((x, y)))[1], look) for x, y, look in ends)
    heights = _spread([y for y, _ in placed], room)
    for (y, look), at in zip(placed, heights, strict=True):
        leader = {"color": look.colour, "linewidth": 0.8, "transform": ax.transAxes, "clip_on": False}
        ax.plot([1.0, 1.025], [y, at], **leader, scalex=False, scaley=False)
        ax.text(1.03, at, look.label, transform=ax.transAxes, color=INK, fontsize=8, va="center")


def _spread(heights: list[float], room: float) -> list[float]:
    """Move sorted heights apart to at least `room`, as little as needed, within the axes where they fit."""
    out = list(heights)
    for _ in range(100):
        for i in range(1, len(out)):
            short = room - (out[i] - out[i - 1])
            if short > 0:
                out[i - 1], out[i] = out[i - 1] - short / 2, out[i] + short / 2
        if len(out) * room < 1:
            out[0], out[-1] = max(out[0], 0.0), min(out[-1], 1.0)
    return out


def legend_below(ax: Axes, columns: int = 4) -> None:
    """Put the legend under the axes, so that it covers nothing."""
    ax.legend(
        loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=columns, handlelength=3.2, columnspacing=1.4
    )
