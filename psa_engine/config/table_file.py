"""A table in a CSV file or a spreadsheet as rows of cells, each row with its number, for messages."""

import csv
import warnings
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError, nearest

MAX_BYTES = 20_000_000
MAX_UNPACKED = 200_000_000
MAX_ROWS = 10_000
PREFERRED_SHEET = "parameters"

Cells = list[Any]
_WORKBOOKS = (".xlsx", ".xlsm")


@dataclass(frozen=True)
class TableFile:
    """A table: `rows` maps the number of a row (from 1, as spreadsheets count) to its cells, empty ones None.

    `origin` names file and sheet in messages.
    """

    origin: str
    rows: dict[int, Cells]

    def error(self, row: int, column: str | None, message: str, hint: str | None = None) -> InputError:
        """Return an InputError that names the file, the sheet, the row and the column."""
        return InputError(f"{message} ({self.place(row, column)}).", hint=hint)

    def place(self, row: int, column: str | None = None) -> str:
        """Return where a cell or a row is, in words."""
        return f"{self.origin}, row {row}" + (f", column '{column}'" if column else "")


@dataclass(frozen=True)
class NotCalculated:
    """A cell with a formula whose value was never stored, or that came to an error such as #REF!."""

    text: str


def read_table_file(path: Path, sheet: str | None = None) -> TableFile:
    """Read a .csv or .xlsx file; without `sheet` the sheet called parameters, or else the first.

    A formula counts as the value last calculated. InputError for a file that is missing, too large or of
    another kind, and for an unknown sheet.
    """
    if not path.is_file():
        raise InputError(
            f"There is no table '{path.name}'.", hint="Its path is relative to the configuration file."
        )
    if path.suffix.lower() not in (".csv", *_WORKBOOKS):
        raise InputError(f"A table is a .csv or an .xlsx file, and '{path.name}' is neither.")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"The table '{path.name}' is larger than {MAX_BYTES:,} bytes.")
        return _read_workbook(path, sheet) if path.suffix.lower() in _WORKBOOKS else _read_csv(path, sheet)
    except OSError as error:
        raise InputError(f"The table '{path.name}' cannot be read: {error.strerror or error}.") from None


def _read_csv(path: Path, sheet: str | None) -> TableFile:
    if sheet is not None:
        raise InputError(f"'{path.name}' is a CSV file and has no sheets.", hint="Leave sheet out.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(
            f"The table '{path.name}' is not text in UTF-8.", hint="Save it as CSV UTF-8."
        ) from None
    head = text.partition("\n")[0]
    mark = max(",;\t", key=head.count)
    try:
        records = [
            [cell.strip() or None for cell in row]
            for row in csv.reader(text.splitlines(True), delimiter=mark)
        ]
    except csv.Error as error:
        raise InputError(f"The table '{path.name}' cannot be read as CSV: {error}.") from None
    return TableFile(path.name, _numbered(records, path.name))


def _read_workbook(path: Path, sheet: str | None) -> TableFile:
    data = path.read_bytes()
    try:
        with zipfile.ZipFile(BytesIO(data)) as package:
            if sum(part.file_size for part in package.infolist()) > MAX_UNPACKED:
                raise InputError(f"The workbook '{path.name}' unpacks to more than {MAX_UNPACKED:,} bytes.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts that are not read, as data validation
            name, rows = _sheet(data, path.name, sheet)
    except (InputError, OSError):
        raise
    except Exception as error:  # of a damaged file openpyxl raises nearly anything
        raise InputError(
            f"'{path.name}' is not a workbook that can be read: {error}.", hint="Save it again as .xlsx."
        ) from None
    return TableFile(f"{path.name}, sheet '{name}'", rows)


def _sheet(data: bytes, file: str, sheet: str | None) -> tuple[str, dict[int, Cells]]:
    from openpyxl import load_workbook

    # From memory: of a file that it cannot read openpyxl leaves the handle open.
    books = [load_workbook(BytesIO(data), read_only=True, data_only=stored) for stored in (False, True)]
    try:
        names = [s.title for s in books[0].worksheets]
        preferred = [name for name in names if name.strip().lower() == PREFERRED_SHEET]
        name = sheet or (preferred or names)[0]
        if name not in names:
            raise InputError(f"'{file}' has no sheet '{name}'.", hint=nearest(name, names))
        return name, _numbered(_cells(*(book[name] for book in books)), file)
    finally:
        for book in books:
            book.close()


def _cells(written: Any, stored: Any) -> Iterator[Cells]:
    """Rows of values, with the formulas that have none told apart from empty cells."""
    for sheet in (written, stored):
        sheet.reset_dimensions()  # what some programs write there is wrong
    for row, values in zip(written.iter_rows(), stored.iter_rows(values_only=True), strict=True):
        yield [_cell(cell, value) for cell, value in zip(row, values, strict=True)]


def _cell(written: Any, stored: Any) -> Any:
    is_error = isinstance(stored, str) and stored.startswith("#") and written.data_type in "ef"
    if is_error or (written.data_type == "f" and stored is None):
        return NotCalculated(str(stored or written.value))
    if isinstance(stored, str):
        return stored.strip() or None
    return stored


def _numbered(rows: Iterable[Cells], file: str) -> dict[int, Cells]:
    """The rows that are not empty, by number."""
    kept: dict[int, Cells] = {}
    for number, row in enumerate(rows, 1):
        if any(cell is not None for cell in row):
            kept[number] = row
        if len(kept) > MAX_ROWS:
            raise InputError(f"The table '{file}' has more than {MAX_ROWS:,} rows.")
    return kept
