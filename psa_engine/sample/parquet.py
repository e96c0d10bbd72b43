"""A sample as one wide Parquet table: exact, compact, read in a second."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.sample.record import PsaSample

_KEY = b"psa_engine"


def write_parquet(sample: PsaSample, path: Path) -> None:
    """Write the table: see `PsaSample.to_parquet`."""
    import pyarrow as pa
    from pyarrow import parquet

    refuse_separator(sample)
    columns = {f"costs|{name}": sample.cost_values[:, i] for i, name in enumerate(sample.strategies)}
    columns |= {f"effects|{name}": sample.effect_values[:, i] for i, name in enumerate(sample.strategies)}
    columns |= {f"parameters|{name}": values for name, values in sample.parameter_values.items()}
    for name, by_strategy in sample.outcomes.items():
        columns |= {f"outcomes|{name}|{strategy}": values for strategy, values in by_strategy.items()}
    arrays = [pa.array(np.ascontiguousarray(values)) for values in columns.values()]
    table = pa.Table.from_arrays(arrays, names=list(columns))
    table = table.replace_schema_metadata({_KEY: json_header(sample).encode()})
    path.parent.mkdir(parents=True, exist_ok=True)
    # Draws hardly repeat, so a dictionary and statistics of them cost time and save nothing; split into
    # streams of bytes, their exponents compress.
    parquet.write_table(
        table,
        path,
        use_dictionary=False,
        write_statistics=False,
        compression="zstd",
        compression_level=1,
        use_byte_stream_split=True,
    )


def read_parquet(path: Path) -> PsaSample:
    """Read the table: see `PsaSample.from_parquet`."""
    import pyarrow as pa
    from pyarrow import parquet

    if not path.exists():
        raise InputError(f"There is no file {path}.")
    try:
        table = parquet.read_table(path)
    except pa.ArrowInvalid as error:
        raise InputError(f"The file {path} is not a Parquet table: {error}.") from error
    kinds: dict[str, dict[str, Any]] = {"costs": {}, "effects": {}, "parameters": {}, "outcomes": {}}
    for column in table.column_names:
        kind, _, name = column.partition("|")
        if kind in kinds and name:
            kinds[kind][name] = np.asarray(table.column(column).to_numpy(), dtype=np.float64)
    strategies = tuple(kinds["costs"])
    if not strategies or set(strategies) != set(kinds["effects"]):
        raise InputError(
            f"The file {path} is not a PSA sample: it needs columns 'costs|NAME' and 'effects|NAME' "
            "for every strategy."
        )
    header = json.loads((table.schema.metadata or {}).get(_KEY, b"{}"))
    components: dict[str, dict[str, np.ndarray]] = {name: {} for name in header.get("components", ())}
    for name, values in kinds["outcomes"].items():
        component, _, strategy = name.partition("|")
        components.setdefault(component, {})[strategy] = values
    return PsaSample(
        strategies,
        np.column_stack([kinds["costs"][name] for name in strategies]),
        np.column_stack([kinds["effects"][name] for name in strategies]),
        kinds["parameters"],
        components,
        header.get("comparator"),
        header.get("metadata", {}),
    )


def json_header(sample: PsaSample) -> str:
    """Return what the columns cannot say, as JSON: comparator, component names in order, metadata."""
    header = {"comparator": sample.comparator, "components": sample.outcome_names}
    header["metadata"] = dict(sample.metadata)
    try:
        return json.dumps(header, default=_plain)
    except TypeError as error:
        raise InputError(f"The metadata of the sample cannot be written as JSON: {error}.") from error


def refuse_separator(sample: PsaSample) -> None:
    """Refuse outcome names with a bar, which separates outcome and strategy in the names of columns."""
    barred = [name for name in sample.outcomes if "|" in name]
    if barred:
        raise InputError(f"The outcome name '{barred[0]}' holds '|', which separates columns: rename it.")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} is a {type(value).__name__}")
