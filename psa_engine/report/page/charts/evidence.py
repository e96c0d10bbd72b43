"""The charts of what more evidence would be worth, and of the parameters themselves."""

from typing import Any

from psa_engine.report.page.charts.chart import INK, TICKS, Chart, Row, Spec, quantity, spec, tip
from psa_engine.report.palette import STATUS


def _choice(name: str, values: list[Any], label: str, at: str) -> Spec:
    """Return a parameter chosen in a list that stands in the element with the id `at`."""
    words = [f"{v:,.0f}" if isinstance(v, float) else v for v in values]
    bind = {"input": "select", "options": values, "labels": words, "name": label, "element": f"#{at}"}
    return {"name": name, "value": values[0], "bind": bind}


def evppi(results: Row) -> Chart | None:
    """Parameters and groups by what knowing them exactly would be worth."""
    rows = results.get("evppi")
    if not rows:
        return None
    currency = results["currency"]
    values = [
        {
            "of": r["of"],
            "status": r["status"],
            "wtp": r["wtp"],
            "evppi": r["evppi"],
            "low": max(r["evppi"] - 1.96 * r["standard_error"], 0),
            "high": r["evppi"] + 1.96 * r["standard_error"],
        }
        for r in rows
    ]
    known = list(STATUS)
    hover = [
        tip("of", "Parameter", None),
        tip("status", "Evidence", None),
        tip("evppi", f"EVPPI, {currency}", ",.2f"),
        tip("low", "95 % interval from", ",.2f"),
        tip("high", "to", ",.2f"),
    ]
    y = {
        "field": "of",
        "type": "nominal",
        "sort": {"field": "evppi", "op": "max", "order": "descending"},
        "title": None,
    }
    x = quantity("evppi", f"EVPPI, {currency} per person", axis=TICKS)
    bars = {
        "mark": {"type": "bar", "cornerRadiusEnd": 2, "height": {"band": 0.62}},
        "encoding": {
            "tooltip": hover,
            "color": {
                "field": "status",
                "type": "nominal",
                "title": "Evidence",
                "scale": {"domain": known, "range": [STATUS[s] for s in known]} if _single(rows) else {},
                "legend": {"orient": "bottom", "title": None},
            },
        },
    }
    whiskers = {
        "mark": {"type": "rule", "color": INK, "strokeWidth": 1.5},
        "encoding": {"x": {**x, "field": "low"}, "x2": {"field": "high"}},
    }
    at = _choice("evppi_wtp", results["wtp"], "Willingness to pay", "control-evppi")
    body = {
        "data": {"values": values},
        "transform": [{"filter": "datum.wtp == evppi_wtp"}],
        "encoding": {"y": y, "x": x},
        "layer": [bars, whiskers],
    }
    return Chart(
        "evppi",
        "Where more evidence would pay",
        "The expected value of learning one parameter, or one group, exactly, with 95 % intervals of the estimate, "
        "coloured by what the parameter rests on now.",
        "Bar chart: expected value of partial perfect information of the leading parameters, with what they rest on.",
        spec(body, [at], {"step": 26}),
        controls=("control-evppi",),
    )


def _single(rows: list[Row]) -> bool:
    return all(r["status"] in STATUS for r in rows)


