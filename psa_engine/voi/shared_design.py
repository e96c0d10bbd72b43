"""The model at shared points: every curve is made of the same scrambles, moved to each of its nodes."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np

from psa_engine.engine.compiled import Program, structure_of
from psa_engine.engine.devices import Device, Precision
from psa_engine.engine.pick_freeze import DRAWS, TOGETHER, design_sums, parts_of
from psa_engine.engine.progress import Advance
from psa_engine.engine.where import map_blocks
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.voi.curve import Curve
from psa_engine.voi.line import spline
from psa_engine.voi.problem import Problem
from psa_engine.voi.scrambles import SCRAMBLES, sobol_scores

_RUNS_AT_ONCE = 2**18


@dataclass(frozen=True, eq=False)
class DesignRuns:
    """Model runs at designs, with all that a process needs to make them, wherever it is."""

    model: Model
    parameters: ParameterSet
    precision: Precision
    device: Device

    @property
    def n_draws(self) -> int:
        """How many draws are well run at once: a multiple of those that are added up together."""
        return -(-self._program.step // DRAWS) * DRAWS

    @property
    def _program(self) -> Program:
        return Program(
            structure_of(self.model, self.parameters), self.parameters.structure,
            "random", self.precision, self.device, False,
            True,
        )  # fmt: skip

    def sums(self, z: np.ndarray, u: np.ndarray, a: np.ndarray, part: np.ndarray) -> Mapping[str, np.ndarray]:
        """Return the sums of `design_sums`."""
        program = self._program
        return {"sums": design_sums(self.model, self.parameters, z, u, a, part, program=program)}

    def key(self, *given: np.ndarray) -> str:
        """Return what names a block of them in a store."""
        structure, first = self.parameters.structure, self.parameters.first
        outputs = [(output.kind, output.names, output.rows) for output in structure.outputs]
        digest = sha256(repr(("design", structure.scores, outputs, first, self.precision)).encode())
        for array in given:
            digest.update(array.tobytes())
        return digest.hexdigest()


class SharedDesign:
    """Runs the model for curves and their level, counting the runs."""

    def __init__(self, problem: Problem, seed: int, advance: Advance):
        self.problem, self.seed, self.advance, self.runs = problem, seed, advance, 0
        self._runs: dict[int, DesignRuns] = {}

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
        """Return mean costs and effects (n_designs, 2, n_strategies, n_groups) over groups of consecutive points."""
        n = points.shape[1]
        part, group = parts_of(n, n_groups)
        self.runs += n * len(a)
        runs = self._runs_of(parameters)
        places: deque[tuple[slice, slice]] = deque()

        def blocks() -> Iterator[tuple[np.ndarray, ...]]:
            n_draws = min(n, runs.n_draws)
            n_designs = max(1, _RUNS_AT_ONCE // n_draws)
            for low in range(0, len(a), n_designs):
                for k in range(0, n, n_draws):
                    some, mine = slice(low, low + n_designs), part[k // TOGETHER : (k + n_draws) // TOGETHER]
                    places.append((some, slice(mine[0], mine[-1] + 1)))
                    yield points[:, k : k + n_draws], u[some], a[some], mine

        out = np.zeros((len(a), 2, len(self.problem.strategies), n_groups))
        for sums in map_blocks(runs.sums, blocks(), self.problem.where, runs.key):
            some, mine = places.popleft()
            for k, g in enumerate(group[mine]):
                out[some][..., g] += sums["sums"][..., k]
            self.advance(len(out[some]) * min(n, runs.n_draws))
        return out / (n // n_groups)

    def _runs_of(self, parameters: ParameterSet) -> DesignRuns:
        """Return the runs of a parameter set, the same each time: a cluster is sent them once."""
        if id(parameters) not in self._runs:
            problem = self.problem
            self._runs[id(parameters)] = DesignRuns(
                problem.model, parameters, problem.precision, problem.device
            )
        return self._runs[id(parameters)]

    def _points(self, parameters: ParameterSet, first: int, last: int) -> np.ndarray:
        names = parameters.structure.scores
        return np.hstack([sobol_scores(names, self.seed, r, first, last) for r in range(SCRAMBLES)])
