"""Rows written to a Parquet file as they come."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from psa_engine.errors import InputError

BATCH = 2_000
"""Rows of a row group: enough to compress, few enough to lose little."""


class ParquetRows:
    """A Parquet file that rows are added to; all have the columns of the first. Closed, it can be read.

    The file grows under a name of its own and takes its place when closed, also after an interruption, with the rows
    that were finished. InputError where it cannot be written.
    """

    def __init__(self, path: Path):
        self.path, self.count = path, 0
        self._part = path.with_name(f".{path.name}.part")
        self._held: list[Mapping[str, Any]] = []
        self._writer: Any = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._part.write_bytes(b"")
        except OSError as error:
            raise InputError(
                f"The file '{path}' cannot be written: {error.strerror}.", hint="Give another with --out."
            ) from None

    def __enter__(self) -> "ParquetRows":
        return self

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add rows; they reach the disk in batches."""
        self._held += rows
        self.count += len(rows)
        if len(self._held) >= BATCH:
            self._write()

    def _write(self) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        if not self._held:
            return
        schema = self._writer.schema if self._writer else None
        table = pa.Table.from_pylist(list(self._held), schema=schema)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._part, table.schema, compression="zstd")
        self._writer.write_table(table)
        self._held = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write()
        if self._writer is None:
            self._part.unlink(missing_ok=True)
            return
        self._writer.close()
        self._part.replace(self.path)
