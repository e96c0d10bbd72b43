"""From fitted outcomes to the EVPPI at each WTP, with its error and bracket."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Fitted:
    """Increments over the first strategy, costs then effects, each (n_draws, n_strategies - 1), money and effect.

    `given` are the draws, `plug_in` the regression on all of them, `held_out` the prediction of each draw by the
    other folds; `folds` are the edges of the folds; `mean` (2 (n_strategies - 1),) the means of `given`.
    """

    given: np.ndarray
    plug_in: np.ndarray
    held_out: np.ndarray
    folds: np.ndarray

    def benefit(self, values: np.ndarray, wtp: float) -> np.ndarray:
        """Return the net benefit of every strategy over the first, (n, n_strategies)."""
        half = values.shape[1] // 2
        out = np.zeros((len(values), half + 1))
        np.multiply(values[:, half:], wtp, out=out[:, 1:])
        out[:, 1:] -= values[:, :half]
        return out


@dataclass(frozen=True)
class Reading:
    """The EVPPI at one WTP: the estimate, its parts and what its error is made of."""

    value: float
    plug_in: float
    policy: float
    standard_error: float
    best: int
    tie: float


def read(fitted: Fitted, wtp: float, swings: Callable[[np.ndarray, np.ndarray, float, int], np.ndarray]) -> Reading:
    """Return the EVPPI at one WTP.

    The plug-in mean of the highest fitted net benefit errs upwards by noise of the fit, the held-out policy value
    (what choosing by the other folds' fit earned) downwards by the same, to second order: the estimate is midway.
    """
    given, fit = fitted.benefit(fitted.given, wtp), fitted.benefit(fitted.plug_in, wtp)
    held = fitted.benefit(fitted.held_out, wtp)
    n = len(given)
    rows = np.arange(n)
    mean = given.mean(axis=0)
    best = int(mean.argmax())
    plug_in = float((fit.max(axis=1) - fit[:, best]).mean())
    earned = given[rows, held.argmax(axis=1)]
    gain = earned.copy()
    for first, last in zip(fitted.folds[:-1], fitted.folds[1:], strict=True):
        others = mean * n - given[first:last].sum(axis=0)
        gain[first:last] -= given[first:last, int(others.argmax())]
    policy = float(earned.mean() - mean[best])
    influence = float(gain.var(ddof=1)) / n
    swing = swings(fit, mean, wtp, best)
    value = (plug_in + float(gain.mean())) / 2
    return Reading(value, plug_in, policy, float(np.sqrt(influence + (swing**2).mean())), best, 0.0)
