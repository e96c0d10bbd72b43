"""The acceptability curves of two runs in one picture."""

from psa_engine.report.page.charts.chart import (
    LINES,
    TICKS,
    Chart,
    Row,
    by_strategy,
    quantity,
    spec,
    tip,
)


def both_ceacs(first: Row, second: Row, names: tuple[str, str]) -> Chart:
    """The probability of each strategy being the best choice in two runs, told apart by dash."""
    merged = {s["strategy"]: s for r in (second, first) for s in r["strategies"]}
    strategies = {"strategies": list(merged.values())}
    values = [
        {"strategy": merged[s]["label"], "run": name, "wtp": g["wtp"], "value": p}
        for results, name in ((first, names[0]), (second, names[1]))
        for g in results["acceptability"]
        for s, p in g["probability"].items()
    ]
    hover = [
        tip("run", "Run", None),
        tip("strategy", "Strategy", None),
        tip("wtp", "Willingness to pay"),
        tip("value", "Probability", ".1%"),
    ]
    dashes = {"domain": list(names), "range": [[1, 0], [5, 4]]}
    body = {
        "data": {"values": values},
        "encoding": {
            "x": quantity("wtp", f"Willingness to pay, {first['currency']} per QALY", axis=TICKS),
            "y": quantity("value", "Probability of being cost-effective", ".0%", scale={"domain": [0, 1]}),
            **by_strategy(strategies, legend=LINES),
            "strokeDash": {"field": "run", "type": "nominal", "scale": dashes, "legend": LINES},
        },
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2.5}},
            {
                "mark": {"type": "point", "size": 90, "opacity": 0, "aria": False},
                "encoding": {"tooltip": hover},
            },
        ],
    }
    return Chart(
        "both",
        "Cost-effectiveness acceptability",
        f"Full lines: {names[0]}; dashed: {names[1]}.",
        "Line chart: probability of being cost-effective against willingness to pay, for each strategy in both runs.",
        spec(body, height=340),
    )
