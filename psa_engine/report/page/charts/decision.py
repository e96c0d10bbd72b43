"""The charts that the willingness to pay moves together: acceptability, ranking by net benefit, EVPI, expected loss."""

from psa_engine.report.page.charts.chart import (
    AT_WTP,
    INK,
    LINES,
    RULE,
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

_AT = "format(wtp, ',.0f')"


def _strategy_rows(results: Row, key: str) -> list[Row]:
    labels = [(s["strategy"], s["label"]) for s in results["strategies"]]
    return [
        {"k": k, "strategy": label, "wtp": g["wtp"], "value": g[key][name]}
        for g in results["acceptability"]
        for k, (name, label) in enumerate(labels)
    ]


def _axis(results: Row) -> Spec:
    return quantity("wtp", f"Willingness to pay, {results['currency']} per QALY", axis=TICKS)


def _rule() -> Spec:
    return {
        "data": {"values": [{}]},
        "transform": [{"calculate": "wtp", "as": "wtp"}],
        "mark": RULE,
        "encoding": {"x": {"field": "wtp", "type": "quantitative"}},
    }


def ceac(results: Row) -> Chart:
    """The probability of each strategy being the best choice, along the willingness to pay."""
    params = [wtp_slider(results), *shown_boxes(results)]
    y = quantity("value", "Probability of being cost-effective", ".0%", scale={"domain": [0, 1]})
    hover = [
        tip("strategy", "Strategy", None),
        tip("wtp", "Willingness to pay"),
        tip("value", "Probability", ".1%"),
    ]
    lines = {
        "transform": [is_shown(results)],
        "encoding": {"x": _axis(results), "y": y, **by_strategy(results, "strokeDash", legend=LINES)},
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.5}},
            {
                "mark": {"type": "point", "size": 90, "opacity": 0, "filled": True, "aria": False},
                "encoding": {"tooltip": hover},
            },
            {"transform": [AT_WTP], "mark": {"type": "point", "size": 60, "filled": True, "opacity": 1}},
        ],
    }
    return Chart(
        "ceac",
        "Cost-effectiveness acceptability",
        "The share of draws in which each strategy has the highest net benefit. The dashed line is the willingness to "
        "pay chosen above.",
        "Line chart: probability of being cost-effective against willingness to pay, a line for each strategy.",
        spec(
            {"data": {"values": _strategy_rows(results, "probability")}, "layer": [lines, _rule()]},
            params,
            340,
        ),
    )


def ranking(results: Row) -> Chart:
    """Strategies from the highest to the lowest expected net benefit at the chosen willingness to pay."""
    labels = [(s["strategy"], s["label"]) for s in results["strategies"]]
    rows = [
        {
            "k": k,
            "strategy": label,
            "wtp": g["wtp"],
            "nmb": g["nmb"][name],
            "p": g["probability"][name],
            "loss": g["expected_loss"][name],
        }
        for g in results["acceptability"]
        for k, (name, label) in enumerate(labels)
    ]
    currency = results["currency"]
    hover = [
        tip("strategy", "Strategy", None),
        tip("nmb", f"Net benefit, {currency}"),
        tip("p", "P(cost-effective)", ".1%"),
        tip("loss", f"Expected loss, {currency}"),
    ]
    order = {"field": "nmb", "order": "descending"}
    scale = {"zero": False, "padding": 45}
    x = quantity("nmb", f"Net monetary benefit, {currency}", "~s", scale=scale, axis={"tickCount": 4})
    words = "format(datum.nmb, ',.0f') + '  (' + format(datum.p, '.0%') + ')'"
    body = {
        "data": {"values": rows},
        "transform": [is_shown(results), AT_WTP, {"calculate": words, "as": "words"}],
        "title": {"text": {"expr": f"'At ' + {_AT} + ' {currency} per QALY'"}},
        "encoding": {"x": x, "y": {"field": "strategy", "type": "nominal", "sort": order, "title": None}},
        "layer": [
            {
                "mark": {"type": "point", "filled": True, "size": 110, "opacity": 1},
                "encoding": {
                    "tooltip": hover,
                    **by_strategy(results, "shape"),
                },
            },
            {
                "mark": {"type": "text", "dy": -12, "fontSize": 11, "color": INK},
                "encoding": {"text": {"field": "words"}},
            },
        ],
    }
    return Chart(
        "ranking",
        "Ranking",
        "Expected net benefit, best first; in brackets the probability of being cost-effective.",
        "Dot chart: strategies ordered by expected net monetary benefit at the chosen willingness to pay.",
        spec(body, follows([wtp_slider(results), *shown_boxes(results)]), 36 * len(labels) + 20),
    )


