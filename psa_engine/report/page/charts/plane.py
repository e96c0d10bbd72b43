"""The cost-effectiveness plane and the efficiency frontier."""

from psa_engine.report.page.charts.chart import (
    INK,
    LEGEND,
    TICKS,
    Chart,
    Row,
    Spec,
    by_strategy,
    follows,
    is_shown,
    quantity,
    shown_boxes,
    spec,
    tip,
    wtp_slider,
)


def plane(results: Row) -> Chart | None:
    """Incremental costs and effects of the draws, the ellipse around them, and the line of the chosen WTP."""
    rows = results.get("plane")
    if not rows:
        return None
    about = {s["strategy"]: {"k": k, "strategy": s["label"]} for k, s in enumerate(results["strategies"])}
    currency, other = results["currency"], about[rows[0]["comparator"]]["strategy"]
    points = [{**about[r["strategy"]], "effects": r["effects"], "costs": r["costs"]} for r in rows]
    corners = [{**about[r["strategy"]], **r["ellipse"]} for r in rows]
    means = [{**about[r["strategy"]], "effects": r["mean_effects"], "costs": r["mean_costs"]} for r in rows]
    x = quantity("effects", f"Incremental QALYs against {other}", ".2~f", axis=TICKS)
    y = quantity("costs", f"Incremental costs, {currency}", "~s")
    colour = by_strategy(results, legend={**LEGEND, "symbolOpacity": 1, "symbolSize": 60})
    dash, shape = ({k: by_strategy(results, k)[k]} for k in ("strokeDash", "shape"))
    hover = [
        tip("strategy", "Strategy", None),
        tip("effects", "Incremental QALYs", ",.3f"),
        tip("costs", f"Incremental costs, {currency}"),
    ]
    place: Spec = {"x": x, "y": y}
    layers = [
        _line_of_wtp(rows, place),
        {
            "data": {"values": points},
            "transform": [is_shown(results), {"flatten": ["effects", "costs"]}],
            "mark": {"type": "point", "filled": True, "size": 9, "opacity": 0.3},
            "encoding": {**place, **colour, "tooltip": hover},
        },
        {
            "data": {"values": corners},
            "transform": [
                is_shown(results),
                {"flatten": ["effects", "costs"]},
                {"window": [{"op": "row_number", "as": "corner"}], "groupby": ["strategy"]},
            ],
            "mark": {"type": "line", "strokeWidth": 1.5, "interpolate": "linear-closed"},
            "encoding": {**place, **colour, **dash, "order": {"field": "corner"}},
        },
        {
            "data": {"values": means},
            "transform": [is_shown(results)],
            "mark": {
                "type": "point",
                "filled": True,
                "size": 90,
                "opacity": 1,
                "stroke": "white",
                "strokeWidth": 1,
            },
            "encoding": {**place, **colour, **shape, "tooltip": hover},
        },
    ]
    return Chart(
        "plane",
        "Cost-effectiveness plane",
        f"Each strategy against {other}: {len(rows[0]['costs']):,} of the draws, their mean, and the ellipse that "
        "holds 95 % of a normal distribution with the same mean and covariance. Below the dashed line a draw is worth "
        "its cost at the chosen willingness to pay.",
        "Scatter plot: incremental costs against incremental QALYs, a cloud and an ellipse for each strategy.",
        spec(
            {"layer": layers, "resolve": {"scale": {"strokeDash": "independent", "shape": "independent"}}},
            follows([wtp_slider(results), *shown_boxes(results)]),
            420,
        ),
        renderer="canvas",
    )


def _line_of_wtp(rows: list[Row], place: Spec) -> Spec:
    """The line of costs = WTP x effects through the picture, cut where the draws end."""
    effects = [e for row in rows for e in (*row["effects"], *row["ellipse"]["effects"])] + [0.0]
    return {
        "data": {"values": [{"effects": min(effects)}, {"effects": max(effects)}]},
        "transform": [{"calculate": "wtp * datum.effects", "as": "costs"}],
        "mark": {"type": "line", "color": INK, "strokeDash": [3, 3], "strokeWidth": 1.5, "clip": True},
        "encoding": place,
    }


def frontier(results: Row) -> Chart:
    """Mean costs against mean effects, and the line through the strategies that are not dominated."""
    labels, currency = {s["strategy"]: s["label"] for s in results["strategies"]}, results["currency"]
    steps = [r["strategy"] for r in results["incremental"] if r["status"] in ("reference", "on frontier")]
    rows = [
        {
            "strategy": labels[r["strategy"]],
            "effects": r["effects"],
            "costs": r["costs"],
            "icer": r["icer"],
            "status": r["status"],
            "on": r["strategy"] in steps,
            "side": _side(r["strategy"], steps),
        }
        for r in results["incremental"]
    ]
    x = quantity(
        "effects", "Mean QALYs per person", ",.2~f", scale={"zero": False, "padding": 30}, axis=TICKS
    )
    y = quantity("costs", f"Mean costs per person, {currency}", "~s", scale={"zero": False, "padding": 20})
    hover = [
        tip("strategy", "Strategy", None),
        tip("costs", f"Costs, {currency}"),
        tip("effects", "QALYs", ",.3f"),
        tip("icer", "ICER"),
        tip("status", "Status", None),
    ]
    on = {"filter": "datum.on"}
    body = {
        "data": {"values": rows},
        "encoding": {"x": x, "y": y},
        "layer": [
            {"transform": [on], "mark": {"type": "line", "color": INK, "strokeWidth": 1.5}},
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {**by_strategy(results, "shape", legend=LEGEND), "tooltip": hover},
            },
            *(_frontier_label(side) for side in ("left", "right")),
        ],
    }
    return Chart(
        "frontier",
        "Efficiency frontier",
        "Mean costs and QALYs. The line joins the strategies worth considering; its slope between two of them is the "
        "ICER. What lies above or left of it is dominated, or extendedly dominated.",
        "Scatter plot: mean costs against mean QALYs of every strategy, with the efficiency frontier drawn as a line.",
        spec(body, height=380),
    )


def _side(strategy: str, steps: list[str]) -> str:
    """Neighbours on the frontier can lie close: labels lie above on the left and below on the right, in turns."""
    if strategy not in steps:
        return ""
    k = steps.index(strategy)
    return "left" if k == len(steps) - 1 or k % 2 else "right"


def _frontier_label(side: str) -> Spec:
    above = side == "left"
    place = {"align": "right" if above else "left", "dx": -9 if above else 9, "dy": -7 if above else 10}
    return {
        "transform": [{"filter": f"datum.side == '{side}'"}],
        "mark": {"type": "text", "fontSize": 11, "color": INK, **place},
        "encoding": {"text": {"field": "strategy"}},
    }
