"""The levels of multilevel Monte Carlo: outer draws with more and more inner draws, and what each added.

Level 0 is the loss with a few inner draws; level l is what doubling them to 2^l times as many changed: the
highest mean over all of them less the mean of the highest over each half, on the same inner draws
(antithetic coupling). Its mean falls like 2^-l and its variance like 2^-1.5l (Giles and Goda 2019).
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.engine.progress import Advance
from psa_engine.voi.coupling import gains, grouped, outer_draws, stream
from psa_engine.voi.goal import spread
from psa_engine.voi.pilot import Pilot
from psa_engine.voi.problem import OuterSet, Split
from psa_engine.voi.tally import Tally

DECAY = 1.5
"""A level's variance is 2^-1.5 of that before it where the best strategies' difference has a density at 0."""

TRUSTED, FEWEST = 256, 32
"""Outer draws from which on a level's variance is believed, and from which on it is judged at all."""


@dataclass
class Level:
    """Sums over the outer draws of a level >= 1, per WTP: powers 1 to 4 of its difference, and both terms."""

    n_inner: int
    powers: np.ndarray
    terms: np.ndarray = field(init=False)
    n: int = 0

    def __post_init__(self) -> None:
        self.terms = np.zeros((2, 2, self.powers.shape[1]))

    def add(self, runs: InnerMeans, wtp: np.ndarray, reference: tuple[int, ...]) -> None:
        for i, (value, chosen) in enumerate(zip(wtp, reference, strict=True)):
            found = gains(runs, value, chosen)
            difference = found.fine - found.coarse
            self.powers[:, i] += [(difference**k).sum() for k in (1, 2, 3, 4)]
            self.terms[..., i] += [[x.sum(), (x**2).sum()] for x in (found.fine, found.coarse)]
        self.n += len(runs.costs)

    @property
    def mean(self) -> np.ndarray:
        return self.powers[0] / max(self.n, 1)

    @property
    def mean_square(self) -> np.ndarray:
        return self.powers[1] / max(self.n, 1)

    @property
    def variance(self) -> np.ndarray:
        return (self.mean_square - self.mean**2) * self.n / max(self.n - 1, 1)

    @property
    def kurtosis(self) -> np.ndarray:
        m1, m2, m3, m4 = self.powers / max(self.n, 1)
        fourth = m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4
        squared = np.maximum(self.variance, 0) ** 2
        return np.divide(fourth, squared, out=np.full_like(squared, np.nan), where=squared > 0)

    def term(self, which: int) -> tuple[np.ndarray, np.ndarray]:
        """Return mean and squared standard error of the fine (0) or coarse (1) term."""
        mean, square = self.terms[which] / max(self.n, 1)
        return mean, np.maximum(square - mean**2, 0) / max(self.n, 1)


