"""The two parts of the surrogate method: what the surrogate alone says, and what the model adds to it."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from psa_engine.voi.line import GRID, expected_maximum
from psa_engine.voi.pilot_fit import PilotFit, ScoreRuns, increments
from psa_engine.voi.scrambles import (
    SCRAMBLES,
    jackknife,
    leaving_one_out,
    sobol_scores,
    spread,
    with_resolution,
)

_FREE, _NESTED, _OTHER_HALF = 100, 200, 300
"""Where the scrambles of the parts start."""
_FEW = 6
_AT_ONCE = 4096
_FALL_FREE, _FALL_NESTED = 1.25, 0.75


class FreePart:
    """The expected maximum of the surrogate's conditional mean, per scramble and WTP: no model runs.

    For one outer score a sum on a grid. For more, Sobol points, of which the first score, of few also the
    second (they matter most), is spread: the tails hold most of the error.
    """

    def __init__(self, pilot: PilotFit, wtp: np.ndarray, seed: int):
        self.pilot, self.wtp, self.seed, self.n = pilot, wtp, seed, 0
        self.maximum = np.zeros((SCRAMBLES, len(wtp)))

    def extend(self, n: int) -> None:
        """Extend to n points a scramble."""
        k, sums = len(self.pilot.rotation), self.n * self.maximum
        names = tuple(f"outer {i}" for i in range(k))
        for r in range(SCRAMBLES if k > 1 else 0):
            points = sobol_scores(names, self.seed, _FREE + r, self.n, n)
            weights = spread(points[: 2 if k <= _FEW else 1])
            sums[r] += [(m.max(0) * weights).sum() for m in self._increments(points)]
        self.n = n
        self.maximum = sums / n
        if k == 1:
            self.maximum[:] = [expected_maximum(m.T) for m in self._increments(GRID[None])]

    def _increments(self, points: np.ndarray) -> list[np.ndarray]:
        outcomes = self.pilot.given(points)
        return [increments(outcomes, v, b) for v, b in zip(self.wtp, self.pilot.best, strict=True)]


class _Points(NamedTuple):
    """Rotated outer scores (k, n), the first spread, their weights (n,), and all scores of the model runs."""

    outer: np.ndarray
    weights: np.ndarray
    scores: np.ndarray


class NestedPart:
    """What the model adds to the surrogate, per scramble and WTP, from outer and inner points.

    `excess`: the maximum of inner means less that of g_S; `halved`: of half the inner draws, mean of both;
    `policy`: the value of choosing by g_S; `shift` (..., n_strategies): inner means less g_S.
    """

    def __init__(self, pilot: PilotFit, runs: ScoreRuns, wtp: np.ndarray, n_inner: int):
        self.pilot, self.runs, self.wtp, self.n_inner, self.n = pilot, runs, wtp, n_inner, 0
        n_strategies = len(pilot.whole.constant) // 2
        self.excess, self.halved, self.policy = (np.zeros((SCRAMBLES, len(wtp))) for _ in range(3))
        self.shift = np.zeros((SCRAMBLES, len(wtp), n_strategies))

    def extend(self, n: int) -> None:
        """Extend to n outer points a scramble."""
        parts = (self.excess, self.halved, self.policy, self.shift)
        for part in parts:
            part *= self.n / n
        step = max(1, _AT_ONCE // self.n_inner)
        for first in range(self.n, n, step):
            points = [self._points(r, first, min(first + step, n)) for r in range(SCRAMBLES)]
            left = self._left([p.scores for p in points])
            for r in range(SCRAMBLES):
                given = self.pilot.given(points[r].outer)
                for w in range(len(self.wtp)):
                    for part, found in zip(parts, self._at(w, given, left[r]), strict=True):
                        part[r, w] += found @ points[r].weights / n
        self.n = n

    def _points(self, scramble: int, first: int, last: int) -> _Points:
        """Return outer points and all scores (n_scores, 2 x n x n_inner / 2).

        The halves of the inner draws are scrambled apart: only then has their mean half their variance,
        which the correction of the bias rests on.
        """
        runs, m = self.runs, self.n_inner // 2
        y = sobol_scores(runs.names, runs.seed, _NESTED + scramble, first, last)[: runs.k]
        weights = spread(y[:1])
        halves = [
            sobol_scores(runs.names, runs.seed, half + scramble, first * m, last * m)
            for half in (_NESTED, _OTHER_HALF)
        ]
        z = np.hstack(halves)
        z[: runs.k] = np.tile(np.repeat(self.pilot.rotation @ y, m, 1), 2)
        return _Points(y, weights, z)

    def _left(self, z: list[np.ndarray]) -> np.ndarray:
        """Return means of model less surrogate (n_scrambles, 2 n_strategies, n, 2) over half inner loops."""
        together = np.hstack(z)
        left = self.runs.outcomes(together) - self.pilot.whole(together)
        halves = left.reshape(len(left), len(z), 2, -1, self.n_inner // 2).mean(-1)
        return halves.transpose(1, 0, 3, 2)

    def _at(self, w: int, given: np.ndarray, left: np.ndarray) -> tuple[Any, ...]:
        """Return each part (..., n) at outer points at one WTP."""
        value, best = self.wtp[w], self.pilot.best[w]
        surrogate = increments(given, value, best)
        halves = increments(left, value, best) + surrogate[..., None]
        whole, highest = halves.mean(-1), surrogate.max(0)
        policy = np.take_along_axis(whole, surrogate.argmax(0)[None], 0)[0]
        return (
            whole.max(0) - highest,
            halves.max(0).mean(-1) - highest,
            policy - highest,
            whole - surrogate,
        )


@dataclass(frozen=True)
class Together:
    """Estimates per WTP: EVPPI, its standard error, the parts' shares in it, bias removed, and bracket."""

    value: np.ndarray
    error: np.ndarray
    free: np.ndarray
    nested: np.ndarray
    bias: np.ndarray
    policy: np.ndarray
    uncorrected: np.ndarray

    def watched(self, before: "Together", free_grown: float, nested_grown: float) -> "Together":
        """Return this with errors at least those of before, shrunk as the points have grown (see `Curve`)."""
        free = np.maximum(self.free, before.free * free_grown**-_FALL_FREE)
        nested = np.maximum(self.nested, before.nested * nested_grown**-_FALL_NESTED)
        return replace(self, error=np.maximum(self.error, np.hypot(free, nested)), free=free, nested=nested)


def together(free: FreePart, nested: NestedPart) -> Together:
    """Put the parts together: the error is from leaving out one scramble of both at a time."""
    means = nested.pilot.mean_increments(nested.wtp)

    def gain(maximum: np.ndarray, top: np.ndarray, shift: np.ndarray) -> np.ndarray:
        return maximum + top - (means + shift).max(-1)

    top, half, policy, shift, maximum = (
        leaving_one_out(x) for x in (nested.excess, nested.halved, nested.policy, nested.shift, free.maximum)
    )
    corrected = 2 * top - half
    both = gain(maximum, corrected, shift)
    value, error = jackknife(both[0], both[1:])
    only_free = gain(maximum, corrected[:1], shift[:1])
    only_nested = gain(maximum[:1], corrected, shift)
    return Together(
        value=value,
        error=with_resolution(error, value, nested.pilot.evpi),
        free=jackknife(only_free[0], only_free[1:])[1],
        nested=jackknife(only_nested[0], only_nested[1:])[1],
        bias=np.abs(half[0] - top[0]),
        policy=gain(maximum, policy, shift)[0],
        uncorrected=gain(maximum, top, shift)[0],
    )
