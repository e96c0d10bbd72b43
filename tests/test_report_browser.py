"""The report page in a browser: sliders, numbers, tables, phones, paper."""

import itertools
import json
import re

import pytest
from browser import browser, opened
from command_line import psa_engine

from psa_engine.report.page import report_html


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    assert psa_engine("run", "two_state", "--draws", 2000, "--out", out).code == 0
    results = json.loads((out / "results.json").read_text())
    results["product_prices"] = [
        {
            "product": "tablets",
            "label": "<b>Tablets</b>",
            "pack": "28",
            "price": 40.0,
            "packs": {"new": 7.5},
            "drug_cost": {"new": 300.0},
        }
    ]
    results["title"] = "<script>alert(1)</script> & <img src=x onerror=alert(2)>"
    (out / "results.json").write_text(json.dumps(results))
    (out / "report.html").write_text(report_html(results), encoding="utf-8")
    return out


@pytest.fixture(scope="module")
def results(folder):
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def chrome():
    with browser() as started:
        yield started


@pytest.fixture(scope="module")
def untouched(chrome, folder):
    """The page as it opens, shared by the tests that only look."""
    with opened(chrome, folder / "report.html") as page:
        yield page


@pytest.fixture
def seen(chrome, folder):
    with opened(chrome, folder / "report.html") as page:
        yield page


def at(results, wtp):
    return next(row for row in results["acceptability"] if row["wtp"] == wtp)


def money(value):
    return f"{value:,.0f}".replace("-", "−")


def test_the_page_opens_without_errors_warnings_or_requests(untouched):
    assert untouched.messages == [] and untouched.requests == []


def test_every_chart_is_drawn(untouched):
    drawn = untouched.page.locator(".plot .chart-wrapper > :is(svg, canvas)").count()
    assert drawn == untouched.page.locator(".plot").count() >= 9


@pytest.mark.parametrize("wtp", [4_000, 30_000])
def test_the_slider_moves_ranking_and_evpi_to_the_numbers_of_the_results(seen, results, wtp):
    seen.set("wtp", wtp)
    row, ranking = at(results, wtp), seen.labels("ranking")
    for strategy, nmb in row["nmb"].items():
        assert f"{money(nmb)}  ({row['probability'][strategy]:.0%})" in ranking
    assert f"At {wtp:,}: {row['evpi']:,.0f} GBP per person" in seen.labels("evpi")


def test_the_slider_moves_the_points_of_the_acceptability_curves(seen, results):
    seen.set("wtp", 30_000)
    marks = seen.page.locator("#chart-ceac svg .mark-symbol path[aria-label]")
    labels = [label for label in marks.evaluate_all("all => all.map(e => e.ariaLabel)") if "30,000" in label]
    shares = {float(re.search(r"effective: ([\d.]+)%", label)[1]) / 100 for label in labels}
    assert {round(p, 2) for p in at(results, 30_000)["probability"].values()} <= {round(s, 2) for s in shares}


def test_a_price_slider_moves_the_net_benefit_of_its_product_alone(seen, results):
    seen.set("wtp", 30_000)
    seen.set("price_0", 60)
    mean = {row["strategy"]: row for row in results["mean_outcomes"]}
    new = 30_000 * mean["new"]["effects"] - (mean["new"]["costs"] - 300 + 60 * 7.5)
    labels = seen.labels("prices")
    assert money(new) in labels and money(at(results, 30_000)["nmb"]["standard care"]) in labels


def test_the_pointer_shows_the_value_under_it(seen, results):
    point = seen.page.locator("#chart-evpi svg .mark-symbol path").nth(30)
    point.scroll_into_view_if_needed()
    box = point.bounding_box()
    seen.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    row = results["acceptability"][30]
    told = seen.page.locator("#vg-tooltip-element.visible").inner_text()
    assert f"{row['wtp']:,.0f}" in told and f"{row['evpi']:,.2f}" in told


@pytest.mark.parametrize("chart", ["ranking", "prices"])
def test_a_strategy_switched_off_leaves_the_charts(seen, results, chart):
    off, on = (s["label"] for s in results["strategies"])
    seen.page.get_by_text("Strategies shown").click()
    seen.page.get_by_role("checkbox", name=off).uncheck()
    seen.page.wait_for_timeout(300)
    assert off not in seen.labels(chart) and on in seen.labels(chart)


def test_tables_hold_the_numbers_of_the_results(untouched, results):
    for row in results["mean_outcomes"]:
        line = untouched.page.locator("#table-outcomes tr", has_text=f"{money(row['costs'])} ±")
        assert f"{row['effects']:.3f}" in line.inner_text()


def test_a_table_is_sorted_by_its_head_from_the_keyboard(seen, results):
    costs = [row["costs"] for row in results["mean_outcomes"]]
    seen.page.locator("#table-outcomes th", has_text="Costs").locator("[role=button]").focus()
    for order in ("ascending", "descending"):
        seen.page.keyboard.press("Enter")
        seen.page.wait_for_selector(f"#table-outcomes th[aria-sort={order}]")
        cells = seen.page.locator("#table-outcomes tbody tr td:nth-child(2)").all_inner_texts()
        expected = sorted(costs, reverse=order == "descending")
        assert [text.split(" ")[0] for text in cells] == [money(c) for c in expected]


def test_markup_in_the_configuration_stays_text(untouched, results):
    assert untouched.page.locator("h1").inner_text() == results["title"]
    assert untouched.page.locator("img, h1 script, .vega-bind b").count() == 0


def test_the_configuration_and_the_numbers_can_be_saved_from_the_page(seen, results, tmp_path):
    for name, link in (("results.json", "All numbers"), ("two_state.yaml", "Configuration (YAML)")):
        with seen.page.expect_download() as download:
            seen.page.get_by_role("link", name=link).click()
        download.value.save_as(tmp_path / name)
    assert json.loads((tmp_path / "results.json").read_text()) == results
    assert (tmp_path / "two_state.yaml").read_text() == results["configuration"]


def test_a_phone_shows_the_page_without_scrolling_sideways(chrome, folder):
    with opened(chrome, folder / "report.html", width=360) as seen:
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_headings_go_down_one_step_at_a_time_and_landmarks_are_there(untouched):
    levels = untouched.page.eval_on_selector_all("h1, h2, h3, h4", "all => all.map(e => +e.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert all(untouched.page.locator(tag).count() == 1 for tag in ("header", "nav", "main", "footer"))


def test_every_control_and_picture_has_a_name(untouched):
    unnamed = "all => all.filter(e => !(e.labels?.length || e.ariaLabel || e.getAttribute('aria-labelledby'))).length"
    assert untouched.page.eval_on_selector_all("input, select", unnamed) == 0
    assert (
        untouched.page.eval_on_selector_all(".plot svg, .plot canvas, svg[role=img]", "all => all.length") > 8
    )
    described = "all => all.filter(e => !e.ariaLabel).length"
    assert untouched.page.eval_on_selector_all(".plot svg[role], .plot canvas[role]", described) == 0


def test_the_page_prints_on_a4(untouched, tmp_path):
    untouched.page.pdf(path=tmp_path / "page.pdf", prefer_css_page_size=True)
    boxes = set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", (tmp_path / "page.pdf").read_bytes()))
    width, height = (float(x) for x in boxes.pop().split()[2:])
    assert not boxes and (width, height) == pytest.approx((210 / 25.4 * 72, 297 / 25.4 * 72), abs=1.5)
