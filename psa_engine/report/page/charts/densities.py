"""The uncertain parameters: draws beside the distribution that the evidence was turned into."""

from psa_engine.report.page.charts.chart import INK, Chart, Row, choice, quantity, spec


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
        spec(body, [choice("parameter", names, "Parameter", "control-densities")], 260),
        controls=("control-densities",),
    )


def _bars(draws: Row) -> Row:
    return {"low": draws["edges"][:-1], "high": draws["edges"][1:], "density": draws["density"]}