class Ladder:
    """The levels of one problem: level 0 a tally, the others their differences; every call draws anew."""

    def __init__(self, split: Split, wtp: np.ndarray, start: int, seed: int, pilot: Pilot | None = None):
        self.split, self.wtp, self.start, self.seed, self.pilot = split, wtp, start, seed, pilot
        self.first = Tally(wtp, len(split.problem.strategies), np.ones(len(wtp)))
        self.levels: list[Level] = []
        self._calls = 0

    def n_inner(self, level: int) -> int:
        return 2 ** (self.start + level)

    def add_level(self) -> None:
        self.levels.append(Level(self.n_inner(len(self.levels) + 1), np.zeros((4, len(self.wtp)))))

    def run(self, counts: Sequence[int], advance: Advance | None) -> None:
        """Add so many outer draws to each level from 0 on."""
        levels: deque[int] = deque()

        def sets() -> Iterator[OuterSet]:
            for level, n in enumerate(counts):
                if n:
                    self._calls += 1
                    seed = stream(self.seed, self._calls)
                    for one in outer_draws(self.split, int(n), self.n_inner(level), seed):
                        levels.append(level)
                        yield one

        for runs in self.split.inner_means_of(sets(), advance=advance):
            if level := levels.popleft():
                self.levels[level - 1].add(runs, self.wtp, self.first.reference)
            else:
                whole = InnerMeans(*(np.repeat(x.mean(-1, keepdims=True), 2, axis=-1) for x in runs))
                self.first.add(grouped(whole, 1))

    @property
    def n(self) -> np.ndarray:
        """Outer draws of each level."""
        return np.array([self.first.n_draws, *(level.n for level in self.levels)])

    @property
    def runs(self) -> int:
        return int(sum(n * self.n_inner(i) for i, n in enumerate(self.n)))

    def variances(self) -> list[np.ndarray]:
        """Return the variance of a draw of each level (n_wtp,), cautiously.

        A few draws of a high level see few of the rare large differences: until there are `TRUSTED` of
        them, the level is not taken to vary less than a quarter of what the one before does.
        """
        out = [self.first.variance]
        for i, level in enumerate(self.levels):
            found = np.maximum(level.variance, 0)
            out.append(np.maximum(found, out[-1] / 4) if i and level.n < TRUSTED else found)
        return out

    @property
    def beyond(self) -> tuple[np.ndarray, np.ndarray]:
        """How often all levels beyond the last add what it adds (n_wtp,), and the standard error of that.

        Once where level means halve; a pilot says how much more where strategies tie (see `Pilot.factor`).
        """
        if self.pilot is None:
            return np.ones(len(self.wtp)), np.zeros(len(self.wtp))
        size = self.start + len(self.levels)
        return spread(self.pilot.factor(size), self.wtp), spread(self.pilot.factor_error(size), self.wtp)

    @property
    def weights(self) -> np.ndarray:
        """How often each level counts (n_levels, n_wtp): the last also for those beyond it."""
        out = np.ones((len(self.levels) + 1, len(self.wtp)))
        if self.levels:
            out[-1] += self.beyond[0]
        return out

    @property
    def value(self) -> np.ndarray:
        """The sum (n_wtp,) of all levels."""
        means = [self.first.value, *(level.mean for level in self.levels)]
        return np.array(sum(w * m for w, m in zip(self.weights, means, strict=True)))

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error (n_wtp,) of the sum of all levels."""
        parts = zip(self.weights, self.variances(), self.n, strict=True)
        doubt = self.beyond[1] * self.levels[-1].mean if self.levels else 0.0
        return np.sqrt(sum(w**2 * v / max(n, 1) for w, v, n in parts) + doubt**2)

    def table(self) -> list[dict[str, Any]]:
        """Return a row a level; `consistency`: errors between its coarse term and the level before."""
        tally = self.first
        rows = [_row(0, self.n_inner(0), tally.n_draws, tally.value, self.first.variance)]
        before = tally.values[..., 0].mean(0), tally.reference_error**2
        for i, level in enumerate(self.levels, 1):
            mean, square = level.term(1)
            apart, error = np.abs(mean - before[0]), np.sqrt(square + before[1])
            judged = (error > 0) & (level.n >= FEWEST)
            row = _row(i, level.n_inner, level.n, level.mean, level.variance)
            row["kurtosis"] = level.kurtosis
            row["consistency"] = np.divide(apart, error, out=np.full_like(apart, np.nan), where=judged)
            rows.append(row)
            before = level.term(0)
        return rows


def _row(level: int, n_inner: int, n_outer: int, mean: np.ndarray, variance: np.ndarray) -> dict[str, Any]:
    return {"level": level, "n_inner": n_inner, "n_outer": n_outer, "mean": mean, "variance": variance}


def starting_size(pilot: Pilot) -> int:
    """Return the power of two of inner draws of level 0 with which all levels together cost least."""
    first, differences = (v / pilot.scale**2 for v in pilot.level_variances())
    size = 2.0 ** np.arange(len(first))
    ahead = np.sqrt(differences.max(-1) * size)
    cost = np.sqrt(first.max(-1) * size) + np.append(np.cumsum(ahead[::-1])[::-1][1:], 0)
    return int(cost[: max(len(cost) - 2, 1)].argmin())
