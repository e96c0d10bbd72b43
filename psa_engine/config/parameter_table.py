"""Parameters in a table beside the configuration (`parameters_from`), one a row, as the field keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, time
from inspect import signature
from pathlib import Path
from typing import Any

from psa_engine.config.document import Document, YamlPath
from psa_engine.config.fields import PLAIN_NUMBER
from psa_engine.config.table_file import NotCalculated, TableFile, read_table_file
from psa_engine.distributions.parse import DISTRIBUTIONS
from psa_engine.distributions.univariate import Univariate
from psa_engine.errors import InputError, nearest

KEY = "parameters_from"
FAMILIES = {
    name: tuple(signature(kind).parameters)
    for name, kind in DISTRIBUTIONS.items()
    if issubclass(kind, Univariate) and name != "fixed"
}
"""The distributions that fit in a row, with their keywords."""

INTERVAL = ("ci_low", "ci_high")
WORDS = ("unit", "label", "source", "url", "status", "note")
NUMBERS = (
    "value",
    *dict.fromkeys(keyword for keywords in FAMILIES.values() for keyword in keywords if keyword != "ci"),
    *INTERVAL,
)
COLUMNS = ("name", "distribution", *NUMBERS, *WORDS)
"""The columns a table may have, in any order; only name is needed in each row."""


@dataclass(frozen=True)
class Tabled:
    """The parameters of a table as YAML would hold them, and where in the table each of their parts is."""

    parameters: dict[str, dict[str, Any]]
    places: dict[YamlPath, str]


def with_tabled_parameters(document: Document) -> Document:
    """Return the document with the parameters of the table that its `parameters_from` names, if it names one.

    InputError for a table that cannot be read, and for a parameter that both the table and the document give.
    """
    given = document.content.get(KEY)
    source = {"file": given} if isinstance(given, str) else given
    if not isinstance(source, Mapping) or not isinstance(source.get("file"), str):
        return document  # absent, or for the schema to refuse
    sheet, own = source.get("sheet"), document.content.get("parameters", {})
    try:
        tabled = read_parameter_table(
            document.folder / source["file"], sheet if isinstance(sheet, str) else None
        )
    except InputError as error:
        raise document.error((KEY,), error.message, error.hint) from None
    if not isinstance(own, Mapping):
        return document
    for name in own:
        if name in tabled.parameters:
            other = tabled.places["parameters", name]
            raise document.error(("parameters", name), f"'{name}' is also in {other}", "Give it once.")
    content = {**document.content, "parameters": {**tabled.parameters, **own}}
    return replace(document, content=content, places=tabled.places)


def read_parameter_table(path: Path, sheet: str | None = None) -> Tabled:
    """Read a table with one parameter a row under a head of COLUMNS; see `read_table_file` for the kinds of file.

    InputError, with file, sheet, row and column, for what cannot be a parameter.
    """
    table = read_table_file(path, sheet)
    if not table.rows:
        raise InputError(
            f"The table {table.origin} is empty.", hint=f"Its columns: {', '.join(COLUMNS[:6])}, ..."
        )
    (head_row, head), *rows = table.rows.items()
    columns = _columns(table, head_row, head)
    tabled = Tabled({}, {})
    for number, cells in rows:
        row = _Row(table, number, _by_column(table, number, columns, cells))
        name = row.name()
        if name in tabled.parameters:
            first = tabled.places["parameters", name]
            raise row.error("name", f"The parameter '{name}' is given twice, first in {first}", "Remove one.")
        tabled.parameters[name] = row.parameter()
        tabled.places.update({("parameters", name, *path): place for path, place in row.places().items()})
    if not tabled.parameters:
        raise InputError(f"The table {table.origin} has a head and no rows.")
    return tabled


def _columns(table: TableFile, number: int, head: list[Any]) -> list[str | None]:
    """The names of the columns, as 'CI low' for ci_low."""
    names: list[str | None] = []
    for cell in head:
        name = "_".join(str(cell).lower().split()) if cell is not None else None
        if name is not None and name not in COLUMNS:
            raise table.error(
                number, str(cell), "This is not a column of a table of parameters", nearest(name, COLUMNS)
            )
        if name is not None and name in names:
            raise table.error(number, name, "This column is there twice", "Remove one.")
        names.append(name)
    if "name" not in names:
        raise table.error(number, None, "The first row has no column 'name'", "It names the columns.")
    return names


def _by_column(table: TableFile, number: int, columns: list[str | None], cells: list[Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for j, cell in enumerate(cells):
        column = columns[j] if j < len(columns) else None
        if cell is None:
            continue
        if column is None:
            raise table.error(
                number, None, f"{cell!r} stands under no head", "Name its column, or clear the cell."
            )
        if isinstance(cell, NotCalculated):
            hint = "Open the workbook in a spreadsheet program, see to the formula, and save it."
            raise table.error(number, column, f"The formula has no value: {cell.text}", hint)
        row[column] = cell
    return row


@dataclass(frozen=True)
class _Row:
    """A row that is not empty: the number it has in the table, and its filled cells by column."""

    table: TableFile
    number: int
    cells: dict[str, Any]

    def error(self, column: str | None, message: str, hint: str | None = None) -> InputError:
        return self.table.error(self.number, column, message, hint)

    def name(self) -> str:
        if "name" not in self.cells:
            raise self.error("name", "This row has no name", "Name the parameter, or clear the row.")
        return str(self.cells["name"])

    def family(self) -> str | None:
        """The distribution, as 'Log-normal' for log_normal; None for a value without one."""
        if "distribution" not in self.cells:
            return None
        given = self.cells["distribution"]
        family = str(given).lower().replace("-", " ").replace(" ", "_")
        if family in ("fixed", "none"):
            return None
        if family in DISTRIBUTIONS and family not in FAMILIES:
            raise self.error("distribution", f"'{given}' does not fit in a row", "Write it in the YAML file.")
        if family not in FAMILIES:
            raise self.error("distribution", f"'{given}' is not a distribution", nearest(family, FAMILIES))
        return family

    def parameter(self) -> dict[str, Any]:
        words = {column: _text(self.cells[column]) for column in WORDS if column in self.cells}
        numbers = {column: self._number(column) for column in NUMBERS if column in self.cells}
        family = self.family()
        if family is None:
            return {"value": self._value(numbers), **words}
        if "value" in numbers:
            raise self.error(
                "value", "A row has a value or a distribution", "A mean belongs in the column 'mean'."
            )
        for column in numbers:
            if column not in (*FAMILIES[family], *INTERVAL):
                raise self.error(column, f"{family} has no '{column}'", nearest(column, FAMILIES[family]))
        return {"distribution": {family: self._with_interval(numbers)}, **words}

    def _value(self, numbers: dict[str, float]) -> float:
        if "value" not in numbers:
            raise self.error("value", "This row has neither a value nor a distribution", "Give one of them.")
        if len(numbers) > 1:
            other = next(column for column in numbers if column != "value")
            raise self.error(
                other, "A number of a distribution, and the row names none", "Name the distribution."
            )
        return numbers["value"]

    def _with_interval(self, numbers: dict[str, float]) -> dict[str, Any]:
        ends = [numbers.pop(end) for end in INTERVAL if end in numbers]
        if len(ends) == 1:
            raise self.error(INTERVAL[0], "An interval has two ends", "Give ci_low and ci_high.")
        return {**numbers, "ci": ends} if ends else dict(numbers)

    def _number(self, column: str) -> float:
        cell = self.cells[column]
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return float(cell)
        if isinstance(cell, str) and PLAIN_NUMBER.fullmatch(
            cell
        ):  # numbers of a CSV file, or formatted as text
            return float(cell)
        shown = "a date" if isinstance(cell, date | time) else repr(cell)
        hint = "Write numbers with a decimal point and nothing else: 0.3, 1200, 1e5."
        raise self.error(column, f"This is no number: {shown}", hint)

    def places(self) -> dict[YamlPath, str]:
        """Where the row is, and each part of its parameter."""
        at, family = self.table.place, self.family()
        found: dict[YamlPath, str] = {(): at(self.number)}
        found |= {(column,): at(self.number, column) for column in self.cells}
        if family is not None:
            found |= {("distribution", family, c): at(self.number, c) for c in self.cells if c in NUMBERS}
            found["distribution", family, "ci"] = at(self.number, INTERVAL[0])
        return found


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
