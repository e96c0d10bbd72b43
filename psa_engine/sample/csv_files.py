"""A sample as a folder of CSV files, the form BCEA, voi and SAVI read."""

from pathlib import Path
from typing import Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.plain_text import one_line, read_plain_text, refuse_large
from psa_engine.sample.header import Header, json_header, read_header, refuse_separator
from psa_engine.sample.record import PsaSample
from psa_engine.sample.tables import read_table, sample_from_tables

MAX_BYTES = 2 * 2**30
MAX_HEADER = 16 * 2**20
MAX_COLUMNS = 50_000
_FORMULA = ("=", "+", "-", "@", "\t")
_QUOTE = "'"


def write_csv(sample: PsaSample, folder: Path) -> None:
    """Write the folder: see `PsaSample.to_csv`."""
    refuse_separator(sample)
    tables = {
        "costs.csv": dict(zip(sample.strategies, sample.cost_values.T, strict=True)),
        "effects.csv": dict(zip(sample.strategies, sample.effect_values.T, strict=True)),
        "parameters.csv": dict(sample.parameter_values),
        "outcomes.csv": {
            f"{name}|{strategy}": values
            for name, by_strategy in sample.outcomes.items()
            for strategy, values in by_strategy.items()
        },
    }
    header = json_header(sample) if sample.comparator or sample.metadata else ""
    empty = [name for name, columns in tables.items() if not columns] + ([] if header else ["sample.json"])
    left = [name for name in empty if (folder / name).exists()]
    if left:
        raise InputError(
            f"The folder {folder} already holds {left[0]}, which this sample would not replace.",
            hint="Choose another folder or delete that file, so that two samples are not read as one.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for name, columns in tables.items():
        if columns:
            _write(folder / name, columns)
    if header:
        (folder / "sample.json").write_text(header, encoding="utf-8")


def read_csv(folder: Path) -> PsaSample:
    """Read the folder: see `PsaSample.from_csv`."""
    costs, effects, parameters, outcomes = (
        read_csv_table(folder / f"{name}.csv", required)
        for name, required in (("costs", True), ("effects", True), ("parameters", False), ("outcomes", False))
    )
    stored = _stored(folder / "sample.json")
    sample = sample_from_tables(costs, effects, parameters, stored.comparator, None)
    if outcomes is None and stored == Header():
        return sample
    components: dict[str, dict[str, np.ndarray]] = {name: {} for name in stored.components}
    if outcomes is not None:
        table = read_table(outcomes, "outcomes")
        for i, name in enumerate(table.names or ()):
            component, bar, strategy = name.partition("|")
            if not bar:
                raise InputError(f"The column '{name}' of outcomes.csv is not named component|strategy.")
            components.setdefault(component, {})[strategy] = table.values[:, i]
    return PsaSample(
        sample.strategies,
        sample.cost_values,
        sample.effect_values,
        sample.parameter_values,
        components,
        stored.comparator,
        stored.metadata,
    )


def _write(path: Path, columns: dict[str, np.ndarray]) -> None:
    # Arrow writes the shortest text that reads back as the same float64, some 20 times faster than pandas.
    import pyarrow as pa
    from pyarrow import csv

    arrays = [pa.array(np.ascontiguousarray(values)) for values in columns.values()]
    csv.write_csv(pa.Table.from_arrays(arrays, names=[_quoted(name) for name in columns]), path)


def _stored(path: Path) -> Header:
    if not path.exists():
        return Header()
    return read_header(
        read_plain_text(path, MAX_HEADER, "Is it the sample.json of a sample?"), f"The file {path}"
    )


def read_csv_table(path: Path, required: bool = True) -> Any:
    """Read a CSV table as a DataFrame; None where it is missing and not required.

    In a column with a cell of text the numbers stay numbers, so that it is the text that is refused later.
    """
    import pyarrow as pa
    from pyarrow import csv

    if not path.exists():
        if required:
            raise InputError(f"There is no file {path}: a sample folder needs costs.csv and effects.csv.")
        return None
    try:
        _refuse_size(path)
        table = csv.read_csv(
            path,
            # A row has to fit in a block: one of as many columns as there may be does.
            read_options=csv.ReadOptions(block_size=8 * 2**20),
            convert_options=csv.ConvertOptions(null_values=["", "NA", "NaN", "nan", "#N/A"]),
        )
        names = [_unquoted(name) for name in table.column_names]
        frame = _frame(table)
    except (pa.ArrowException, UnicodeDecodeError, OSError, OverflowError) as error:
        raise InputError(
            f"The file {path} could not be read as a CSV table in UTF-8: {one_line(str(error))[:300]}."
        ) from error
    if any(mark in name for mark in (";", "\t") for name in names):
        raise InputError(f"The file {path} separates its columns by something else than commas: use commas.")
    frame.columns = names
    return frame


def _refuse_size(path: Path) -> None:
    refuse_large(path, MAX_BYTES, "Give the sample as Parquet (PsaSample.from_parquet), or fewer draws.")
    with path.open("rb") as file:
        head = file.readline(MAX_HEADER)
    if len(head) == MAX_HEADER or head.count(b",") >= MAX_COLUMNS:
        raise InputError(
            f"The file {path} has more than {MAX_COLUMNS:,} columns, or no lines.",
            hint="A row is a draw, and a column a strategy or a parameter.",
        )


def _frame(table: Any) -> Any:
    """The table with columns numbered, so that repeated names reach the check that refuses them."""
    import pandas as pd

    columns = [column.to_pandas() for column in table.columns]
    mixed = {i: _with_numbers(c) for i, c in enumerate(columns) if not pd.api.types.is_numeric_dtype(c)}
    columns = {i: mixed.get(i, column) for i, column in enumerate(columns)}
    return pd.DataFrame(columns, copy=False)


def _with_numbers(column: Any) -> Any:
    import pandas as pd

    numbers: Any = pd.to_numeric(column, errors="coerce")
    return column.astype(object).where(numbers.isna(), numbers)


def _quoted(name: str) -> str:
    """Keep a spreadsheet from running a name as a formula."""
    return _QUOTE + name if name.startswith((*_FORMULA, _QUOTE)) else name


def _unquoted(name: str) -> str:
    return name[1:] if name.startswith(_QUOTE) and name[1:].startswith((*_FORMULA, _QUOTE)) else name
