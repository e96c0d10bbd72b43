"""What more evidence would be worth: EVPPI ranking, EVSI and ENBS by size of the study."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Patch

from psa_engine.report.figures.style import SIZE, money_axis
from psa_engine.report.palette import COLOURS, DASHES, INK, STATUS, weakest

LEADING = 12
HATCH = {"verified": "", "unverified": "//", "assumption": "..", "gap": "xx"}


def evppi(results: Mapping[str, Any]) -> Figure | None:
    """The parameters and groups most worth knowing, a panel for each WTP, with 95 % intervals and evidence status."""
    rows, wtp = results.get("evppi"), results["wtp"]
    if not rows:
        return None
    best: dict[str, float] = {}
    for r in rows:
        best[r["of"]] = max(r["evppi"], best.get(r["of"], 0.0))
    names = sorted(best, key=lambda name: best[name])[-LEADING:]
    figure = Figure(figsize=(SIZE[0], 1.1 + 0.27 * len(names)), layout="constrained")
    panels = figure.subplots(1, len(wtp), sharey=True, squeeze=False)[0]
    for ax, w in zip(panels, wtp, strict=True):
        found = {r["of"]: r for r in rows if r["wtp"] == w}
        for y, name in enumerate(names):
            if name in found:
                _bar(ax, y, found[name])
        ax.set_yticks(range(len(names)), [_short(n) for n in names], fontsize=8)
        ax.set_title(f"At {w:,.0f} {results['currency']} per QALY")
        ax.set_xlim(left=0)
        ax.set_xlabel(f"EVPPI, {results['currency']} per person")
        ax.grid(visible=False, axis="y")
        money_axis(ax.xaxis)
    there = [s for s in STATUS if any(weakest(r["status"]) == s for r in rows if r["of"] in names)]
    patches = [Patch(facecolor=STATUS[s], hatch=HATCH[s], edgecolor="white", label=s) for s in there]
    figure.legend(handles=patches, loc="outside lower center", ncols=4, title="Weakest evidence it rests on")
    return figure


def _bar(ax: Any, y: int, row: Mapping[str, Any]) -> None:
    status = weakest(row["status"])
    look = {"color": STATUS.get(status, INK), "hatch": HATCH.get(status, ""), "edgecolor": "white"}
    ax.barh(y, max(row["evppi"], 0), height=0.66, linewidth=0, **look)
    spread = 1.96 * row["standard_error"]
    ax.plot([max(row["evppi"] - spread, 0), max(row["evppi"] + spread, 0)], [y, y], color=INK, linewidth=1.2)


def _short(name: str) -> str:
    return name if len(name) <= 38 else name[:36] + "…"


def evsi(results: Mapping[str, Any]) -> Figure | None:
    """The value of each candidate study by size and, where the population is known, what is left after its cost."""
    rows = results.get("evsi")
    if not rows:
        return None
    fields = [f for f in ("evsi", "enbs") if any(r.get(f) is not None for r in rows)]
    studies = list(dict.fromkeys(r["study"] for r in rows))
    figure = Figure(figsize=(SIZE[0], 2.5 * len(fields) + 0.6), layout="constrained")
    panels = figure.subplots(len(fields), len(results["wtp"]), squeeze=False, sharex=True, sharey="row")
    for line, field in zip(panels, fields, strict=True):
        for ax, w in zip(line, results["wtp"], strict=True):
            for k, study in enumerate(studies):
                of = [r for r in rows if r["study"] == study and r["wtp"] == w and r.get(field) is not None]
                _curve(ax, k, study, of, field)
            ax.set_title(f"At {w:,.0f} {results['currency']} per QALY" if field == fields[0] else "")
            money_axis(ax.yaxis)
            money_axis(ax.xaxis)
            if field == "enbs":
                ax.axhline(0, color=INK, linewidth=0.8)
        line[0].set_ylabel("EVSI per person" if field == "evsi" else "ENBS, population")
    for ax in panels[-1]:
        ax.set_xlabel("Patients in the study")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(studies), 3))
    return figure


def _curve(ax: Any, k: int, study: str, rows: list[Mapping[str, Any]], field: str) -> None:
    n, values = [r["n"] for r in rows], [r[field] for r in rows]
    spread = [
        1.96 * (r["standard_error"] if field == "evsi" else r["enbs_standard_error"] or 0) for r in rows
    ]
    dash = DASHES[k % len(DASHES)]
    ax.errorbar(
        n, values, spread, color=COLOURS[k % len(COLOURS)], linestyle=(0, dash) if dash else "-", marker="osD^"[k % 4],
        markersize=4, capsize=2, linewidth=1.4, label=study,
    )  # fmt: skip
