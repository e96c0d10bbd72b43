"""EVPPI of groups: nested quasi-Monte Carlo in which a polynomial surrogate does most of the averaging.

A surrogate g of costs and effects in the independent normal scores is fitted to a pilot. Its conditional
mean given the outer scores, g_S, is read off; what is left, the mean of the model less g, is found by
inner draws; and the expected maximum of g_S itself costs no model runs, so that the model only has to
supply the difference. Right for any g, since g is fitted to other draws; fast where g is good.
"""

from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from psa_engine.engine.progress import progress_bar
from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.goal import FLOOR, Goal, nothing_to_know, sized_on
from psa_engine.voi.pilot_fit import PilotFit, ScoreRuns, fit_pilot
from psa_engine.voi.problem import Problem
from psa_engine.voi.scrambles import SCRAMBLES, excess
from psa_engine.voi.surrogate_parts import FreePart, NestedPart, Together, together

LEAST_R2 = 0.9
_FREE, _MOST_FREE = 2**12, 2**17
_OUTER, _INNER = 64, 8
"""Points a scramble, and inner draws, to begin with."""


def estimate(
    problem: Problem,
    of: tuple[str, ...],
    wtp: np.ndarray,
    *,
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    max_runs: int = 4_000_000,
    n_inner: int = _INNER,
    fallback: bool = True,
) -> VoiEstimate:
    """Return the EVPPI (n_wtp,) of parameters or groups, money per person, and the bracket it lies in.

    Stops when the 95 % half-width is below `rtol` of the value or of a twentieth of the EVPI, or before
    `max_runs` model runs. Where the surrogate explains less than .9 of the variance of the differences
    between strategies at some WTP, multilevel Monte Carlo takes over unless `fallback` is off.
    `bias_bound` is the bias of the inner loop that was found and removed; `bracket` is (the value of
    choosing by g_S, the uncorrected nested estimate). Raises InputError for options out of range.
    """
    started = perf_counter()
    goal = Goal(rtol, None, max_runs)
    if n_inner < 2 or n_inner & (n_inner - 1):
        raise InputError(f"n_inner must be a power of two from 2, and is {n_inner}.")
    varying = tuple(n for n in problem.members(of) if n in problem.parameters.uncertain)
    if not varying:
        return nothing_to_know(of, wtp)
    with progress_bar(max_runs, "model runs", progress) as advance:
        runs = ScoreRuns(problem.split(varying), seed, advance)
        pilot = fit_pilot(runs, wtp)
        if fallback and pilot.r2.min() < LEAST_R2:
            return _multilevel(problem, of, wtp, pilot, rtol=rtol, seed=seed, progress=progress)
        rounds = _Rounds(pilot, runs, wtp, goal, n_inner)
        found = rounds.carry_out()
    return VoiEstimate(
        value=found.value,
        standard_error=found.error,
        method="surrogate",
        wtp=wtp,
        of=of,
        model_runs=runs.runs,
        seconds=perf_counter() - started,
        bias_bound=found.bias,
        bracket=(found.policy, found.uncorrected),
        diagnostics=rounds.diagnostics(found),
    )


def _multilevel(
    problem: Problem, of: tuple[str, ...], wtp: np.ndarray, pilot: PilotFit, **options: Any
) -> VoiEstimate:
    from psa_engine.voi import mlmc

    found = mlmc.estimate(problem, of, wtp, **options)
    return replace(found, diagnostics={**found.diagnostics, "surrogate_r2": pilot.r2})


class _Rounds:
    """Rounds of adding points to the part whose error is not small yet."""

    def __init__(self, pilot: PilotFit, runs: ScoreRuns, wtp: np.ndarray, goal: Goal, n_inner: int):
        self.pilot, self.runs, self.wtp, self.goal = pilot, runs, wtp, goal
        self.free = FreePart(pilot, wtp, runs.seed)
        self.nested = NestedPart(pilot, runs, wtp, n_inner if runs.split.n_inner else 2)
        self.judged = sized_on(wtp)

    def carry_out(self) -> Together:
        """Add rounds until the error is small or the budget spent; return what they found."""
        self.free.extend(_FREE)
        self.nested.extend(_OUTER)
        found = together(self.free, self.nested)
        while self._excess(found, found.error) > 1 or self._biased(found):
            sizes = (self.free.n, self.nested.n, self.nested.n_inner)
            if not (self._add_free(found) | self._add_nested(found)):
                break
            renewed = together(self.free, self.nested)
            if self.nested.n_inner != sizes[2]:
                found = renewed
            else:
                found = renewed.watched(found, self.free.n / sizes[0], self.nested.n / sizes[1])
        return found

    def diagnostics(self, found: Together) -> dict[str, Any]:
        """Return what the estimate rests on."""
        return {
            "surrogate_r2": self.pilot.r2,
            "scrambles": SCRAMBLES,
            "outer_points": SCRAMBLES * self.nested.n,
            "inner_points": self.nested.n_inner,
            "surrogate_points": SCRAMBLES * self.free.n,
            "converged": self._excess(found, found.error) <= 1,
        }

    def _tolerance(self, found: Together) -> np.ndarray:
        return self.goal.rtol * np.maximum(np.abs(found.value), FLOOR * self.pilot.evpi)

    def _excess(self, found: Together, error: np.ndarray) -> float:
        return excess(1.96 * error[self.judged], self._tolerance(found)[self.judged])

    def _biased(self, found: Together) -> bool:
        """Whether a quarter of the bias removed, about what may be left, is above error and tolerance."""
        allowed = np.maximum(self._tolerance(found), found.error)
        return excess(found.bias[self.judged] / 4, allowed[self.judged]) > 1

    def _add_free(self, found: Together) -> bool:
        if self.free.n >= _MOST_FREE or self._excess(found, np.sqrt(2) * found.free) <= 1:
            return False
        self.free.extend(4 * self.free.n)
        return True

    def _add_nested(self, found: Together) -> bool:
        """Add outer points, or start again with more inner draws where the bias calls for them."""
        nested, too_much = self.nested, self._excess(found, np.sqrt(2) * found.nested)
        if self._biased(found):
            n, m = _OUTER, 4 * nested.n_inner
        elif too_much > 1:
            n, m = nested.n * min(8, 2 ** int(np.ceil(np.log2(too_much**1.5)))), nested.n_inner
        else:
            return False
        new = SCRAMBLES * m * (n if m > nested.n_inner else n - nested.n)
        if self.runs.runs + new > self.goal.budget:
            return False
        if m > nested.n_inner:
            self.nested = NestedPart(self.pilot, self.runs, self.wtp, m)
        self.nested.extend(n)
        return True
