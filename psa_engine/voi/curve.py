"""One parameter's curve: conditional mean costs and effects at nodes of its score, and its EVPPI."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.parameters import ParameterSet
from psa_engine.voi.line import WEIGHTS, Interpolation, expected_maximum, polynomial
from psa_engine.voi.problem import Problem
from psa_engine.voi.scrambles import SCRAMBLES, jackknife, leaving_one_out

_FALL = 1.25


@dataclass(eq=False)
class Curve:
    """Means (n_nodes, 2, n_strategies, n_scrambles) over n points a scramble with direction'z at a node."""

    parameters: ParameterSet
    direction: np.ndarray
    interpolation: Interpolation
    means: np.ndarray
    n: int = 0
    seen: tuple["Values", int, int] | None = None

    @property
    def nodes(self) -> np.ndarray:
        """The scores (n_nodes,) at which the model is run."""
        return self.interpolation.nodes

    def values(self, level: np.ndarray, wtp: np.ndarray) -> "Values":
        """Return the EVPPI per WTP, given means over everything `level` (2, n_strategies, n_scrambles)."""
        shapes = leaving_one_out(np.moveaxis(self.means, -1, 0))
        levels = leaving_one_out(np.moveaxis(level, -1, 0))
        per_wtp = [_values_at(self.interpolation, shapes, levels, value) for value in wtp]
        return Values(*(np.array(part) for part in zip(*per_wtp, strict=True)))

    def watched(self, found: "Values", n_level: int) -> "Values":
        """Return values whose errors are at least what was seen before, shrunk as the points have grown.

        An error estimated from few scrambles is sometimes too small by chance, and stopping at the first
        that is small enough would pick those; few errors fall faster than n^-1.25.
        """
        if self.seen is not None:
            before, n_level_then, n_then = self.seen
            level = np.maximum(found.level, before.level * (n_level_then / n_level) ** _FALL)
            shape = np.maximum(found.shape, before.shape * (n_then / self.n) ** _FALL)
            found = replace(
                found, error=np.maximum(found.error, np.hypot(level, shape)), level=level, shape=shape
            )
        self.seen = (found, n_level, self.n)
        return found


@dataclass(frozen=True)
class Values:
    """EVPPI per WTP, its standard error, the parts of level and shape in it, and the interpolation error."""

    value: np.ndarray
    error: np.ndarray
    level: np.ndarray
    shape: np.ndarray
    interpolation: np.ndarray


def follows_one_score(problem: Problem, of: Sequence[str]) -> bool:
    """Whether one score decides parameters that vary, smoothly: not so for rows of a table."""
    return _score_of(problem, tuple(of)) is not None


def _score_of(problem: Problem, of: tuple[str, ...]) -> tuple[ParameterSet, int] | None:
    """Return the parameters as arranged and the row of the one score that decides `of`, None for others."""
    for output in problem.parameters.structure.outputs:
        if output.kind == "marginal" and output.names == of:
            return problem.parameters, output.rows[0]
    split = problem.split(of)
    kinds = {row: output.kind for output in split.parameters.structure.outputs for row in output.rows}
    if split.n_outer != 1 or kinds[split.outer_rows[0]] == "empirical":
        return None
    return split.parameters, split.outer_rows[0]


def curve_of(problem: Problem, of: tuple[str, ...]) -> Curve | None:
    """Return the empty curve of parameters, None for constants; raises InputError where many scores count."""
    varying = tuple(n for n in problem.members(of) if n in problem.parameters.uncertain)
    if not varying:
        return None
    found = _score_of(problem, varying)
    if found is None:
        raise InputError(
            f"Several scores, or the rows of a table, decide {', '.join(of)}; a curve follows one score.",
            hint="Take the method surrogate, nested or mlmc.",
        )
    base, row = found
    if base.structure == problem.parameters.structure:
        base = problem.parameters  # else in another order of a Dirichlet's parts
    direction = np.eye(len(base.structure.scores))[row]
    for rows, block in zip(base.structure.blocks, base.blocks, strict=True):
        if row in rows:
            direction[list(rows)] = block.factor(base.first)[rows.index(row)]
    empty = np.zeros((len(polynomial().nodes), 2, len(problem.strategies), SCRAMBLES))
    return Curve(base, direction, polynomial(), empty)


def _values_at(
    interpolation: Interpolation, shapes: np.ndarray, levels: np.ndarray, wtp: float
) -> tuple[Any, ...]:
    """Return the fields of `Values` at one WTP, from means of all scrambles and of all but one."""
    means = wtp * levels[:, 1] - levels[:, 0]
    best = means[0].argmax()
    means = means - means[:, [best]]
    nodes = wtp * shapes[:, :, 1] - shapes[:, :, 0]
    nodes = nodes - nodes[..., [best]]

    def gain(basis: np.ndarray, nodes: np.ndarray, means: np.ndarray) -> np.ndarray:
        curves = basis @ nodes
        centred = curves - np.einsum("g,...gs->...s", WEIGHTS, curves)[..., None, :]
        return expected_maximum(centred + means[:, None]) - means.max(-1)

    both = gain(interpolation.basis, nodes, means)
    level = gain(interpolation.basis, nodes[:1], means)
    shape = gain(interpolation.basis, nodes, means[:1])
    value, error = jackknife(both[0], both[1:])
    rough = abs(gain(interpolation.coarse, nodes[:1], means[:1])[0] - both[0])
    return value, error, jackknife(level[0], level[1:])[1], jackknife(shape[0], shape[1:])[1], rough
