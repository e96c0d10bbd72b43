"""EVPPI without bias: multilevel Monte Carlo with a random level for each outer draw (Rhee and Glynn 2015).

A draw of level l >= 1 comes with probability p_l and counts 1 / p_l times, so that all levels up to inner
loops of a million draws are there in expectation. The variance of levels falls like 2^-bl, b = 1.5 as a rule;
with p_l ~ 2^-(1+b)l/2 both the variance and the mean cost (level l costs 2^l) stay finite. Where strategies
tie whatever the parameters of interest are, b = 1, and large errors are rarer but larger.
"""

from time import perf_counter

import numpy as np

from psa_engine.engine.progress import progress_bar
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.coupling import stream
from psa_engine.voi.goal import Goal, nothing_to_know, sized_on
from psa_engine.voi.levels import Ladder, starting_size
from psa_engine.voi.pilot import Pilot, first_pilot
from psa_engine.voi.problem import Problem

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

    See `Goal` for `rtol`, `n_runs` and `max_runs`, which are met on average (the levels are random).
    `bias_bound` is for choosing the best strategy by the same runs; `diagnostics["levels"]`: see
    `Ladder.table`. Raises InputError for an unknown parameter and options out of range.
    """
    started = perf_counter()
    goal = Goal(rtol, n_runs, max_runs)
    split = problem.split(of)
    if not split.n_outer:
        return nothing_to_know(of, wtp)
    places = sized_on(wtp)
    pilot = first_pilot(split, wtp[places], goal, seed, progress)
    ladder = Ladder(split, wtp, starting_size(pilot) if split.n_inner else 0, stream(seed, 1))
    draws = _Draws(ladder, pilot, goal, stream(seed, 2))
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

    def __init__(self, ladder: Ladder, pilot: Pilot, goal: Goal, seed: int):
        self.ladder, self.pilot, self.goal = ladder, pilot, goal
        self.random = np.random.default_rng(seed)
        n_levels = _LARGEST - ladder.start if ladder.split.n_inner else 0
        for _ in range(n_levels):
            ladder.add_level()
        self.decay = pilot.decay
        falling = 2.0 ** (-(1 + self.decay) / 2 * np.arange(n_levels))
        self.probabilities = falling / falling.sum() if n_levels else falling

    def run(self, share: float, progress: bool) -> None:
        """Bring the draws to a share of what the variances found so far ask for."""
        first, rest = self._wanted(share)
        counts = np.array([max(first - self.ladder.first.n_draws, 0)])
        if rest:
            drawn = self.random.multinomial(max(rest - self.n_drawn, 0), self.probabilities)
            counts = np.append(counts, drawn)
        planned = int((counts * 2.0 ** (self.ladder.start + np.arange(len(counts)))).sum())
        with progress_bar(planned, "model runs", progress) as advance:
            self.ladder.run(counts.tolist(), advance)

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
        """Return the mean square (n_wtp,) of a weighted difference; levels hardly seen decay as usual."""
        out: list[np.ndarray] = []
        for level in self.ladder.levels:
            seen = min(level.n / _SEEN, 1)
            least = out[-1] / 2**self.decay if out and seen < 1 else 0.0
            out.append(np.maximum(level.mean_square * seen, least))
        return (np.array(out) / self.probabilities[:, None]).sum(0)

    def _wanted(self, share: float) -> tuple[int, int]:
        """Return how many draws of level 0 and of the others are best for a share of the run."""
        first, rest = self._variances()
        size = 2.0**self.ladder.start
        above = 2.0 ** np.arange(1, len(self.probabilities) + 1)
        cost = size * float((self.probabilities * above).sum())
        total = float(np.sqrt(first * size) + np.sqrt(rest * cost))
        runs = share * self.goal.runs(total, self.pilot.runs) / max(total, 1e-300)
        n_first = max(int(runs * np.sqrt(first / size)), _FEWEST)
        return n_first, max(int(runs * np.sqrt(rest / cost)), _FEWEST) if cost else 0

    def _variances(self) -> tuple[float, float]:
        """Return the variance of a draw of level 0 and of a weighted difference, over the squared scale."""
        scale, start = self.pilot.scale**2, self.ladder.start
        known = len(self.probabilities) > 0
        if self.ladder.first.n:
            places = sized_on(self.ladder.wtp)
            rest = (self._square()[places] / scale).max() if known else 0.0
            return float((self.ladder.first.variance[places] / scale).max()), float(rest)
        levels, differences = self.pilot.level_variances()
        squares = (differences[start + 1 :] / scale).max(-1)
        rest = (squares / self.probabilities[: len(squares)]).sum() if known else 0.0
        return float((levels[start] / scale).max()), float(rest)
