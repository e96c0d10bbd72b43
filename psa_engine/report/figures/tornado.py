"""One-way sensitivity: what each parameter alone does to the incremental net benefit."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from psa_engine.report.figures.style import SIZE, money_axis
from psa_engine.report.palette import INK, looks

LEADING = 15
ENDS: dict[str, dict[str, Any]] = {"low": {"color": "#E69F00", "hatch": "///"}, "high": {"color": "#0072B2"}}


def tornado(results: Mapping[str, Any]) -> Figure | None:
    """The widest bars of the tornado at the first willingness to pay; open at the low value, filled at the high."""
    found = results.get("tornado")
    if not found or not found["bars"]:
        return None
    w = found["wtp"][0]
    key, bars = f"inmb_{w:g}", found["bars"][:LEADING][::-1]
    base, all_looks = found["base"][key], looks(results)
    figure = Figure(figsize=(SIZE[0], 1.2 + 0.27 * len(bars)), layout="constrained")
    ax = figure.add_subplot()
    for y, bar in enumerate(bars):
        for end, look in ENDS.items():
            value = bar.get(f"{key}_{end}")
            if value is not None:
                ax.barh(
                    y, value - base, left=base, height=0.66, edgecolor="white", linewidth=0, label=end, **look
                )
    ax.axvline(base, color=INK, linewidth=1)
    ax.set_yticks(range(len(bars)), [_name(bar) for bar in bars], fontsize=8)
    pair = f"{all_looks[found['strategy']].label} against {all_looks[found['comparator']].label}"
    ax.set_title(f"{pair}, at {w:,.0f} {results['currency']} per QALY")
    ax.set_xlabel(f"Incremental net monetary benefit, {results['currency']}")
    ax.grid(visible=False, axis="y")
    money_axis(ax.xaxis)
    handles, labels = ax.get_legend_handles_labels()
    first = dict(zip(labels, handles, strict=True))
    figure.legend(
        first.values(), [f"at its {name} value" for name in first], loc="outside lower center", ncols=2
    )
    return figure


def _name(bar: Mapping[str, Any]) -> str:
    name = bar["parameter"]
    name = name if len(name) <= 36 else name[:34] + "…"
    low, high = bar.get("low"), bar.get("high")
    return name if low is None or high is None else f"{name}  ({low:.3g} to {high:.3g})"
