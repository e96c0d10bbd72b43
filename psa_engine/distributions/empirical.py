"""Rows kept together: a posterior sample, CODA output or bootstrap replicates."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from psa_engine.distributions.joint import Joint, checked_names
from psa_engine.distributions.published import score_of
from psa_engine.errors import InputError, nearest
from psa_engine.plain_text import read_plain_text

MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Empirical(Joint):
    """Equally likely rows of named parameters (n_rows, k), drawn whole so that their dependence is kept.

    One score: the row is floor(Phi(z) * n_rows).
    """

    names: tuple[str, ...]
    rows: np.ndarray

    def __init__(self, names: Sequence[str], rows: Sequence[Sequence[float]] | np.ndarray):
        names = checked_names("Empirical", names)
        try:
            rows = np.array(rows, dtype=float)
        except (TypeError, ValueError):
            raise InputError("Empirical: rows must be a table of numbers with equally long rows.") from None
        if rows.ndim != 2 or rows.shape[1] != len(names) or rows.shape[0] < 2:
            raise InputError(
                f"Empirical: rows must be a table of at least 2 rows and {len(names)} columns, got shape"
                f" {rows.shape}."
            )
        bad = np.argwhere(~np.isfinite(rows))
        if len(bad):
            raise InputError(
                f"Empirical: row {bad[0][0] + 1} of '{names[bad[0][1]]}' is not a finite number."
            )
        rows.flags.writeable = False
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "rows", rows)

    @classmethod
    def from_csv(cls, path: str | Path, names: Sequence[str] | None = None) -> "Empirical":
        """Read a CSV file with a header row; `names` picks columns (default: all with a header).

        Refuses a missing or too large file, a missing column, and text in a chosen column.
        """
        if not Path(path).is_file():
            raise InputError(f"Empirical: there is no file {path}.")
        text = read_plain_text(Path(path), MAX_BYTES, "Keep fewer rows, or only the columns needed.")
        try:
            header, *lines = [line for line in csv.reader(io.StringIO(text, newline="")) if line] or [[]]
        except csv.Error as error:
            raise InputError(f"Empirical: {path} cannot be read as CSV: {error}.") from None
        chosen = checked_names("Empirical", [name for name in header if name] if names is None else names)
        position = {name: i for i, name in reversed(list(enumerate(header)))}
        for name in chosen:
            if name not in position:
                raise InputError(f"Empirical: {path} has no column '{name}'.", hint=nearest(name, header))
        columns = [position[name] for name in chosen]
        return cls(
            chosen, [_numbers(path, i, line, columns, header) for i, line in enumerate(lines, start=1)]
        )

    @property
    def n_scores(self) -> int:
        """One score picks the row."""
        return 1

    @property
    def mean(self) -> dict[str, float]:
        """The mean of every column."""
        return dict(zip(self.names, self.rows.mean(axis=0).tolist(), strict=True))

    @property
    def sd(self) -> dict[str, float]:
        """The standard deviation of every column, of the rows as the whole distribution (divisor n_rows)."""
        return dict(zip(self.names, self.rows.std(axis=0).tolist(), strict=True))

    def marginal_interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the central interval of one column, from its inverted distribution function."""
        column = self.rows[:, self._position(name)]
        score_of(level)
        low, high = np.quantile(column, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
        return float(low), float(high)

    def row_of(self, z) -> np.ndarray:
        """Return the row index, 0-based, at normal scores z (any shape)."""
        from scipy.special import ndtr

        n_rows = len(self.rows)
        return np.minimum((ndtr(np.asarray(z, dtype=float)) * n_rows).astype(int), n_rows - 1)

    def quantile(self, z) -> dict[str, np.ndarray]:
        """Return whole rows at scores z (1, n)."""
        drawn = self.rows[self.row_of(self._scores(z)[0])]
        return {name: drawn[:, i] for i, name in enumerate(self.names)}

    def __repr__(self) -> str:
        return f"Empirical({len(self.rows)} rows of {', '.join(self.names)})"


def _numbers(path, row, line, columns, header):
    if len(line) != len(header):
        raise InputError(f"Empirical: row {row} of {path} has {len(line)} entries, the header {len(header)}.")
    try:
        return [float(line[column]) for column in columns]
    except ValueError:
        raise InputError(
            f"Empirical: row {row} of {path} holds text where a number is needed: {str(line)[:200]}."
        ) from None
