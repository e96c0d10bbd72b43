"""A sample too large for one file or machine: Parquet parts in a folder, on any file system that fsspec knows."""

import io
import os
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError
from psa_engine.sample.parquet import write_table
from psa_engine.sample.record import PsaSample


def write_part(sample: PsaSample, folder: str, first: int) -> None:
    """Write the draws from number `first` on as one part, whole or not at all; written again, the same bytes.

    `folder` is a path, or what fsspec takes: file:///..., memory://..., s3://bucket/... Raises InputError for a
    kind of place that fsspec does not know, OSError where it cannot be written.
    """
    held = io.BytesIO()
    write_table(sample, held)
    name = f"part-{first:012}.parquet"
    if "://" not in folder:
        _write_file(Path(folder), name, held.getbuffer())
        return
    system, place = _system(folder)
    system.makedirs(place, exist_ok=True)
    if "file" in _protocols(system):
        _write_file(Path(place), name, held.getbuffer())
    else:
        system.pipe_file(f"{place}/{name}", held.getvalue())  # an object is there whole or not at all


def _write_file(folder: Path, name: str, data: memoryview) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{name}.{os.getpid()}"
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder / name)
    finally:
        part.unlink(missing_ok=True)


def _system(folder: str) -> tuple[Any, str]:
    try:
        import fsspec

        system, place = fsspec.core.url_to_fs(folder)
        return system, place
    except (ImportError, ValueError) as error:
        raise InputError(
            f"'{folder}' is no place for a sample: {error}.",
            hint="pip install psa-engine[cluster], and s3fs, gcsfs or adlfs for its kind of store.",
        ) from None


def _protocols(system: Any) -> tuple[str, ...]:
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)
