"""The cost-effectiveness plane and the efficiency frontier."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from psa_engine.report.figures.style import MARKERS, blank, legend_below, line_of, money_axis
from psa_engine.report.numbers import money
from psa_engine.report.palette import INK, MUTED, looks


def plane(results: Mapping[str, Any]) -> Figure | None:
    """Incremental costs and effects against the comparator: draws, means, 95 % ellipses, lines of the thresholds."""
    rows = results.get("plane")
    if not rows:
        return None
    all_looks, figure, ax = looks(results), *blank(5.4)
    for row in rows:
        look = all_looks[row["strategy"]]
        ax.scatter(
            row["effects"], row["costs"], s=2, color=look.colour, alpha=0.25, linewidths=0, rasterized=True
        )
    for row in rows:
        look = all_looks[row["strategy"]]
        ax.plot(row["ellipse"]["effects"], row["ellipse"]["costs"], **{**line_of(look), "linewidth": 1.1})
        ax.plot(
            row["mean_effects"], row["mean_costs"], MARKERS[look.marker], color=look.colour, markersize=6,
            markeredgecolor="white", markeredgewidth=0.8, label=look.label,
        )  # fmt: skip
    ax.set_xlim(ax.get_xlim())
    ax.set_ylim(ax.get_ylim())
    ends = ax.get_xlim()
    for w in results["wtp"]:
        ax.plot(ends, [w * e for e in ends], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        _name_line(ax, w)
    for draw in (ax.axhline, ax.axvline):
        draw(0, color=MUTED, linewidth=0.9)
    ax.set_xlabel(f"Incremental QALYs against {all_looks[rows[0]['comparator']].label}")
    ax.set_ylabel(f"Incremental costs, {results['currency']}")
    money_axis(ax.yaxis)
    legend_below(ax)
    return figure


def _name_line(ax: Any, wtp: float) -> None:
    """Write a threshold where its line leaves the picture."""
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    x = min(right, high / wtp) if wtp else right
    x = x if x > left else max(left, low / wtp)
    ax.annotate(
        f"{wtp:,.0f}", (x, wtp * x), (-3, 4), textcoords="offset points", fontsize=7.5, ha="right", color=INK
    )


def frontier(results: Mapping[str, Any]) -> Figure:
    """Mean costs against mean effects, a line through the strategies that are not dominated."""
    all_looks, figure, ax = looks(results), *blank(4.8)
    on = [r for r in results["incremental"] if r["status"] in ("reference", "on frontier")]
    ax.plot([r["effects"] for r in on], [r["costs"] for r in on], color=INK, linewidth=1.2, zorder=1)
    for r in results["incremental"]:
        look = all_looks[r["strategy"]]
        mark = {"color": look.colour, "markersize": 8 if r in on else 6, "label": look.label}
        ax.plot(r["effects"], r["costs"], MARKERS[look.marker], **mark)
    for k, r in enumerate(on):
        above = k == len(on) - 1 or k % 2
        place: dict[str, Any] = {"ha": "right", "va": "bottom"} if above else {"ha": "left", "va": "top"}
        step = "" if r["icer"] is None else f"\nICER {money(r['icer'])}"
        ax.annotate(
            all_looks[r["strategy"]].label + step, (r["effects"], r["costs"]), (-7, 3) if above else (7, -3),
            textcoords="offset points", fontsize=8, color=INK, **place,
        )  # fmt: skip
    ax.margins(0.12)
    ax.set_xlabel("Mean QALYs per person")
    ax.set_ylabel(f"Mean costs per person, {results['currency']}")
    money_axis(ax.yaxis)
    legend_below(ax)
    return figure
