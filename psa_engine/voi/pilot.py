"""A small nested run that shows what every number of inner draws would give, to size the real one.

A few hundred outer draws get some hundred inner draws each; means over blocks of 1, 2, 4, ... of those
inner draws are the inner means of as many nested runs with the same outer draws: the doubling table.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.engine.progress import Advance, progress_bar
from psa_engine.voi.coupling import best_strategy, stream
from psa_engine.voi.goal import FLOOR, Goal
from psa_engine.voi.problem import OuterSet, Split

WORST_LEFT = 2**0.5
"""No more of the correction than this is left as bias, see `Pilot.left`."""
_RUNS_AT_ONCE = 2**17
_NOISES = np.logspace(-4, 4, 1601)
_SEEN = 4


@dataclass(frozen=True)
class Pilot:
    """The doubling table, an outer draw a row: arrays (n_outer, n_sizes, n_wtp); size k has 2^k inner draws.

    `fine`: the gain, mean over blocks; `difference`: from the mean over the block's halves (negative);
    `fine_squares`, `difference_squares`: means of their squares; `within`: the variance between blocks of
    the gain plus the difference. `reference` (n_wtp,): the strategy of highest mean.
    """

    reference: tuple[int, ...]
    fine: np.ndarray
    difference: np.ndarray
    within: np.ndarray
    fine_squares: np.ndarray
    difference_squares: np.ndarray

    @property
    def n_inner(self) -> int:
        return 2 ** (self.fine.shape[1] - 1)

    @property
    def runs(self) -> int:
        return len(self.fine) * self.n_inner

    @property
    def evpi(self) -> np.ndarray:
        """The EVPI (n_wtp,): what single inner draws give."""
        return self.fine[:, 0].mean(0)

    @cached_property
    def _misfit(self) -> np.ndarray:
        """How badly each noise of `_NOISES` explains the last differences (n_noises, n_wtp): chi-squared.

        Their sizes are fitted by generalised least squares, with the covariance of their means over outer draws.
        """
        falls = _difference(_NOISES[:, None] * 2.0 ** np.arange(_SEEN)[::-1])
        out = np.zeros((len(_NOISES), self.difference.shape[2]))
        for i in range(out.shape[1]):
            seen = self.difference[:, -_SEEN:, i]
            mean = seen.mean(0)
            inverse = np.linalg.pinv(np.cov(seen.T) / len(seen), rcond=1e-10)
            scale = (falls @ inverse @ mean) / np.maximum(((falls @ inverse) * falls).sum(1), 1e-300)
            left = mean - scale[:, None] * falls
            out[:, i] = ((left @ inverse) * left).sum(1)
        return out

    @cached_property
    def noise(self) -> np.ndarray:
        """The inner variance over that between outer draws (n_wtp,) at the last size, from how differences fall."""
        return _NOISES[self._misfit.argmin(0)]

    def factor(self, size: int) -> np.ndarray:
        """Return how often the difference is added to correct the bias with 2^size inner draws (n_wtp,).

        The bias of the higher of two strategies is sqrt(1 + u) - 1 in noise of relative variance u, where
        they tie on average and differ normally: once the difference where u is small (Richardson), up to
        1 / (sqrt(2) - 1) times where they tie whatever the parameters of interest are.
        """
        return self._factor(self.noise, size)

    def factor_error(self, size: int) -> np.ndarray:
        """Return the standard error of the factor (n_wtp,): half the range that is likely.

        That is where chi-squared is within 1 of its least.
        """
        likely = self._misfit <= self._misfit.min(0) + 1
        factors = self._factor(_NOISES[:, None], size)
        high = np.where(likely, factors, -np.inf).max(0)
        return (high - np.where(likely, factors, np.inf).min(0)) / 2

    def _factor(self, noise: np.ndarray, size: int) -> np.ndarray:
        noise = noise * 2.0 ** (self.fine.shape[1] - 1 - size)
        return (np.sqrt(1 + noise) - 1) / _difference(noise)

    @cached_property
    def corrected(self) -> np.ndarray:
        """The gain without its leading bias, (n_outer, n_sizes, n_wtp)."""
        factors = np.array([self.factor(k) for k in range(self.fine.shape[1])])
        return self.fine + factors * self.difference

    @property
    def decay(self) -> float:
        """The rate b, 1 to 1.5, at which the variance of the differences falls as n_inner^-b, at the worst WTP."""
        near, far = self.level_variances()[1][[-3, -1]]
        seen = (near > 0) & (far > 0)
        return float(np.clip(np.log2(near[seen] / far[seen]) / 2, 1, 1.5).min()) if seen.any() else 1.5

    @property
    def scale(self) -> np.ndarray:
        """What tolerances are relative to (n_wtp,); infinite where nothing was found to be worth knowing."""
        found = np.maximum(np.abs(self.corrected[:, -1].mean(0)), FLOOR * self.evpi)
        return np.where(found > 0, found, np.inf)

    def level_variances(self) -> tuple[np.ndarray, np.ndarray]:
        """Return variances (n_sizes, n_wtp) of one block's gain, and of its difference from its halves."""
        return (
            self.fine_squares.mean(0) - self.fine.mean(0) ** 2,
            self.difference_squares.mean(0) - self.difference.mean(0) ** 2,
        )

    def variance(self, size: int, between: float) -> np.ndarray:
        """Return the variance (n_wtp,) of the corrected gain of an outer draw with 2^size inner draws.

        `between` is the part of the variance between outer draws that remains (all of it for random ones).
        Beyond the table the part within falls as the inner draws grow.
        """
        last = self.fine.shape[1] - 1
        within = self.factor(size) ** 2 * self.within[:, min(size, last)].mean(0) / 2.0 ** max(0, size - last)
        return between * self.corrected[:, -1].var(0) + within

    def bias(self, size: int) -> np.ndarray:
        """Return a cautious bound (n_wtp,) of the bias that correction leaves with 2^size inner draws.

        The distance from the last size and the last step (what is left beyond, were each step half of the
        one before), with their standard errors; beyond the table it falls by 2^-1.5 a doubling.
        """
        last = self.fine.shape[1] - 1
        step, step_error = self._distance(last - 1)
        if size >= last:
            return (step + step_error) * 2.0 ** (-1.5 * (size - last))
        distance, error = self._distance(size)
        return np.sqrt((distance + step) ** 2 + error**2 + step_error**2)

    def left(self, size: int) -> float:
        """Return what part of the correction the bias left after it is, at most, at the worst WTP.

        A bias c n_inner^-a is 1 / (2^a - 1) of the difference. With 1/2 <= a <= 1 (the bias of a mean's
        maximum falls no slower than the mean's own error) no correction is off by more than sqrt(2) of it.
        """
        last = self.fine.shape[1] - 1
        correction = np.abs(self.difference[:, min(size, last)].mean(0)) / 2.0 ** max(0, size - last)
        bias = self.bias(size)
        part = np.divide(bias, correction, out=np.zeros_like(bias), where=correction > 0)
        return float(min(part.max(), WORST_LEFT))

    def doubling_table(self) -> list[dict[str, Any]]:
        """Return a row for each number of inner draws: the estimates (n_wtp,) with and without correction."""
        error = self.corrected.std(0, ddof=1) / np.sqrt(len(self.corrected))
        columns = zip(self.fine.mean(0), self.corrected.mean(0), error, strict=True)
        return [
            {"n_inner": 2**k, "uncorrected": plain, "corrected": corrected, "standard_error": error}
            for k, (plain, corrected, error) in enumerate(columns)
        ]

    def _distance(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        apart = self.corrected[:, size] - self.corrected[:, -1]
        return np.abs(apart.mean(0)), apart.std(0) / np.sqrt(len(apart))


def run_pilot(
    split: Split,
    wtp: np.ndarray,
    n_outer: int,
    n_inner: int,
    seed: int,
    advance: Advance | None = None,
    reference: tuple[int, ...] = (),
) -> Pilot:
    """Run `n_outer` outer draws of `n_inner` inner draws (a power of two) each, gains over `reference`."""
    pilots: list[Pilot] = []
    at_once = max(1, _RUNS_AT_ONCE // n_inner)

    def sets() -> Iterator[OuterSet]:
        for first in range(0, n_outer, at_once):
            n = min(at_once, n_outer - first)
            z = np.random.default_rng(stream(seed, first, 0)).standard_normal((split.n_outer, n))
            yield OuterSet(np.repeat(z, n_inner // 2, axis=1), 2, stream(seed, first, 1))

    for runs in split.inner_means_of(sets(), "antithetic", advance=advance):
        n = len(runs.costs) // (n_inner // 2)
        # A pair's halves are single inner draws: brought to (n, n_strategies, n_inner).
        shaped = (np.moveaxis(x.reshape(n, n_inner // 2, -1, 2), 2, 1).reshape(n, -1, n_inner) for x in runs)
        draws = InnerMeans(*shaped)
        reference = reference or tuple(best_strategy(draws, value) for value in wtp)
        pilots.append(_table(draws, wtp, reference))
    return joined(pilots)


def joined(pilots: Sequence[Pilot]) -> Pilot:
    """Return one pilot of the outer draws of all, which have the same reference strategies."""
    names = [f.name for f in fields(Pilot) if f.name != "reference"]
    return replace(pilots[0], **{name: np.concatenate([getattr(p, name) for p in pilots]) for name in names})


def _table(draws: InnerMeans, wtp: np.ndarray, reference: tuple[int, ...]) -> Pilot:
    per_wtp = [_columns(draws, value, chosen) for value, chosen in zip(wtp, reference, strict=True)]
    return Pilot(reference, *(np.stack(field, -1) for field in zip(*per_wtp, strict=True)))


def _columns(draws: InnerMeans, wtp: float, reference: int) -> tuple[np.ndarray, ...]:
    """Return the fields of a `Pilot` at one WTP, (n_outer, n_sizes) each."""
    blocks = wtp * draws.effects - draws.costs
    blocks = blocks - blocks[:, [reference]]
    fine = coarse = blocks.max(1)
    rows = []
    while True:
        difference = fine - coarse
        within = (fine + difference).var(1, ddof=1) if fine.shape[1] > 1 else rows[-1][2] / 2
        rows.append((fine.mean(1), difference.mean(1), within, (fine**2).mean(1), (difference**2).mean(1)))
        if blocks.shape[2] == 1:
            return tuple(np.stack(field, 1) for field in zip(*rows, strict=True))
        blocks = blocks.reshape(*blocks.shape[:2], -1, 2).mean(-1)
        coarse = fine.reshape(len(fine), -1, 2).mean(-1)
        fine = blocks.max(1)


def first_pilot(split: Split, wtp: np.ndarray, goal: Goal, seed: int, progress: bool) -> Pilot:
    """Run a pilot of about an eighth of the budget, at most 2^17 model runs.

    Outer draws matter more than inner ones: what a correction leaves depends on the few outer draws near
    a change of decision.
    """
    n_inner = 64 if goal.budget >= 2**20 else 32
    n_outer = 2 ** int(np.clip(np.log2(goal.budget / 6 / n_inner), 6, np.log2(_RUNS_AT_ONCE / n_inner)))
    with progress_bar(n_outer * n_inner, "pilot runs", progress) as advance:
        return run_pilot(split, wtp, n_outer, n_inner, stream(seed, 0), advance)


def _difference(noise: np.ndarray) -> np.ndarray:
    """Return what doubling the noise adds to the bias of the higher of two."""
    return np.sqrt(1 + 2 * noise) - np.sqrt(1 + noise)
