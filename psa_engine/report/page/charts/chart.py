"""What every chart of the page shares: a record, the look of Vega-Lite, the controls that several charts follow.

A control is a Vega parameter. The first chart of the page that has it owns the slider or box; the script of the
page passes each change on to the others that name it.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psa_engine.report.palette import COLOURS, DASHES, INK, MUTED, PALE, looks

Spec = dict[str, Any]
Row = Mapping[str, Any]
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
CONFIG: Spec = {
    "font": FONT,
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "labelColor": MUTED, "titleColor": INK, "titleFontWeight": "normal", "gridColor": PALE, "domainColor": MUTED,
        "tickColor": MUTED, "labelFontSize": 12, "titleFontSize": 12, "labelLimit": 170, "titlePadding": 8,
    },
    "legend": {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "labelLimit": 220, "titleLimit": 320,
               "symbolStrokeWidth": 2},
    "title": {"color": INK, "fontSize": 13, "fontWeight": 600, "anchor": "start", "offset": 10},
    "text": {"color": INK, "fontSize": 12},
    "rule": {"color": MUTED},
}  # fmt: skip
RULE: Spec = {"type": "rule", "strokeDash": [3, 3], "strokeWidth": 1.5, "color": INK}


@dataclass(frozen=True)
class Chart:
    """A chart of the page: its name in the document, heading, what it shows in words, and its Vega-Lite spec."""

    name: str
    title: str
    caption: str
    alt: str
    spec: Spec
    renderer: str = "svg"
    controls: tuple[str, ...] = ()
    """The places in the page that its own controls are put in."""


def spec(body: Spec, params: Sequence[Spec] = (), height: int = 300) -> Spec:
    """Return a whole Vega-Lite spec as wide as the place it stands in."""
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": CONFIG,
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
        **({"params": list(params)} if params else {}),
        **body,
    }


def slider(name: str, value: float, low: float, high: float, step: float, label: str, at: str) -> Spec:
    """Return a parameter moved by a slider that stands in the element with the id `at`."""
    bind = {"input": "range", "min": low, "max": high, "step": step, "name": label, "element": f"#{at}"}
    return {"name": name, "value": value, "bind": bind}


def choice(name: str, values: list[Any], label: str, at: str) -> Spec:
    """Return a parameter chosen in a list that stands in the element with the id `at`."""
    words = [f"{v:,.0f}" if isinstance(v, float) else v for v in values]
    bind = {"input": "select", "options": values, "labels": words, "name": label, "element": f"#{at}"}
    return {"name": name, "value": values[0], "bind": bind}


def follows(params: Sequence[Spec]) -> list[Spec]:
    """Return the same parameters without the controls, for a chart that follows another's."""
    return [{k: v for k, v in p.items() if k != "bind"} for p in params]


def wtp_slider(results: Row) -> Spec:
    """Return the slider of the willingness to pay, along the grid that the results were computed on."""
    grid = [row["wtp"] for row in results["acceptability"]]
    step = min(b - a for a, b in itertools.pairwise(grid))
    label = f"Willingness to pay, {results['currency']} per QALY"
    return slider("wtp", results["wtp"][0], grid[0], grid[-1], step, label, "control-wtp")


def shown_boxes(results: Row) -> list[Spec]:
    """Return a box for each strategy that shows or hides it."""
    return [
        {
            "name": f"on_{i}",
            "value": True,
            "bind": {"input": "checkbox", "name": look.label, "element": "#control-strategies"},
        }
        for i, look in enumerate(looks(results).values())
    ]


def is_shown(results: Row) -> Spec:
    """Return the filter that keeps the rows (`k`: number of the strategy) whose box is ticked."""
    boxes = ", ".join(f"on_{i}" for i in range(len(results["strategies"])))
    return {"filter": f"[{boxes}][datum.k]"}


AT_WTP: Spec = {"filter": "abs(datum.wtp - wtp) < 1e-6"}


def by_strategy(results: Row, *channels: str, legend: Any = None) -> Spec:
    """Return the encoding of strategies by colour and, as asked for, `strokeDash` or `shape`."""
    all_looks = list(looks(results).values())
    domain = [look.label for look in all_looks]
    ranges = {
        "color": [look.colour for look in all_looks],
        "strokeDash": [list(look.dash) or [1, 0] for look in all_looks],
        "shape": [look.marker for look in all_looks],
    }
    return {
        channel: {
            "field": "strategy",
            "type": "nominal",
            "scale": {"domain": domain, "range": ranges[channel]},
            "legend": legend,
        }
        for channel in ("color", *channels)
    }


LEGEND: Spec = {
    "title": None,
    "orient": "bottom",
    "columns": {"expr": "width > 620 ? 4 : width > 330 ? 2 : 1"},
}
LINES: Spec = {**LEGEND, "symbolType": "stroke", "symbolSize": 500, "symbolFillColor": "transparent"}
TICKS: Spec = {"tickCount": {"expr": "max(3, ceil(width / 90))"}}
"""As many ticks as a narrow or wide chart has room for."""


def by_wtp(domain: list[str], currency: str) -> Spec:
    """Return the encoding of willingness to pay (as text, `domain`) by colour and dash."""
    colours = [COLOURS[i % len(COLOURS)] for i in range(len(domain))]
    dashes = [list(DASHES[i % len(DASHES)]) or [1, 0] for i in range(len(domain))]
    legend = {
        "title": f"Willingness to pay, {currency} per QALY",
        "orient": "bottom",
        "symbolType": "stroke",
        "symbolSize": 500,
    }
    field = {"field": "wtp", "type": "nominal", "legend": {**legend, "symbolFillColor": "transparent"}}
    return {
        "color": {**field, "scale": {"domain": domain, "range": colours}},
        "strokeDash": {**field, "scale": {"domain": domain, "range": dashes}},
    }


UNSEEN: Spec = {"type": "point", "opacity": 0, "size": 90, "aria": False}
"""What the pointer finds on a line."""


def quantity(field: str, title: str | None, form: str = ",.0f", **more: Any) -> Spec:
    """Return the encoding of a number."""
    axis = more.pop("axis", {})
    scale = {"scale": more.pop("scale")} if "scale" in more else {}
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "axis": {"format": form, **axis},
        **scale,
        **more,
    }


def tip(field: str, title: str, form: str | None = ",.0f") -> Spec:
    """Return a line of what is shown on hovering."""
    kind = {"type": "quantitative", "format": form} if form else {"type": "nominal"}
    return {"field": field, "title": title, **kind}


def round_step(span: float, steps: int = 100) -> float:
    """Return a round number near span / steps: 1, 2 or 5 times a power of ten."""
    raw = span / steps
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 5, 10) if m * power >= raw * 0.999)
