"""A result folder read back, checked before anything is made of it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psa_engine.errors import InputError

NEEDED = (
    "name", "title", "illustrative", "applied", "currency", "conventions", "run", "wtp", "strategies", "evidence",
    "base_case", "mean_outcomes", "incremental", "decision", "acceptability", "threshold_prices", "evppi", "ledger",
)  # fmt: skip


def read_results(folder: Path) -> dict[str, Any]:
    """Return the results of a folder that `run` wrote; InputError where there are none, or not whole ones."""
    path, hint = folder / "results.json", "Name a folder that `psa-engine run` wrote."
    try:
        results = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise InputError(f"'{path}' cannot be read: {why}.", hint=hint) from None
    except (ValueError, RecursionError) as error:
        where = f" at line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise InputError(f"'{path}' is damaged: no JSON{where}.", hint="Run it again.") from None
    missing = [k for k in NEEDED if k not in results] if isinstance(results, dict) else list(NEEDED)
    if missing:
        raise InputError(
            f"'{path}' lacks {', '.join(missing[:4])}: it is no result of a whole run.", hint=hint
        )
    return results


def write_page(path: Path, html: str) -> None:
    """Write a page; InputError where the folder cannot be written."""
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise InputError(f"'{path}' cannot be written: {error.strerror or error}.") from None


@contextmanager
def reading(path: object) -> Iterator[None]:
    """Turn what goes wrong with results of another shape into one InputError that names the folder."""
    try:
        yield
    except InputError:
        raise
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise InputError(
            f"The results in '{path}' are damaged, or of another version: {error!r}.", hint="Run it again."
        ) from error
