"""Outer draws of a nested run, independent or scrambled nets, added as they are wanted."""

from collections.abc import Iterator
from typing import Literal

import numpy as np

from psa_engine.engine.progress import progress_bar
from psa_engine.voi.coupling import OUTER_AT_ONCE, grouped, outer_draws, stream
from psa_engine.voi.goal import FLOOR, Goal, sized_on, spread
from psa_engine.voi.pilot import Pilot
from psa_engine.voi.problem import OuterSet, Split
from psa_engine.voi.scrambles import SCRAMBLES, sobol_scores
from psa_engine.voi.tally import Tally

Outer = Literal["sobol", "random"]
Advised = tuple[Pilot | None, int]


class OuterDraws:
    """The outer draws run so far, 2^size inner draws each as a pilot advised, and their tally."""

    def __init__(
        self, split: Split, wtp: np.ndarray, sampler: Outer, advised: Advised, seed: int, progress: bool
    ):
        self.split, self.wtp, self.sampler = split, wtp, sampler
        self.pilot, size = advised
        self.n_inner, self.seed, self.progress = 2**size, stream(seed, 1), progress
        self.tally = self._empty(SCRAMBLES if sampler == "sobol" else 1)

    def _empty(self, n_groups: int) -> Tally:
        factor = np.ones(len(self.wtp))
        if self.pilot is not None:
            factor = spread(self.pilot.factor(self.n_inner.bit_length() - 1), self.wtp)
        return Tally(self.wtp, len(self.split.problem.strategies), factor, n_groups)

    @property
    def runs(self) -> int:
        return self.tally.n_draws * self.n_inner

    def affordable(self, goal: Goal) -> int:
        """Return how many outer draws the goal's model runs allow besides the pilot."""
        return (goal.budget - (self.pilot.runs if self.pilot else 0)) // self.n_inner

    def run(self, n_outer: int) -> None:
        """Run `n_outer` outer draws; as 16 to 31 nets of as many points (a power of two) as fit."""
        if self.sampler == "sobol":
            n_points = 2 ** int(np.log2(max(n_outer // SCRAMBLES, 1)))
            self.tally = self._empty(max(n_outer // n_points, SCRAMBLES))
            n_outer = n_points
        self._extend(n_outer)

    def run_until(self, goal: Goal) -> None:
        """Add outer draws until the error is small enough or the budget spent; nets are doubled."""
        nets = self.sampler == "sobol"
        afforded = self.affordable(goal) // self.tally.n_groups
        self._extend(min(1024 // self.tally.n_groups, afforded))
        while (excess := self.excess(goal.rtol)) > 1:
            growth = 2 if nets else float(np.clip(1.05 * excess**2, 1.2, 4))
            n = min(int(growth * self.tally.n), afforded)
            if n <= self.tally.n or (nets and n < 2 * self.tally.n):
                return
            self._extend(n - self.tally.n)

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error of the value (n_wtp,), that of the correction's factor included.

        The pilot judges the factor, so further outer draws do not lessen that part.
        """
        if self.pilot is None:
            return self.tally.standard_error
        off = spread(self.pilot.factor_error(self.n_inner.bit_length() - 1), self.wtp)
        return np.hypot(self.tally.standard_error, off / self.tally.factor * self.tally.correction)

    def excess(self, rtol: float, error: np.ndarray | None = None) -> float:
        """Return how many times the tolerance the 95 % half-width of the draws (or of `error`) is, where it is most."""
        error = self.tally.standard_error if error is None else error
        places = sized_on(self.wtp)
        scale = np.abs(self.tally.value[places])
        if self.pilot is not None:
            scale = np.where(self.pilot.evpi > 0, np.maximum(scale, FLOOR * self.pilot.evpi), np.inf)
        scale = np.where(scale > 0, scale, np.inf)
        return float((1.96 * error[places] / (rtol * scale)).max())

    def _extend(self, n: int) -> None:
        """Add n outer draws to each group."""
        groups, first = self.tally.n_groups, self.tally.n
        if self.sampler == "random":
            sets = outer_draws(self.split, n, self.n_inner, stream(self.seed, first))
        else:
            sets = self._nets(first, first + n)
        with progress_bar(n * groups * self.n_inner, "model runs", self.progress) as advance:
            # Inner draws are antithetic pairs, not nets: of a few pairs, nets are no better (and often worse).
            for runs in self.split.inner_means_of(sets, "antithetic", advance=advance):
                self.tally.add(grouped(runs, groups))

    def _nets(self, first: int, last: int) -> Iterator[OuterSet]:
        """Yield points `first` to `last` of every net, some ten thousand together."""
        n_nets = self.tally.n_groups
        at_once = max(1, OUTER_AT_ONCE // n_nets)
        names = [self.split.parameters.structure.scores[i] for i in self.split.outer_rows]
        for start in range(first, last, at_once):
            end = min(start + at_once, last)
            nets = [sobol_scores(names, self.seed, k, start, end) for k in range(n_nets)]
            yield OuterSet(np.concatenate(nets, axis=1), self.n_inner, stream(self.seed, start))
