"""A small nested run that shows what every number of inner draws would give, to size the real one.

A few hundred outer draws get some hundred inner draws each; means over blocks of 1, 2, 4, ... of those
inner draws are the inner means of as many nested runs with the same outer draws: the doubling table.
"""

from dataclasses import dataclass

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.engine.progress import Advance, progress_bar
from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.coupling import best_strategy, stream
from psa_engine.voi.problem import Split

FLOOR = 1 / 20
"""A tolerance is relative to the EVPPI, or to this part of the EVPI where that is more."""
SIZED_ON = 5
"""The WTPs on which a run is sized, evenly spread among those asked for; all are read off the same runs."""
WORST_LEFT = 2**0.5
FEWEST_RUNS = 2**14
_RUNS_AT_ONCE = 2**17


@dataclass(frozen=True)
class Pilot:
    """The doubling table, an outer draw a row: arrays (n_outer, n_sizes, n_wtp); size k has 2^k inner draws.

    `fine`, `corrected`: the gain without and with bias correction, mean over blocks; `within` the variance
    of `corrected` between blocks; `fine_squares`, `difference`, `difference_squares`: of the gain and of
    its difference from the mean over the block's halves. `reference` (n_wtp,): the strategy of highest mean.
    """

    reference: tuple[int, ...]
    fine: np.ndarray
    corrected: np.ndarray
    within: np.ndarray
    fine_squares: np.ndarray
    difference: np.ndarray
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
        return between * self.corrected[:, -1].var(0) + self.within[:, min(size, last)].mean(0) / 2.0 ** max(0, size - last)

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
        """Return the part of the correction that the bias left after it amounts to, at most, at the worst WTP.

        A bias c n_inner^-a leaves (2 - 2^a) / (2^a - 1) of the correction: never above sqrt(2) of it, as the
        bias of a mean's maximum falls no slower than the mean's own error (a >= 1/2).
        """
        last = self.fine.shape[1] - 1
        correction = np.abs(self.difference[:, min(size, last)].mean(0)) / 2.0 ** max(0, size - last)
        bias = self.bias(size)
        return float(np.divide(bias, correction, out=np.zeros_like(bias), where=correction > 0).max().clip(0, WORST_LEFT))

    def _distance(self, size: int) -> tuple[np.ndarray, np.ndarray]:
        apart = self.corrected[:, size] - self.corrected[:, -1]
        return np.abs(apart.mean(0)), apart.std(0) / np.sqrt(len(apart))


def sized_on(wtp: np.ndarray) -> np.ndarray:
    """Return the places (at most `SIZED_ON`) among the WTPs on which a run is sized."""
    return np.unique(np.linspace(0, len(wtp) - 1, min(len(wtp), SIZED_ON)).round().astype(int))


def run_pilot(
    split: Split, wtp: np.ndarray, n_outer: int, n_inner: int, seed: int, advance: Advance, before: Pilot | None = None
) -> Pilot:
    """Run `n_outer` outer draws of `n_inner` inner draws each (powers of two), and join them to those of `before`."""
    parts = [] if before is None else [before]
    place = 0 if before is None else len(before.fine)
    at_once = max(1, _RUNS_AT_ONCE // n_inner)
    for first in range(0, n_outer, at_once):
        n = min(at_once, n_outer - first)
        z = np.random.default_rng(stream(seed, place + first, 0)).standard_normal((split.n_outer, n))
        runs = split.inner_means(
            np.repeat(z, n_inner // 2, axis=1), 2, stream(seed, place + first, 1), "antithetic", advance=advance
        )
        # A pair's halves are single inner draws: (n, n_strategies, n_inner).
        draws = InnerMeans(*(np.moveaxis(x.reshape(n, n_inner // 2, -1, 2), 2, 1).reshape(n, -1, n_inner) for x in runs))
        chosen = parts[0].reference if parts else tuple(best_strategy(draws, value) for value in wtp)
        parts.append(_table(draws, wtp, chosen))
    fields = ("fine", "corrected", "within", "fine_squares", "difference", "difference_squares")
    return Pilot(parts[0].reference, **{name: np.concatenate([getattr(p, name) for p in parts]) for name in fields})


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
        difference, corrected = fine - coarse, 2 * fine - coarse
        within = corrected.var(1, ddof=1) if corrected.shape[1] > 1 else rows[-1][2] / 2
        rows.append(
            (fine.mean(1), corrected.mean(1), within, (fine**2).mean(1), difference.mean(1), (difference**2).mean(1))
        )
        if blocks.shape[2] == 1:
            return tuple(np.stack(field, 1) for field in zip(*rows, strict=True))
        blocks = blocks.reshape(*blocks.shape[:2], -1, 2).mean(-1)
        coarse = fine.reshape(len(fine), -1, 2).mean(-1)
        fine = blocks.max(1)


def first_pilot(split: Split, wtp: np.ndarray, budget: int, seed: int, progress: bool) -> Pilot:
    """Run a pilot of about an eighth of the budget, at most 2^17 model runs.

    Outer draws matter more than inner ones: what a correction leaves depends on the few outer draws near
    a change of decision.
    """
    n_inner = 64 if budget >= 2**20 else 32
    n_outer = 2 ** int(np.clip(np.log2(budget / 6 / n_inner), 6, np.log2(_RUNS_AT_ONCE / n_inner)))
    with progress_bar(n_outer * n_inner, "pilot runs", progress) as advance:
        return run_pilot(split, wtp, n_outer, n_inner, stream(seed, 0), advance)


def checked_budget(rtol: float, n_runs: int | None, max_runs: int) -> int:
    """Return the most model runs to make; raises InputError for a tolerance or number of runs out of range."""
    if not 0 < rtol < 1:
        raise InputError(f"rtol must be between 0 and 1, and is {rtol}.")
    for name, given in (("n_runs", n_runs), ("max_runs", max_runs)):
        if given is not None and given < FEWEST_RUNS:
            raise InputError(f"{name} must be at least {FEWEST_RUNS}, pilot included, and is {given}.")
    return max_runs if n_runs is None else n_runs


def nothing_to_know(of: tuple[str, ...], wtp: np.ndarray) -> VoiEstimate:
    """Return the EVPPI of constants: exactly nothing."""
    zero = np.zeros(len(wtp))
    return VoiEstimate(zero, zero, "constant", wtp, of, 0, 0.0, zero)
