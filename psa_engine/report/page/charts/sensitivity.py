"""The charts of one-way sensitivity, and of how results settle with draws."""

from psa_engine.report.page.charts.chart import (
    INK,
    TICKS,
    UNSEEN,
    Chart,
    Row,
    by_wtp,
    choice,
    quantity,
    spec,
    tip,
)

LEADING = 15
"""Bars of the tornado that are drawn; the table of the result folder has all."""
_LOW, _HIGH = "#E69F00", "#0072B2"


def tornado(results: Row) -> Chart | None:
    """What each parameter alone does to the incremental net benefit, the widest bar first."""
    found = results.get("tornado")
    if not found or not found["bars"]:
        return None
    currency, pair = results["currency"], _pair(results, found)
    shown = {
        bar["parameter"]
        for w in found["wtp"]
        for bar in sorted(found["bars"], key=lambda b: -abs(b[f"inmb_{w:g}_high"] - b[f"inmb_{w:g}_low"]))[
            :LEADING
        ]
    }
    values = [
        {
            "parameter": bar["parameter"],
            "label": bar.get("label", ""),
            "range": _range(bar),
            "wtp": w,
            "end": end,
            "inmb": bar[f"inmb_{w:g}_{end}"],
            "base": found["base"][f"inmb_{w:g}"],
            "width": abs(bar[f"inmb_{w:g}_high"] - bar[f"inmb_{w:g}_low"]),
        }
        for bar in found["bars"]
        if bar["parameter"] in shown
        for w in found["wtp"]
        for end in ("low", "high")
    ]
    x = quantity("inmb", f"Incremental net benefit, {currency}", "~s", scale={"zero": False}, axis=TICKS)
    order = {"field": "width", "op": "max", "order": "descending"}
    room = {"labelLimit": {"expr": "containerSize()[0] > 600 ? 280 : 130"}}
    hover = [
        tip("label", "Parameter", None),
        tip("range", "Range", None),
        tip("end", "At its value that is", None),
        tip("inmb", f"Incremental net benefit, {currency}"),
    ]
    colour = {
        "field": "end",
        "type": "nominal",
        "scale": {"domain": ["low", "high"], "range": [_LOW, _HIGH]},
        "legend": {"title": "Parameter at its", "orient": "bottom"},
    }
    body = {
        "data": {"values": values},
        "transform": [
            {"filter": "datum.wtp == tornado_wtp"},
            {
                "window": [{"op": "dense_rank", "as": "rank"}],
                "sort": [{"field": "width", "order": "descending"}],
            },
            {"filter": f"datum.rank <= {LEADING}"},
        ],
        "encoding": {
            "y": {"field": "parameter", "type": "nominal", "sort": order, "title": None, "axis": room}
        },
        "layer": [
            {
                "mark": {"type": "bar", "height": {"band": 0.66}},
                "encoding": {"x": x, "x2": {"field": "base"}, "color": colour, "tooltip": hover},
            },
            {
                "mark": {"type": "rule", "color": INK, "strokeWidth": 1.5},
                "encoding": {"x": {**x, "field": "base", "aggregate": "min"}, "y": None},
            },
        ],
    }
    at = choice("tornado_wtp", list(found["wtp"]), "Willingness to pay", "control-tornado")
    return Chart(
        "tornado",
        "One parameter at a time",
        f"{pair}: the incremental net benefit with each parameter at the ends of its 95 % interval, or of a named "
        "range, all others at their means.",
        "Tornado chart: incremental net monetary benefit over the range of each parameter, the widest first.",
        spec(body, [at], 28 * min(LEADING, len(found["bars"])) + 10),
        controls=("control-tornado",),
    )


def _range(bar: Row) -> str:
    if bar.get("low") is None or bar.get("high") is None:
        return str(bar.get("range", ""))
    return f"{bar['low']:.4g} to {bar['high']:.4g}"


def _pair(results: Row, found: Row) -> str:
    labels = {s["strategy"]: s["label"] for s in results["strategies"]}
    return f"{labels[found['strategy']]} against {labels[found['comparator']]}"


def convergence(results: Row) -> Chart | None:
    """How the mean incremental net benefit settles as draws are added."""
    found = results.get("convergence")
    if not found or not found["rows"]:
        return None
    currency = results["currency"]
    values = [
        {
            "wtp": f"{r['wtp']:,.0f}",
            "n": r["n_draws"],
            "inmb": r["inmb"],
            "low": r["inmb"] - 1.96 * (r["inmb_standard_error"] or 0),
            "high": r["inmb"] + 1.96 * (r["inmb_standard_error"] or 0),
        }
        for r in found["rows"]
        if r.get("inmb") is not None
    ]
    x = quantity("n", "Draws", "~s", scale={"type": "log", "nice": False})
    y = quantity("inmb", f"Incremental net benefit, {currency}", ",.0f", scale={"zero": False})
    band = {"y": {**y, "field": "low"}, "y2": {"field": "high"}}
    lines = by_wtp([f"{w:,.0f}" for w in results["wtp"]], currency)
    hover = [
        tip("wtp", "Willingness to pay", None),
        tip("n", "Draws"),
        tip("inmb", f"Incremental net benefit, {currency}"),
        tip("low", "95 % interval from"),
        tip("high", "to"),
    ]
    body = {
        "data": {"values": values},
        "encoding": {"x": x, "color": lines["color"]},
        "layer": [
            {"mark": {"type": "area", "opacity": 0.15}, "encoding": band},
            {
                "mark": {"type": "line", "strokeWidth": 2},
                "encoding": {"y": y, "strokeDash": lines["strokeDash"]},
            },
            {"mark": UNSEEN, "encoding": {"y": y, "tooltip": hover}},
        ],
    }
    return Chart(
        "convergence",
        "Are there enough draws?",
        f"{_pair(results, found)}: the mean over the first draws, with its 95 % Monte Carlo interval.",
        "Line chart: mean incremental net monetary benefit against the number of draws, with intervals.",
        spec(body, height=260),
    )
