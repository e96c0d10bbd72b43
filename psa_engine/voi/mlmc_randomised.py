"""EVPPI without bias: multilevel Monte Carlo with a random level for each outer draw (Rhee and Glynn 2015).

A draw of level l >= 1 comes with probability p_l and counts 1 / p_l times, so that all levels up to inner
loops of a million draws are there in expectation; with p_l ~ 2^-1.25l both the variance (levels fall like
2^-1.5l) and the mean cost (they cost 2^l) stay finite.
"""

from time import perf_counter

import numpy as np

from psa_engine.engine.progress import progress_bar
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.coupling import stream
from psa_engine.voi.levels import DECAY, Ladder, starting_size
from psa_engine.voi.pilot import Pilot, checked_budget, first_pilot, nothing_to_know, sized_on
from psa_engine.voi.problem import Problem

RATE = 1.25
_LARGEST = 20
"""Levels end at 2^20 inner draws, where a mean's maximum is biased a thousand times less than at 2^10."""
_FEWEST = 256
_SEEN = 32
_FIRST_SHARE = 0.25


def estimate(
    problem: Problem,
    of: tuple[str, ...],
    wtp: np.ndarray,
    *,
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    n_runs: int | None = None,
    max_runs: int = 2**25,
) -> VoiEstimate:
    """Return the EVPPI (n_wtp,) of parameters or groups without nested bias, money per person.

    Stops when the 95 % half-width is about `rtol` of the EVPPI, or of a twentieth of the EVPI where that is
    more, or at `max_runs` model runs; given `n_runs`, makes about that many (the levels are random).
    `bias_bound` is for choosing the best strategy by the same runs. Raises InputError for an unknown
    parameter and options out of range.
    """
    started = perf_counter()
    budget = checked_budget(rtol, n_runs, max_runs)
    split = problem.split(of)
    if not split.n_outer:
        return nothing_to_know(of, wtp)
    places = sized_on(wtp)
    pilot = first_pilot(split, wtp[places], budget, seed, progress)
    ladder = Ladder(split, wtp, starting_size(pilot) if split.n_inner else 0, stream(seed, 1))
    draws = _Draws(ladder, pilot, places, rtol if n_runs is None else None, budget - pilot.runs, stream(seed, 2))
    draws.run(_FIRST_SHARE, progress)
    draws.run(1.0, progress)
    value, error = draws.correction()
    error = np.hypot(ladder.first.standard_error, error)
    return VoiEstimate(
        value=ladder.first.value + value,
        standard_error=error,
        method="randomised multilevel Monte Carlo",
        wtp=wtp,
        of=of,
        model_runs=ladder.runs + pilot.runs,
        seconds=perf_counter() - started,
        bias_bound=ladder.first.bias_bound(),
        diagnostics={
            "levels": ladder.table(),
            "probabilities": draws.probabilities,
            "converged": bool((1.96 * error[places] <= rtol * pilot.scale).all()),
            "optimal_strategy": tuple(problem.strategies[i] for i in ladder.first.best),
        },
    )


class _Draws:
    """Outer draws of level 0 and of random higher levels, and the estimate of what the latter add."""

    def __init__(
        self, ladder: Ladder, pilot: Pilot, places: np.ndarray, rtol: float | None, budget: int, seed: int
    ):
        self.ladder, self.pilot, self.places = ladder, pilot, places
        self.rtol, self.budget = rtol, budget
        self.random = np.random.default_rng(seed)
        n_levels = _LARGEST - ladder.start if ladder.split.n_inner else 0
        for _ in range(n_levels):
            ladder.add_level()
        falling = 2.0 ** (-RATE * np.arange(n_levels))
        self.probabilities = falling / falling.sum() if n_levels else falling

    def run(self, share: float, progress: bool) -> None:
        """Bring the draws to a share of what the variances found so far ask for."""
        first, rest = self._wanted(share)
        counts = self.random.multinomial(max(rest - self.n_drawn, 0), self.probabilities) if rest else np.zeros(0, int)
        counts = np.array([max(first - self.ladder.first.n, 0), *counts])
        planned = int((counts * 2.0 ** (self.ladder.start + np.arange(len(counts)))).sum())
        with progress_bar(planned, "model runs", progress) as advance:
            for level, n in enumerate(counts):
                if n:
                    self.ladder.run(level, int(n), advance)

    @property
    def n_drawn(self) -> int:
        return int(self.ladder.n[1:].sum())

    def correction(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean of the weighted level differences (n_wtp,) and its standard error."""
        if not self.n_drawn:
            return np.zeros(len(self.ladder.wtp)), np.zeros(len(self.ladder.wtp))
        sums = np.array([level.powers[0] for level in self.ladder.levels])
        mean = (sums / self.probabilities[:, None]).sum(0) / self.n_drawn
        return mean, np.sqrt(np.maximum(self._square() - mean**2, 0) / self.n_drawn)

    def _square(self) -> np.ndarray:
        """Return the mean square (n_wtp,) of a weighted difference, with levels hardly seen taken to decay as they should."""
        out: list[np.ndarray] = []
        for level in self.ladder.levels:
            found = level.mean_square
            out.append(found if level.n >= _SEEN or not out else np.maximum(found * level.n / _SEEN, out[-1] / 2**DECAY))
        return (np.array(out) / self.probabilities[:, None]).sum(0)

    def _wanted(self, share: float) -> tuple[int, int]:
        """Return how many draws of level 0 and of the others are best for a share of the run."""
        size = 2.0**self.ladder.start
        scale = self.pilot.scale**2
        if self.ladder.first.n:
            first = (self.ladder.first_variance[self.places] / scale).max()
            rest = (self._square()[self.places] / scale).max() if len(self.probabilities) else 0.0
        else:
            levels, differences = self.pilot.level_variances()
            first = (levels[self.ladder.start] / scale).max()
            known = (differences[self.ladder.start + 1 :] / scale).max(-1)
            rest = (known / self.probabilities[: len(known)]).sum() if len(self.probabilities) else 0.0
        cost = size * float((self.probabilities * 2.0 ** np.arange(1, len(self.probabilities) + 1)).sum())
        total = np.sqrt(first * size) + np.sqrt(rest * cost)
        runs = float(self.budget)
        if self.rtol is not None:
            runs = min(runs, (1.96 * total / self.rtol) ** 2)
        runs *= share / max(total, 1e-300)
        n_first = max(int(runs * np.sqrt(first / size)), _FEWEST)
        return n_first, max(int(runs * np.sqrt(rest / cost)), _FEWEST) if cost else 0
