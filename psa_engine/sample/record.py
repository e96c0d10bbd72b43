"""`PsaSample`: costs and effects of every strategy in every draw, with the parameters that produced them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.errors import InputError, nearest
from psa_engine.plain_text import UNPRINTABLE

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class PsaSample:
    """A probabilistic sensitivity analysis: draw x strategy costs and effects, draw x parameter inputs.

    `cost_values` and `effect_values` are (n_draws, n_strategies); every parameter is (n_draws,); `outcomes`
    maps a component name to strategy -> (n_draws,), where a missing strategy means structurally zero.
    Components named "costs.<category>[.<product>]" add up to the costs and "effects.<name>" to the effects;
    any other is an outcome of its own; all are discounted unless prefixed "undiscounted.". Arrays are held
    as read-only float64. Raises InputError on shapes that disagree, repeated names and values not finite.
    """

    strategies: tuple[str, ...]
    cost_values: np.ndarray
    effect_values: np.ndarray
    parameter_values: Mapping[str, np.ndarray] = field(default_factory=dict)
    outcomes: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    comparator: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        strategies = tuple(self.strategies)
        repeated = sorted(name for name, times in Counter(strategies).items() if times > 1)
        if repeated:
            raise InputError(f"The strategy name '{repeated[0]}' appears more than once: give each its own.")
        if self.comparator is not None and self.comparator not in strategies:
            raise InputError(
                f"The comparator '{self.comparator}' is not a strategy of this sample.",
                hint=nearest(self.comparator, strategies),
            )
        for name in (*strategies, *self.parameter_values, *self.outcomes):
            if UNPRINTABLE.search(name):
                raise InputError(f"The name {name!a} holds a character that cannot be printed: rename it.")
        n_draws = len(self.cost_values)
        if not strategies or not n_draws:
            raise InputError(f"A sample needs a strategy and a draw, got {len(strategies)} and {n_draws}.")
        table, column = (n_draws, len(strategies)), (n_draws,)
        held = {
            "strategies": strategies,
            "cost_values": _finite(_held(self.cost_values, "the costs", table), "the costs"),
            "effect_values": _finite(_held(self.effect_values, "the effects", table), "the effects"),
            "parameter_values": {
                name: _finite(_held(values, f"parameter '{name}'", column), f"parameter '{name}'")
                for name, values in self.parameter_values.items()
            },
            "outcomes": {
                name: _held_component(name, by_strategy, strategies, column)
                for name, by_strategy in self.outcomes.items()
            },
            "metadata": dict(self.metadata),
        }
        for name, value in held.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        shown = ", ".join(self.strategies[:6]) + (", ..." if len(self.strategies) > 6 else "")
        return (
            f"PsaSample({self.n_draws:,} draws, {len(self.strategies)} strategies ({shown}), "
            f"{len(self.parameter_values)} parameters, {len(self.outcomes)} outcomes)"
        )

    @property
    def n_draws(self) -> int:
        """Number of draws."""
        return len(self.cost_values)

    @property
    def costs(self) -> "pd.DataFrame":
        """Costs, draw x strategy, in the currency of the model."""
        return _frame(self.cost_values, self.strategies)

    @property
    def effects(self) -> "pd.DataFrame":
        """Effects, draw x strategy, in the model's unit of effect (QALYs as a rule)."""
        return _frame(self.effect_values, self.strategies)

    @property
    def parameters(self) -> "pd.DataFrame":
        """Parameter draws, draw x parameter."""
        import pandas as pd

        return pd.DataFrame(dict(self.parameter_values), index=pd.RangeIndex(self.n_draws, name="draw"))

    @property
    def outcome_names(self) -> tuple[str, ...]:
        """Names of the components and further outcomes."""
        return tuple(self.outcomes)

    def outcome(self, name: str) -> "pd.DataFrame":
        """Return one outcome, draw x strategy, zeros where a strategy has none.

        A leading part of dotted names is the sum of what is below it: "costs.drug" of all drugs,
        "undiscounted.costs" of all undiscounted costs. "costs" and "effects" are the totals.
        Raises InputError on an unknown name.
        """
        if name in ("costs", "effects") and name not in self.outcomes:
            return getattr(self, name)
        below = [other for other in self.outcomes if other.startswith(f"{name}.") and name != "undiscounted"]
        members = [name] if name in self.outcomes else below
        if not members:
            known = [*self.outcomes, "costs", "effects"]
            raise InputError(f"The sample has no outcome '{name}'.", hint=nearest(name, known))
        total = np.zeros((self.n_draws, len(self.strategies)))
        for member in members:
            for strategy, values in self.outcomes[member].items():
                total[:, self.strategies.index(strategy)] += values
        return _frame(total, self.strategies)

    @classmethod
    def from_tables(
        cls,
        costs: Any,
        effects: Any,
        parameters: Any = None,
        comparator: str | None = None,
        strategies: Sequence[str] | None = None,
    ) -> "PsaSample":
        """Build a sample from draw x strategy tables: DataFrames, 2-D arrays or dicts of columns.

        Named effects are put in the order of the costs; `strategies` names the columns of plain arrays.
        Raises InputError where the tables disagree in rows, row labels or columns, repeat a name, hold one
        strategy only, or hold text, missing or infinite values. Warns where the parameters explain neither
        costs nor effects, the sign of rows in another order.
        """
        from psa_engine.sample.tables import sample_from_tables

        return sample_from_tables(costs, effects, parameters, comparator, strategies)

    def to_csv(self, folder: str | Path) -> None:
        """Write costs.csv, effects.csv, parameters.csv (wide, a header of names) as BCEA, voi, SAVI read.

        Components go to outcomes.csv ("component|strategy"), comparator and metadata to sample.json, each
        only if there is any. Numbers keep all their digits. Raises InputError where the folder holds a file
        of another sample that would be read with this one.
        """
        from psa_engine.sample.csv_files import write_csv

        write_csv(self, Path(folder))

    @classmethod
    def from_csv(cls, folder: str | Path) -> "PsaSample":
        """Read a folder written by `to_csv`, R or a spreadsheet: costs.csv, effects.csv, others if there.

        Raises InputError as `from_tables` does.
        """
        from psa_engine.sample.csv_files import read_csv

        return read_csv(Path(folder))

    def to_parquet(self, path: str | Path) -> None:
        """Write one wide Parquet table ("costs|<strategy>", ...): exact float64, metadata in the schema."""
        from psa_engine.sample.parquet import write_parquet

        write_parquet(self, Path(path))

    @classmethod
    def from_parquet(cls, path: str | Path) -> "PsaSample":
        """Read a table written by `to_parquet`; raises InputError on any other kind of file."""
        from psa_engine.sample.parquet import read_parquet

        return read_parquet(Path(path))


