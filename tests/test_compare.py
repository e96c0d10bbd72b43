"""Two runs side by side: what differs in settings, inputs and results, in the terminal and on a page."""

import json

import pytest
from browser import browser, opened
from command_line import psa_engine

from psa_engine.summary.comparison import comparison


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare")
    for name, more in {
        "base": (),
        "dear": ("--set", "cost_treatment=6000", "--wtp", 20_000, "--wtp", 30_000),
    }.items():
        arguments = more or ("--wtp", 20_000, "--wtp", 40_000)
        assert psa_engine("run", "two_state", "--draws", 1000, *arguments, "--out", out / name).code == 0
    return out


@pytest.fixture(scope="module")
def runs(folders):
    return [json.loads((folders / name / "results.json").read_text()) for name in ("base", "dear")]


def of(rows, **wanted):
    return next(row for row in rows if all(row[k] == v for k, v in wanted.items()))


def test_a_run_differs_in_nothing_from_itself(runs):
    found = comparison(runs[0], runs[0])
    assert found["settings"] == [] and found["inputs"] == [] and all(d["same"] for d in found["decisions"])
    assert {row["difference"] for row in found["outcomes"] + found["net_benefit"]} == {0.0}


def test_the_input_that_was_changed_is_named(runs):
    found = comparison(*runs)
    row = of(found["inputs"], name="cost_treatment")
    assert len(found["inputs"]) == 1 and "6000" in row["second"] and "value" in row["changed"]
    assert "cost_treatment=6000" in of(found["settings"], setting="changed")["second"]


def test_a_difference_is_the_second_less_the_first(runs):
    found = comparison(*runs)
    means = [of(r["mean_outcomes"], strategy="new")["costs"] for r in runs]
    row = of(found["outcomes"], strategy="new", outcome="costs")
    assert (row["first"], row["second"], row["difference"]) == (*means, means[1] - means[0])


def test_turned_round_every_difference_changes_sign(runs):
    one, other = comparison(*runs), comparison(*reversed(runs))
    for a in one["outcomes"] + one["net_benefit"]:
        keys = {k: a[k] for k in ("strategy", "outcome", "wtp") if k in a}
        rows = other["net_benefit"] if "wtp" in a else other["outcomes"]
        assert of(rows, **keys)["difference"] == -a["difference"]


def test_only_what_both_runs_have_is_compared_by_willingness_to_pay(runs):
    assert [d["wtp"] for d in comparison(*runs)["decisions"]] == [20_000]


def test_a_strategy_of_one_run_alone_has_no_difference(runs):
    fewer = {**runs[1], "mean_outcomes": [r for r in runs[1]["mean_outcomes"] if r["strategy"] == "new"]}
    row = of(comparison(runs[0], fewer)["outcomes"], strategy="standard care", outcome="effects")
    assert row["second"] is None and row["difference"] is None


def test_the_command_prints_and_writes_both(folders, tmp_path):
    page = tmp_path / "both.html"
    done = psa_engine("compare", folders / "base", folders / "dear", "--out", page)
    assert done.code == 0 and "Inputs that differ" in done.out and "6000" in done.out and page.is_file()
    as_json = psa_engine("compare", folders / "base", folders / "dear", "--out", page, "--json")
    assert json.loads(as_json.out)["inputs"][0]["name"] == "cost_treatment"


def test_a_folder_without_results_is_one_clear_message(folders, tmp_path):
    done = psa_engine("compare", folders / "base", tmp_path, "--out", tmp_path / "x.html")
    assert done.code == 2 and "cannot be read" in done.err and not (tmp_path / "x.html").exists()


def test_the_page_opens_in_a_browser_on_a_phone_without_errors(folders, tmp_path):
    page = tmp_path / "both.html"
    psa_engine("compare", folders / "base", folders / "dear", "--out", page)
    with browser() as started, opened(started, page, width=360) as seen:
        assert seen.messages == [] and seen.requests == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360
        assert seen.page.locator("#chart-both svg").count() > 0
