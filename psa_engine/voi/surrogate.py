"""EVPPI of groups: nested quasi-Monte Carlo in which a quadratic surrogate does most of the averaging.

A surrogate g of costs and effects in the independent normal scores is fitted to a pilot. Its conditional
mean given the outer scores, g_S, is read off; what is left, the mean of the model less g, is found by
inner draws; and the expected maximum of g_S itself costs no model runs, so that the model only has to
supply the difference. Right for any g, since g is fitted to other draws; fast where g is good.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from psa_engine.engine.progress import Advance, progress_bar
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.hermite import Quadratic, fit
from psa_engine.voi.line import GRID, expected_maximum
from psa_engine.voi.problem import Problem, Split
from psa_engine.voi.scrambles import SCRAMBLES, jackknife, leaving_one_out, sobol_scores, with_resolution

FLOOR = 1 / 20
"""The tolerance is relative to the value, or to this part of the EVPI where that is more."""
LEAST_R2 = 0.9
_BATCH = 2**13
_FEW, _SPREAD = 6, 1.4
_PILOT, _FREE, _NESTED, _OTHER_HALF = 500, 100, 200, 300


def estimate(
    problem: Problem,
    of: tuple[str, ...],
    wtp: np.ndarray,
    *,
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    max_runs: int = 4_000_000,
    n_inner: int = 8,
    fallback: bool = True,
) -> VoiEstimate:
    """Return the EVPPI of a set of parameters, money per person, and the bracket it lies in.

    Stops when the 95 % half-width is below `rtol` x the value or a twentieth of the EVPI, or before
    `max_runs` model runs. Where the surrogate explains less than .9 of the variance of the differences
    between strategies at some WTP, multilevel Monte Carlo takes over unless `fallback` is off.
    """
    started = perf_counter()
    varying = tuple(n for n in problem.members(of) if n in problem.parameters.uncertain)
    if not varying:
        return VoiEstimate(np.zeros(len(wtp)), np.zeros(len(wtp)), "constant", wtp, of)
    split = problem.split(varying)
    with progress_bar(max_runs, "model runs", progress) as advance:
        runner = _Runner(split, seed, advance)
        pilot = fit_pilot(runner, wtp)
        if fallback and pilot.r2.min() < LEAST_R2:
            return _multilevel(problem, of, wtp, pilot, rtol=rtol, seed=seed, progress=progress)
        free, nested = _Free(pilot, wtp, seed), _Nested(pilot, runner, wtp, n_inner)
        free.extend(4096)
        nested.extend(64)
        while True:
            found = _found(free, nested)
            tolerance = rtol * np.maximum(np.abs(found.value), FLOOR * pilot.evpi)
            excess = _excess(1.96 * found.error, tolerance)
            biased = _excess(found.bias / 4, np.maximum(tolerance, found.error)) > 1
            if excess <= 1 and not biased:
                break
            more_free = _excess(1.96 * np.sqrt(2) * found.free_error, tolerance) > 1 and free.n < 2**17
            if more_free:
                free.extend(4 * free.n)
            factor = min(8, 2 ** int(np.ceil(np.log2(max(2.0, excess**1.5)))))
            n, m = (64, 4 * nested.n_inner) if biased else (nested.n * factor, nested.n_inner)
            noisy = _excess(1.96 * np.sqrt(2) * found.nested_error, tolerance) > 1 or biased
            new = SCRAMBLES * (n * m if biased else (n - nested.n) * m)
            if noisy and runner.runs + new <= max_runs:
                if biased:
                    nested = _Nested(pilot, runner, wtp, m)
                nested.extend(n)
            elif not more_free:
                break
    diagnostics = {
        "surrogate_r2": pilot.r2, "scrambles": SCRAMBLES, "outer_points": SCRAMBLES * nested.n,
        "inner_points": nested.n_inner, "surrogate_points": SCRAMBLES * free.n, "converged": excess <= 1,
    }  # fmt: skip
    return VoiEstimate(
        found.value, found.error, "surrogate", wtp, of, runner.runs, perf_counter() - started, found.bias,
        (found.policy, found.biased), diagnostics,
    )  # fmt: skip


def _excess(error: np.ndarray, tolerance: np.ndarray) -> float:
    return float(np.max(np.divide(error, tolerance, out=np.zeros_like(error), where=tolerance > 0)))


def _multilevel(problem: Problem, of: Sequence[str], wtp: np.ndarray, pilot: "Pilot", **options: Any) -> VoiEstimate:
    from dataclasses import replace

    from psa_engine.voi import mlmc

    found = mlmc.estimate(problem, tuple(of), wtp, **options)
    return replace(found, diagnostics={**found.diagnostics, "surrogate_r2": pilot.r2})


@dataclass(frozen=True)
class Pilot:
    """A surrogate of (costs, effects) in all scores, the outer ones first, with what the pilot says per WTP.

    `given`: its conditional mean in rotated outer scores y, where z_outer = `rotation` y; `best`: the
    strategy of highest mean net benefit; `r2` of the differences from it; `evpi`.
    """

    whole: Quadratic
    given: Quadratic
    rotation: np.ndarray
    best: np.ndarray
    r2: np.ndarray
    evpi: np.ndarray


class _Runner:
    """Runs the model at independent scores, outer ones first, and counts the runs."""

    def __init__(self, split: Split, seed: int, advance: Advance):
        self.split, self.seed, self.advance, self.runs = split, seed, advance, 0
        self.k = split.n_outer
        self.names = tuple(f"score {i}" for i in range(self.k + split.n_inner))

    def outcomes(self, z: np.ndarray) -> np.ndarray:
        """Return costs, then effects (2 n_strategies, n) at scores (n_scores, n)."""
        parts = []
        for first in range(0, z.shape[1], _BATCH):
            here = z[:, first : first + _BATCH]
            n = here.shape[1]
            padded = here if n == _BATCH else np.pad(here, ((0, 0), (0, _BATCH - n)))
            costs, effects = self.split.evaluate(padded[: self.k], padded[self.k :])
            parts.append(np.hstack([costs, effects])[:n].T)
            self.runs += n
            self.advance(n)
        return np.hstack(parts)


def fit_pilot(runner: _Runner, wtp: np.ndarray) -> Pilot:
    """Fit the surrogate to one net and judge it."""
    n_scores, k = len(runner.names), runner.k
    n_terms = (n_scores + 1) * (n_scores + 2) // 2
    n = 2 ** int(np.clip(np.ceil(np.log2(8 * n_terms)), 11, 13))
    z = sobol_scores(runner.names, runner.seed, _PILOT, 0, n)
    y = runner.outcomes(z)
    whole = fit(z, y, np.arange(k))
    given = whole.given(np.eye(n_scores)[:k])
    residual = y - whole(z)
    best, r2, evpi, slopes = [], [], [], []
    for value in wtp:
        benefit = _benefit(y, value)
        best.append(int(benefit.mean(1).argmax()))
        gap, left = (_from(b, best[-1]) for b in (benefit, _benefit(residual, value)))
        total = gap.var(1).sum()
        shrunk = 1 - left.var(1).sum() / total * n / max(1, n - n_terms) if total > 0 else 1.0
        r2.append(shrunk)
        evpi.append(gap.max(0).mean())
        slopes.append(_from(_benefit(given.linear, value), best[-1]))
        slopes += list(2 * _from(_benefit(given.matrix, value), best[-1]))
    # The directions along which the differences between strategies change most: E[grad grad'] of g_S.
    rotation = np.linalg.svd(np.concatenate(slopes).T)[0]
    return Pilot(
        whole, given.given(rotation.T), rotation, np.array(best), np.array(r2), np.array(evpi)
    )  # fmt: skip


def _benefit(outcomes: np.ndarray, wtp: float) -> np.ndarray:
    costs, effects = np.split(outcomes, 2)
    return wtp * effects - costs


def _from(benefit: np.ndarray, best: int) -> np.ndarray:
    return benefit - benefit[best]


class _Free:
    """The expected maximum of the surrogate's conditional mean, per scramble and WTP: no model runs.

    For one outer score a sum on a grid. For more, Sobol points, of which the first score, of few also the
    second (they matter most), is drawn from a wider normal and weighted: the tails hold most of the error.
    """

    def __init__(self, pilot: Pilot, wtp: np.ndarray, seed: int):
        self.pilot, self.wtp, self.seed, self.n = pilot, wtp, seed, 0
        self.maximum = np.zeros((SCRAMBLES, len(wtp)))

    def extend(self, n: int) -> None:
        """Extend to n points a scramble."""
        k, sums = self.pilot.given.linear.shape[1], self.n * self.maximum
        names = tuple(f"outer {i}" for i in range(k))
        for r in range(SCRAMBLES if k > 1 else 0):
            points = sobol_scores(names, self.seed, _FREE + r, self.n, n)
            weights = _widened(points[: 2 if k <= _FEW else 1])
            sums[r] += [(m.max(0) * weights).sum() for m in self._increments(points)]
        self.n = n
        self.maximum = sums / n
        if k == 1:
            self.maximum[:] = [expected_maximum(m.T) for m in self._increments(GRID[None])]

    def _increments(self, points: np.ndarray) -> list[np.ndarray]:
        """Return g_S of each strategy less that of the best (n_strategies, n) for each WTP."""
        outcomes = self.pilot.given(points)
        return [_from(_benefit(outcomes, v), b) for v, b in zip(self.wtp, self.pilot.best, strict=True)]


def _widened(points: np.ndarray) -> np.ndarray:
    """Spread scores (k, n) in place, and return the ratio (n,) of their density to that of the spread ones."""
    points *= _SPREAD
    return _SPREAD ** len(points) * np.exp(-0.5 * (1 - _SPREAD**-2) * (points**2).sum(0))


class _Points(NamedTuple):
    """Rotated outer scores (k, n), the first of them spread, with weights (n,), and all scores of the model runs."""

    outer: np.ndarray
    weights: np.ndarray
    scores: np.ndarray


class _Nested:
    """What the model adds to the surrogate, per scramble and WTP, from outer and inner points.

    `excess`: the maximum of inner means less that of g_S; `halved`: of half the inner draws, mean of both;
    `policy`: the value of choosing by g_S; `shift` (..., n_strategies): inner means less g_S.
    """

    def __init__(self, pilot: Pilot, runner: _Runner, wtp: np.ndarray, n_inner: int):
        self.pilot, self.runner, self.wtp, self.n_inner, self.n = pilot, runner, wtp, n_inner, 0
        n_strategies = len(pilot.whole.constant) // 2
        self.excess, self.halved, self.policy = (np.zeros((SCRAMBLES, len(wtp))) for _ in range(3))
        self.shift = np.zeros((SCRAMBLES, len(wtp), n_strategies))

    def extend(self, n: int) -> None:
        """Extend to n outer points a scramble."""
        parts = (self.excess, self.halved, self.policy, self.shift)
        for part in parts:
            part *= self.n / n
        for first in range(self.n, n, 4096):
            last = min(first + 4096, n)
            points = [self._points(r, first, last) for r in range(SCRAMBLES)]
            left = self._left([p.scores for p in points])
            for r in range(SCRAMBLES):
                given = self.pilot.given(points[r].outer)
                for w in range(len(self.wtp)):
                    for part, found in zip(parts, self._at(w, given, left[r]), strict=True):
                        part[r, w] += found @ points[r].weights / n
        self.n = n

    def _points(self, scramble: int, first: int, last: int) -> "_Points":
        """Return outer points and all scores (n_scores, 2 x n x n_inner / 2).

        The halves of the inner draws are scrambled apart: only then has their mean half their variance,
        which the correction of the bias rests on.
        """
        runner, m = self.runner, self.n_inner // 2
        y = sobol_scores(runner.names, runner.seed, _NESTED + scramble, first, last)[: runner.k]
        weights = _widened(y[:1])
        z = np.hstack([
            sobol_scores(runner.names, runner.seed, half + scramble, first * m, last * m)
            for half in (_NESTED, _OTHER_HALF)
        ])  # fmt: skip
        z[: runner.k] = np.tile(np.repeat(self.pilot.rotation @ y, m, 1), 2)
        return _Points(y, weights, z)

    def _left(self, z: list[np.ndarray]) -> np.ndarray:
        """Return means of the model less the surrogate (n_scrambles, 2 n_strategies, n, 2) over half the inner draws."""
        together = np.hstack(z)
        left = self.runner.outcomes(together) - self.pilot.whole(together)
        halves = left.reshape(len(left), len(z), 2, -1, self.n_inner // 2).mean(-1)
        return halves.transpose(1, 0, 3, 2)

    def _at(self, w: int, given: np.ndarray, left: np.ndarray) -> tuple[Any, ...]:
        """Return each part (..., n) at outer points at one WTP."""
        value, best = self.wtp[w], self.pilot.best[w]
        surrogate = _from(_benefit(given, value), best)
        halves = _from(_benefit(left, value), best) + surrogate[..., None]
        whole = halves.mean(-1)
        chosen = surrogate.argmax(0)
        policy = np.take_along_axis(whole, chosen[None], 0)[0]
        highest = surrogate.max(0)
        return (
            whole.max(0) - highest,
            halves.max(0).mean(-1) - highest,
            policy - highest,
            whole - surrogate,
        )


@dataclass(frozen=True)
class _Found:
    value: np.ndarray
    error: np.ndarray
    free_error: np.ndarray
    nested_error: np.ndarray
    bias: np.ndarray
    policy: np.ndarray
    biased: np.ndarray


def _found(free: _Free, nested: _Nested) -> _Found:
    """Put the parts together: leave one scramble out in turn for the error."""
    means = _from_best(nested.pilot, nested.wtp)

    def gain(maximum: np.ndarray, top: np.ndarray, shift: np.ndarray) -> np.ndarray:
        return maximum + top - (means + shift).max(-1)

    top, half, policy, shift, maximum = (
        leaving_one_out(x) for x in (nested.excess, nested.halved, nested.policy, nested.shift, free.maximum)
    )
    corrected = 2 * top - half
    both = gain(maximum, corrected, shift)
    value, error = jackknife(both[0], both[1:])
    error = with_resolution(error, value, nested.pilot.evpi)
    only_free = gain(maximum, corrected[:1], shift[:1])
    only_nested = gain(maximum[:1], corrected, shift)
    return _Found(
        value,
        error,
        jackknife(only_free[0], only_free[1:])[1],
        jackknife(only_nested[0], only_nested[1:])[1],
        np.abs(half[0] - top[0]),
        gain(maximum, policy, shift)[0],
        gain(maximum, top, shift)[0],
    )


def _from_best(pilot: Pilot, wtp: np.ndarray) -> np.ndarray:
    """Return the surrogate's mean net benefits less that of the best (n_wtp, n_strategies)."""
    means = pilot.whole.mean[:, None]
    return np.array([_from(_benefit(means, v), b)[:, 0] for v, b in zip(wtp, pilot.best, strict=True)])