def _held(values: Any, what: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return a read-only float64 view of the values, refusing another shape."""
    # A strategy's draws lie side by side (Fortran order): sums over them are fast, exact to the last digits
    # and the same whatever the layout of the array given.
    array = np.asarray(values, dtype=np.float64, order="F").view()
    if array.shape != shape:
        raise InputError(f"The shape of {what} is {array.shape}, where {shape} (draws first) was expected.")
    array.flags.writeable = False
    return array


def _held_component(name: str, by_strategy: Mapping, strategies: tuple[str, ...], shape: tuple) -> dict:
    unknown = [strategy for strategy in by_strategy if strategy not in strategies]
    if unknown:
        hint = nearest(unknown[0], strategies)
        raise InputError(f"Outcome '{name}' is given for '{unknown[0]}', which is not a strategy.", hint=hint)
    held = {}
    for key, values in by_strategy.items():
        what = f"outcome '{name}' of '{key}'"
        held[key] = _finite(_held(values, what, shape), what)
    return held


def _finite(array: np.ndarray, what: str) -> np.ndarray:
    with np.errstate(all="ignore"):
        if np.isfinite(array.sum()) or np.isfinite(array).all():
            return array
    draws = np.unique(np.nonzero(~np.isfinite(array))[0])
    raise InputError(
        f"The values of {what} are missing (NaN) or infinite in {len(draws)} of {len(array)} draws, first in "
        f"draw {draws[0]}: correct what produced them, or leave those draws out."
    )


def _frame(values: np.ndarray, columns: tuple[str, ...]) -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame(values, columns=list(columns), index=pd.RangeIndex(len(values), name="draw"))
