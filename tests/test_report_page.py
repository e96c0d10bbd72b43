"""The report page as text: what it embeds, what it escapes, what it refuses."""

import json
import re

import pytest
from command_line import psa_engine
from rich.console import Console

from psa_engine.report.markdown import incremental_markdown
from psa_engine.report.page import report_html
from psa_engine.report.terminal import print_results
from psa_engine.report.terminal_sensitivity import threshold_table
from psa_engine.report.words import frontier_sentence, price_sentences


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("page")
    assert psa_engine("run", "two_state", "--draws", 1000, "--out", out).code == 0
    return out


@pytest.fixture
def results(folder):
    return json.loads((folder / "results.json").read_text())


def data_of(html):
    return json.loads(re.search(r'id="charts">(.*?)</script>', html, re.DOTALL)[1])


def test_a_run_writes_the_page_that_report_makes_again(folder):
    first = (folder / "report.html").read_text()
    (folder / "report.html").unlink()
    assert psa_engine("report", folder).code == 0
    assert (folder / "report.html").read_text() == first


def test_the_page_is_small_enough_to_send(folder):
    assert (folder / "report.html").stat().st_size < 5_000_000


def test_the_page_names_no_address_to_load_from(folder):
    html = re.sub(r"<script.*?</script>", "", (folder / "report.html").read_text(), flags=re.DOTALL)
    assert re.findall(r'(?:src|action|@import)\s*=\s*"', html) == []
    assert set(re.findall(r'<link [^>]*href="([^"]*)"', html)) == {"data:,"}
    assert "default-src &#39;none&#39;" in html


def test_labels_titles_and_notes_are_escaped(results):
    bad = "</script><script>alert(1)</script>"
    results["title"] = results["illustrative"] = bad
    results["strategies"][1]["label"] = results["ledger"][0]["note"] = results["configuration"] = bad
    html = report_html(results)
    assert bad not in html and html.count("<script") == report_html({**results, "title": "plain"}).count(
        "<script"
    )


def test_an_infinite_icer_is_said_in_words_and_sorts_last(results):
    results["incremental"][1].update(icer="infinite", icer_standard_error=None)
    assert 'data-order="1e+300">infinite</td>' in report_html(results)


def test_a_link_of_the_ledger_that_is_no_web_address_is_left_out(results):
    results["ledger"][0]["url"] = "javascript:alert(1)"
    assert "javascript:alert(1)" not in re.sub(r'href="data:[^"]*"', "", report_html(results))


@pytest.mark.parametrize(
    "key", ["plane", "structure", "traces", "densities", "evsi", "evppi", "product_prices"]
)
def test_a_result_without_some_numbers_has_a_page_without_their_picture(results, key):
    results[key] = None if key == "structure" else []
    names = {"structure": "figure-structure", "traces": "figure-trace", "product_prices": "figure-prices"}
    assert f'id="{names.get(key, f"figure-{key}")}"' not in report_html(results)


def test_the_charts_hold_the_numbers_of_the_results(results):
    ceac = next(c for c in data_of(report_html(results)) if c["name"] == "ceac")["spec"]
    shown = {(row["strategy"], row["wtp"]): row["value"] for row in ceac["data"]["values"]}
    labels = {s["strategy"]: s["label"] for s in results["strategies"]}
    for row in results["acceptability"]:
        for strategy, p in row["probability"].items():
            assert shown[labels[strategy], row["wtp"]] == p


def test_a_strategy_alone_is_not_said_to_dominate(results):
    results["incremental"] = results["incremental"][:1]
    assert "the only strategy" in frontier_sentence(results)


def test_a_price_below_nothing_and_a_confidential_one_are_said_in_words(results):
    row = {
        "product": "new",
        "pack": "tube",
        "wtp": 30_000.0,
        "against": "standard care",
        "standard_error": 2.0,
    }
    results["threshold_prices"] = [
        {**row, "price": -5.0, "run_at": 9.0},
        {**row, "price": 12.5, "run_at": None},
        {**row, "price": None, "standard_error": None, "run_at": 9.0},
    ]
    no, yes, never = price_sentences(results)
    assert never == "At 30,000 GBP per QALY, New treatment would not be the best choice at any price."
    assert no == "At 30,000 GBP per QALY, New treatment would not be the best choice even at no price."
    assert yes.endswith("up to a net price of 12.50 GBP (standard error 2.00) per tube.")


def test_no_price_at_all_is_said_on_the_page_and_on_the_terminal(results, capsys):
    row = {"product": "new", "pack": "tube", "wtp": 30_000.0, "against": "standard care", "strategy": "new"}
    bare = dict.fromkeys(("price", "standard_error", "low", "high"))
    draws = {"draws_low": "-infinite", "draws_median": "-infinite", "draws_high": "-infinite"}
    results["threshold_prices"] = [{**row, **bare, **draws, "run_at": 9.0}]
    print_results(Console(width=200), results)
    Console(width=200).print(threshold_table(results["threshold_prices"], "GBP"))
    said = capsys.readouterr().out
    assert "New treatment would not be the best choice at any price" in said and "never the best" in said
    assert "at no price</td>" in report_html(results)
    assert incremental_markdown(results).endswith("would not be the best choice at any price.")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("{", "is damaged: no JSON at line 1"),
        ("[]", "is no result of a whole run"),
        ('{"name": "x"}', "lacks title"),
    ],
)
def test_a_corrupt_folder_is_one_clear_message(tmp_path, content, words):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    done = psa_engine("report", tmp_path)
    assert (done.code, len(done.err.strip().splitlines())) == (2, 1) and words in done.err


def test_results_of_another_shape_are_one_clear_message(tmp_path, results):
    results["mean_outcomes"] = [{"strategy": "x"}]
    (tmp_path / "results.json").write_text(json.dumps(results))
    done = psa_engine("report", tmp_path)
    assert done.code == 2 and "are damaged, or of another version" in done.err


def test_a_page_that_cannot_be_written_is_one_clear_message(folder, tmp_path):
    done = psa_engine("report", folder, "--out", tmp_path / "none" / "page.html")
    assert done.code == 2 and "cannot be written" in done.err
