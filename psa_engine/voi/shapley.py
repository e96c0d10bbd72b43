"""The EVPPI of every subset of groups, and each group's fair share of the EVPPI of all (Shapley 1953)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import factorial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.voi.evppi import checked_wtp
from psa_engine.voi.pilot_fit import PilotFit, ScoreRuns, fit_pilot, increments
from psa_engine.voi.problem import Problem
from psa_engine.voi.scrambles import SCRAMBLES, sobol_scores, widening
from psa_engine.voi.surrogate import LEAST_R2

if TYPE_CHECKING:
    import pandas as pd

MOST_GROUPS = 12
_POINTS = 400
"""Where the scrambles start."""


@dataclass(frozen=True, eq=False)
class ShapleyEffects:
    """EVPPI of every subset of `groups`, and Shapley effects that add up to the EVPPI of all, per WTP.

    `effects`, `standard_errors` (n_groups, n_wtp); `subsets`: tuple of groups -> EVPPI (n_wtp,), and their
    `subset_errors`. All are read off one surrogate: the errors leave out that of the fit, which `r2` tells.
    """

    groups: tuple[str, ...]
    wtp: np.ndarray
    effects: np.ndarray
    standard_errors: np.ndarray
    subsets: Mapping[tuple[str, ...], np.ndarray]
    subset_errors: Mapping[tuple[str, ...], np.ndarray]
    r2: np.ndarray
    model_runs: int
    seconds: float

    @property
    def table(self) -> "pd.DataFrame":
        """The effects: one row a group and WTP."""
        import pandas as pd

        index = pd.MultiIndex.from_product([self.groups, self.wtp], names=["group", "wtp"])
        columns = {"effect": self.effects.ravel(), "standard_error": self.standard_errors.ravel()}
        return pd.DataFrame(columns, index=index)


def shapley_effects(
    model: Model | Problem,
    parameters: ParameterSet | None = None,
    *,
    groups: Sequence[str],
    wtp: float | Sequence[float],
    seed: int = 0,
    n_points: int | None = None,
) -> ShapleyEffects:
    """Return the EVPPI of every subset of up to 12 groups (or single parameters), and their Shapley effects.

    One surrogate is fitted to a pilot, and the maxima of its conditional means are averaged over 16
    scrambles of `n_points` (by default 1024, fewer beyond six groups). Raises InputError for overlapping
    groups, more than 12, groups that split a Dirichlet or Empirical set, and a surrogate that explains less
    than .9 of the differences between strategies.
    """
    started = perf_counter()
    values = checked_wtp(wtp)
    n = n_points or 2 ** int(np.clip(16 - len(groups), 6, 10))
    problem = model if isinstance(model, Problem) else _problem(model, parameters)
    names = tuple(groups)
    players = _players(problem, names)
    split = problem.split(problem.parameters.uncertain)
    runs = ScoreRuns(split, seed, lambda done: None)
    pilot = fit_pilot(runs, values)
    if pilot.r2.min() < LEAST_R2:
        raise InputError(
            f"The surrogate explains only {pilot.r2.min():.2f} of the differences between strategies.",
            hint="Estimate the EVPPI of the subsets that matter one by one.",
        )
    frames = [_frame(problem, split.outer_rows, members) for members in players]
    points = np.hstack([sobol_scores(runs.names, seed, _POINTS + r, 0, n) for r in range(SCRAMBLES)])
    subsets = [s for size in range(1, len(names) + 1) for s in combinations(range(len(names)), size)]
    worth = {
        s: _worth(pilot, np.vstack([frames[i] for i in s]), points[: split.n_outer], values) for s in subsets
    }
    effects = np.array([_effect(i, len(names), worth) for i in range(len(names))])
    error = widening() / np.sqrt(SCRAMBLES)
    named = {tuple(names[i] for i in s): v for s, v in worth.items()}
    return ShapleyEffects(
        groups=names,
        wtp=values,
        effects=effects.mean(1),
        standard_errors=effects.std(1, ddof=1) * error,
        subsets={s: v.mean(0) for s, v in named.items()},
        subset_errors={s: v.std(0, ddof=1) * error for s, v in named.items()},
        r2=pilot.r2,
        model_runs=runs.runs,
        seconds=perf_counter() - started,
    )


def _problem(model: Model, parameters: ParameterSet | None) -> Problem:
    if parameters is None:
        raise InputError("A model needs its parameters: shapley_effects(model, parameters, groups=...).")
    return Problem(model, parameters)


def _players(problem: Problem, groups: tuple[str, ...]) -> list[tuple[str, ...]]:
    if not 1 <= len(groups) <= MOST_GROUPS:
        raise InputError(f"Shapley effects take 1 to {MOST_GROUPS} groups, and got {len(groups)}.")
    players = [problem.members((group,)) for group in groups]
    for i, j in combinations(range(len(groups)), 2):
        both = set(players[i]) & set(players[j])
        if both:
            raise InputError(f"The groups '{groups[i]}' and '{groups[j]}' share '{min(both)}'.")
    return [tuple(n for n in members if n in problem.parameters.uncertain) for members in players]


def _frame(problem: Problem, rows: tuple[int, ...], members: Sequence[str]) -> np.ndarray:
    """Return vectors (k, n_outer) in score space whose span determines parameters: rows of the factors."""
    structure, blocks = problem.parameters.structure, problem.parameters.blocks
    place = {row: i for i, row in enumerate(rows)}
    vectors = []
    for output in structure.outputs:
        named = [n for n in output.names if n in members]
        if named and len(named) < len(output.names):
            missing = next(n for n in output.names if n not in members)
            raise InputError(
                f"A group has '{named[0]}' without '{missing}', which are drawn together.",
                hint="Put all of them in one group.",
            )
        for row in output.rows if named else ():
            vector = np.zeros(len(rows))
            vector[place[row]] = 1.0
            for block_rows, block in zip(structure.blocks, blocks, strict=True):
                if row in block_rows:
                    factor = block.factor(problem.parameters.uncertain)[block_rows.index(row)]
                    held = [i for i, r in enumerate(block_rows) if r in place]
                    vector[[place[block_rows[i]] for i in held]] = factor[held]
            vectors.append(vector)
    return np.array(vectors).reshape(-1, len(rows))


def _worth(pilot: PilotFit, frame: np.ndarray, points: np.ndarray, wtp: np.ndarray) -> np.ndarray:
    """Return the EVPPI (n_scrambles, n_wtp) of what a frame determines, read off the surrogate."""
    scores = np.flatnonzero(np.abs(frame).sum(0))
    if len(scores) == len(frame):  # whole scores: the surrogate in those alone
        outcomes = pilot.outer.given(scores)(points[scores])
    else:
        basis = np.linalg.qr(frame.T)[0]
        projection = basis @ basis.T
        outcomes = pilot.outer(projection @ points, projection)
    gains = [increments(outcomes, v, b).max(0) for v, b in zip(wtp, pilot.best, strict=True)]
    return np.array(gains).reshape(len(wtp), SCRAMBLES, -1).mean(-1).T


def _effect(i: int, n: int, worth: Mapping[tuple[int, ...], np.ndarray]) -> np.ndarray:
    """Return the Shapley effect (n_scrambles, n_wtp) of group i: its mean gain over all orders of learning."""
    others = [j for j in range(n) if j != i]
    total: Any = 0.0
    for size in range(n):
        weight = factorial(size) * factorial(n - size - 1) / factorial(n)
        for s in combinations(others, size):
            total = total + weight * (worth[tuple(sorted((*s, i)))] - (worth[s] if s else 0.0))
    return total
