"""From fitted outcomes to the EVPPI at each WTP: the estimate, its error, its bracket, its floor."""

from typing import NamedTuple

import numpy as np

from psa_engine.voi.regression.coefficient_draws import permuted_fits, posterior_changes
from psa_engine.voi.regression.fit import Fit, Outcomes

_NEAR, _FAR = 1_024, 512
_SAMPLED_ROWS = 4_096
_FLOOR_LEVEL = 0.95


class Reading(NamedTuple):
    """The EVPPI at one WTP.

    `plug_in` is the mean of the highest fitted net benefit, `policy` what choosing by the other folds' fit
    earned, both less the best mean; `floor` the plug-in that unrelated parameters reach in one case of 20;
    `best` and `second` the strategies of highest mean, `lead` their difference and `lead_error` its error.
    """

    value: float
    standard_error: float
    plug_in: float
    policy: float
    floor: float
    best: int
    second: int
    lead: float
    lead_error: float


class Reader:
    """Reads any number of WTPs off one fit."""

    def __init__(self, fit: Fit, y: Outcomes, seed: int):
        self.fit, self.y, self.seed = fit, y, seed
        self.rows = slice(0, min(_SAMPLED_ROWS, y.n_draws))
        self.columns = fit.columns[self.rows]
        self.changes = np.ascontiguousarray(np.moveaxis(posterior_changes(fit, y, seed), 2, 0))
        permuted = permuted_fits(fit, y, seed).transpose(2, 1, 0)
        half = self.columns[: _SAMPLED_ROWS // 2]
        self.permuted = (permuted.reshape(-1, permuted.shape[2]) @ half.T).reshape(*permuted.shape[:2], -1)
        self.permuted -= self.permuted.mean(axis=2, keepdims=True)

    def read(self, wtp: float) -> Reading:
        """Return the EVPPI at one WTP.

        Noise of the fit biases the plug-in upwards and the held-out policy value downwards, to second order
        by the same amount: the estimate is midway. Its error has two parts: that of the mean of the two
        influence functions, and that of other coefficients, as likely, choosing other strategies.
        """
        y, n = self.y, self.y.n_draws
        given, fitted = net_benefit(y.increments, wtp), net_benefit(self.fit.plug_in, wtp)
        chosen = net_benefit(self.fit.held_out, wtp).argmax(axis=0)
        mean = given.mean(axis=1)
        best = int(mean.argmax())
        top = fitted.max(axis=0)
        plug_in = float((top - fitted[best]).mean())
        gain = given[chosen, np.arange(n)] - given[best]
        policy = float(gain.mean())
        influence = gain.var(ddof=1) / n * self._share_of_influence(gain, given, fitted, best, wtp)
        swing = self._swings(fitted, top, mean, best, wtp)
        second, lead, lead_error = _runner_up(given, mean, best)
        return Reading(
            value=(plug_in + policy) / 2,
            standard_error=float(np.sqrt(influence + (swing**2).mean())),
            plug_in=plug_in,
            policy=policy,
            floor=self._floor(mean, best, wtp),
            best=best,
            second=second,
            lead=lead,
            lead_error=lead_error,
        )

    def _share_of_influence(
        self, gain: np.ndarray, given: np.ndarray, fitted: np.ndarray, best: int, wtp: float
    ) -> float:
        """Return the variance of the estimate's influence over that of the policy value's, on some rows.

        The policy value takes each draw's residual at the strategy chosen; the plug-in takes it through the
        smoother, H w for choices w, which is no longer than w.
        """
        rows, y = self.rows, self.y
        chosen = fitted[:, rows].argmax(axis=0)
        m, n_strategies = len(chosen), len(given)
        weights = (chosen == np.arange(1, n_strategies)[:, None]).astype(float)
        if best:
            weights[best - 1] -= 1.0
        weights = np.concatenate([-weights, wtp * weights])[y.varying] * y.scatter[y.varying, None]
        s = self.fit.spectrum
        free, rest = s.coordinates(self.columns.T @ weights.T * (s.n / m))
        smoothed = self.columns @ s.coefficients(free, s.shrink_little(rest, self.fit.penalty))
        residuals = (y.increments[:, rows] - self.fit.plug_in[:, rows])[y.varying] / y.scatter[
            y.varying, None
        ]
        through = fitted[chosen, np.arange(m)] - fitted[best, rows] + (smoothed.T * residuals).sum(axis=0)
        whole = gain[rows].var()
        return float(((gain[rows] + through) / 2).var() / whole) if whole > 0 else 1.0

    def _swings(
        self, fitted: np.ndarray, top: np.ndarray, mean: np.ndarray, best: int, wtp: float
    ) -> np.ndarray:
        """Return what other likely coefficients add to the plug-in by choosing otherwise, (N_DRAWS,).

        The draws nearest to another choice are all looked at, and a few of the rest for all of them.
        """
        others = fitted.copy()
        others[fitted.argmax(axis=0), np.arange(fitted.shape[1])] = -np.inf
        margin = top - others.max(axis=0)
        n, near = len(margin), np.arange(len(margin))
        far = near[:0]
        if n > _NEAR + _FAR:
            order = np.argpartition(margin, _NEAR)
            near, far = order[:_NEAR], np.random.default_rng([self.seed, 3]).choice(order[_NEAR:], _FAR)
        changes = net_benefit(self.changes, wtp)
        switched = self._switched(fitted, np.concatenate([near, far]), changes)
        total = switched[: len(near)].sum(axis=0)
        if len(far):
            total += switched[len(near) :].mean(axis=0) * (n - _NEAR)
        moved = mean[:, None] + self.fit.column_means @ changes
        return total / n - (moved.max(axis=0) - moved[best])

    def _switched(self, fitted: np.ndarray, rows: np.ndarray, changes: np.ndarray) -> np.ndarray:
        """Return what choosing by other coefficients adds on some rows, (n_rows, N_DRAWS).

        `changes` (n_strategies, n_columns, N_DRAWS) are those of the coefficients in net benefit.
        """
        moved = self.fit.columns[rows] @ changes
        moved += fitted[:, rows, None]
        kept = moved[fitted[:, rows].argmax(axis=0), np.arange(len(rows))]
        return moved.max(axis=0) - kept

    def _floor(self, mean: np.ndarray, best: int, wtp: float) -> float:
        half = len(self.permuted) // 2
        top = np.full(self.permuted.shape[1:], mean[0])
        for strategy, (cost, effect) in enumerate(
            zip(self.permuted[:half], self.permuted[half:], strict=True), 1
        ):
            value = wtp * effect
            value -= cost
            value += mean[strategy]
            np.maximum(top, value, out=top)
        return float(np.quantile(top.mean(axis=1) - mean[best], _FLOOR_LEVEL))


def net_benefit(increments: np.ndarray, wtp: float) -> np.ndarray:
    """Return net benefit over the first strategy, (n_strategies, ...), of costs then effects (q, ...)."""
    half = len(increments) // 2
    out = np.zeros((half + 1, *increments.shape[1:]))
    np.multiply(increments[half:], wtp, out=out[1:])
    out[1:] -= increments[:half]
    return out


def _runner_up(given: np.ndarray, mean: np.ndarray, best: int) -> tuple[int, float, float]:
    """Return the strategy of second highest mean, how far it is behind, and the standard error of that."""
    rivals = mean.copy()
    rivals[best] = -np.inf
    second = int(rivals.argmax())
    difference = given[best] - given[second]
    return second, float(mean[best] - mean[second]), float(difference.std(ddof=1) / np.sqrt(len(difference)))
