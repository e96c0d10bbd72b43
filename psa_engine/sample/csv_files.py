"""A sample as a folder of CSV files, the form BCEA, voi and SAVI read."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.sample.parquet import json_header, refuse_separator
from psa_engine.sample.record import PsaSample
from psa_engine.sample.tables import read_table, sample_from_tables


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
    sample = sample_from_tables(costs, effects, parameters, stored.get("comparator"), None)
    if outcomes is None and not stored:
        return sample
    components: dict[str, dict[str, np.ndarray]] = {name: {} for name in stored.get("components", ())}
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
        stored.get("comparator"),
        stored.get("metadata", {}),
    )


def _write(path: Path, columns: dict[str, np.ndarray]) -> None:
    # Arrow writes the shortest text that reads back as the same float64, some 20 times faster than pandas.
    import pyarrow as pa
    from pyarrow import csv

    arrays = [pa.array(np.ascontiguousarray(values)) for values in columns.values()]
    csv.write_csv(pa.Table.from_arrays(arrays, names=list(columns)), path)


def _stored(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except ValueError as error:
        raise InputError(f"The file {path} is not the JSON that `to_csv` wrote: {error}.") from error


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
    options = csv.ConvertOptions(null_values=["", "NA", "NaN", "nan", "#N/A"])
    try:
        table = csv.read_csv(path, convert_options=options)
        names = table.column_names
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise InputError(f"The file {path} could not be read as a CSV table in UTF-8: {error}.") from error
    if any(mark in name for mark in (";", "\t") for name in names):
        raise InputError(f"The file {path} separates its columns by something else than commas: use commas.")
    # Through a list of columns, so that repeated names reach the check that refuses them.
    import pandas as pd

    columns = [_with_numbers(column.to_pandas()) for column in table.columns]
    frame = pd.concat(columns, axis=1, ignore_index=True)
    frame.columns = names
    return frame


def _with_numbers(column: Any) -> Any:
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column):
        return column
    numbers: Any = pd.to_numeric(column, errors="coerce")
    return column.astype(object).where(numbers.isna(), numbers)
