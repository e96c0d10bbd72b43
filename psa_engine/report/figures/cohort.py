"""The cohort over time: a small panel for each strategy."""

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from psa_engine.report.figures.style import SIZE, percent_axis
from psa_engine.report.palette import STATES, looks

_HATCHES = ("", "///", "...", "xxx", "\\\\\\", "ooo")


def trace(results: Mapping[str, Any]) -> Figure | None:
    """The share of the cohort in each state over time, every parameter at its mean."""
    rows = results.get("traces")
    if not rows:
        return None
    all_looks, states = looks(results), list(rows[0]["shares"])
    columns = min(3, len(rows))
    lines = math.ceil(len(rows) / columns)
    figure = Figure(figsize=(SIZE[0], 1.9 * lines + 1.0), layout="constrained")
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).flatten()
    colours = [STATES[k % len(STATES)] for k in range(len(states))]
    for ax, row in zip(panels, rows, strict=False):
        stack = ax.stackplot(
            row["year"], [row["shares"][s] for s in states], colors=colours,
            edgecolor="white", linewidth=0.3, labels=states,
        )  # fmt: skip
        for k, area in enumerate(stack):
            area.set_hatch(_HATCHES[k % len(_HATCHES)])
        ax.set_title(all_looks[row["strategy"]].label, fontsize=8.5)
        ax.set_xlim(row["year"][0], row["year"][-1])
        ax.set_ylim(0, 1)
        percent_axis(ax.yaxis)
    for ax in panels[len(rows) - columns : len(rows)]:
        ax.set_xlabel("Years")
        ax.tick_params(labelbottom=True)
    for ax in panels[len(rows) :]:
        ax.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, [s.replace("_", " ") for s in labels], loc="outside lower center", ncols=4)
    return figure
