"""The interactive charts of the page as Vega-Lite specs; one that a result has no numbers for is left out."""

from psa_engine.report.page.charts.chart import Chart, Row
from psa_engine.report.page.charts.cohort import trace
from psa_engine.report.page.charts.decision import ceac, evpi, expected_loss, ranking
from psa_engine.report.page.charts.densities import densities
from psa_engine.report.page.charts.evidence import enbs, evppi, evsi
from psa_engine.report.page.charts.plane import frontier, plane
from psa_engine.report.page.charts.price_lines import price_curve, price_map
from psa_engine.report.page.charts.prices import prices
from psa_engine.report.page.charts.sensitivity import convergence, tornado

# The first chart that has a control owns it, so the order is that of the page.
ALL = (
    ceac, ranking, evpi, plane, frontier, expected_loss, tornado, convergence, prices, price_curve, price_map, evppi,
    evsi, enbs, densities, trace,
)  # fmt: skip

__all__ = ["Chart", "charts_of"]


def charts_of(results: Row) -> dict[str, Chart]:
    """Return the charts that a result has numbers for, by name, in the order of the page."""
    made = (make(results) for make in ALL)
    return {chart.name: chart for chart in made if chart is not None}
