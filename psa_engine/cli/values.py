"""Ranges and grids of parameter values as written on the command line, checked against the configuration."""

from collections.abc import Iterable
from typing import Any

from psa_engine.config import UNITS, Analysis
from psa_engine.errors import InputError, nearest

MOST = 100_000
"""Values of one grid."""


def split(text: str, option: str) -> tuple[str, str]:
    """Return (name, values) of `name=values`; InputError for anything else."""
    name, equals, values = (part.strip() for part in text.partition("="))
    if not (name and equals and values):
        raise InputError(f"'{text}' is not of the form name=values.", path=option, hint="Write cost=100:200.")
    return name, values


def low_high(text: str, option: str) -> tuple[str, tuple[float, float]]:
    """Read `name=low:high`; InputError where these are no two numbers, the second higher."""
    name, values = split(text, option)
    ends = [number(x, option) for x in values.split(":")]
    if len(ends) != 2 or not ends[0] < ends[1]:
        raise InputError(
            f"'{values}' is no range of '{name}'.", path=option, hint="Write low:high, as 0.2:0.4."
        )
    return name, (ends[0], ends[1])


def grid(values: str, option: str) -> list[float]:
    """Read `low:high:n` (n evenly spaced values) or `a,b,c`, each once; InputError for an empty grid or too large."""
    if ":" not in values:
        return list(dict.fromkeys(number(x, option) for x in values.split(",")))
    parts = values.split(":")
    n = number(parts[2], option) if len(parts) == 3 else 0.0
    if len(parts) != 3 or not n.is_integer() or not 2 <= n <= MOST:
        raise InputError(
            f"'{values}' is no grid.",
            path=option,
            hint="Write low:high:n with n from 2 up, or values as a,b,c.",
        )
    import numpy as np

    low, high = (number(x, option) for x in parts[:2])
    return list(dict.fromkeys(np.linspace(low, high, int(n)).tolist()))


def number(text: str, option: str) -> float:
    """Read a finite number; InputError for anything else."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < float("inf"):
        raise InputError(f"'{text}' is not a number.", path=option, hint="Write 0.3, 1200 or 1e5.")
    return value


def known_values(analysis: Analysis, name: str, values: Iterable[float], option: str) -> None:
    """Raise InputError unless a name is a parameter's and the values lie within its unit's range."""
    units: dict[str, Any] = {entry.name: UNITS[entry.unit] for entry in analysis.ledger}
    if name not in units:
        raise InputError(f"There is no parameter '{name}'.", path=option, hint=nearest(name, units))
    for value in values:
        if not units[name].holds(value):
            raise InputError(
                f"'{name}' cannot be {value:g}: it must be {units[name].range_text}.",
                path=option,
                hint=units[name].advice or None,
            )
