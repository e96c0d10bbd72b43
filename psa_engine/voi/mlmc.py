"""EVPPI by multilevel Monte Carlo with antithetic coupling (Giles 2015; Giles and Goda 2019).

Most outer draws get few inner draws; few get many, to show what many change. Levels are added until what
is left beyond the last is small against the error, and outer draws go where they lower the variance most.
"""

from time import perf_counter

import numpy as np

from psa_engine.engine.progress import progress_bar
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.coupling import stream
from psa_engine.voi.goal import Goal, nothing_to_know, sized_on
from psa_engine.voi.levels import DECAY, FEWEST, TRUSTED, Ladder, starting_size
from psa_engine.voi.pilot import Pilot, first_pilot
from psa_engine.voi.problem import Problem

_LARGEST = 2**20
_FEWEST_RUNS = 4096
"""Model runs of level 0, at least."""


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
    """Return the EVPPI (n_wtp,) of parameters or groups by multilevel Monte Carlo, money per person.

    See `Goal` for `rtol`, `n_runs` and `max_runs`. `bias_bound`: what the levels beyond the last may add,
    and choosing the best strategy by the same runs. `diagnostics["levels"]`: see `Ladder.table`. Raises
    InputError for an unknown parameter and options out of range.
    """
    started = perf_counter()
    goal = Goal(rtol, n_runs, max_runs)
    split = problem.split(of)
    if not split.n_outer:
        return nothing_to_know(of, wtp)
    pilot = first_pilot(split, wtp[sized_on(wtp)], goal, seed, progress)
    ladder = Ladder(split, wtp, starting_size(pilot) if split.n_inner else 0, stream(seed, 1), pilot)
    _Plan(ladder, pilot, goal, progress).carry_out()
    table = ladder.table()
    half_width = 1.96 * ladder.standard_error[sized_on(wtp)]
    return VoiEstimate(
        value=ladder.value,
        standard_error=ladder.standard_error,
        method="multilevel Monte Carlo",
        wtp=wtp,
        of=of,
        model_runs=ladder.runs + pilot.runs,
        seconds=perf_counter() - started,
        bias_bound=remainder(ladder) + ladder.first.bias_bound(),
        diagnostics={
            "levels": table,
            "consistent": not any((row["consistency"] > 4).any() for row in table[1:]),
            "converged": bool((half_width <= rtol * pilot.scale).all()),
            "optimal_strategy": tuple(problem.strategies[i] for i in ladder.first.best),
        },
    )


def remainder(ladder: Ladder) -> np.ndarray:
    """Return a cautious bound (n_wtp,) of what the levels beyond the last add to what it counts for them.

    The largest of the last three means, with its standard error, carried on to the last level and beyond at
    the rate 2^-a a level at which they fell, a taken between 1/2 and 1; less the last mean, or halved.
    """
    last = ladder.levels[-3:]
    if not last:
        return np.zeros(len(ladder.wtp))
    means = np.array([np.abs(level.mean) for level in last])
    errors = np.array([np.sqrt(np.maximum(level.variance, 0) / max(level.n, 1)) for level in last])
    rate = np.full(means.shape[1], 0.5)
    if len(last) > 1:
        fall = np.log2(np.maximum(means[0], 1e-300) / np.maximum(means[-1], 1e-300)) / (len(last) - 1)
        rate = np.clip(fall, 0.5, 1)
    ahead = np.arange(len(last))[::-1, None]
    beyond = ((means + errors) * 2.0 ** (-rate * ahead)).max(0) / (2.0**rate - 1)
    return np.maximum(beyond - ladder.beyond[0] * means[-1], beyond / 2)


class _Plan:
    """How many outer draws each level gets, decided anew as variances become known."""

    def __init__(self, ladder: Ladder, pilot: Pilot, goal: Goal, progress: bool):
        self.ladder, self.pilot, self.goal, self.progress = ladder, pilot, goal, progress
        self.places = sized_on(ladder.wtp)

    @property
    def runs_left(self) -> int:
        return self.goal.budget - self.pilot.runs - self.ladder.runs

    def carry_out(self) -> None:
        """Spend a quarter of the planned runs, add levels until they suffice, then spend the rest."""
        if self.ladder.split.n_inner:
            for _ in range(2):
                self.ladder.add_level()
        share = 1 / 4
        while True:
            more = self._run(share)
            if self._short_of_levels():
                self.ladder.add_level()
            elif share < 1:
                share *= 2
            elif not more:
                return

    def _run(self, share: float) -> bool:
        """Bring every level to its share; return whether that took more than a few runs."""
        size = 2 ** (self.ladder.start + np.arange(len(self.ladder.n)))
        short = np.maximum(self._wanted(share)[0] - self.ladder.n, 0)
        affordable = min(1.0, max(self.runs_left, 0) / max((short * size).sum(), 1))
        short = np.floor(short * affordable).astype(int)
        planned = int((short * size).sum())
        if planned <= 0.01 * self.ladder.runs:
            return False
        with progress_bar(planned, "model runs", self.progress) as advance:
            self.ladder.run(short.tolist(), advance)
        return True

    def _wanted(self, share: float) -> tuple[np.ndarray, float]:
        """Return each level's outer draws for a share of the planned runs, and the final relative error."""
        variances = self._variances()
        size = 2.0 ** (self.ladder.start + np.arange(len(variances)))
        total = float(np.sqrt(variances * size).sum())
        runs = self.goal.runs(total, self.pilot.runs)
        n = np.sqrt(variances / size) * runs / max(total, 1e-300)
        fewest = [max(_FEWEST_RUNS >> self.ladder.start, FEWEST), *(FEWEST for _ in n[1:])]
        return np.maximum(np.ceil(share * n), fewest).astype(int), total / np.sqrt(max(runs, 1.0))

    def _variances(self) -> np.ndarray:
        """Return the variance of each level over the squared scale, at the worst WTP."""
        start, scale = self.ladder.start, self.pilot.scale**2
        first, differences = self.pilot.level_variances()
        guesses = [first[start], *differences[start + 1 :]]
        out: list[float] = []
        for i, (n, found) in enumerate(zip(self.ladder.n, self.ladder.variances(), strict=True)):
            value = float((found[self.places] / scale).max())
            if n < TRUSTED:
                guess = float((guesses[i] / scale).max()) if i < len(guesses) else out[-1] / 2**DECAY
                value = max(value, guess)
            out.append(value)
        return np.array(out) * self.ladder.weights.max(-1) ** 2

    def _short_of_levels(self) -> bool:
        """Whether levels beyond the last may add over half the final standard error, and can be afforded."""
        if not self.ladder.levels or self.ladder.n_inner(len(self.ladder.levels)) >= _LARGEST:
            return False
        left = (remainder(self.ladder)[self.places] / self.pilot.scale).max()
        cost = FEWEST * 2 * self.ladder.levels[-1].n_inner
        return bool(left > self._wanted(1)[1] / 2) and cost < self.runs_left / 4
