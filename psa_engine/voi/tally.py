"""Running means of what two loops give, for every WTP, over independent outer draws or scrambled nets."""

from dataclasses import dataclass, field

import numpy as np

from psa_engine.engine.nested import InnerMeans
from psa_engine.voi.coupling import best_strategy, gains, policy_value
from psa_engine.voi.scrambles import SCRAMBLES, widening

_REGRET = 0.17
"""The most of x Phi(-x): what choosing by noise the worse of two strategies costs, in standard errors."""


@dataclass
class Tally:
    """Means over outer draws in groups: parts of the independent draws, or a group a net.

    All gains are increments over a reference strategy, and what is summed is the gain less that of each
    strategy on the same draws: so the EVPPI is read off as a mean loss. The two terms of the EVPPI are
    highly correlated, and the error of their difference is far below that of either. The best strategy of
    a group is chosen by the others: by its own draws, the better of a tie would look better than it is.
    """

    wtp: np.ndarray
    n_strategies: int
    n_groups: int = SCRAMBLES
    independent: bool = True
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
            if self.independent:
                loss = found.corrected[..., None] - found.means
                self._add_squares(i, 0, loss, self._losses()[:, i].mean(0), share)
                self._add_squares(i, 1, found.means, self.means[:, i].mean(0), share)
            values = np.stack([found.fine.mean(1), found.coarse.mean(1), policy], -1)
            self.values[:, i] += share * (values - self.values[:, i])
            self.means[:, i] += share * (found.means.mean(1) - self.means[:, i])
        self.n += n

    def _add_squares(self, i: int, k: int, new: np.ndarray, before: np.ndarray, share: float) -> None:
        """Merge sums of squares, each about its own mean (Chan, Golub, LeVeque 1983)."""
        mean = new.mean((0, 1))
        self.squares[i, k] += ((new - mean) ** 2).sum((0, 1)) + (mean - before) ** 2 * self.n_draws * share

    def _losses(self) -> np.ndarray:
        """Return the bias-corrected loss of each strategy, (n_groups, n_wtp, n_strategies)."""
        corrected = 2 * self.values[..., 0] - self.values[..., 1]
        return corrected[..., None] - self.means

    def _chosen(self) -> np.ndarray:
        """Return the strategy that the other groups choose for each, (n_groups, n_wtp, 1)."""
        return (self.means.sum(0) - self.means).argmax(-1)[..., None]

    @property
    def best(self) -> np.ndarray:
        """The strategy of highest mean net benefit (n_wtp,)."""
        return self.means.mean(0).argmax(-1)

    @property
    def value(self) -> np.ndarray:
        """The EVPPI (n_wtp,): the corrected loss of the best strategy."""
        return np.take_along_axis(self._losses(), self._chosen(), -1).mean((0, 2))

    @property
    def variance(self) -> np.ndarray:
        """The variance (n_wtp,) of an independent draw's corrected loss."""
        squares = np.broadcast_to(self.squares[:, 0], self.means.shape)
        return np.take_along_axis(squares, self._chosen(), -1).mean((0, 2)) / max(self.n_draws - 1, 1)

    @property
    def standard_error(self) -> np.ndarray:
        """The standard error of the value (n_wtp,); between nets, widened for their small number."""
        if self.independent:
            return np.sqrt(self.variance / max(self.n_draws, 1))
        return self._between(np.take_along_axis(self._losses(), self._chosen(), -1)[..., 0])

    @property
    def reference_error(self) -> np.ndarray:
        """The standard error (n_wtp,) of the gain over the reference strategy, of independent draws."""
        squares = self.squares[np.arange(len(self.wtp)), 0, list(self.reference)]
        return np.sqrt(squares / max(self.n_draws - 1, 1) / max(self.n_draws, 1))

    @property
    def correction(self) -> np.ndarray:
        """The bias that was taken off (n_wtp,): what halving the inner draws adds."""
        return (self.values[..., 1] - self.values[..., 0]).mean(0)

    @property
    def bracket(self) -> tuple[np.ndarray, np.ndarray]:
        """The value of a policy, and the uncorrected estimate (n_wtp,) each."""
        best = np.take_along_axis(self.means, self._chosen(), -1).mean((0, 2))
        return self.values[..., 2].mean(0) - best, self.values[..., 0].mean(0) - best

    def bias_bound(self, left: float = 0.0) -> np.ndarray:
        """Bound the bias (n_wtp,): a part of the correction, and for choosing the best by noise.

        A rival that the runs cannot tell from the best costs at most .17 standard errors of the difference.
        """
        if self.independent:
            errors = np.sqrt(self.squares[:, 1] / max(self.n_draws - 1, 1) / max(self.n_draws, 1))
        else:
            errors = self._between(self.means)
        best, increments = self.best[:, None], self.means.mean(0)
        errors = errors + np.take_along_axis(errors, best, 1)  # of the two, one is the reference and has none
        near = np.take_along_axis(increments, best, 1) - increments <= 4 * errors
        np.put_along_axis(near, best, False, 1)
        return left * np.abs(self.correction) + _REGRET * (errors * near).sum(-1)

    def _between(self, per_group: np.ndarray) -> np.ndarray:
        return per_group.std(0, ddof=1) / np.sqrt(self.n_groups) * widening(self.n_groups)
