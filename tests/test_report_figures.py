"""Static figures: drawn from the numbers of the result, told apart without colour, one for each thing it holds."""

import io
import itertools
import json

import pytest
from command_line import psa_engine

from psa_engine.report.figures import (
    acceptability,
    cohort,
    convergence,
    evidence,
    loss,
    plane,
    prices,
    tornado,
)
from psa_engine.report.figures.style import _spread, styled
from psa_engine.report.palette import looks

TORNADO = {
    "strategy": "new",
    "comparator": "standard care",
    "wtp": [20_000.0],
    "base": {"inmb_20000": 900.0},
    "bars": [
        {
            "parameter": "hazard_ratio",
            "low": 0.7,
            "high": 0.9,
            "inmb_20000_low": 3000.0,
            "inmb_20000_high": -500.0,
        },
        {"parameter": "cost", "low": 10, "high": 20, "inmb_20000_low": 1100.0, "inmb_20000_high": 700.0},
    ],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("figures")
    assert psa_engine("run", "two_state", "--draws", 1000, "--wtp", 20_000, "--out", out).code == 0
    return out


@pytest.fixture(scope="module")
def results(folder):
    return json.loads((folder / "results.json").read_text())


def drawn(axes):
    """Return the lines of axes that are data: x and y as lists."""
    lines = [line for line in axes.lines if line.get_transform().contains_branch(axes.transData)]
    return [(list(line.get_xdata()), list(line.get_ydata())) for line in lines]


def test_figures_are_written_as_svg_and_png(folder):
    done = psa_engine("report", folder, "--figures")
    names = {path.name for path in (folder / "figures").iterdir()}
    assert done.code == 0 and {"ceac.svg", "ceac.png", "plane.svg", "trace.png", "densities.svg"} <= names
    assert (folder / "figures" / "ceac.svg").read_text().startswith("<?xml")
    assert (folder / "figures" / "ceac.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_result_gives_the_same_picture_to_the_byte(folder, results):
    with styled():
        loss.evpi(results).savefig(again := io.BytesIO(), format="svg", metadata={"Date": None})
    assert (folder / "figures" / "evpi.svg").read_bytes() == again.getvalue()


def test_acceptability_curves_are_those_of_the_result(results):
    grid = results["acceptability"]
    for strategy in ("standard care", "new"):
        line = [row["wtp"] for row in grid], [row["probability"][strategy] for row in grid]
        assert line in drawn(acceptability.ceac(results).axes[0])


def test_the_frontier_of_acceptability_is_drawn_only_where_a_strategy_is_optimal(results):
    grid = results["acceptability"]
    lines = drawn(acceptability.ceaf(results).axes[0])
    for k, row in enumerate(grid):
        heights = [y[k] for _, y in lines if len(y) == len(grid) and y[k] == y[k]]
        assert heights == [row["probability"][row["optimal"]]]


def test_expected_losses_and_evpi_are_those_of_the_result(results):
    grid = results["acceptability"]
    wtp = [row["wtp"] for row in grid]
    assert (wtp, [row["expected_loss"]["new"] for row in grid]) in drawn(loss.expected_loss(results).axes[0])
    assert (wtp, [row["evpi"] for row in grid]) in drawn(loss.evpi(results).axes[0])


def test_the_plane_has_the_mean_the_ellipse_and_the_line_of_each_threshold(results):
    axes = plane.plane(results).axes[0]
    (row,) = results["plane"]
    lines = drawn(axes)
    assert (row["ellipse"]["effects"], row["ellipse"]["costs"]) in lines
    assert ([row["mean_effects"]], [row["mean_costs"]]) in lines
    assert any(len(x) == 2 and y == [20_000 * e for e in x] for x, y in lines)


def test_the_frontier_joins_the_strategies_that_are_not_dominated(results):
    on = [r for r in results["incremental"] if r["status"] in ("reference", "on frontier")]
    line = [r["effects"] for r in on], [r["costs"] for r in on]
    assert line == drawn(plane.frontier(results).axes[0])[0]


def test_bars_of_evppi_are_as_long_as_the_estimates(results):
    lengths = {bar.get_width() for bar in evidence.evppi(results).axes[0].patches}
    assert {max(row["evppi"], 0) for row in results["evppi"][:5]} <= lengths


def test_a_tornado_runs_from_the_base_to_the_low_and_high_results(results):
    axes = tornado.tornado({**results, "tornado": TORNADO}).axes[0]
    ends = {bar.get_x() + bar.get_width() for bar in axes.patches}
    assert ends == {3000.0, -500.0, 1100.0, 700.0} and {bar.get_x() for bar in axes.patches} == {900.0}


def test_price_curves_cross_zero_at_the_threshold(results):
    points = [
        {"wtp": 20_000.0, "price": p, "inmb": 300 - 2 * p, "probability": 1 - p / 400}
        for p in (0.0, 150.0, 300.0)
    ]
    curve = {"product": "new", "label": "New", "pack": "tube", "strategy": "new", "points": points}
    threshold = {"product": "new", "wtp": 20_000.0, "price": 150.0}
    left, right = prices.price_curves(
        {**results, "price_curves": [curve], "threshold_prices": [threshold, {**threshold, "price": None}]}
    ).axes
    assert ([150.0], [0]) in [(x, list(y)) for x, y in drawn(left)]
    assert ([0.0, 150.0, 300.0], [1.0, 0.625, 0.25]) in drawn(right)


def test_a_price_map_is_drawn_as_it_is_and_its_line_is_where_nothing_is_gained(results):
    found = {
        "product": "new", "wtp": 20_000.0, "prices": [0.0, 10.0, 20.0], "discounts": [0.0, 1.0],
        "probability": [[0.9, 0.5, 0.2], [0.4, 0.3, 0.1]], "inmb": [[10.0, 0.0, -10.0], [5.0, -5.0, -15.0]],
    }  # fmt: skip
    axes = prices.price_maps({**results, "price_maps": [found]}).axes[0]
    mesh, line = axes.collections
    assert mesh.get_array().tolist() == found["probability"]
    assert [10.0, 0.0] in line.get_paths()[0].vertices.tolist()


def test_convergence_is_drawn_by_draws(results):
    rows = [
        {"wtp": 20_000.0, "n_draws": n, "inmb": 5.0 + n, "inmb_standard_error": 1.0, "probability": 0.5}
        for n in (100, 200, 400)
    ]
    found = {"strategy": "new", "comparator": "standard care", "rows": rows, "needed": []}
    left, _ = convergence.convergence({**results, "convergence": found}).axes
    assert ([100, 200, 400], [105.0, 205.0, 405.0]) in drawn(left)


def test_the_trace_has_a_panel_for_each_strategy(results):
    figure = cohort.trace(results)
    titles = [ax.get_title() for ax in figure.axes if ax.get_visible()]
    assert titles == [s["label"] for s in results["strategies"]]


@pytest.mark.parametrize(
    "draw", [plane.plane, evidence.evppi, evidence.evsi, cohort.trace, tornado.tornado, prices.price_curves]
)
def test_a_result_without_the_numbers_has_no_such_figure(results, draw):
    bare = {k: v for k, v in results.items() if k in ("strategies", "wtp", "currency", "threshold_prices")}
    assert draw(bare) is None


def test_twelve_strategies_differ_in_colour_and_dash_and_neighbours_in_dash():
    names = [{"strategy": str(k), "label": str(k)} for k in range(12)]
    found = list(looks({"strategies": names}).values())
    assert len({(look.colour, look.dash) for look in found}) == 12
    assert all(a.dash != b.dash and a.colour != b.colour for a, b in itertools.pairwise(found))


def test_labels_that_would_lie_on_each_other_are_moved_apart_and_keep_their_order():
    heights = _spread([0.1, 0.5, 0.5, 0.51, 0.98, 0.99], 0.06)
    gaps = [b - a for a, b in itertools.pairwise(heights)]
    assert min(gaps) > 0.059 and heights[0] == 0.1 and min(heights) >= 0 and max(heights) <= 1


def test_figures_without_matplotlib_say_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    done = psa_engine("report", folder, "--figures")
    assert done.code == 2 and "psa-engine[figures]" in done.err
