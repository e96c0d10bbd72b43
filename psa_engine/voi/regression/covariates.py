"""The parameters of a regression: named, checked, and without those that say nothing new."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from psa_engine.errors import InputError, nearest
from psa_engine.sample import PsaSample

_DEPENDENT = 1e-8
_FEW_VALUES = 10


class Covariates(NamedTuple):
    """Parameters of interest at mean 0 and SD 1, (n_draws, d); their names; notes on the others."""

    values: np.ndarray
    names: tuple[str, ...]
    notes: tuple[str, ...]


def covariates(sample: PsaSample, of: Sequence[str]) -> Covariates:
    """Return the parameters `of` a sample, leaving out constants and linear combinations of the others.

    Raises InputError for an empty set and for a name that the sample does not have.
    """
    if isinstance(of, str):
        of = (of,)
    names = tuple(dict.fromkeys(of))
    if not names:
        raise InputError("No parameter was named: `of` needs at least one.")
    for name in names:
        if name not in sample.parameter_values:
            known = sample.parameter_values
            raise InputError(f"The sample has no parameter '{name}'.", hint=nearest(name, known))
    notes, kept, directions = [], {}, []
    for name in names:
        draws = sample.parameter_values[name]
        spread = draws.std()
        if np.ptp(draws) == 0 or spread <= 1e-13 * np.abs(draws).max():
            notes.append(f"'{name}' is constant: knowing it is worth nothing.")
            continue
        standard = (draws - draws.mean()) / spread
        new = standard.copy()
        for _ in range(2):  # twice, against rounding
            for direction in directions:
                new -= direction * (direction @ new) / len(new)
        if (left := new.std()) ** 2 < _DEPENDENT:
            notes.append(f"'{name}' is determined by {_listed(kept)}: it adds nothing.")
            continue
        directions.append(new / left)
        kept[name] = standard
        if len(values := np.unique(draws[: _FEW_VALUES * 10])) <= _FEW_VALUES and (
            len(values := np.unique(draws)) <= _FEW_VALUES
        ):
            notes.append(
                f"'{name}' takes {len(values)} distinct values: a polynomial through them is fitted."
            )
    values = np.column_stack(list(kept.values())) if kept else np.empty((sample.n_draws, 0))
    return Covariates(values, tuple(kept), tuple(notes))


def _listed(names: Sequence[str] | dict) -> str:
    return " and ".join(f"'{name}'" for name in names)
