"""The cohort over time: the share in each state, under one strategy."""

import json

from psa_engine.report.page.charts.chart import LEGEND, TICKS, Chart, Row, quantity, spec, tip
from psa_engine.report.palette import STATES


def trace(results: Row) -> Chart | None:
    """The states of the cohort over time, the base case of one strategy chosen in a list."""
    rows = results.get("traces")
    if not rows:
        return None
    labels = {s["strategy"]: s["label"] for s in results["strategies"]}
    states = list(rows[0]["shares"])
    fields = [f"s{k}" for k in range(len(states))]
    values = [
        {
            "strategy": labels[row["strategy"]],
            "year": row["year"],
            **{f: row["shares"][state] for f, state in zip(fields, states, strict=True)},
        }
        for row in rows
    ]
    chosen = {
        "name": "strategy",
        "value": labels[rows[0]["strategy"]],
        "bind": {
            "input": "select",
            "options": [labels[r["strategy"]] for r in rows],
            "name": "Strategy",
            "element": "#control-trace",
        },
    }
    colour = {
        "field": "state",
        "type": "nominal",
        "scale": {"domain": states, "range": [STATES[i % len(STATES)] for i in range(len(states))]},
        "legend": {**LEGEND, "symbolType": "square"},
    }
    hover = [tip("state", "State", None), tip("year", "Year", ".1f"), tip("share", "Share", ".1%")]
    body = {
        "data": {"values": values},
        "transform": [
            {"filter": "datum.strategy == strategy"},
            {"flatten": ["year", *fields]},
            {"fold": fields, "as": ["field", "share"]},
            {"calculate": "toNumber(slice(datum.field, 1))", "as": "order"},
            {"calculate": f"{json.dumps(states)}[datum.order]", "as": "state"},
        ],
        "encoding": {
            "x": quantity("year", "Years since the start", axis=TICKS, scale={"nice": False}),
            "y": quantity("share", "Share of the cohort", ".0%", stack="zero", scale={"domain": [0, 1]}),
            "color": colour,
            "order": {"field": "order"},
            "tooltip": hover,
        },
        "mark": {"type": "area", "stroke": "white", "strokeWidth": 0.6},
    }
    return Chart(
        "trace",
        "The cohort over time",
        "The share of the cohort in each state, every parameter at its mean.",
        "Stacked area chart: share of the cohort in each state against years since the start.",
        spec(body, [chosen], 340),
        controls=("control-trace",),
    )
