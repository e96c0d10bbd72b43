"""A result as a spreadsheet workbook: notes, every table on a sheet of its own, the evidence; nothing is computed."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError

Row = Mapping[str, Any]
WIDEST = 60
"""Characters of the widest column; longer text wraps."""

_LONGEST_TEXT, _LONGEST_NAME = 32_767, 31
_PROBABILITIES = ("ceac",)
_CLOSED = "It may be open in another program; close it, or give another with --excel."


def writable_workbook(path: Path) -> Path:
    """Make the folder of a workbook and try opening the file, before anything is run; InputError where it fails."""
    if path.suffix.lower() != ".xlsx":
        raise InputError(f"A workbook is a file that ends in .xlsx, and '{path}' does not.")
    existed = path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise _cannot(path, error) from None
    return path


def write_workbook(path: Path, notes: Row, tables: Mapping[str, Sequence[Row]]) -> None:
    """Write a sheet of `notes` (label to text or number) and one sheet for each table that has rows.

    Text is written as text whatever it begins with, and numbers in full, whatever format shows them.
    Raises InputError where the file cannot be written.
    """
    from xlsxwriter import Workbook
    from xlsxwriter.exceptions import FileCreateError

    book = Workbook(str(path))
    formats = _Formats(book)
    _write_notes(book.add_worksheet("notes"), notes, formats)
    for name, rows in tables.items():
        if rows:
            _write_table(book.add_worksheet(name[:_LONGEST_NAME]), name, rows, formats)
    try:
        book.close()
    except (FileCreateError, OSError) as error:
        raise _cannot(path, error) from None


def notes_of(results: Row) -> dict[str, Any]:
    """Return what a workbook says of how a run was made: warning, conventions, settings, versions."""
    run = results["run"]
    return {
        "title": results["title"],
        "illustrative": results["illustrative"],
        "changed": "; ".join(results["applied"]),
        "currency": results["currency"],
        **{f"evidence, {status}": n for status, n in results["evidence"].items()},
        **_flat(results["conventions"]),
        **_flat({key: value for key, value in run.items() if key not in ("versions", "seconds")}),
        "seconds": run["seconds"]["total"],
        **{f"version of {name}": version for name, version in run["versions"].items()},
        "configuration": results["name"],
        "SHA-256 of the configuration": results["config_hash"],
    }


class _Formats:
    """The cell formats of a workbook, each made once."""

    def __init__(self, book: Any):
        self.book, self.made = book, {}

    def __call__(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format({"valign": "top", **properties})
        return self.made[key]


def _write_notes(sheet: Any, notes: Row, formats: _Formats) -> None:
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 100)
    shown = {label: value for label, value in notes.items() if value not in ("", None)}
    for i, (label, value) in enumerate(shown.items()):
        bold = {"bold": True} if label == "illustrative" else {}
        sheet.write_string(i, 0, label, formats(bold=True))
        _write(sheet, i, 1, value, formats(text_wrap=True, align="left", **bold))


def _write_table(sheet: Any, name: str, rows: Sequence[Row], formats: _Formats) -> None:
    columns = list(dict.fromkeys(key for row in rows for key in row))
    for j, column in enumerate(columns):
        values = [row.get(column) for row in rows]
        numeric = any(_is_number(value) for value in values)
        wide = max(len(column), *(len(_shown(value)) for value in values)) + 2
        sheet.set_column(j, j, min(max(wide, 8), WIDEST))
        sheet.write_string(
            0, j, column, formats(bold=True, bottom=1, text_wrap=True, align="right" if numeric else "left")
        )
        look = (
            formats(num_format=_number_format(name, column, values)) if numeric else formats(text_wrap=True)
        )
        for i, value in enumerate(values, 1):
            _write(sheet, i, j, value, look)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(rows), len(columns) - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _write(sheet: Any, i: int, j: int, value: Any, look: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        sheet.write_boolean(i, j, value, look)
    elif _is_number(value):
        sheet.write_number(i, j, value, look)
    else:
        sheet.write_string(i, j, _plain(value)[:_LONGEST_TEXT], look)


def _number_format(table: str, column: str, values: Sequence[Any]) -> str:
    if "probability" in column or (table in _PROBABILITIES and column != "wtp"):
        return "0.0%"
    largest = max(abs(value) for value in values if _is_number(value))
    if largest >= 100:
        return "#,##0"
    return "0.000" if largest >= 0.1 else "0.00000"


def _flat(section: Row) -> dict[str, Any]:
    return {key.replace("_", " "): value for key, value in section.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    """Text as wide as a cell looks."""
    if value is None:
        return ""
    return f"{value:,.3f}" if _is_number(value) else _plain(value)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _cannot(path: Path, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or getattr(error.args[0], "strerror", None) or error
    return InputError(f"The workbook '{path}' cannot be written: {reason}.", hint=_CLOSED)
