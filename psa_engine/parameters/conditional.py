"""Exact conditional draws: which independent normal scores determine some parameters, and which are left.

With the parameters of interest moved first (in each correlation block, and among a Dirichlet's sticks),
they depend on their own scores only; holding those and drawing the rest anew draws everything else
conditionally on them. Exact for independent, copula-correlated, multivariate normal and Dirichlet
parameters (Rosenblatt 1952); an Empirical set is one unit.
"""

from collections.abc import Sequence
from dataclasses import replace

from psa_engine.errors import InputError, nearest
from psa_engine.parameters.parameter_set import ParameterSet


def members(parameters: ParameterSet, of: Sequence[str]) -> tuple[str, ...]:
    """Return the parameters that names and groups stand for; raises InputError for unknown or none."""
    if isinstance(of, str):
        of = (of,)
    if not of:
        raise InputError("Name at least one parameter or group: `of` is empty.")
    found: list[str] = []
    for name in of:
        if name in parameters.names:
            found.append(name)
        elif name in parameters.groups:
            found += parameters.groups[name]
        else:
            known = [*parameters.groups, *parameters.names]
            raise InputError(f"There is no parameter or group '{name}'.", hint=nearest(name, known))
    return tuple(dict.fromkeys(found))


def conditional(parameters: ParameterSet, of: Sequence[str]) -> tuple[ParameterSet, tuple[int, ...]]:
    """Return the parameters rearranged so that `of` comes first, and the score rows that determine `of`.

    `of` holds parameter names (see `members`). Constants have no row. Raises InputError where `of`
    splits an Empirical set.
    """
    arranged = replace(parameters, first=tuple(of))
    structure = arranged.structure
    rows: list[int] = []
    for output in structure.outputs:
        named = [n for n in output.names if n in of]
        if not named:
            continue
        if output.kind == "empirical" and len(named) < len(output.names):
            left = [n for n in output.names if n not in of]
            raise InputError(
                f"'{named[0]}' belongs to rows that are kept jointly, with '{left[0]}'; their conditional "
                "distribution is not known.",
                hint="Name all of them together, or fit a distribution to the rows.",
            )
        rows += output.rows[: len(named)] if output.kind == "dirichlet" else output.rows
    return arranged, tuple(sorted(rows))
