"""Parameters read from a table beside the configuration: the same as in YAML, faults with row and column."""

import contextlib
import datetime
import re
import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psa_engine.config import check, find_config, load_analysis, read_document, read_text, table_file
from psa_engine.config.companions import companions
from psa_engine.errors import InputError

YAML = find_config("two_state").read_text(encoding="utf-8")
WITHOUT = re.sub(r"^parameters:\n(  .*\n)+", "", YAML, flags=re.MULTILINE)
HEAD = ("Name", "Distribution", "value", "mean", "se", "events", "exposure", "hazard_ratio", "CI low", "CI high",
        "unit", "label", "source", "status", "note")  # fmt: skip
ROWS = [
    ("mortality_rate", "gamma", *[None] * 3, 50, 1000, *[None] * 3, "rate per year"),
    ("hazard_ratio", "Log-normal", *[None] * 5, 0.8, 0.7, 0.914, "hazard ratio"),
    ("cost_alive", "Gamma", None, 2000, 150, *[None] * 5, "GBP per year"),
    ("utility_alive", "beta", None, 0.75, 0.03, *[None] * 5, "utility"),
    ("cost_treatment", None, 1500, *[None] * 7, "GBP per year"),
]
REST = ("What it is", None, "assumption", "Invented.")


def workbook(path, rows=ROWS, head=HEAD, sheet="Inputs", **cells):
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in (head, *((*row, *REST) for row in rows)):
        book.active.append(row)
    for address, value in cells.items():
        book.active[address] = value
    book.save(path)


def analysis(folder, table="parameters.xlsx", text=WITHOUT):
    path = folder / "mine.yaml"
    path.write_text(f"{text}parameters_from: {table}\n", encoding="utf-8")
    return load_analysis(path)


def fault(folder, table="parameters.xlsx", text=WITHOUT):
    with pytest.raises(InputError) as caught:
        check(read_text(f"{text}parameters_from: {table}\n", "mine.yaml", folder))
    return str(caught.value)


def fault_of(folder, **cells):
    """What is said of a workbook in which some cells were changed."""
    workbook(folder / "parameters.xlsx", **cells)
    return fault(folder)


def test_a_workbook_gives_the_parameters_that_yaml_gives(tmp_path):
    workbook(tmp_path / "parameters.xlsx")
    entries, expected = analysis(tmp_path).parameters.entries, load_analysis("two_state").parameters.entries
    assert dict(entries) == dict(expected)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_csv_file_gives_the_parameters_that_yaml_gives(tmp_path, mark):
    lines = [mark.join("" if cell is None else str(cell) for cell in row) for row in
             (HEAD, *((*row, *REST) for row in ROWS))]  # fmt: skip
    (tmp_path / "inputs.csv").write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    assert dict(analysis(tmp_path, "inputs.csv").parameters.entries) == dict(
        load_analysis("two_state").parameters.entries
    )


def test_words_of_the_table_are_in_the_evidence_ledger(tmp_path):
    workbook(tmp_path / "parameters.xlsx", M3="Price list", N3="verified")
    entry = analysis(tmp_path).ledger[1]
    assert (entry.name, entry.source, entry.status, entry.note) == (
        "hazard_ratio", "Price list", "verified", "Invented.",
    )  # fmt: skip


def test_a_year_in_a_column_of_words_is_a_word(tmp_path):
    workbook(tmp_path / "parameters.xlsx", M3=2021)
    assert analysis(tmp_path).ledger[1].source == "2021"


def test_the_table_and_the_file_may_each_give_parameters(tmp_path):
    workbook(tmp_path / "parameters.xlsx", ROWS[:4])
    own = YAML[YAML.index("  cost_treatment:") : YAML.index("parameter_groups:")]
    assert set(analysis(tmp_path, text=f"{WITHOUT}parameters:\n{own}").parameters.entries) == {
        r[0] for r in ROWS
    }


def test_a_parameter_given_in_both_is_refused(tmp_path):
    workbook(tmp_path / "parameters.xlsx")
    own = YAML[YAML.index("  cost_treatment:") : YAML.index("parameter_groups:")]
    message = fault(tmp_path, text=f"{WITHOUT}parameters:\n{own}")
    assert "parameters.cost_treatment" in message and "sheet 'Inputs', row 6" in message


