"""The charts of what more evidence would be worth: perfect information about parts, and studies by size."""

from psa_engine.report.page.charts.chart import (
    INK,
    LEGEND,
    TICKS,
    Chart,
    Row,
    Spec,
    choice,
    quantity,
    spec,
    tip,
)
from psa_engine.report.palette import COLOURS, STATUS, weakest

LEADING = 12
"""Parameters and groups that a picture shows; the table has all."""


def evppi(results: Row) -> Chart | None:
    """The parameters and groups that are most worth knowing exactly."""
    rows = results.get("evppi")
    if not rows:
        return None
    best: dict[str, float] = {}
    for r in rows:
        best[r["of"]] = max(r["evppi"], best.get(r["of"], 0.0))
    shown = sorted(best, key=lambda name: -best[name])[:LEADING]
    values = [
        {
            "of": r["of"],
            "status": r["status"],
            "weakest": weakest(r["status"]),
            "wtp": r["wtp"],
            "evppi": r["evppi"],
            "low": max(r["evppi"] - 1.96 * r["standard_error"], 0),
            "high": max(r["evppi"] + 1.96 * r["standard_error"], 0),
        }
        for r in rows
        if r["of"] in shown
    ]
    body = {
        "data": {"values": values},
        "transform": [{"filter": "datum.wtp == evppi_wtp"}],
        **_bars(values, results["currency"]),
    }
    at = choice("evppi_wtp", results["wtp"], "Willingness to pay", "control-evppi")
    return Chart(
        "evppi",
        "Where more evidence would pay",
        "The expected value of learning one parameter, or one group, exactly, with 95 % intervals of the estimate, "
        "coloured by the weakest evidence that it rests on now.",
        "Bar chart: expected value of partial perfect information of the leading parameters, with what they rest on.",
        spec(body, [at], 28 * len(shown) + 10),
        controls=("control-evppi",),
    )


def _bars(values: list[dict], currency: str) -> Spec:
    hover = [
        tip("of", "Parameter", None),
        tip("status", "Evidence", None),
        tip("evppi", f"EVPPI, {currency}", ",.2f"),
        tip("low", "95 % interval from", ",.2f"),
        tip("high", "to", ",.2f"),
    ]
    x = quantity("evppi", f"EVPPI, {currency} per person", axis=TICKS)
    order = {"field": "evppi", "op": "max", "order": "descending"}
    room = {"labelLimit": {"expr": "containerSize()[0] > 600 ? 280 : 130"}}
    y = {"field": "of", "type": "nominal", "sort": order, "title": None, "axis": room}
    known = [s for s in STATUS if any(v["weakest"] == s for v in values)]
    colour = {
        "field": "weakest",
        "type": "nominal",
        "scale": {"domain": known, "range": [STATUS[s] for s in known]},
        "legend": LEGEND,
    }
    bars = {"type": "bar", "cornerRadiusEnd": 2, "height": {"band": 0.62}}
    whiskers = {"x": {**x, "field": "low"}, "x2": {"field": "high"}}
    return {
        "encoding": {"y": y, "x": x},
        "layer": [
            {"mark": bars, "encoding": {"tooltip": hover, "color": colour}},
            {"mark": {"type": "rule", "color": INK, "strokeWidth": 1.5}, "encoding": whiskers},
        ],
    }


def evsi(results: Row) -> Chart | None:
    """What the data of each study would be worth per person, by the number of its patients."""
    rows = results.get("evsi")
    if not rows:
        return None
    return _by_size(
        results,
        Chart(
            "evsi",
            "What a study would be worth",
            "The expected value of the data that a study of each size would give, per person.",
            "Line chart: expected value of sample information against the number of patients, a line for each study.",
            {},
            controls=("control-evsi",),
        ),
        "evsi",
        f"EVSI, {results['currency']} per person",
    )


def enbs(results: Row) -> Chart | None:
    """What each study would be worth to the population, less its cost, by the number of its patients."""
    rows = results.get("evsi") or []
    if not any(r.get("enbs") is not None for r in rows):
        return None
    return _by_size(
        results,
        Chart(
            "enbs",
            "What a study would leave after its cost",
            "The expected net benefit of sampling: the value of the data to the whole population, less the cost of the "
            "study. Below 0 the study costs more than it is worth.",
            "Line chart: expected net benefit of sampling against the number of patients, a line for each study.",
            {},
            controls=("control-enbs",),
        ),
        "enbs",
        f"ENBS, {results['currency']}, whole population",
    )


def _by_size(results: Row, about: Chart, field: str, title: str) -> Chart:
    rows = [r for r in results["evsi"] if r.get(field) is not None]
    currency = results["currency"]
    hover = [
        tip("study", "Study", None),
        tip("n", "Patients"),
        tip(field, title, ",.2f" if field == "evsi" else ",.0f"),
        tip("evppi", f"At most (EVPPI), {currency} per person", ",.2f"),
    ]
    legend = {"orient": "bottom", "title": None, "columns": 1}
    colour = {"field": "study", "type": "nominal", "scale": {"range": list(COLOURS)}, "legend": legend}
    name = f"{field}_wtp"
    body = {
        "data": {"values": [dict(r) for r in rows]},
        "transform": [{"filter": f"datum.wtp == {name}"}],
        "mark": {"type": "line", "point": {"filled": True, "size": 60}, "strokeWidth": 2},
        "encoding": {
            "x": quantity("n", "Patients in the study", axis=TICKS),
            "y": quantity(field, title, "~s" if field == "enbs" else ",.4~g"),
            "color": colour,
            "shape": {"field": "study", "type": "nominal", "legend": None},
            "tooltip": hover,
        },
    }
    at = choice(name, results["wtp"], "Willingness to pay", f"control-{field}")
    return Chart(
        about.name, about.title, about.caption, about.alt, spec(body, [at], 280), controls=about.controls
    )
