"""EVSI by multilevel Monte Carlo: many cheap coarse posteriors, few fine ones (Hironaka et al. 2020).

Level l has 8 x 2^l inner draws; its difference from level l - 1 is that of the loss under all of them and its
mean under their two halves (antithetic coupling), whose variance falls faster than the cost grows.
"""

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

import numpy as np

from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate
from psa_engine.voi.evsi.nested import prior_outcomes
from psa_engine.voi.evsi.outcomes import loss_of, net_benefit
from psa_engine.voi.evsi.posterior_runs import DataSets, Inner, PosteriorRuns
from psa_engine.voi.evsi.studies import Study
from psa_engine.voi.problem import Problem

COARSEST = 8
_PILOT = 1_024
_LEVELS = 10
_FIRST_LEVELS = 3
_DRAWS_OF_THE_PRIOR = 2**13


def estimates(
    problem: Problem,
    study: Study,
    n: Sequence[int],
    wtp: np.ndarray,
    *,
    seed: int = 0,
    rtol: float = 0.02,
    most_runs: int = 20_000_000,
) -> list[VoiEstimate]:
    """Return EVSI (n_wtp,) for each sample size, money per person.

    To a standard error of `rtol` of the EVSI, or of a twentieth of the EVPI where that is more. Levels are
    added until what is left, judged by the largest of the last three level means each carried on at rate
    1/2, is below the standard error: it is given as `bias_bound`. Stops at `most_runs` model runs; the
    standard error then says how far it got.
    """
    if not 0 < rtol < 1:
        raise InputError(f"rtol must be between 0 and 1, and is {rtol}.")
    prior = prior_outcomes(problem, study, n, _DRAWS_OF_THE_PRIOR, seed)
    benefits = [net_benefit(prior, price) for price in wtp]
    best = [int(benefit.mean(axis=0).argmax()) for benefit in benefits]
    evpi = np.array([loss_of(benefit, choice).mean() for benefit, choice in zip(benefits, best, strict=True)])
    goal = rtol, evpi / 20
    return [_one(PosteriorRuns(problem, study, [size]), wtp, best, seed, goal, most_runs) for size in n]


def _one(
    posterior: PosteriorRuns,
    wtp: np.ndarray,
    best: list[int],
    seed: int,
    goal: tuple[float, np.ndarray],
    most_runs: int,
) -> VoiEstimate:
    started = perf_counter()
    rng = np.random.default_rng(seed)
    levels: list[np.ndarray] = []
    runs = _DRAWS_OF_THE_PRIOR

    def add(counts: Mapping[int, int]) -> None:
        nonlocal runs
        sets = [DataSets(0, n_outer, COARSEST * 2**level, rng) for level, n_outer in counts.items()]
        for level, inner in zip(counts, posterior.inner_means(sets), strict=True):
            levels[level] = np.vstack([levels[level], _differences(inner, level, wtp, best)])
        runs += sum(one.n_outer * one.n_inner for one in sets)

    while True:
        first = _FIRST_LEVELS if not levels else len(levels) + 1
        new = range(len(levels), first)
        levels += [np.zeros((0, len(wtp))) for _ in new]
        add({level: max(128, _PILOT >> level) for level in new})
        _sample_to(levels, add, goal, lambda: most_runs - runs)
        error, left = _standard_error(levels), _remainder(levels)
        if (left <= error).all() or len(levels) == _LEVELS or runs >= most_runs:
            break
    return VoiEstimate(
        sum(level.mean(axis=0) for level in levels), error, "multilevel Monte Carlo", wtp,
        posterior.informed[0].study.parameters, runs, perf_counter() - started, left,
        diagnostics={"n": posterior.n[0], "levels": [_row(i, level) for i, level in enumerate(levels)]},
    )  # fmt: skip


def _sample_to(
    levels: list[np.ndarray],
    add: Callable[[Mapping[int, int]], None],
    goal: tuple[float, np.ndarray],
    runs_left: Callable[[], int],
) -> None:
    """Add outer draws where they lower the variance most per model run, as long as runs are left."""
    rtol, least = goal
    for _ in range(8):
        cost = COARSEST * 2.0 ** np.arange(len(levels))
        value = np.abs(sum(level.mean(axis=0) for level in levels))
        wanted = np.maximum(rtol * np.maximum(value, least), 1e-100)
        scaled = np.array([(level.var(axis=0) / wanted**2).max() for level in levels])
        # The pilots of high levels see few of the rare large differences: no level's variance is trusted
        # to be below a quarter of the one before.
        for i in range(2, len(scaled)):
            scaled[i] = max(scaled[i], scaled[i - 1] / 4)
        target = np.ceil(np.sqrt(scaled / cost) * np.sqrt(scaled * cost).sum()).astype(int)
        short = np.maximum(target - [len(level) for level in levels], 0)
        planned = float((short * cost).sum())
        if not short.any() or runs_left() <= 0:
            return
        affordable = min(1.0, runs_left() / planned)
        counts = {level: int(extra * affordable) for level, extra in enumerate(short)}
        add({level: extra for level, extra in counts.items() if extra})


def _differences(inner: Inner, level: int, wtp: np.ndarray, best: list[int]) -> np.ndarray:
    """Return the level's differences (n_outer, n_wtp); level 0 is the loss itself."""
    columns = []
    for price, choice in zip(wtp, best, strict=True):
        fine, *halves = (loss_of(net_benefit(m, price), choice) for m in (inner.whole, *inner.halves))
        columns.append(fine - (halves[0] + halves[1]) / 2 if level else fine)
    return np.column_stack(columns)


def _standard_error(levels: list[np.ndarray]) -> np.ndarray:
    return np.sqrt(sum(level.var(axis=0, ddof=1) / len(level) for level in levels))


def _remainder(levels: list[np.ndarray]) -> np.ndarray:
    """Return a cautious bound of what levels beyond the last add, means falling by half a level."""
    last = levels[1:][-3:]
    return np.max(
        [np.abs(level.mean(axis=0)) / 2**ahead for ahead, level in enumerate(reversed(last))], axis=0
    )


def _row(number: int, level: np.ndarray) -> dict[str, float]:
    first = level[:, 0]
    spread = first.std()
    kurtosis = float(((first - first.mean()) ** 4).mean() / spread**4) if spread > 0 else float("nan")
    return {
        "level": number,
        "inner_draws": COARSEST * 2**number,
        "outer_draws": len(level),
        "mean": float(first.mean()),
        "variance": float(spread**2),
        "kurtosis": kurtosis,
    }
