"""EVPPI by nested Monte Carlo and nested quasi-Monte Carlo (Brennan, Kharroubi, O'Hagan, Chilcott 2007).

Outside, the parameters of interest are drawn; inside, all others given those, in antithetic pairs. The mean
of the highest inner mean is biased up by about 1 / n_inner; the two halves of the inner draws show by how
much, and it is taken off (Richardson).
"""

from time import perf_counter
from typing import Any, Literal

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.engine.progress import progress_bar
from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.coupling import OUTER_AT_ONCE, outer_runs, stream
from psa_engine.voi.pilot import (
    FLOOR,
    Pilot,
    checked_budget,
    first_pilot,
    nothing_to_know,
    run_pilot,
    sized_on,
)
from psa_engine.voi.problem import Problem, Split
from psa_engine.voi.scrambles import SCRAMBLES, sobol_scores
from psa_engine.voi.tally import Tally

Outer = Literal["sobol", "random"]
_BETWEEN = {"random": 1.0, "sobol": 0.05}
"""The part of the variance between outer draws that counts when inner draws are chosen: a net takes most away."""
_BIAS_WEIGHT = 2
_SMALLEST, _LARGEST = 2, 14
"""Inner draws are 2^2 (two pairs, a half each) to 2^14."""
_FEWEST_OUTER = 512


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
    the inner draws; outer draws are added until the 95 % half-width is `rtol` of the EVPPI, or of a
    twentieth of the EVPI where that is more, or until `max_runs` model runs; given `n_runs`, that many are
    made whatever the error. `n_outer` with `n_inner` (a power of two from 4) do without a pilot.

    `bias_bound` is for what the correction leaves; `bracket` is (the value of a policy, the uncorrected
    estimate), whose expectations lie below and above the EVPPI. Raises InputError for an unknown
    parameter and options out of range.
    """
    started = perf_counter()
    if sampler not in _BETWEEN:
        raise InputError(f"The sampler of the outer draws must be 'sobol' or 'random', and is '{sampler}'.")
    budget = checked_budget(rtol, n_runs, max_runs)
    split = problem.split(of)
    if not split.n_outer:
        return nothing_to_know(of, wtp)
    if n_outer is not None or n_inner is not None:
        loops = _Loops(split, wtp, sampler, _checked_inner(split, n_outer, n_inner), seed, progress)
        pilot = None
    else:
        pilot, size = _sized(split, wtp[sized_on(wtp)], sampler, rtol, n_runs, budget, seed, progress)
        loops = _Loops(split, wtp, sampler, 2**size, seed, progress)
        budget -= pilot.runs if pilot else 0
    if n_outer is None and n_runs is None:
        loops.run_until(rtol, pilot, budget)
    else:
        loops.run(n_outer or budget // loops.n_inner)
    return _record(of, loops, pilot, rtol, perf_counter() - started)


def _checked_inner(split: Split, n_outer: int | None, n_inner: int | None) -> int:
    if n_outer is None or n_inner is None:
        raise InputError("Give n_outer and n_inner together, or neither: then a pilot chooses them.")
    if n_outer < SCRAMBLES:
        raise InputError(f"n_outer must be at least {SCRAMBLES}, and is {n_outer}.")
    if n_inner < 2**_SMALLEST or n_inner & (n_inner - 1):
        raise InputError(f"n_inner must be a power of two from {2**_SMALLEST}, and is {n_inner}.")
    return n_inner if split.n_inner else 1


def _sized(
    split: Split, wtp: np.ndarray, sampler: Outer, rtol: float, n_runs: int | None, budget: int, seed: int, progress: bool
) -> tuple[Pilot | None, int]:
    """Return a pilot of about a tenth of the run, and which power of two of inner draws it speaks for."""
    if not split.n_inner:
        return None, 0  # nothing is left to average over: the EVPPI is the EVPI
    pilot = first_pilot(split, wtp, budget, seed, progress)
    while True:
        size, planned = _plan(pilot, _BETWEEN[sampler], rtol, n_runs, budget)
        if pilot.runs >= min(planned, budget) / 20 or pilot.runs >= 2**22:
            return pilot, size
        n = 3 * len(pilot.fine)
        with progress_bar(n * pilot.n_inner, "pilot runs", progress) as advance:
            pilot = run_pilot(split, wtp, n, pilot.n_inner, stream(seed, 0), advance, before=pilot)


def _plan(pilot: Pilot, between: float, rtol: float, n_runs: int | None, budget: int) -> tuple[int, float]:
    """Return the size of the inner loop of least runs for `rtol`, or of least error for a budget, and the runs.

    The bias counts double its bound, lest an interval that knows nothing of it miss the truth.
    """
    sizes = range(_SMALLEST, max(_SMALLEST, min(_LARGEST, int(np.log2(budget / _FEWEST_OUTER)))) + 1)
    variance = np.array([pilot.variance(k, between) * 2**k for k in sizes]) / pilot.scale**2  # of one model run
    bias = _BIAS_WEIGHT * np.array([pilot.bias(k) for k in sizes]) / pilot.scale
    left = (rtol / 1.96) ** 2 - bias**2
    runs = np.where(left > 0, variance / np.where(left > 0, left, 1), np.inf).max(-1)
    if n_runs is None and runs.min() <= budget:
        return sizes[int(runs.argmin())], float(runs.min())
    return sizes[int((variance / budget + bias**2).max(-1).argmin())], budget


class _Loops:
    """Outer draws run so far, their tally, and how to add more."""

    def __init__(self, split: Split, wtp: np.ndarray, sampler: Outer, n_inner: int, seed: int, progress: bool):
        self.split, self.wtp, self.sampler, self.n_inner, self.progress = split, wtp, sampler, n_inner, progress
        self.seed = stream(seed, 1)
        self.tally = self._empty(SCRAMBLES if sampler == "sobol" else 1)

    def _empty(self, n_groups: int) -> Tally:
        return Tally(self.wtp, len(self.split.problem.strategies), n_groups)

    @property
    def runs(self) -> int:
        return self.tally.n * self.tally.n_groups * self.n_inner

    def run(self, n_outer: int) -> None:
        """Run `n_outer` outer draws; as nets, the largest power of two of points that makes `SCRAMBLES` nets or more."""
        if self.sampler == "sobol":
            n_points = 2 ** int(np.log2(max(n_outer // SCRAMBLES, 1)))
            self.tally = self._empty(max(n_outer // n_points, SCRAMBLES))
            n_outer = n_points
        self.extend(n_outer)

    def run_until(self, rtol: float, pilot: Pilot | None, budget: int) -> None:
        """Add outer draws until the error is small enough or the budget spent."""
        self.extend(1024 // self.tally.n_groups)
        while (excess := self.excess(rtol, pilot)) > 1:
            growth = 2 if self.sampler == "sobol" else float(np.clip(1.05 * excess**2, 1.2, 4))
            n = int(min(growth * self.tally.n, budget // (self.tally.n_groups * self.n_inner)))
            if n < growth * self.tally.n and (self.sampler == "sobol" or n < 1.2 * self.tally.n):
                return
            self.extend(n - self.tally.n)

    def excess(self, rtol: float, pilot: Pilot | None) -> float:
        """Return how many times the tolerance the 95 % half-width is, where it is most."""
        places = sized_on(self.wtp)
        scale = np.abs(self.tally.value[places])
        if pilot is not None:
            scale = np.where(pilot.evpi > 0, np.maximum(scale, FLOOR * pilot.evpi), np.inf)
        scale = np.where(scale > 0, scale, np.inf)
        return float((1.96 * self.tally.standard_error[places] / (rtol * scale)).max())

    def extend(self, n: int) -> None:
        """Add n outer draws, or n points to each net."""
        total = n * self.tally.n_groups * self.n_inner
        with progress_bar(total, "model runs", self.progress) as advance:
            if self.sampler == "random":
                seed = stream(self.seed, self.tally.n)
                for runs in outer_runs(self.split, n, self.n_inner, seed, advance):
                    self.tally.add(InnerMeans(runs.costs[None], runs.effects[None]))
                return
            last = self.tally.n + n
            at_once = max(1, OUTER_AT_ONCE // self.tally.n_groups)
            while self.tally.n < last:
                self._extend_nets(min(at_once, last - self.tally.n), advance)

    def _extend_nets(self, n: int, advance: Any) -> None:
        first, n_nets = self.tally.n, self.tally.n_groups
        names = [self.split.parameters.structure.scores[i] for i in self.split.outer_rows]
        nets = [sobol_scores(names, self.seed, k, first, first + n) for k in range(n_nets)]
        # The inner draws are independent, not nets: with a few pairs a half, nets have no time to be better.
        runs = self.split.inner_means(
            np.concatenate(nets, axis=1), self.n_inner, stream(self.seed, first), "antithetic", advance=advance
        )
        self.tally.add(InnerMeans(*(x.reshape(n_nets, n, *x.shape[1:]) for x in runs)))


def _record(of: tuple[str, ...], loops: _Loops, pilot: Pilot | None, rtol: float, seconds: float) -> VoiEstimate:
    tally = loops.tally
    left = WORST_LEFT if pilot is None else pilot.left(loops.n_inner.bit_length() - 1)
    diagnostics: dict[str, Any] = {
        "n_outer": tally.n * tally.n_groups,
        "n_inner": loops.n_inner,
        "correction": tally.correction,
        "converged": loops.excess(rtol, pilot) <= 1,
        "optimal_strategy": tuple(loops.split.problem.strategies[i] for i in tally.best),
    }
    if tally.n_groups > 1:
        diagnostics["scrambles"] = tally.n_groups
    if pilot is not None:
        diagnostics["doubling"] = doubling_table(pilot)
    return VoiEstimate(
        value=tally.value,
        standard_error=tally.standard_error,
        method="nested quasi-Monte Carlo" if tally.n_groups > 1 else "nested Monte Carlo",
        wtp=tally.wtp,
        of=of,
        model_runs=loops.runs + (pilot.runs if pilot else 0),
        seconds=seconds,
        bias_bound=tally.bias_bound(left),
        bracket=tally.bracket,
        diagnostics=diagnostics,
    )


def doubling_table(pilot: Pilot) -> list[dict[str, Any]]:
    """Return what the pilot saw with 1, 2, 4, ... inner draws, at the WTPs that the run was sized on."""
    n = len(pilot.fine)
    return [
        {
            "n_inner": 2**k,
            "uncorrected": pilot.fine[:, k].mean(0),
            "corrected": pilot.corrected[:, k].mean(0),
            "standard_error": pilot.corrected[:, k].std(0, ddof=1) / np.sqrt(n),
        }
        for k in range(pilot.fine.shape[1])
    ]
