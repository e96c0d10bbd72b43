"""A sample as one wide Parquet table: exact, compact, read in a second."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.memory import memory_bytes
from psa_engine.plain_text import one_line
from psa_engine.sample.header import json_header, read_header, refuse_separator
from psa_engine.sample.record import PsaSample

_KEY = b"psa_engine"
_KINDS = ("costs", "effects", "parameters", "outcomes")
_COPIES = 3
"""How many times the numbers of a file are held while it is read."""


def write_parquet(sample: PsaSample, path: Path) -> None:
    """Write the table: see `PsaSample.to_parquet`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(sample, path)


def write_table(sample: PsaSample, where: Any) -> None:
    """Write the table to a path or an open file."""
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
    # Draws hardly repeat, so a dictionary and statistics of them cost time and save nothing; split into
    # streams of bytes, their exponents compress.
    parquet.write_table(
        table,
        where,
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
        # One plain file: read_table would take a folder for a data set, and columns from the names of folders.
        with parquet.ParquetFile(path) as file:
            schema = file.schema_arrow
            _refuse_what_memory_cannot_hold(path, file.metadata.num_rows, len(schema))
            kinds = _columns(file.read(_wanted(path, schema)))
    except (pa.ArrowException, OSError, MemoryError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"The file {path} is not a Parquet table: {one_line(str(error))[:200]}.") from error
    strategies = tuple(kinds["costs"])
    if not strategies or set(strategies) != set(kinds["effects"]):
        raise InputError(
            f"The file {path} is not a PSA sample: it needs columns 'costs|NAME' and 'effects|NAME' "
            "for every strategy."
        )
    header = read_header((schema.metadata or {}).get(_KEY, b"{}"), f"The metadata of {path}")
    components: dict[str, dict[str, np.ndarray]] = {name: {} for name in header.components}
    for name, values in kinds["outcomes"].items():
        component, _, strategy = name.partition("|")
        components.setdefault(component, {})[strategy] = values
    return PsaSample(
        strategies,
        np.column_stack([kinds["costs"][name] for name in strategies]),
        np.column_stack([kinds["effects"][name] for name in strategies]),
        kinds["parameters"],
        components,
        header.comparator,
        header.metadata,
    )


def _refuse_what_memory_cannot_hold(path: Path, n_rows: int, n_columns: int) -> None:
    """A file of a kilobyte can declare any number of rows."""
    have, needed = memory_bytes(), 8.0 * _COPIES * n_rows * n_columns
    if have and needed > have:
        raise InputError(
            f"The file {path} declares {n_rows:,} rows of {n_columns:,} columns, which take about "
            f"{needed / 2**30:,.0f} GiB to read, and this machine has {have / 2**30:,.0f} GiB.",
            hint="Write fewer draws or columns to it.",
        )


def _wanted(path: Path, schema: Any) -> list[str]:
    """The names of the columns of a sample; InputError where one is there twice or holds no numbers."""
    import pyarrow as pa

    wanted = [name for name in schema.names if name.partition("|")[0] in _KINDS and name.partition("|")[2]]
    repeated = [name for name, times in Counter(wanted).items() if times > 1]
    if repeated:
        raise InputError(f"The column '{repeated[0]}' appears twice in {path}: give each its own name.")
    for name in wanted:
        kind = schema.field(name).type
        if not any(
            is_kind(kind) for is_kind in (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal)
        ):
            raise InputError(f"The column '{name}' of {path} holds {kind} where numbers are needed.")
    return wanted


def _columns(table: Any) -> dict[str, dict[str, np.ndarray]]:
    """Kind -> name -> values; a missing value is NaN."""
    kinds: dict[str, dict[str, np.ndarray]] = {kind: {} for kind in _KINDS}
    for column in table.column_names:
        kind, _, name = column.partition("|")
        kinds[kind][name] = table.column(column).cast("float64", safe=False).to_numpy()
    return kinds
