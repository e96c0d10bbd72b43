"""The workbook of a run: the numbers of results.json, formatted, and nothing in it that runs."""

import json
from types import SimpleNamespace

import pytest
from command_line import psa_engine
from openpyxl import load_workbook

from psa_engine.errors import InputError
from psa_engine.report.files import csv_tables
from psa_engine.report.workbook import writable_workbook, write_workbook


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    done = psa_engine(
        "run",
        "two_state",
        "--draws",
        100,
        "--wtp",
        20_000,
        "--out",
        folder,
        "--excel",
        folder / "new" / "r.xlsx",
    )
    assert done.code == 0, done.err
    results = json.loads((folder / "results.json").read_text())
    return SimpleNamespace(**vars(done), results=results, book=load_workbook(folder / "new" / "r.xlsx"))


def rows_of(sheet):
    head, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


def as_a_cell(value):
    """What a workbook, which keeps 16 digits, holds of a value."""
    return pytest.approx(value, rel=1e-15) if isinstance(value, float) else (value if value != "" else None)


def written(tmp_path, *rows):
    write_workbook(tmp_path / "t.xlsx", {"title": "x"}, {"table": rows})
    return load_workbook(tmp_path / "t.xlsx")["table"]


def test_every_table_of_the_run_has_a_sheet_with_its_numbers(ran):
    tables = {name: rows for name, rows in csv_tables(ran.results).items() if rows}
    assert ran.book.sheetnames == ["notes", *tables]
    for name, rows in tables.items():
        for shown, row in zip(rows_of(ran.book[name]), rows, strict=True):
            for key, value in row.items():
                assert shown[key] == as_a_cell(value), (name, key)


def test_the_notes_say_that_results_are_illustrative_and_how_they_were_made(ran):
    notes = dict(ran.book["notes"].iter_rows(values_only=True))
    assert notes["illustrative"] == ran.results["illustrative"]
    assert (notes["n draws"], notes["seed"], notes["cycle correction"]) == (100, 1, "half_cycle")
    assert notes["version of jax"] and notes["SHA-256 of the configuration"] == ran.results["config_hash"]


def test_the_run_says_where_the_workbook_is(ran):
    assert "r.xlsx" in " ".join(ran.out.split())


@pytest.mark.parametrize(
    ("sheet", "column", "look"),
    [
        ("mean_outcomes", "costs", "#,##0"),
        ("mean_outcomes", "effects", "0.000"),
        ("ceac", "new", "0.0%"),
        ("ceac", "wtp", "#,##0"),
        ("net_benefit", "probability_cost_effective", "0.0%"),
    ],
)
def test_numbers_are_shown_as_money_health_or_probability(ran, sheet, column, look):
    cells = {cell.value: ran.book[sheet].cell(2, cell.column) for cell in ran.book[sheet][1]}
    assert cells[column].number_format == look


def test_the_head_and_first_column_stay_in_view_and_columns_fit(ran):
    sheet = ran.book["evidence"]
    assert sheet.freeze_panes == "B2" and sheet["A1"].font.bold
    assert len("mortality_rate") < sheet.column_dimensions["A"].width <= 60


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "https://example.org", "{=1}", "1e5"])
def test_text_stays_text_whatever_it_begins_with(tmp_path, text):
    cell = written(tmp_path, {"note": text})["A2"]
    assert cell.value == text and cell.data_type == "s" and cell.hyperlink is None


def test_a_head_that_looks_like_a_formula_stays_text(tmp_path):
    assert written(tmp_path, {"=cmd|x": 1.0})["A1"].data_type == "s"


def test_text_longer_than_a_cell_holds_is_cut(tmp_path):
    assert len(written(tmp_path, {"note": "x" * 40_000})["A2"].value) == 32_767


def test_what_is_not_known_is_an_empty_cell(tmp_path):
    sheet = written(tmp_path, {"icer": None, "n": 3}, {"icer": 1.5})
    assert (sheet["A2"].value, sheet["A3"].value, sheet["B3"].value) == (None, 1.5, None)


def test_a_file_of_another_kind_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"ends in \.xlsx"):
        writable_workbook(tmp_path / "results.csv")


def test_a_workbook_that_cannot_be_written_is_refused_before_the_run(tmp_path):
    (tmp_path / "file").write_text("")
    done = psa_engine("run", "two_state", "--out", tmp_path / "out", "--excel", tmp_path / "file" / "r.xlsx")
    assert done.code == 2 and "cannot be written" in done.err and done.err.count("\n") == 1


def test_trying_a_workbook_leaves_nothing_behind(tmp_path):
    writable_workbook(tmp_path / "r.xlsx")
    assert not list(tmp_path.iterdir())
