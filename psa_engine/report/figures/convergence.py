"""How results settle as draws are added."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from psa_engine.report.figures.style import SIZE, money_axis, percent_axis
from psa_engine.report.palette import COLOURS, DASHES, looks


def convergence(results: Mapping[str, Any]) -> Figure | None:
    """Mean incremental net benefit and probability of being cost-effective by draws, with 95 % intervals."""
    found = results.get("convergence")
    if not found or not found["rows"]:
        return None
    rows, all_looks = found["rows"], looks(results)
    figure = Figure(figsize=(SIZE[0], 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, w in enumerate(results["wtp"]):
        for ax, field in ((left, "inmb"), (right, "probability")):
            _band(ax, k, w, [r for r in rows if r["wtp"] == w and r.get(field) is not None], field)
    left.set_ylabel(f"Incremental net benefit, {results['currency']}")
    right.set_ylabel("Probability of being cost-effective")
    money_axis(left.yaxis)
    percent_axis(right.yaxis)
    for ax in (left, right):
        ax.set_xscale("log")
        ax.set_xlabel("Draws")
        money_axis(ax.xaxis)
    figure.suptitle(
        f"{all_looks[found['strategy']].label} against {all_looks[found['comparator']].label}", fontsize=10
    )
    handles, labels = left.get_legend_handles_labels()
    title = f"Willingness to pay, {results['currency']} per QALY"
    figure.legend(handles, labels, loc="outside lower center", ncols=4, title=title)
    return figure


def _band(ax: Any, k: int, wtp: float, rows: list[Mapping[str, Any]], field: str) -> None:
    draws, values = [r["n_draws"] for r in rows], [r[field] for r in rows]
    spread = [1.96 * (r.get(f"{field}_standard_error") or 0.0) for r in rows]
    colour, dash = COLOURS[k % len(COLOURS)], DASHES[k % len(DASHES)]
    low, high = ([v + sign * s for v, s in zip(values, spread, strict=True)] for sign in (-1, 1))
    ax.fill_between(draws, low, high, color=colour, alpha=0.15, linewidth=0)
    ax.plot(draws, values, color=colour, linestyle=(0, dash) if dash else "-", label=f"{wtp:,.0f}")