def evsi(results: Row) -> Chart | None:
    """What candidate studies would be worth by size, and what is left after their cost."""
    rows = results.get("evsi")
    if not rows:
        return None
    currency = results["currency"]
    net = any(r.get("enbs") is not None for r in rows)
    at = _choice("evsi_wtp", results["wtp"], "Willingness to pay", "control-evsi")
    hover = [
        tip("study", "Study", None),
        tip("n", "Patients"),
        tip("evsi", f"EVSI, {currency} per person", ",.2f"),
        tip("evppi", "At most (EVPPI)", ",.2f"),
        *([tip("enbs", f"ENBS, {currency}, population")] if net else []),
    ]
    colour = {
        "field": "study",
        "type": "nominal",
        "legend": {"orient": "bottom", "title": None, "columns": 1},
    }
    x = quantity("n", "Patients in the study", ",.0f", scale={"zero": False})

    def panel(field: str, title: str, form: str) -> Spec:
        return {
            "mark": {"type": "line", "point": {"filled": True, "size": 50}, "strokeWidth": 2},
            "encoding": {"x": x, "y": quantity(field, title, form), "color": colour, "tooltip": hover,
                         "strokeDash": {"field": "study", "type": "nominal", "legend": None}},
        }  # fmt: skip

    body = {
        "data": {"values": [dict(r) for r in rows]},
        "transform": [{"filter": "datum.wtp == evsi_wtp"}],
        **panel("evsi", f"EVSI, {currency} per person", ",.0~f"),
    }
    return Chart(
        "evsi",
        "What a study would be worth",
        "The expected value of the evidence that a study of each size would give, per person.",
        "Line chart: expected value of sample information against the number of patients, a line for each study.",
        spec(body, [at], 280),
        controls=("control-evsi",),
    )


def densities(results: Row) -> Chart | None:
    """The draws of one parameter beside the distribution that its evidence was turned into."""
    rows = results.get("densities")
    if not rows:
        return None
    bars = [{"parameter": r["parameter"], **_bars(r["draws"])} for r in rows]
    curves = [{"parameter": r["parameter"], **r["evidence"]} for r in rows]
    marks = [
        {"parameter": r["parameter"], "mean": r["mean"], "low": r["low"], "high": r["high"]} for r in rows
    ]
    chosen = {"filter": "datum.parameter == parameter"}
    mean, low, high = (f"format(datum.{k}, ',.4~g')" for k in ("mean", "low", "high"))
    words = f"'mean ' + {mean} + ', 95 % from ' + {low} + ' to ' + {high}"
    x = {
        "type": "quantitative",
        "title": None,
        "scale": {"zero": False},
        "axis": {"format": ",.4~g", "tickCount": 6},
    }
    y = quantity("density", "Density", ".3~g", axis={"labels": False, "ticks": False})
    orange, floor, middle = "#D55E00", {"expr": "height"}, {"expr": "width / 2"}
    body = {
        "layer": [
            {
                "data": {"values": bars},
                "transform": [chosen, {"flatten": ["low", "high", "density"]}],
                "mark": {"type": "rect", "color": "#56B4E9", "opacity": 0.55, "stroke": "white"},
                "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}, "y": y, "y2": {"datum": 0}},
            },
            {
                "data": {"values": curves},
                "transform": [chosen, {"flatten": ["x", "density"]}],
                "mark": {"type": "line", "color": orange, "strokeWidth": 2.5},
                "encoding": {"x": {"field": "x", **x}, "y": y},
            },
            {
                "data": {"values": marks},
                "transform": [chosen, {"calculate": words, "as": "words"}],
                "layer": [
                    {
                        "mark": {"type": "rule", "color": INK, "strokeWidth": 3},
                        "encoding": {
                            "x": {"field": "low", **x},
                            "x2": {"field": "high"},
                            "y": {"value": floor},
                        },
                    },
                    {
                        "mark": {"type": "text", "dy": -6, "fontSize": 11},
                        "encoding": {"x": {"value": middle}, "y": {"value": 0}, "text": {"field": "words"}},
                    },
                ],
            },
        ]
    }
    names = [r["parameter"] for r in rows]
    return Chart(
        "densities",
        "Parameters against their evidence",
        "Bars: the draws. Line: the distribution that the published numbers were turned into; the thick rule is its "
        "95 % interval.",
        "Histogram of one parameter's draws with the density of its distribution drawn over it.",
        spec(body, [_choice("parameter", names, "Parameter", "control-densities")], 260),
        controls=("control-densities",),
    )


def _bars(draws: Row) -> Row:
    return {"low": draws["edges"][:-1], "high": draws["edges"][1:], "density": draws["density"]}
