"""What the columns of a stored sample cannot say, as JSON: comparator, names of components, metadata."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from psa_engine.errors import InputError
from psa_engine.sample.record import PsaSample


class Header(NamedTuple):
    """The comparator, the names of the components in their order, and the metadata of a sample."""

    comparator: str | None = None
    components: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}  # noqa: RUF012


def json_header(sample: PsaSample) -> str:
    """Return the header of a sample as JSON; InputError for metadata that JSON cannot hold."""
    header = {"comparator": sample.comparator, "components": sample.outcome_names}
    header["metadata"] = dict(sample.metadata)
    try:
        return json.dumps(header, default=_plain)
    except (TypeError, ValueError) as error:
        raise InputError(f"The metadata of the sample cannot be written as JSON: {error}.") from error


def read_header(text: str | bytes, origin: str) -> Header:
    """Read what `json_header` wrote; InputError, naming the `origin`, for anything else."""
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{origin} is not the JSON that a sample is stored with: {error}.") from None
    stored = stored if isinstance(stored, dict) else {"": stored}
    given = Header(
        stored.get("comparator"), tuple(_listed(stored.get("components"))), stored.get("metadata") or {}
    )
    fits = (
        not set(stored) - set(Header._fields)
        and isinstance(given.comparator, str | None)
        and all(isinstance(name, str) for name in given.components)
        and isinstance(given.metadata, dict)
    )
    if not fits:
        raise InputError(
            f"{origin} is not the JSON that a sample is stored with.",
            hint="It holds comparator, components and metadata, and no more.",
        )
    return given


def refuse_separator(sample: PsaSample) -> None:
    """Refuse outcome names with a bar, which separates outcome and strategy in the names of columns."""
    barred = [name for name in sample.outcomes if "|" in name]
    if barred:
        raise InputError(f"The outcome name '{barred[0]}' holds '|', which separates columns: rename it.")


def _listed(value: Any) -> Any:
    return () if value is None else value if isinstance(value, list) else (None,)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{value!r} is a {type(value).__name__}")
