"""Names and folders made to harm: results stay in their folder, and nothing acts on a terminal."""

import csv

import openpyxl
import pytest
from command_line import psa_engine

from psa_engine.cli.demand import in_words
from psa_engine.config import find_config
from psa_engine.errors import InputError
from psa_engine.report.files import default_folder, writable_folder

TWO_STATE = find_config("two_state").read_text(encoding="utf-8")
FORMULA, SCRIPT = "=1+cmd|x", "<script>alert(1)</script>"
MARKUP = "[/red] [link=x]here"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in, with a file beside it that nothing may touch."""
    (tmp_path / "here").mkdir()
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "results.json").write_text("mine")
    monkeypatch.chdir(tmp_path / "here")
    yield tmp_path / "here"
    assert (tmp_path / "precious" / "results.json").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["here", "precious"]


def run(config="two_state", *more):
    return psa_engine("run", config, "--draws", 10, *more)


@pytest.mark.parametrize("name", ["../x", "/x", "..", "a/b", "a\\b", ".x", "~", "x\ny", ""])
def test_a_name_that_is_a_path_is_refused(here, name):
    (here / "bad.yaml").write_text(TWO_STATE.replace("name: two_state", f"name: {name!r}"))
    done = run("bad.yaml")
    assert done.code == 2 and "name" in done.err and not (here / "results").exists()


def test_a_scenario_whose_name_is_a_path_writes_below_results(here):
    (here / "bad.yaml").write_text(TWO_STATE.replace("  half_price:", '  "a/../../../precious":'))
    assert run("bad.yaml", "--scenario", "a/../../../precious").code == 0
    assert [p.name for p in (here / "results").iterdir()] == ["two_state-a_.._.._.._precious"]


@pytest.mark.parametrize("name", ["con", "NUL", "lpt1"])
def test_the_name_of_a_windows_device_is_no_folder(name):
    assert default_folder(name).name == f"{name}_"


def test_a_folder_name_has_letters_digits_dots_and_dashes_only():
    assert default_folder("x", 'a:b*c?"<>|/\\').name == "x-a_b_c_"


def test_a_run_does_not_write_through_a_linked_result_folder(here):
    (here / "results").mkdir()
    (here / "results" / "two_state").symlink_to(here.parent / "precious", target_is_directory=True)
    done = run()
    assert done.code == 2 and "is a link to" in done.err and "--out" in done.err


def test_a_run_does_not_write_through_linked_results(here):
    (here / "results").symlink_to(here.parent / "precious", target_is_directory=True)
    assert run().code == 2


@pytest.mark.parametrize("name", ["results.json", "tables", "tables/ceac.csv", ".writable", "sample.parquet"])
def test_a_run_does_not_write_through_a_link_in_its_folder(here, name):
    link = here / "out" / name
    link.parent.mkdir(parents=True)
    link.symlink_to(here.parent / "precious" / ("" if name == "tables" else "results.json"))
    done = run("two_state", "--out", "out")
    assert done.code == 2 and f"'out/{name}' is a link" in done.err


def test_a_folder_given_by_hand_may_be_a_link(here):
    (here / "real").mkdir()
    (here / "link").symlink_to(here / "real", target_is_directory=True)
    assert writable_folder(here / "link") == here / "link"


def test_labels_that_look_like_markup_are_printed_as_they_are(here):
    text = TWO_STATE.replace("label: New treatment", f"label: '{MARKUP}'")
    text = text.replace("title: New", f"title: '{MARKUP}'\ndescription_: New").replace("description_: ", "#")
    (here / "odd.yaml").write_text(text)
    for done in (run("odd.yaml", "--out", "[/x]"), psa_engine("check", "odd.yaml")):
        assert done.code == 0 and MARKUP in done.out, done.err


@pytest.fixture
def written(here):
    """The result folder of a run whose labels a browser or a spreadsheet would run."""
    text = TWO_STATE.replace("label: New treatment", f"label: '{FORMULA}'")
    text = text.replace("label: Standard care", f"label: '{SCRIPT}'").replace(
        "title: New", f"title: {SCRIPT} New"
    )
    text = text.replace("label: Cost of care while alive", f"label: '{FORMULA}'")
    (here / "odd.yaml").write_text(text)
    assert run("odd.yaml", "--out", "out", "--excel", "out.xlsx").code == 0
    return here


def test_a_label_is_text_wherever_it_is_written(written):
    page = (written / "out" / "report.html").read_text(encoding="utf-8")
    assert SCRIPT.lower() not in page.lower() and "&lt;script&gt;" in page
    tables = {
        path.name: path.read_text(encoding="utf-8") for path in (written / "out" / "tables").glob("*.csv")
    }
    assert any(FORMULA in text for text in tables.values())
    for text in tables.values():
        assert not [row for row in csv.reader(text.splitlines()) for cell in row if cell.startswith("=")]
    for sheet in openpyxl.load_workbook(written / "out.xlsx"):
        assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_a_message_stands_on_one_line_and_holds_no_control_characters(here):
    done = psa_engine("run", "two_\x1b[2J\nstate")
    assert done.code == 2 and done.err.count("\n") == 1 and "\x1b" not in done.err and r"\x1b" in done.err


def test_a_refused_number_of_draws_comes_with_memory_and_time(here, monkeypatch):
    monkeypatch.setattr("psa_engine.cli.demand.seconds_a_draw", lambda analysis, device: 36e-6)
    done = run("two_state", "--draws", 10**9)
    assert done.code == 2 and "GiB of memory" in done.err and "about 10 hours" in done.err


def test_the_time_of_a_draw_is_measured(here):
    assert "they would take about" in run("two_state", "--draws", 10**9).err


def test_force_lets_a_large_run_start(here, monkeypatch):
    monkeypatch.setattr("psa_engine.cli.demand.memory_bytes", lambda: 1_000)
    assert run().code == 2
    assert run("two_state", "--force").code == 0


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "3 seconds"), (119, "119 seconds"), (600, "10 minutes"), (1e6, "12 days")]
)
def test_a_duration_is_told_in_the_unit_that_fits(seconds, words):
    assert in_words(seconds) == words


def test_a_folder_that_cannot_be_made_is_refused(here):
    (here / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        writable_folder(here / "file" / "below")
