"""The uncertain parameters: draws beside the distribution that the evidence was turned into."""

import math
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from psa_engine.report.figures.style import SIZE
from psa_engine.report.palette import INK


def densities(results: Mapping[str, Any]) -> Figure | None:
    """A panel for each uncertain parameter: histogram of the draws, density of its distribution, 95 % interval."""
    rows = results.get("densities")
    if not rows:
        return None
    columns = min(4, len(rows))
    lines = math.ceil(len(rows) / columns)
    figure = Figure(figsize=(SIZE[0], 1.5 * lines + 0.4), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).flatten()
    for ax, row in zip(panels, rows, strict=False):
        if row["draws"]["edges"]:
            ax.stairs(row["draws"]["density"], row["draws"]["edges"], fill=True, color="#56B4E9", alpha=0.55)
        ax.plot(row["evidence"]["x"], row["evidence"]["density"], color="#D55E00", linewidth=1.3)
        ax.plot(
            [row["low"], row["high"]], [0, 0], color=INK, linewidth=3, solid_capstyle="butt", clip_on=False
        )
        name = row["parameter"]
        ax.set_title(name.replace("[", "\n[") if len(name) > 24 else name, fontsize=6.5, fontweight="normal")
        ax.set_yticks([])
        ax.set_ylim(bottom=0)
        ax.locator_params(axis="x", nbins=3)
        ax.tick_params(axis="x", labelsize=6.5)
        ax.grid(visible=False)
        ax.spines["left"].set_visible(False)
    for ax in panels[len(rows) :]:
        ax.set_visible(False)
    return figure