def test_the_sheet_called_parameters_is_read_before_the_first(tmp_path):
    workbook(tmp_path / "parameters.xlsx", [])
    book = openpyxl.load_workbook(tmp_path / "parameters.xlsx")
    sheet = book.create_sheet("Parameters")
    for row in (HEAD, *((*row, *REST) for row in ROWS)):
        sheet.append(row)
    book.save(tmp_path / "parameters.xlsx")
    assert len(analysis(tmp_path).parameters.entries) == 5
    assert "a head and no rows" in fault(tmp_path, "{file: parameters.xlsx, sheet: Inputs}")


def test_an_unknown_sheet_is_named(tmp_path):
    workbook(tmp_path / "parameters.xlsx")
    message = fault(tmp_path, "{file: parameters.xlsx, sheet: Input}")
    assert message.startswith("parameters_from: ") and "Did you mean 'Inputs'?" in message


def test_a_change_in_the_table_changes_the_hash_of_the_configuration(tmp_path):
    workbook(tmp_path / "parameters.xlsx")
    before = analysis(tmp_path).config_hash
    workbook(tmp_path / "parameters.xlsx", D4=2001)
    assert analysis(tmp_path).config_hash != before


def test_a_formula_counts_as_the_value_last_calculated(tmp_path):
    """What a spreadsheet program saves; xlsxwriter can store the value as such a program does."""
    import xlsxwriter

    with xlsxwriter.Workbook(str(tmp_path / "parameters.xlsx")) as book:
        sheet = book.add_worksheet("Inputs")
        for i, row in enumerate((HEAD, *((*row, *REST) for row in ROWS))):
            sheet.write_row(i, 0, row)
        sheet.write_formula("C6", "=2*700", None, 1400)
    assert analysis(tmp_path).parameters.means()["cost_treatment"] == 1400


FAULTS = {
    "a formula never calculated": ({"D4": "=1+1"}, "row 4, column 'mean'", "formula has no value"),
    "text for a number": ({"D4": "two"}, "row 4, column 'mean'", "no number: 'two'"),
    "a decimal comma": ({"D4": "0,5"}, "row 4, column 'mean'", "decimal point"),
    "a yes for a number": ({"D4": True}, "row 4, column 'mean'", "no number: True"),
    "an unknown distribution": ({"B4": "gama"}, "row 4, column 'distribution'", "'gamma'"),
    "a distribution of several": ({"B4": "Dirichlet"}, "row 4, column 'distribution'", "in the YAML file"),
    "another distribution's number": ({"F4": 5, "B4": "normal"}, "row 4, column 'events'", "normal has no"),
    "half an interval": ({"J3": None}, "row 3, column 'ci_low'", "two ends"),
    "a value and a distribution": ({"C4": 5}, "row 4, column 'value'", "a value or a distribution"),
    "a number without a distribution": ({"B4": None, "C4": 5}, "row 4, column 'mean'", "names none"),
    "neither value nor distribution": ({"C6": None}, "row 6, column 'value'", "neither"),
    "no name": ({"A4": None}, "row 4, column 'name'", "no name"),
    "a name twice": ({"A5": "cost_alive"}, "row 5, column 'name'", "row 4"),
    "a name that cannot be": ({"A4": "cost alive"}, "row 4", "cannot be used"),
    "an impossible number": ({"D5": 1.5}, "row 5, column 'mean'", "between 0 and 1"),
    "a number outside its unit": ({"C6": -3}, "row 6, column 'value'", "at least 0"),
    "an unknown unit": ({"K5": "utilty"}, "row 5, column 'unit'", "'utility'"),
    "no unit": ({"K5": None}, "row 5", "'unit' is missing"),
    "an unknown status": ({"N5": "guess"}, "row 5, column 'status'", "gap"),
    "an interval the wrong way round": ({"I3": 0.95}, "row 3, column 'ci_low'", "below the upper"),
    "a column twice": ({"E1": "mean"}, "row 1, column 'mean'", "twice"),
    "an unknown column": ({"E1": "sde"}, "row 1, column 'sde'", "'se'"),
    "a column without a head": ({"P4": 3}, "row 4", "under no head"),
    "no names": ({"A1": None}, "row 1", "no column 'name'"),
}  # fmt: skip


