"""The pilot of the surrogate method: a quadratic fit of costs and effects in the scores of a split."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from psa_engine.engine.progress import Advance
from psa_engine.voi.hermite import Surrogate, fit, n_points_for
from psa_engine.voi.problem import Split
from psa_engine.voi.scrambles import sobol_scores

PILOT = 500
"""The scramble of the pilot's points; others start at lower numbers."""
_BATCH = 2**13
_FEWEST, _MOST = 11, 13
"""The pilot has 2^11 to 2^13 points."""


class ScoreRuns:
    """Runs the model at independent scores of a split, outer ones first, and counts the runs."""

    def __init__(self, split: Split, seed: int, advance: Advance):
        self.split, self.seed, self.advance, self.runs = split, seed, advance, 0
        self.k = split.n_outer
        self.names = tuple(f"score {i}" for i in range(self.k + split.n_inner))

    def outcomes(self, z: np.ndarray) -> np.ndarray:
        """Return costs, then effects (2 n_strategies, n) at scores (n_scores, n)."""
        parts = []
        for costs, effects in self.split.evaluations(self._batches(z)):
            n = min(_BATCH, z.shape[1] - _BATCH * len(parts))
            parts.append(np.hstack([costs, effects])[:n].T)
            self.runs += n
            self.advance(n)
        return np.hstack(parts)

    def _batches(self, z: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield outer and inner scores in batches of one size, which need one compiled program."""
        for first in range(0, z.shape[1], _BATCH):
            here = z[:, first : first + _BATCH]
            n = here.shape[1]
            padded = here if n == _BATCH else np.pad(here, ((0, 0), (0, _BATCH - n)))
            yield padded[: self.k], padded[self.k :]


@dataclass(frozen=True)
class PilotFit:
    """A surrogate of (costs, effects) in all scores, the outer ones first, with what the pilot says per WTP.

    `outer`: its conditional mean in the outer scores; `rotation` (k, k): rotated scores y, z_outer =
    `rotation` y, of which the first matter most; `best`: the strategy of highest mean net benefit; `r2` of
    the differences from it; `evpi`.
    """

    whole: Surrogate
    outer: Surrogate
    rotation: np.ndarray
    best: np.ndarray
    r2: np.ndarray
    evpi: np.ndarray

    def given(self, y: np.ndarray) -> np.ndarray:
        """Return conditional means (2 n_strategies, n) at rotated outer scores (k, n)."""
        return self.outer(self.rotation @ y)

    def mean_increments(self, wtp: np.ndarray) -> np.ndarray:
        """Return the surrogate's mean net benefits less that of the best (n_wtp, n_strategies)."""
        means = self.whole.constant[:, None]
        return np.array([increments(means, v, b)[:, 0] for v, b in zip(wtp, self.best, strict=True)])


def fit_pilot(runs: ScoreRuns, wtp: np.ndarray) -> PilotFit:
    """Fit the surrogate to one net and judge it."""
    n_scores, k = len(runs.names), runs.k
    n = 2 ** int(np.clip(np.ceil(np.log2(n_points_for(n_scores))), _FEWEST, _MOST))
    z = sobol_scores(runs.names, runs.seed, PILOT, 0, n)
    y = runs.outcomes(z)
    best = np.array([net_benefit(y, v).mean(1).argmax() for v in wtp])
    judged = np.concatenate([increments(y, v, b) for v, b in zip(wtp, best, strict=True)])
    whole, n_terms = fit(z, y, judged, k)
    outer = whole.given(np.arange(k))
    left = y - whole(z)
    r2, evpi = np.array([_judged(y, left, v, b, n / (n - n_terms)) for v, b in zip(wtp, best, strict=True)]).T
    # The directions along which the differences between strategies change most: E[grad grad'] of g_S.
    gradients = [
        slopes
        for v, b in zip(wtp, best, strict=True)
        for slopes in (increments(outer.linear, v, b), *(2 * increments(outer.matrix, v, b)))
    ]
    rotation = np.linalg.svd(np.concatenate(gradients).T)[0]
    return PilotFit(whole, outer, rotation, best, r2, evpi)


def _judged(y: np.ndarray, residual: np.ndarray, wtp: float, best: int, loss: float) -> tuple[float, float]:
    """Return the adjusted R2 of the differences from the best strategy, and the EVPI."""
    gap = increments(y, wtp, best)
    total = gap.var(1).sum()
    left = increments(residual, wtp, best).var(1).sum()
    return 1 - loss * left / total if total > 0 else 1.0, gap.max(0).mean()


def net_benefit(outcomes: np.ndarray, wtp: float) -> np.ndarray:
    """Return net monetary benefits (n_strategies, ...) of costs, then effects (2 n_strategies, ...)."""
    costs, effects = np.split(outcomes, 2)
    return wtp * effects - costs


def increments(outcomes: np.ndarray, wtp: float, best: int) -> np.ndarray:
    """Return net monetary benefits (n_strategies, ...) less that of the strategy `best`."""
    benefit = net_benefit(outcomes, wtp)
    return benefit - benefit[best]
