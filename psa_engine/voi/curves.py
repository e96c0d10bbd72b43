"""EVPPI of single parameters from curves: mean costs and effects at a few values of each, on shared draws.

Every parameter's curve is made of the same scrambled Sobol points, moved to each node of its score, so that
what does not interact with the parameter cancels from the curve's shape; its level is the mean of many more
points. Points and nodes are added where the error is, until it is small.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np

from psa_engine.engine.progress import progress_bar
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.curve import Curve, Values, curve_of
from psa_engine.voi.goal import FLOOR, Goal, nothing_to_know, sized_on
from psa_engine.voi.line import polynomial, spline
from psa_engine.voi.problem import Problem
from psa_engine.voi.scrambles import SCRAMBLES, excess, with_resolution
from psa_engine.voi.shared_design import SharedDesign

_LEVEL, _SHAPE = 1024, 16
"""Points a scramble to begin with."""


def estimate(
    problem: Problem,
    of: tuple[str, ...],
    wtp: np.ndarray,
    *,
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    max_runs: int = 10_000_000,
) -> VoiEstimate:
    """Return the EVPPI of what one score determines: see `estimate_sets`. Raises InputError for several."""
    return estimate_sets(problem, [of], wtp, rtol=rtol, seed=seed, progress=progress, max_runs=max_runs)[0]


def estimate_all(
    problem: Problem, names: Sequence[str] | None, wtp: np.ndarray, **options: Any
) -> list[VoiEstimate]:
    """Return the EVPPI of each single parameter, None for every uncertain one: see `estimate_sets`."""
    chosen = problem.parameters.uncertain if names is None else problem.members(names)
    return estimate_sets(problem, [(name,) for name in chosen], wtp, **options)


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
    """Return the EVPPI (n_wtp,) of sets of parameters that one score each determines, from shared draws.

    Stops when the 95 % half-width of each is below `rtol` of its value or of a twentieth of the EVPI, or
    before `max_runs` model runs of all together. `standard_error` is between scrambles, widened so that 1.96
    of them make a 95 % interval; `bias_bound` is the error of interpolating. `model_runs` and `seconds` are
    those of all sets together.
    """
    started = perf_counter()
    curves = [curve_of(problem, of) for of in sets]
    todo = [c for c in curves if c is not None]
    if not todo:
        return [nothing_to_know(of, wtp) for of in sets]
    goal = Goal(rtol, None, max_runs)
    with progress_bar(max_runs, "model runs", progress) as advance:
        design = SharedDesign(problem, seed, advance)
        rounds = _Rounds(design, todo, wtp[sized_on(wtp)], goal)
        rounds.carry_out()
    seconds = perf_counter() - started
    return [
        nothing_to_know(of, wtp) if curve is None else _record(of, wtp, curve, rounds, seconds)
        for of, curve in zip(sets, curves, strict=True)
    ]


class _Rounds:
    """Rounds of adding points and nodes to the curves whose error is not small yet."""

    def __init__(self, design: SharedDesign, curves: Sequence[Curve], wtp: np.ndarray, goal: Goal):
        self.design, self.curves, self.wtp, self.goal = design, list(curves), wtp, goal
        n_strategies = len(design.problem.strategies)
        self.level, self.n_level = np.zeros((2, n_strategies, SCRAMBLES)), 0
        self.evpi = np.zeros(len(wtp))
        self.unfinished: list[Curve] = []

    def carry_out(self) -> None:
        """Add rounds until every error is small, or the next round would exceed the budget."""
        self._extend_level(_LEVEL)
        self.evpi = self.design.evpi(self.wtp, _LEVEL)
        self.design.extend(self.curves, [_SHAPE] * len(self.curves))
        while True:
            found = [c.watched(c.values(self.level, self.wtp), self.n_level) for c in self.curves]
            open_ = [(c, f) for c, f in zip(self.curves, found, strict=True) if self._excess(f, "whole") > 1]
            self.unfinished = [c for c, _ in open_]
            points = [c.n * _growth(self._excess(f, "shape")) for c, f in open_]
            rougher = [c for c, f in open_ if c.nodes is polynomial().nodes and self._excess(f, "rough") > 1]
            n_level = self.n_level * max([_growth(self._excess(f, "level")) for _, f in open_], default=1)
            cost = SCRAMBLES * (
                n_level
                - self.n_level
                + sum((n - c.n) * len(c.nodes) for c, n in zip(self.unfinished, points, strict=True))
                + sum(c.n * (len(spline().nodes) - len(c.nodes)) for c in rougher)
            )
            if cost == 0 or self.design.runs + cost > self.goal.budget:
                return
            self._extend_level(n_level)
            self.design.extend(self.unfinished, points)
            self.design.refine(rougher)

    def _extend_level(self, n: int) -> None:
        self.level, self.n_level = self.design.level(self.level, self.n_level, n), n

    def _excess(self, found: Values, part: str) -> float:
        """Return by how much an error, or a part of it, exceeds its share of the tolerance at some WTP."""
        tolerance = self.goal.rtol * np.maximum(np.abs(found.value), FLOOR * self.evpi)
        half_width = {
            "whole": 1.96 * found.error + found.interpolation,
            "level": 1.96 * np.sqrt(2) * found.level,
            "shape": 1.96 * np.sqrt(2) * found.shape,
            "rough": 2 * found.interpolation,
        }[part]
        return excess(half_width, tolerance)


def _growth(fall: float) -> int:
    """Return the power of two (at most 8) by which to multiply points whose error is to fall so much."""
    return 1 if fall <= 1 else 2 ** int(np.clip(np.ceil(np.log2(fall)), 1, 3))


def _record(
    of: tuple[str, ...], wtp: np.ndarray, curve: Curve, rounds: _Rounds, seconds: float
) -> VoiEstimate:
    places, found = sized_on(wtp), curve.values(rounds.level, wtp)
    error = found.error.copy()
    assert curve.seen is not None
    error[places] = np.maximum(error[places], curve.seen[0].error)
    return VoiEstimate(
        value=found.value,
        standard_error=with_resolution(error, found.value, rounds.evpi.max()),
        method="curves",
        wtp=wtp,
        of=of,
        model_runs=rounds.design.runs,
        seconds=seconds,
        bias_bound=found.interpolation,
        diagnostics={
            "scrambles": SCRAMBLES,
            "nodes": len(curve.nodes),
            "inner_points": SCRAMBLES * curve.n,
            "level_points": SCRAMBLES * rounds.n_level,
            "converged": curve not in rounds.unfinished,
        },
    )
