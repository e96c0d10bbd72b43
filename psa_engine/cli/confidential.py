"""Confidential discounts on the command line: laid over an analysis, and kept out of what is said."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from psa_engine.config import Analysis, read_discounts, redacted
from psa_engine.errors import InputError


def with_discounts(analysis: Analysis, path: Path | None, show: bool) -> Analysis:
    """Lay the discounts of a file, if any, over an analysis; InputError for one that cannot be used."""
    if path is None:
        return analysis
    return analysis.with_discounts(read_discounts(path), show)


def says_no_discount(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command that takes the values of discounts out of its errors, where its request has a file of them."""

    @wraps(command)
    def quiet(request: Any, *more: Any, **options: Any) -> None:
        try:
            command(request, *more, **options)
        except InputError as error:
            if request.discounts is not None:
                error.message = redacted(error.message)
                error.args = (error.message,)
            raise

    return quiet


def refuse_confidential(analysis: Analysis, name: str | None = None) -> None:
    """Refuse what gives a confidential price away: any slope, or net benefit at two values of that price."""
    hidden = {f"{kind}[{p}]" for p in analysis.confidential for kind in ("list_price", "discount")}
    if hidden and name is None:
        raise InputError(
            "Slopes of the net benefit give confidential prices away.", hint="Insist with --show-discounts."
        )
    if name in hidden:
        raise InputError(
            f"Results along '{name}' give the confidential price away.", hint="Insist with --show-discounts."
        )
