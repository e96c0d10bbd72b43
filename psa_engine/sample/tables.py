"""Tables from elsewhere (R, a spreadsheet, WinBUGS) checked and turned into a `PsaSample`."""

from collections import Counter
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from psa_engine.errors import InputError
from psa_engine.sample.alignment import warn_if_parameters_explain_nothing
from psa_engine.sample.record import PsaSample


class Table(NamedTuple):
    """A checked table: names of the columns (None for a plain array), values (n, k), row labels if any."""

    names: tuple[str, ...] | None
    values: np.ndarray
    labels: Any = None


def sample_from_tables(
    costs: Any, effects: Any, parameters: Any, comparator: str | None, strategies: Sequence[str] | None
) -> PsaSample:
    """Build a `PsaSample` from tables: see `PsaSample.from_tables`."""
    cost_table, effect_table = read_table(costs, "costs"), read_table(effects, "effects")
    _refuse_other_rows(cost_table, effect_table, "effects")
    names = _strategy_names(cost_table, effect_table, strategies)
    effect_values = effect_table.values
    if effect_table.names is not None and effect_table.names != names:
        position = {name: i for i, name in enumerate(effect_table.names)}
        effect_values = effect_values[:, [position[name] for name in names]]
    parameter_values = {}
    if parameters is not None:
        table = read_table(parameters, "parameters")
        _refuse_other_rows(cost_table, table, "parameters")
        labels = table.names or tuple(f"parameter_{i + 1}" for i in range(table.values.shape[1]))
        parameter_values = {name: table.values[:, i] for i, name in enumerate(labels)}
    sample = PsaSample(names, cost_table.values, effect_values, parameter_values, comparator=comparator)
    warn_if_parameters_explain_nothing(sample)
    return sample


def read_table(table: Any, what: str) -> Table:
    """Check one table (DataFrame, dict of columns or 2-D array) and return it as float64 (n, k)."""
    if isinstance(table, Mapping):
        names, columns, labels = tuple(map(str, table)), list(table.values()), None
    elif hasattr(table, "iloc"):
        if table.ndim != 2:
            raise InputError(f"The {what} are one column where a table, one column each, was expected.")
        names = tuple(map(str, table.columns))
        columns, labels = [table.iloc[:, i] for i in range(table.shape[1])], table.index
    else:
        array = np.asarray(table)
        if array.ndim != 2:
            raise InputError(f"The {what} have {array.ndim} axes where draw x column (2 axes) was expected.")
        names, columns, labels = None, list(array.T), None
    _refuse_bad_names(names, what)
    said = names or tuple(f"column {i + 1}" for i in range(len(columns)))
    values = [_numbers(column, name, what) for column, name in zip(columns, said, strict=True)]
    if not values or not len(values[0]):
        raise InputError(f"The table of {what} is empty.")
    if len({len(column) for column in values}) > 1:
        raise InputError(f"The columns of the {what} differ in length: every draw needs a value in each.")
    return Table(names, np.array(values).T, labels)


def _refuse_bad_names(names: tuple[str, ...] | None, what: str) -> None:
    if names is None:
        return
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise InputError(f"The column '{repeated[0]}' appears twice in the {what}: give each its own name.")
    unnamed = [i for i, name in enumerate(names) if not name.strip() or name.startswith("Unnamed: ")]
    if unnamed:
        raise InputError(
            f"Column {unnamed[0] + 1} of the {what} has no name, as row numbers written by R or pandas do.",
            hint="Write the table without them (row.names = FALSE in R, index=False in pandas), or name it.",
        )


def _numbers(column: Any, name: str, what: str) -> np.ndarray:
    """Return one column as float64, refusing text, missing and infinite values by name and row."""
    import pandas as pd

    raw = np.asarray(column)
    if raw.ndim != 1:
        raise InputError(f"Column '{name}' of the {what} is not a plain list of numbers.")
    if raw.dtype.kind not in "fiub":
        raw = (raw.astype(str) if raw.dtype.kind in "mM" else raw).astype(object)
        raw = np.where(pd.isna(raw), np.nan, raw)
        for row, value in enumerate(raw):
            if not isinstance(value, Real):
                raise InputError(
                    f"Column '{name}' of the {what} holds {value!r} in row {row + 1}, which is not a number.",
                    hint="Write plain numbers: a decimal point, no thousands separator, no currency sign.",
                )
    values = raw.astype(np.float64)
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise InputError(
            f"Column '{name}' of the {what} is missing (NaN) or infinite in {len(bad)} of {len(values)} "
            f"rows, first in row {bad[0] + 1}.",
            hint="Correct the model run that left it, or leave that draw out of every table.",
        )
    return values


def _refuse_other_rows(costs: Table, other: Table, what: str) -> None:
    if len(costs.values) != len(other.values):
        raise InputError(
            f"The costs have {len(costs.values)} rows and the {what} {len(other.values)}: "
            "row i must be draw i in every table."
        )
    if costs.labels is not None and other.labels is not None and not costs.labels.equals(other.labels):
        raise InputError(
            f"The costs and the {what} have different row labels, so their rows may be different draws.",
            hint="Sort both alike, then drop the labels with reset_index(drop=True).",
        )


def _strategy_names(costs: Table, effects: Table, strategies: Sequence[str] | None) -> tuple[str, ...]:
    n_costs, n_effects = costs.values.shape[1], effects.values.shape[1]
    if n_costs != n_effects:
        raise InputError(f"The costs have {n_costs} strategies but the effects {n_effects}: give the same.")
    if n_costs == 1:
        raise InputError("The tables hold one strategy only: a decision needs at least two.")
    if costs.names and effects.names and set(costs.names) != set(effects.names):
        odd = sorted(set(costs.names) ^ set(effects.names))
        raise InputError(f"'{odd[0]}' is in only one of costs and effects: name the columns alike.")
    named = costs.names or effects.names
    given = tuple(strategies or named or (f"strategy_{i + 1}" for i in range(n_costs)))
    if len(given) != n_costs or (named and given != named):
        raise InputError(
            f"The strategies given, {list(given)}, are not the {n_costs} columns of the costs"
            + (f", {list(named)}." if named else "."),
            hint="Leave `strategies` out for tables that have names.",
        )
    return given
