"""The model at shared points: every curve is made of the same scrambles, moved to each of its nodes."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from psa_engine.engine.compiled import Program, structure_of
from psa_engine.engine.pick_freeze import TOGETHER, design_means
from psa_engine.engine.progress import Advance
from psa_engine.parameters import ParameterSet
from psa_engine.voi.curve import Curve
from psa_engine.voi.line import spline
from psa_engine.voi.problem import Problem
from psa_engine.voi.scrambles import SCRAMBLES, sobol_scores


class SharedDesign:
    """Runs the model for curves and their level, counting the runs."""

    def __init__(self, problem: Problem, seed: int, advance: Advance):
        self.problem, self.seed, self.advance, self.runs = problem, seed, advance, 0

    def level(self, means: np.ndarray, n: int, target: int) -> np.ndarray:
        """Return overall means (2, n_strategies, n_scrambles), brought to `target` points a scramble."""
        if target == n:
            return means
        parameters = self.problem.parameters
        points = self._points(parameters, n, target).reshape(-1, SCRAMBLES, target - n)
        # With mean 0 and variance 1 in every scramble, nothing is left to the few points in the tails.
        points = (points - points.mean(-1, keepdims=True)) / points.std(-1, keepdims=True)
        new = self._unconditional(points.reshape(len(points), -1), SCRAMBLES)
        return (n * means + (target - n) * new) / target

    def evpi(self, wtp: np.ndarray, n: int) -> np.ndarray:
        """Return the EVPI per WTP from n points of one scramble, as a scale."""
        points = sobol_scores(self.problem.parameters.structure.scores, self.seed, 0, 0, n)
        # Each draw fills a group, for only the sums of groups leave the device.
        costs, effects = self._unconditional(np.repeat(points, TOGETHER, 1), n)
        benefit = wtp[:, None, None] * effects - costs
        return benefit.max(1).mean(-1) - benefit.mean(-1).max(-1)

    def extend(self, curves: Sequence[Curve], targets: Sequence[int]) -> None:
        """Extend curves to so many points a scramble, those that are as long and share draws together."""
        steps: dict[Any, list[Curve]] = {}
        for curve, target in zip(curves, targets, strict=True):
            if target > curve.n:
                steps.setdefault((id(curve.parameters), curve.n, target), []).append(curve)
        for (_, first, last), some in steps.items():
            new = self._at_nodes(some, first, last, [c.nodes for c in some])
            for curve, means in zip(some, new, strict=True):
                curve.means = (first * curve.means + (last - first) * means) / last
                curve.n = last

    def refine(self, curves: Sequence[Curve]) -> None:
        """Give curves the nodes of a spline."""
        for curve in curves:
            [new] = self._at_nodes([curve], 0, curve.n, [spline().nodes[len(curve.nodes) :]])
            curve.means = np.concatenate([curve.means, new])
            curve.interpolation = spline()

    def _at_nodes(
        self, curves: Sequence[Curve], first: int, last: int, nodes: Sequence[np.ndarray]
    ) -> list[np.ndarray]:
        parameters = curves[0].parameters
        u = np.concatenate([np.tile(c.direction, (len(x), 1)) for c, x in zip(curves, nodes, strict=True)])
        points = self._points(parameters, first, last)
        means = self._means(parameters, points, u, np.concatenate(nodes), SCRAMBLES)
        return np.split(means, np.cumsum([len(x) for x in nodes])[:-1])

    def _unconditional(self, points: np.ndarray, n_groups: int) -> np.ndarray:
        nowhere = np.zeros((1, len(points)))
        return self._means(self.problem.parameters, points, nowhere, np.zeros(1), n_groups)[0]

    def _means(
        self, parameters: ParameterSet, points: np.ndarray, u: np.ndarray, a: np.ndarray, n_groups: int
    ) -> np.ndarray:
        problem = self.problem
        program = Program(
            structure_of(problem.model, parameters), parameters.structure,
            "random", problem.precision, problem.device, False,
            True,
        )  # fmt: skip
        self.runs += points.shape[1] * len(a)
        return design_means(
            problem.model, parameters, points, u, a, n_groups, program=program, advance=self.advance
        )

    def _points(self, parameters: ParameterSet, first: int, last: int) -> np.ndarray:
        names = parameters.structure.scores
        return np.hstack([sobol_scores(names, self.seed, r, first, last) for r in range(SCRAMBLES)])
