"""First-order and total Sobol indices of any outcome, and the variance that learning would take away.

Pick-freeze (Sobol 1993) through independent normal scores: two nets A and B, and for each set of parameters
the net A with the scores of the set from B. First order: Saltelli et al. 2010 (table 2, equation b); total:
Jansen 1999. For correlated parameters each index is what its definition says, by exact conditional draws:
first order Var E[Y | X] / Var Y counts what X tells of the parameters it is correlated with; total
E Var[Y | all others] / Var Y counts only what nothing else tells, and may be less than first order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from psa_engine.engine.progress import Advance, progress_bar
from psa_engine.errors import InputError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.voi.outcome import Outcome, outcome_of
from psa_engine.voi.problem import Problem, Split
from psa_engine.voi.scrambles import SCRAMBLES, jackknife, leaving_one_out, sobol_scores

if TYPE_CHECKING:
    import pandas as pd

_POINTS = 600
"""Where the scrambles start."""


@dataclass(frozen=True, eq=False)
class SobolIndices:
    """Indices (n_sets,) of an outcome for sets of parameters, with standard errors.

    `expected_variance_reduction`: the part of the outcome's variance that learning a set is expected to take
    away, which is its first-order index times the variance.
    """

    outcome: str
    names: tuple[str, ...]
    first_order: np.ndarray
    first_order_error: np.ndarray
    total: np.ndarray
    total_error: np.ndarray
    mean: float
    variance: float
    expected_variance_reduction: np.ndarray
    expected_variance_reduction_error: np.ndarray
    model_runs: int
    seconds: float

    @property
    def table(self) -> "pd.DataFrame":
        """The indices, a row for each set, the largest total first."""
        import pandas as pd

        columns = (
            "first_order", "first_order_error", "total", "total_error", "expected_variance_reduction",
            "expected_variance_reduction_error",
        )  # fmt: skip
        table = pd.DataFrame({c: getattr(self, c) for c in columns}, index=pd.Index(self.names, name="of"))
        return table.sort_values("total", ascending=False, kind="stable")


def sobol_indices(
    model: Model | Problem,
    parameters: ParameterSet | None = None,
    *,
    of: Sequence[str] | None = None,
    outcome: str = "net_benefit",
    strategy: str | None = None,
    comparator: str | None = None,
    wtp: float | None = None,
    n_points: int = 512,
    seed: int = 0,
    progress: bool = False,
) -> SobolIndices:
    """Return Sobol indices of an outcome of `strategy` (less that of `comparator`, where one is named).

    `of`: parameters and groups, each a set of its own; by default every uncertain parameter. `outcome`:
    "net_benefit" (at `wtp`), "costs", "effects" or a component such as "life_years". With two strategies
    and none named, the second less the first. Each net has `n_points` points, a power of two, in 16
    scrambles, between which the errors are. Raises InputError for unknown names and a WTP missing or not
    above 0.
    """
    started = perf_counter()
    problem = model if isinstance(model, Problem) else _problem(model, parameters)
    if n_points < 16 or n_points & (n_points - 1):
        raise InputError(f"n_points must be a power of two from 16, and is {n_points}.")
    target = outcome_of(problem, outcome, strategy, comparator, wtp)
    names = problem.parameters.uncertain if of is None else ((of,) if isinstance(of, str) else tuple(of))
    if not names:
        raise InputError("Name at least one parameter or group: `of` is empty.")
    members = [problem.members((name,)) for name in names]
    with progress_bar(SCRAMBLES * n_points * (2 + len(names)), "model runs", progress) as advance:
        design = _Design(problem, target, n_points, seed, advance)
        sums = np.stack([design.explained(m) for m in members], 1)
    parts, variances = leaving_one_out(sums), leaving_one_out(design.variances)[:, None, None]
    ratios = np.divide(parts, variances, out=np.zeros_like(parts), where=variances > 0)
    index, error = jackknife(ratios[0], ratios[1:])
    reduction, its_error = jackknife(parts[0], parts[1:])
    return SobolIndices(
        outcome=target.label,
        names=names,
        first_order=index[:, 0],
        first_order_error=error[:, 0],
        total=index[:, 1],
        total_error=error[:, 1],
        mean=design.mean,
        variance=float(design.variances.mean()),
        expected_variance_reduction=reduction[:, 0],
        expected_variance_reduction_error=its_error[:, 0],
        model_runs=target.runs,
        seconds=perf_counter() - started,
    )


def _problem(model: Model, parameters: ParameterSet | None) -> Problem:
    if parameters is None:
        raise InputError("A model needs its parameters: sobol_indices(model, parameters, ...).")
    return Problem(model, parameters)


class _Design:
    """The nets A and B of every scramble, side by side, and what is computed on them."""

    def __init__(self, problem: Problem, target: Outcome, n_points: int, seed: int, advance: Advance):
        self.problem, self.target, self.advance = problem, target, advance
        n_scores = len(problem.parameters.structure.scores)
        names = tuple(f"score {i}" for i in range(2 * n_scores))
        both = np.hstack([sobol_scores(names, seed, _POINTS + r, 0, n_points) for r in range(SCRAMBLES)])
        self.a, self.b = both[:n_scores], both[n_scores:]
        self.at_a, self.at_b = self._run(problem.parameters, self.a), self._run(problem.parameters, self.b)
        self.mean = float((self.at_a.mean() + self.at_b.mean()) / 2)
        squares = (self.at_a - self.mean) ** 2 + (self.at_b - self.mean) ** 2
        self.variances = self._per_scramble(squares) / 2

    def explained(self, members: Sequence[str]) -> np.ndarray:
        """Return Var E[Y | members] and E Var[Y | all others], (n_scrambles, 2)."""
        varying = [n for n in members if n in self.problem.parameters.uncertain]
        if not varying:
            return np.zeros((SCRAMBLES, 2))
        others = [n for n in self.problem.parameters.uncertain if n not in varying]
        split, rest = self.problem.split(varying), self.problem.split(others) if others else None
        moved = self._with_b(split, split.outer_rows)
        at_a, at_b = self._at_both(split)
        first = (at_b - self.mean) * (moved - at_a)
        if rest is None or (self._as_drawn(split) and self._as_drawn(rest)):
            change = moved - at_a
        else:
            inner = [i for i in range(len(self.a)) if i not in rest.outer_rows]
            change = self._with_b(rest, inner) - self._at_both(rest)[0] if inner else 0.0 * at_a
        return np.stack([self._per_scramble(first), self._per_scramble(change**2) / 2], 1)

    def _at_both(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Return the outcome at A and B, scores read as the split arranges them."""
        if self._as_drawn(split):
            return self.at_a, self.at_b
        return self._run(split.parameters, self.a), self._run(split.parameters, self.b)

    def _with_b(self, split: Split, rows: Sequence[int]) -> np.ndarray:
        """Return the outcome at A with some rows of B."""
        z = self.a.copy()
        z[list(rows)] = self.b[list(rows)]
        return self._run(split.parameters, z)

    def _as_drawn(self, split: Split) -> bool:
        """Whether a split leaves the meaning of every score as it is."""
        given = self.problem.parameters
        if split.parameters.structure != given.structure:
            return False
        factors = zip(split.parameters.inputs()["factors"], given.inputs()["factors"], strict=True)
        return all(np.array_equal(new, old) for new, old in factors)

    def _run(self, parameters: ParameterSet, z: np.ndarray) -> np.ndarray:
        self.advance(z.shape[1])
        return self.target.values(parameters, z)

    @staticmethod
    def _per_scramble(values: np.ndarray) -> np.ndarray:
        return values.reshape(SCRAMBLES, -1).mean(1)
