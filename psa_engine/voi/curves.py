"""EVPPI of single parameters from curves: mean costs and effects at a few values of each, on shared draws.

Every parameter's curve is made of the same scrambled Sobol points, moved to each node of its score, so that
what does not interact with the parameter cancels from the curve's shape; its level is the mean of many more
points. Points and nodes are added where the error is, until it is small.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np

from psa_engine.engine.compiled import Program
from psa_engine.engine.pick_freeze import TOGETHER, design_means
from psa_engine.engine.progress import progress_bar
from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.parameters import ParameterSet
from psa_engine.voi.line import WEIGHTS, Interpolation, expected_maximum, polynomial, spline
from psa_engine.voi.problem import Problem
from psa_engine.voi.scrambles import SCRAMBLES, jackknife, leaving_one_out, sobol_scores, with_resolution

FLOOR = 1 / 20
"""The tolerance is relative to the value, or to this part of the EVPI where that is more."""
_LEVEL, _SHAPE = 1024, 16
_FALL = 1.25


def estimate(problem: Problem, of: tuple[str, ...], wtp: np.ndarray, **options: Any) -> VoiEstimate:
    """Return the EVPPI of what one score determines: see `estimate_all`; raises InputError where several do."""
    return estimate_sets(problem, [of], wtp, **options)[0]


def estimate_all(
    problem: Problem, names: Sequence[str] | None = None, wtp: Any = None, **options: Any
) -> list[VoiEstimate]:
    """Return the EVPPI of each single parameter, by default every uncertain one, money per person.

    `wtp` (n_wtp,). Options: `rtol`: the 95 % half-width, relative to the value or to a twentieth of the
    EVPI, at which to stop; `max_runs`: model runs, all parameters together, not to be exceeded; `seed`.
    """
    chosen = problem.parameters.uncertain if names is None else problem.members(names)
    return estimate_sets(problem, [(name,) for name in chosen], np.atleast_1d(wtp), **options)


def estimate_sets(
    problem: Problem,
    sets: Sequence[tuple[str, ...]],
    wtp: np.ndarray,
    *,
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    max_runs: int = 10_000_000,
) -> list[VoiEstimate]:
    """Return the EVPPI of each set of parameters that one score determines, all from shared draws."""
    started = perf_counter()
    curves = [_curve(problem, of) for of in sets]
    with progress_bar(max_runs, "model runs", progress) as advance:
        runner = _Runner(problem, seed, advance)
        level = runner.level(np.zeros((2, len(problem.strategies), SCRAMBLES)), 0, _LEVEL)
        n_level, evpi = _LEVEL, runner.evpi(wtp)
        todo = [c for c in curves if c is not None]
        runner.extend(todo, [_SHAPE] * len(todo))
        while True:
            found = {id(c): _watched(c, _values(c, level, wtp), n_level) for c in todo}
            open_ = [c for c in todo if _factor(found[id(c)], rtol, evpi, "whole") > 1]
            points = [_points(c, found[id(c)], rtol, evpi) for c in open_]
            rougher = [c for c in open_ if _is_rough(c, found[id(c)], rtol, evpi)]
            growth = max([_factor(found[id(c)], rtol, evpi, "level") for c in open_], default=1.0)
            n_next = n_level * _power(growth)
            cost = SCRAMBLES * (
                (n_next - n_level)
                + sum((n - c.n) * len(c.nodes) for c, n in zip(open_, points, strict=True))
                + sum(c.n * (len(spline().nodes) - len(c.nodes)) for c in rougher)
            )
            if cost == 0 or runner.runs + cost > max_runs:
                break
            level, n_level = runner.level(level, n_level, n_next), n_next
            runner.extend(open_, points)
            runner.refine(rougher)
    seconds = perf_counter() - started
    shared = {"scrambles": SCRAMBLES, "level_points": SCRAMBLES * n_level}
    return [
        _record(of, wtp, c, found.get(id(c)), evpi, runner.runs, seconds, {**shared, "converged": c not in open_})
        for of, c in zip(sets, curves, strict=True)
    ]


@dataclass(eq=False)
class _Curve:
    """Means (n_nodes, 2, n_strategies, n_scrambles) over n points a scramble, at nodes of u'z for a direction u."""

    parameters: ParameterSet
    direction: np.ndarray
    interpolation: Interpolation
    means: np.ndarray
    n: int = 0
    seen: tuple["_Values", int, int] | None = None

    @property
    def nodes(self) -> np.ndarray:
        return self.interpolation.nodes


@dataclass(frozen=True)
class _Values:
    """Estimates per WTP with the standard error, its parts from level and shape, and the interpolation's error."""

    value: np.ndarray
    whole: np.ndarray
    level: np.ndarray
    shape: np.ndarray
    interpolation: np.ndarray


