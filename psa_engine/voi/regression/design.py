"""What a regression of any kind is made of: columns that are functions of the parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from psa_engine.errors import InputError

ROWS_PER_COLUMN = 10
"""Draws that each column of a basis needs."""
MOST_KEPT = 4_000_000
"""Numbers of all columns that are kept rather than made again for each use."""


@dataclass(frozen=True, eq=False)
class Design:
    """A basis: `columns(x)` turns parameters (n, d) into (n, n_columns).

    The first `n_free` columns (the constant is the very first) are not penalised; the others are scaled so
    that the penalty is the sum of their squared coefficients.
    """

    columns: Callable[[np.ndarray], np.ndarray]
    n_columns: int
    n_free: int
    method: str


class Columns:
    """The columns of a design at parameters `x` (n, d), by rows: kept where they take little memory."""

    def __init__(self, design: Design, x: np.ndarray):
        self.design, self.x = design, x
        self._kept = design.columns(x) if len(x) * design.n_columns <= MOST_KEPT else None

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self.design.columns(self.x[rows]) if self._kept is None else self._kept[rows]


def refuse_too_few_draws(n_columns: int, n_draws: int, what: str, remedy: str) -> None:
    """Refuse a basis with fewer than 10 draws a column: its fit would follow the noise."""
    if n_columns * ROWS_PER_COLUMN > n_draws:
        raise InputError(
            f"{what} needs {n_columns} columns, so at least {n_columns * ROWS_PER_COLUMN:,} draws, "
            f"and the sample has {n_draws:,}.",
            hint=remedy,
        )