@pytest.mark.parametrize("what", FAULTS)
def test_a_fault_is_said_with_the_file_the_sheet_the_row_and_the_column(tmp_path, what):
    cells, place, words = FAULTS[what]
    message = fault_of(tmp_path, **cells)
    assert f"parameters.xlsx, sheet 'Inputs', {place}" in message
    assert words in message


@pytest.mark.parametrize("name", ["parameters.xlsx", "parameters.csv"])
def test_a_table_that_is_not_there_is_named(tmp_path, name):
    assert f"parameters_from: There is no table '{name}' (mine.yaml, line" in fault(tmp_path, name)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.xlsx", b"PK\x03\x04 and no more", "not a workbook that can be read"),
        ("a.xlsx", b"", "not a workbook that can be read"),
        ("a.csv", b"name\xff\n", "UTF-8"),
        ("a.csv", b"", "is empty"),
        ("a.csv", b"name,value\n", "a head and no rows"),
        ("a.ods", b"PK", "neither"),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, name, data, words):
    (tmp_path / name).write_bytes(data)
    message = fault(tmp_path, name)
    assert words in message and "mine.yaml" in message


def test_a_sheet_of_a_csv_file_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("name\nx\n")
    assert "has no sheets" in fault(tmp_path, "{file: a.csv, sheet: x}")


@pytest.mark.parametrize("given", ["3", "{flie: a.csv}", "{file: 3}", "[a.csv]"])
def test_a_source_that_is_no_file_is_refused_by_name(tmp_path, given):
    assert fault(tmp_path, given, text=YAML).startswith("parameters_from")


def test_a_table_may_be_named_by_a_file_and_in_it_a_scenario_may_set_a_parameter(tmp_path):
    workbook(tmp_path / "parameters.xlsx")
    changed = analysis(tmp_path).with_scenario("half_price")
    assert changed.parameters.means()["cost_treatment"] == 750


def test_the_document_says_where_each_part_is(tmp_path):
    workbook(tmp_path / "parameters.xlsx")
    (tmp_path / "mine.yaml").write_text(f"{WITHOUT}parameters_from: parameters.xlsx\n", encoding="utf-8")
    places = read_document(tmp_path / "mine.yaml").places
    assert places["parameters", "cost_alive", "distribution", "gamma", "se"].endswith("row 4, column 'se'")


def test_a_stored_run_takes_the_table_with_it(tmp_path):
    workbook(tmp_path / "parameters.xlsx")
    files = companions(analysis(tmp_path).checked.document)
    assert files["parameters.xlsx"] == (tmp_path / "parameters.xlsx").read_bytes()


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        ("MAX_BYTES", "larger than 40 bytes"),
        ("MAX_UNPACKED", "unpacks to more than 40 bytes"),
        ("MAX_ROWS", "rows"),
    ],
)
def test_a_workbook_too_large_to_be_one_of_parameters_is_refused(tmp_path, monkeypatch, bound, words):
    monkeypatch.setattr(table_file, bound, 40 if bound != "MAX_ROWS" else 3)
    workbook(tmp_path / "parameters.xlsx")
    assert words in fault(tmp_path)


@pytest.mark.parametrize(("cell", "value"), [("D4", datetime.date(2020, 1, 2)), ("D4", datetime.time(1, 2))])
def test_what_a_spreadsheet_took_for_a_date_is_no_number(tmp_path, cell, value):
    assert "This is no number: a date" in fault_of(tmp_path, **{cell: value})


def test_a_value_that_came_to_an_error_is_refused(tmp_path):
    assert "The formula has no value: #REF!" in fault_of(tmp_path, D4="#REF!")


@given(st.binary(max_size=400), st.integers(0, 7_000))
@settings(max_examples=60, deadline=None)
def test_a_damaged_workbook_is_read_or_refused_and_never_crashes(noise, at):
    with tempfile.TemporaryDirectory() as folder:
        workbook(Path(folder) / "parameters.xlsx", ROWS[:1])
        data = (Path(folder) / "parameters.xlsx").read_bytes()
        (Path(folder) / "parameters.xlsx").write_bytes(data[:at] + noise + data[at + len(noise) :])
        with contextlib.suppress(InputError):
            check(read_text(f"{WITHOUT}parameters_from: parameters.xlsx\n", "mine.yaml", Path(folder)))