def _curve(problem: Problem, of: tuple[str, ...]) -> _Curve | None:
    """Return the empty curve of a set of parameters, None where all are constant."""
    varying = [n for n in problem.members(of) if n in problem.parameters.uncertain]
    if not varying:
        return None
    split = problem.split(varying)
    if split.n_outer != 1:
        raise InputError(
            f"{', '.join(of)} vary along {split.n_outer} scores; a curve follows one.",
            hint="Take the method surrogate, nested or mlmc.",
        )
    base, row = problem.parameters, split.outer_rows[0]
    direction = np.eye(len(base.structure.scores))[row]
    if split.parameters.structure != base.structure:
        base = split.parameters
    else:
        for rows, block in zip(base.structure.blocks, base.blocks, strict=True):
            if row in rows:
                direction[list(rows)] = block.factor(base.first)[rows.index(row)]
    empty = np.zeros((len(polynomial().nodes), 2, len(problem.strategies), SCRAMBLES))
    return _Curve(base, direction, polynomial(), empty)


class _Runner:
    """Runs the model at points of the scrambles, counting the runs."""

    def __init__(self, problem: Problem, seed: int, advance: Callable[[int], None]):
        self.problem, self.seed, self.advance, self.runs = problem, seed, advance, 0

    def _means(
        self, parameters: ParameterSet, points: np.ndarray, u: np.ndarray, a: np.ndarray, n_groups: int
    ) -> np.ndarray:
        problem = self.problem
        program = Program(
            problem.model.structure, parameters.structure, "random", problem.precision, problem.device, False, True
        )  # fmt: skip
        self.runs += points.shape[1] * len(a)
        return design_means(
            problem.model, parameters, points, u, a, n_groups, program=program, advance=self.advance
        )  # fmt: skip

    def _points(self, parameters: ParameterSet, first: int, last: int) -> np.ndarray:
        names = parameters.structure.scores
        return np.hstack([sobol_scores(names, self.seed, r, first, last) for r in range(SCRAMBLES)])

    def level(self, means: np.ndarray, n: int, target: int) -> np.ndarray:
        """Return means over all parameters (2, n_strategies, n_scrambles), extended to `target` points a scramble."""
        if target == n:
            return means
        parameters = self.problem.parameters
        points = self._points(parameters, n, target).reshape(-1, SCRAMBLES, target - n)
        # With mean 0 and variance 1 in every scramble, nothing is left to the few points in the tails.
        points = (points - points.mean(-1, keepdims=True)) / points.std(-1, keepdims=True)
        points = points.reshape(len(points), -1)
        new = self._means(parameters, points, np.zeros((1, len(points))), np.zeros(1), SCRAMBLES)[0]
        return (n * means + (target - n) * new) / target

    def evpi(self, wtp: np.ndarray) -> np.ndarray:
        """Return the EVPI per WTP from the first points, as a scale."""
        parameters = self.problem.parameters
        points = sobol_scores(parameters.structure.scores, self.seed, 0, 0, _LEVEL)
        # Each draw fills a group, for only the sums of groups leave the device.
        alike = np.repeat(points, TOGETHER, 1)
        costs, effects = self._means(parameters, alike, np.zeros((1, len(points))), np.zeros(1), _LEVEL)[0]
        benefit = wtp[:, None, None] * effects - costs
        return benefit.max(1).mean(-1) - benefit.mean(-1).max(-1)

    def extend(self, curves: Sequence[_Curve], targets: Sequence[int]) -> None:
        """Extend curves to so many points a scramble, those with the same draws together."""
        steps: dict[Any, list[_Curve]] = {}
        for curve, target in zip(curves, targets, strict=True):
            if target > curve.n:
                steps.setdefault((id(curve.parameters), curve.n, target), []).append(curve)
        for (_, first, last), some in steps.items():
            new = self._at_nodes(some, first, last, [c.nodes for c in some])
            for curve, means in zip(some, new, strict=True):
                curve.means = (first * curve.means + (last - first) * means) / last
                curve.n = last

    def refine(self, curves: Sequence[_Curve]) -> None:
        """Give curves the nodes of a spline."""
        for curve in curves:
            more = spline().nodes[len(curve.nodes) :]
            [new] = self._at_nodes([curve], 0, curve.n, [more])
            curve.means = np.concatenate([curve.means, new])
            curve.interpolation = spline()

    def _at_nodes(
        self, curves: Sequence[_Curve], first: int, last: int, nodes: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        parameters = curves[0].parameters
        u = np.concatenate([np.tile(c.direction, (len(x), 1)) for c, x in zip(curves, nodes, strict=True)])
        points = self._points(parameters, first, last)
        means = self._means(parameters, points, u, np.concatenate(nodes), SCRAMBLES)
        return np.split(means, np.cumsum([len(x) for x in nodes])[:-1])


def _values(curve: _Curve, level: np.ndarray, wtp: np.ndarray) -> _Values:
    """Return the EVPPI of a curve at each WTP, and its errors."""
    shapes = leaving_one_out(np.moveaxis(curve.means, -1, 0))
    levels = leaving_one_out(np.moveaxis(level, -1, 0))
    per_wtp = [_at(curve.interpolation, shapes, levels, value) for value in wtp]
    return _Values(*(np.array(part) for part in zip(*per_wtp, strict=True)))


def _watched(curve: _Curve, found: _Values, n_level: int) -> _Values:
    """Return values whose errors are at least what was seen before, shrunk as the points have grown.

    An error estimated from few scrambles is sometimes too small by chance, and stopping at the first
    that is small enough would pick those; few errors fall faster than n^-1.25.
    """
    if curve.seen is not None:
        before, n_level_then, n_then = curve.seen
        level = np.maximum(found.level, before.level * (n_level_then / n_level) ** _FALL)
        shape = np.maximum(found.shape, before.shape * (n_then / curve.n) ** _FALL)
        whole = np.maximum(found.whole, np.hypot(level, shape))
        found = replace(found, whole=whole, level=level, shape=shape)
    curve.seen = (found, n_level, curve.n)
    return found


def _at(interpolation: Interpolation, shapes: np.ndarray, levels: np.ndarray, wtp: float) -> tuple[Any, ...]:
    """Return value, its standard error and parts at one WTP, from means of all and all but one scramble."""
    means = wtp * levels[:, 1] - levels[:, 0]
    best = means[0].argmax()
    means = means - means[:, [best]]
    nodes = wtp * shapes[:, :, 1] - shapes[:, :, 0]
    nodes = nodes - nodes[..., [best]]

    def gain(basis: np.ndarray, nodes: np.ndarray, means: np.ndarray) -> np.ndarray:
        curves = basis @ nodes
        curves = curves + (means - np.einsum("g,...gs->...s", WEIGHTS, curves))[..., None, :]
        return expected_maximum(curves) - means.max(-1)

    both = gain(interpolation.basis, nodes, means)
    level = gain(interpolation.basis, nodes[:1], means)
    shape = gain(interpolation.basis, nodes, means[:1])
    value, error = jackknife(both[0], both[1:])
    rough = abs(gain(interpolation.coarse, nodes[:1], means[:1])[0] - both[0])
    return value, error, jackknife(level[0], level[1:])[1], jackknife(shape[0], shape[1:])[1], rough


def _factor(found: _Values, rtol: float, evpi: np.ndarray, part: str) -> float:
    """Return by how much a part of the error exceeds its share of the tolerance."""
    tolerance = rtol * np.maximum(np.abs(found.value), FLOOR * evpi)
    half_width = 1.96 * getattr(found, part) * (1.0 if part == "whole" else np.sqrt(2))
    if part == "whole":
        half_width = half_width + found.interpolation
    if part == "interpolation":
        half_width = 2 * found.interpolation
    return float(np.max(np.divide(half_width, tolerance, out=np.zeros_like(tolerance), where=tolerance > 0)))


def _points(curve: _Curve, found: _Values, rtol: float, evpi: np.ndarray) -> int:
    return curve.n * _power(_factor(found, rtol, evpi, "shape"))


def _is_rough(curve: _Curve, found: _Values, rtol: float, evpi: np.ndarray) -> bool:
    return curve.interpolation is polynomial() and _factor(found, rtol, evpi, "interpolation") > 1


def _power(excess: float) -> int:
    """Return the power of two (at most 8) by which to multiply points whose error is to fall by `excess`."""
    return 1 if excess <= 1 else 2 ** int(np.clip(np.ceil(np.log2(excess)), 1, 3))


def _record(
    of: tuple[str, ...],
    wtp: np.ndarray,
    curve: _Curve | None,
    found: _Values | None,
    evpi: np.ndarray,
    runs: int,
    seconds: float,
    shared: dict[str, Any],
) -> VoiEstimate:
    zero = np.zeros(len(wtp))
    if curve is None or found is None:
        return VoiEstimate(zero, zero, "constant", wtp, of, 0, 0.0, zero)
    own = {"nodes": len(curve.nodes), "inner_points": SCRAMBLES * curve.n}
    return VoiEstimate(
        value=found.value,
        standard_error=with_resolution(found.whole, found.value, evpi),
        method="curves",
        wtp=wtp,
        of=of,
        model_runs=runs,
        seconds=seconds,
        bias_bound=found.interpolation,
        diagnostics={**own, **shared},
    )
