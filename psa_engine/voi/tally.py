"""Running means of what two loops give, for every WTP, over independent outer draws or scrambled nets."""

from dataclasses import dataclass, field

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.voi.coupling import best_strategy, gains, policy_value
from psa_engine.voi.scrambles import widening

_ROOT_TAU = np.sqrt(2 * np.pi)


@dataclass
class Tally:
    """Means over outer draws in groups: one group of independent draws, or a group a net.

    All gains are increments over a reference strategy, and what is summed is the gain less that of each
    strategy on the same draws: so the EVPPI is read off as a mean loss. The two terms of the EVPPI are
    highly correlated, and the error of their difference is far below that of either. `factor` (n_wtp,): see
    `Gains.corrected`.
    """

    wtp: np.ndarray
    n_strategies: int
    factor: np.ndarray
    n_groups: int = 1
    n: int = 0
    reference: tuple[int, ...] = ()
    means: np.ndarray = field(init=False)
    values: np.ndarray = field(init=False)
    squares: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.n_groups, len(self.wtp))
        self.means = np.zeros((*shape, self.n_strategies))  # increment of each strategy over the reference
        self.values = np.zeros((*shape, 3))  # gain of all inner draws, of halves, of the policy of a half
        self.squares = np.zeros((2, len(self.wtp), self.n_strategies))  # of the loss, and of the increment

    @property
    def n_draws(self) -> int:
        """Outer draws in all groups."""
        return self.n * self.n_groups

    def add(self, runs: InnerMeans) -> None:
        """Add outer draws, (n_groups, n, n_strategies, 2)."""
        if not self.reference:
            self.reference = tuple(best_strategy(runs, value) for value in self.wtp)
        n = runs.costs.shape[1]
        share = n / (self.n + n)
        for i, (wtp, reference) in enumerate(zip(self.wtp, self.reference, strict=True)):
            found = gains(runs, wtp, reference)
            policy = policy_value(runs, wtp, reference).mean(1)
            if self.n_groups == 1:
                loss = found.corrected(self.factor[i])[0, :, None] - found.means[0]
                self._add_squares(0, i, loss, self._losses()[0, i], share)
                self._add_squares(1, i, found.means[0], self.means[0, i], share)
            values = np.stack([found.fine.mean(1), found.coarse.mean(1), policy], -1)
            self.values[:, i] += share * (values - self.values[:, i])
            self.means[:, i] += share * (found.means.mean(1) - self.means[:, i])
        self.n += n

    def _add_squares(self, k: int, i: int, new: np.ndarray, before: np.ndarray, share: float) -> None:
        """Merge sums of squares, each about its own mean (Chan, Golub, LeVeque 1983)."""
        mean = new.mean(0)
        self.squares[k, i] += ((new - mean) ** 2).sum(0) + (mean - before) ** 2 * self.n * share

    def _losses(self) -> np.ndarray:
        """Return the bias-corrected loss of each strategy, (n_groups, n_wtp, n_strategies)."""
        corrected = self.values[..., 0] + self.factor * (self.values[..., 0] - self.values[..., 1])
        return corrected[..., None] - self.means

    @property
    def best(self) -> np.ndarray:
        """The strategy of highest mean net benefit (n_wtp,)."""
        return self.means.mean(0).argmax(-1)

    @property
    def value(self) -> np.ndarray:
        """The EVPPI (n_wtp,): the corrected loss of the best strategy."""
        return self._of_best(self._losses().mean(0)) + self._tie()[0]

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error of the value (n_wtp,); between nets, widened for their small number."""
        return self._of_best(self._errors(0, self._losses()))

    @property
    def variance(self) -> np.ndarray:
        """The variance (n_wtp,) of an independent draw's corrected loss."""
        return self._of_best(self.squares[0]) / max(self.n - 1, 1)

    @property
    def reference_error(self) -> np.ndarray:
        """The standard error (n_wtp,) of the gain over the reference strategy, of independent draws."""
        return self._errors(0, self._losses())[np.arange(len(self.wtp)), list(self.reference)]

    @property
    def correction(self) -> np.ndarray:
        """The bias that was taken off (n_wtp,): `factor` times what halving the inner draws adds."""
        return self.factor * (self.values[..., 1] - self.values[..., 0]).mean(0)

    @property
    def bracket(self) -> tuple[np.ndarray, np.ndarray]:
        """The value of a policy, and the uncorrected estimate (n_wtp,) each."""
        best = self._of_best(self.means.mean(0)) - self._tie()[0]
        return self.values[..., 2].mean(0) - best, self.values[..., 0].mean(0) - best

    def bias_bound(self, left: float = 0.0) -> np.ndarray:
        """Bound the bias (n_wtp,): a part of the correction, and for choosing the best by the same runs."""
        return left * np.abs(self.correction) + self._tie()[1]

    def _tie(self) -> tuple[np.ndarray, np.ndarray]:
        """Return (n_wtp,) what choosing the best by the same runs likely takes off the EVPPI, and the most it can.

        The mean of the positive part of a normal with the standard error of a rival's increment and its
        distance from the best, of the worst rival; .4 standard errors of each that may tie.
        """
        errors = self._errors(1, self.means)
        errors = errors + self._of_best(errors)[:, None]  # of the two, one is the reference and has none
        increments = self.means.mean(0)
        apart = self._of_best(increments)[:, None] - increments
        rival = errors > 0
        rival[np.arange(len(rival)), self.best] = False
        x = np.divide(apart, errors, out=np.full_like(apart, np.inf), where=rival)
        likely = np.where(rival, errors * _positive_part(-x), 0).max(-1)
        return likely, (errors * (x <= 4)).sum(-1) / _ROOT_TAU

    def _errors(self, k: int, per_group: np.ndarray) -> np.ndarray:
        if self.n_groups == 1:
            return np.sqrt(self.squares[k] / max(self.n - 1, 1) / max(self.n, 1))
        return per_group.std(0, ddof=1) / np.sqrt(self.n_groups) * widening(self.n_groups)

    def _of_best(self, per_strategy: np.ndarray) -> np.ndarray:
        return np.take_along_axis(per_strategy, self.best[:, None], 1)[:, 0]


def _positive_part(mean: np.ndarray) -> np.ndarray:
    """Return the mean of the positive part of a normal of standard deviation 1."""
    from scipy.special import ndtr

    finite = np.maximum(mean, -40.0)
    return np.exp(-(finite**2) / 2) / _ROOT_TAU + finite * ndtr(finite)
