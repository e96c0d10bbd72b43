"""EVPPI by nested Monte Carlo and nested quasi-Monte Carlo (Brennan, Kharroubi, O'Hagan, Chilcott 2007).

Outside, the parameters of interest are drawn; inside, all others given those, in antithetic pairs. The mean
of the highest inner mean is biased up by about 1 / n_inner; the two halves of the inner draws show by how
much, and it is taken off (Richardson).
"""

from time import perf_counter
from typing import Any

import numpy as np

from psa_engine.engine.progress import progress_bar
from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.coupling import stream
from psa_engine.voi.goal import Goal, nothing_to_know, sized_on
from psa_engine.voi.outer_draws import Advised, Outer, OuterDraws
from psa_engine.voi.pilot import WORST_LEFT, Pilot, first_pilot, joined, run_pilot
from psa_engine.voi.problem import Problem, Split
from psa_engine.voi.scrambles import SCRAMBLES

_BETWEEN = {"random": 1.0, "sobol": 0.05}
"""The part of the variance between outer draws that counts when sizing: a net takes most of it away."""
_BIAS_WEIGHT = 2
_SMALLEST, _LARGEST = 2, 14
"""Inner draws are 2^2 (two pairs, a half each) to 2^14."""
_FEWEST_OUTER = 512
_LARGEST_PILOT = 2**22


def estimate(
    problem: Problem,
    of: tuple[str, ...],
    wtp: np.ndarray,
    *,
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    n_runs: int | None = None,
    sampler: Outer = "sobol",
    n_outer: int | None = None,
    n_inner: int | None = None,
    max_runs: int = 2**25,
) -> VoiEstimate:
    """Return the EVPPI (n_wtp,) of parameters or groups by two loops, money per person.

    Outer draws are independent ("random": the standard error is theirs) or 16 to 31 scrambled Sobol nets
    ("sobol": it is that between nets, widened so that 1.96 of them make a 95 % interval). A pilot chooses
    the inner draws. Outer draws are added until the goal is met: see `Goal` for `rtol`, `n_runs` and
    `max_runs`. `n_outer` with `n_inner` (a power of two from 4) do without a pilot.

    `bias_bound` is for what the correction leaves; `bracket` is (the value of a policy, the uncorrected
    estimate), whose expectations lie below and above the EVPPI; `diagnostics["doubling"]` what the pilot
    saw. Raises InputError for an unknown parameter and options out of range.
    """
    started = perf_counter()
    if sampler not in _BETWEEN:
        raise InputError(f"The sampler of the outer draws must be 'sobol' or 'random', and is '{sampler}'.")
    goal = Goal(rtol, n_runs, max_runs)
    split = problem.split(of)
    if not split.n_outer:
        return nothing_to_know(of, wtp)
    if n_outer is not None or n_inner is not None:
        advised = None, _checked_size(split, n_outer, n_inner)
    else:
        advised = _sized(split, wtp[sized_on(wtp)], sampler, goal, seed, progress)
    draws = OuterDraws(split, wtp, sampler, advised, seed, progress)
    if n_outer is None and n_runs is None:
        draws.run_until(goal)
    else:
        draws.run(n_outer or draws.affordable(goal))
    return _record(of, draws, rtol, perf_counter() - started)


def _checked_size(split: Split, n_outer: int | None, n_inner: int | None) -> int:
    if n_outer is None or n_inner is None:
        raise InputError("Give n_outer and n_inner together, or neither: then a pilot chooses them.")
    if n_outer < SCRAMBLES:
        raise InputError(f"n_outer must be at least {SCRAMBLES}, and is {n_outer}.")
    if n_inner < 2**_SMALLEST or n_inner & (n_inner - 1):
        raise InputError(f"n_inner must be a power of two from {2**_SMALLEST}, and is {n_inner}.")
    return n_inner.bit_length() - 1 if split.n_inner else 0


def _sized(split: Split, wtp: np.ndarray, sampler: Outer, goal: Goal, seed: int, progress: bool) -> Advised:
    """Return a pilot of a twentieth of the run or more, and the power of two of inner draws it speaks for."""
    if not split.n_inner:
        return None, 0  # nothing is left to average over: the EVPPI is the EVPI
    pilot = first_pilot(split, wtp, goal, seed, progress)
    while True:
        size, planned = _plan(pilot, _BETWEEN[sampler], goal)
        if pilot.runs >= min(planned / 20, _LARGEST_PILOT):
            return pilot, size
        n = 3 * len(pilot.fine)
        with progress_bar(n * pilot.n_inner, "pilot runs", progress) as advance:
            more = run_pilot(split, wtp, n, pilot.n_inner, stream(seed, 2, n), advance, pilot.reference)
        pilot = joined([pilot, more])


def _plan(pilot: Pilot, between: float, goal: Goal) -> tuple[int, float]:
    """Return the inner size of least runs for the tolerance, or least error for the budget; and the runs.

    The bias counts double its bound, lest an interval that knows nothing of it miss the truth.
    """
    largest = min(_LARGEST, int(np.log2(goal.budget / _FEWEST_OUTER)))
    sizes = range(_SMALLEST, max(_SMALLEST, largest) + 1)
    variance = np.array([pilot.variance(k, between) * 2**k for k in sizes]) / pilot.scale**2
    bias = _BIAS_WEIGHT * np.array([pilot.bias(k) for k in sizes]) / pilot.scale
    left = (goal.rtol / 1.96) ** 2 - bias**2
    runs = np.where(left > 0, variance / np.where(left > 0, left, 1), np.inf).max(-1)
    if goal.n_runs is None and runs.min() <= goal.budget:
        return sizes[int(runs.argmin())], float(runs.min())
    return sizes[int((variance / goal.budget + bias**2).max(-1).argmin())], goal.budget


def _record(of: tuple[str, ...], draws: OuterDraws, rtol: float, seconds: float) -> VoiEstimate:
    tally, pilot, error = draws.tally, draws.pilot, draws.standard_error
    diagnostics: dict[str, Any] = {
        "n_outer": tally.n_draws,
        "n_inner": draws.n_inner,
        "correction": tally.correction,
        "converged": draws.excess(rtol, error) <= 1,
        "optimal_strategy": tuple(draws.split.problem.strategies[i] for i in tally.best),
    }
    if tally.n_groups > 1:
        diagnostics["scrambles"] = tally.n_groups
    if pilot is not None:
        diagnostics["doubling"] = pilot.doubling_table()
    left = WORST_LEFT if pilot is None else pilot.left(draws.n_inner.bit_length() - 1)
    return VoiEstimate(
        value=tally.value,
        standard_error=error,
        method="nested quasi-Monte Carlo" if tally.n_groups > 1 else "nested Monte Carlo",
        wtp=tally.wtp,
        of=of,
        model_runs=draws.runs + (pilot.runs if pilot else 0),
        seconds=seconds,
        bias_bound=tally.bias_bound(left),
        bracket=tally.bracket,
        diagnostics=diagnostics,
    )
