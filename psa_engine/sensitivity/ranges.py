"""The range over which a parameter is varied, and what else moves with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from psa_engine.errors import InputError, nearest
from psa_engine.parameters import ParameterSet


@dataclass(frozen=True)
class Range:
    """What one bar of a tornado varies: parameters moved together from their low to their high ends."""

    name: str
    ends: Mapping[str, tuple[float, float]]
    kind: str = "named range"


def intervals(parameters: ParameterSet, level: float = 0.95) -> list[Range]:
    """Return the central interval of every uncertain parameter's marginal distribution."""
    kind = f"{100 * level:g} % interval"
    found = []
    for key, given in parameters.entries.items():
        for name in getattr(given, "names", (key,)):
            if name in parameters.uncertain:
                joint = hasattr(given, "names")
                ends = given.marginal_interval(name, level) if joint else given.interval(level)
                found.append(Range(name, {name: ends}, kind))
    return found


def named_range(name: str, ends: Mapping[str, Sequence[float]], parameters: ParameterSet) -> Range:
    """Return a range that was asked for; InputError for an unknown parameter or ends that are not low, high."""
    for parameter, pair in ends.items():
        if parameter not in parameters.names:
            raise InputError(
                f"The range '{name}' names the parameter '{parameter}'.",
                hint=nearest(parameter, parameters.names),
            )
        if len(pair) != 2 or not np.isfinite(pair).all() or not pair[0] < pair[1]:
            raise InputError(
                f"The range of '{parameter}' is {list(pair)}; it needs a low and a higher high end."
            )
    return Range(name, {k: (float(v[0]), float(v[1])) for k, v in ends.items()})


def correlated_with(parameters: ParameterSet, name: str) -> tuple[str, ...]:
    """Return the parameters that are correlated with one and stay at their means while it alone is varied."""
    block = next((b for b in parameters.blocks if name in b.parameters), None)
    if block is None:
        return ()
    row = block.matrix[block.parameters.index(name)]
    return tuple(
        other for other, rho in zip(block.parameters, row, strict=True) if other != name and rho != 0
    )


def setting(parameters: ParameterSet, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters that change when some are set, arrays of one length: these, and their Dirichlet's rest.

    The rest of a Dirichlet keeps its proportions and shares what is left, which is its conditional mean.
    InputError where two proportions of one Dirichlet are set, since they do not say what is left.
    """
    out = dict(changes)
    means = parameters.means()
    for key, given in parameters.entries.items():
        members = getattr(given, "names", ()) if type(given).__name__ == "Dirichlet" else ()
        inside = [name for name in members if name in changes]
        if len(inside) > 1:
            raise InputError(
                f"'{inside[0]}' and '{inside[1]}' are proportions of '{key}' that sum to one with the others.",
                hint="Vary one of them; the others share what is left.",
            )
        for name in inside:
            left = 1 - np.asarray(changes[name], float)
            if np.any(left < 0) or np.any(left > 1):
                raise InputError(f"'{name}' is a proportion of '{key}' and must stay between 0 and 1.")
            out |= {m: means[m] * left / (1 - means[name]) for m in members if m != name}
    return out
