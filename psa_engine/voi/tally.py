"""Running means of what two loops give, for every WTP, over independent outer draws or over scrambled nets."""

from dataclasses import dataclass, field

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.voi.coupling import best_strategy, gains, policy_value
from psa_engine.voi.scrambles import widening

_NORMAL_POSITIVE_PART = 1 / np.sqrt(2 * np.pi)
"""Mean of the positive part of a standard normal: the worst bias that a tied rival can cause."""


@dataclass
class Tally:
    """Sums over outer draws in groups: one group of independent draws, or a group a net.

    All gains are increments over a reference strategy, and what is summed is the gain less that of each
    strategy on the same draws: so the EVPPI is read off as a mean loss. The two terms of the EVPPI are
    highly correlated, and the error of their difference is far below that of either.
    """

    wtp: np.ndarray
    n_strategies: int
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
        self.squares = np.zeros((len(self.wtp), 2, self.n_strategies))  # of the loss, and of the increment

    def add(self, runs: InnerMeans) -> None:
        """Add outer draws, (n_groups, n, n_strategies, 2)."""
        if not self.reference:
            self.reference = tuple(best_strategy(runs, value) for value in self.wtp)
        share = runs.costs.shape[1] / (self.n + runs.costs.shape[1])
        for i, (wtp, reference) in enumerate(zip(self.wtp, self.reference, strict=True)):
            found = gains(runs, wtp, reference)
            policy = policy_value(runs, wtp, reference).mean(1)
            if self.n_groups == 1:
                self._add_squares(i, found.corrected[0, :, None] - found.means[0], found.means[0], share)
            values = np.stack([found.fine.mean(1), found.coarse.mean(1), policy], -1)
            self.values[:, i] += share * (values - self.values[:, i])
            self.means[:, i] += share * (found.means.mean(1) - self.means[:, i])
        self.n += runs.costs.shape[1]

    def _add_squares(self, i: int, loss: np.ndarray, increment: np.ndarray, share: float) -> None:
        """Merge sums of squares about the means of what was there and of what is new (Chan, Golub, LeVeque 1983)."""
        before = (self._losses()[0, i], self.means[0, i])
        for k, new in enumerate((loss, increment)):
            apart = new.mean(0) - before[k]
            self.squares[i, k] += ((new - new.mean(0)) ** 2).sum(0) + apart**2 * self.n * share

    def _losses(self) -> np.ndarray:
        """Return the bias-corrected loss of each strategy, (n_groups, n_wtp, n_strategies)."""
        corrected = 2 * self.values[..., 0] - self.values[..., 1]
        return corrected[..., None] - self.means

    @property
    def best(self) -> np.ndarray:
        """The strategy of highest mean net benefit (n_wtp,)."""
        return self.means.mean(0).argmax(-1)

    @property
    def value(self) -> np.ndarray:
        """The EVPPI (n_wtp,): the corrected loss of the best strategy."""
        return self._of_best(self._losses().mean(0))

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error of the value (n_wtp,), see `estimate` in nested.py."""
        return self._of_best(self._errors(0, self._losses()))

    @property
    def reference_error(self) -> np.ndarray:
        """The standard error (n_wtp,) of the gain over the reference strategy, of independent draws."""
        rows = np.arange(len(self.wtp))
        return np.sqrt(self.squares[rows, 0, list(self.reference)] / max(self.n - 1, 1) / max(self.n, 1))

    @property
    def correction(self) -> np.ndarray:
        """The bias that was taken off (n_wtp,): what halving the inner draws adds."""
        return (self.values[..., 1] - self.values[..., 0]).mean(0)

    @property
    def bracket(self) -> tuple[np.ndarray, np.ndarray]:
        """The value of a policy, and the uncorrected estimate (n_wtp,) each."""
        best = self._of_best(self.means.mean(0))
        return self.values[..., 2].mean(0) - best, self.values[..., 0].mean(0) - best

    def bias_bound(self, left: float = 0.0) -> np.ndarray:
        """Bound the bias (n_wtp,) by a part of the correction, and that of choosing the best strategy by the same runs.

        A rival that the runs cannot tell from the best biases the estimate down by at most .4 standard
        errors of their difference.
        """
        errors = self._errors(1, self.means)
        errors = errors + self._of_best(errors)[:, None]  # of the two, one is the reference and has none
        increments = self.means.mean(0)
        near = self._of_best(increments)[:, None] - increments <= 4 * errors
        near[np.arange(len(near)), self.best] = False
        return left * np.abs(self.correction) + _NORMAL_POSITIVE_PART * (errors * near).sum(-1)

    def _errors(self, k: int, per_group: np.ndarray) -> np.ndarray:
        if self.n_groups == 1:
            return np.sqrt(self.squares[:, k] / max(self.n - 1, 1) / max(self.n, 1))
        return per_group.std(0, ddof=1) / np.sqrt(self.n_groups) * widening(self.n_groups)

    def _of_best(self, per_strategy: np.ndarray) -> np.ndarray:
        return np.take_along_axis(per_strategy, self.best[:, None], 1)[:, 0]