def evpi(results: Row) -> Chart:
    """The expected value of perfect information along the willingness to pay."""
    currency = results["currency"]
    rows = [{"wtp": g["wtp"], "evpi": g["evpi"]} for g in results["acceptability"]]
    x, y = _axis(results), quantity("evpi", f"EVPI, {currency} per person")
    hover = [tip("wtp", "Willingness to pay"), tip("evpi", f"EVPI, {currency}", ",.2f")]
    blue = "#0072B2"
    layers = [
        {"mark": {"type": "area", "color": blue, "opacity": 0.12}},
        {"mark": {"type": "line", "color": blue, "strokeWidth": 2.5}},
        {"mark": {"type": "point", "opacity": 0, "size": 120, "aria": False}, "encoding": {"tooltip": hover}},
        {
            "transform": [AT_WTP],
            "mark": {"type": "point", "filled": True, "color": blue, "size": 80, "opacity": 1},
        },
    ]
    # A title reads signals, not rows: it finds the value at the chosen willingness to pay in lists of its own.
    values = ", ".join(f"{g['evpi']!r}" for g in rows)
    grid = ", ".join(f"{g['wtp']!r}" for g in rows)
    words = f"'At ' + {_AT} + ': ' + format([{values}][indexof([{grid}], wtp)], ',.0f') + ' {currency} per person'"
    body = {
        "data": {"values": rows},
        "title": {"text": {"expr": words}},
        "layer": [{"encoding": {"x": x, "y": y}, "layer": layers}, _rule()],
    }
    return Chart(
        "evpi",
        "Expected value of perfect information",
        "What knowing every input exactly before choosing would gain per person: the most that further research can "
        "be worth.",
        "Line chart: expected value of perfect information per person against willingness to pay.",
        spec(body, follows([wtp_slider(results)]), 260),
    )


def expected_loss(results: Row) -> Chart:
    """The expected loss of choosing each strategy; the lowest line is the EVPI."""
    currency = results["currency"]
    y = quantity(
        "value",
        f"Expected loss, {currency} per person",
        scale={"type": "symlog", "constant": 1000},
        axis={
            "values": [0, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000]
        },
    )
    hover = [
        tip("strategy", "Strategy", None),
        tip("wtp", "Willingness to pay"),
        tip("value", "Expected loss"),
    ]
    lines = {
        "transform": [is_shown(results)],
        "encoding": {"x": _axis(results), "y": y, **by_strategy(results, "strokeDash", legend=LINES)},
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2}},
            {
                "mark": {"type": "point", "size": 90, "opacity": 0, "filled": True, "aria": False},
                "encoding": {"tooltip": hover},
            },
        ],
    }
    return Chart(
        "loss",
        "Expected loss",
        "What choosing each strategy would lose on average, against choosing rightly in every draw. The lowest line at "
        "each willingness to pay is the best choice, and its height the EVPI. The scale is logarithmic above 1,000.",
        "Line chart: expected loss of each strategy against willingness to pay.",
        spec(
            {"data": {"values": _strategy_rows(results, "expected_loss")}, "layer": [lines, _rule()]},
            follows([wtp_slider(results), *shown_boxes(results)]),
            360,
        ),
    )
