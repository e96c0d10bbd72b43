"""When a run of a method that re-runs the model is done, and on which WTPs that is judged."""

from dataclasses import dataclass

import numpy as np

from psa_engine.errors import InputError
from psa_engine.estimate import VoiEstimate

FLOOR = 1 / 20
FEWEST_RUNS = 2**14
SIZED_ON = 5
"""The WTPs on which a run is sized, evenly spread among those asked for; all are read off the same runs."""


@dataclass(frozen=True)
class Goal:
    """When to stop: at a 95 % half-width `rtol`, or `max_runs` model runs; or after `n_runs`, where given.

    The tolerance is relative to the EVPPI, or to `FLOOR` of the EVPI where that is more. Raises InputError
    for values out of range.
    """

    rtol: float
    n_runs: int | None
    max_runs: int

    def __post_init__(self) -> None:
        if not 0 < self.rtol < 1:
            raise InputError(f"rtol must be between 0 and 1, and is {self.rtol}.")
        for name in ("n_runs", "max_runs"):
            given = getattr(self, name)
            if given is not None and given < FEWEST_RUNS:
                raise InputError(f"{name} must be at least {FEWEST_RUNS}, pilot included, and is {given}.")

    @property
    def budget(self) -> int:
        """The most model runs to make."""
        return self.max_runs if self.n_runs is None else self.n_runs

    def runs(self, error: float, spent: int) -> float:
        """Return the model runs to make, `spent` apart, when one run's relative standard error is `error`."""
        left = max(self.budget - spent, 0)
        return left if self.n_runs is not None else min(left, (1.96 * error / self.rtol) ** 2)


def sized_on(wtp: np.ndarray) -> np.ndarray:
    """Return the places (at most `SIZED_ON`) among the WTPs on which a run is sized."""
    return np.unique(np.linspace(0, len(wtp) - 1, min(len(wtp), SIZED_ON)).round().astype(int))


def spread(values: np.ndarray, wtp: np.ndarray) -> np.ndarray:
    """Return what was found at the WTPs of `sized_on` for every WTP (n_wtp,): that of the nearest."""
    sized = wtp[sized_on(wtp)]
    return values[np.abs(wtp[:, None] - sized).argmin(1)]


def nothing_to_know(of: tuple[str, ...], wtp: np.ndarray) -> VoiEstimate:
    """Return the EVPPI of constants: exactly nothing."""
    zero = np.zeros(len(wtp))
    return VoiEstimate(zero, zero, "constant", wtp, of, 0, 0.0, zero)
