"""Net benefit (Stinnett, Mullahy 1998): effects valued at a willingness to pay (WTP), less costs."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.sample import PsaSample

# Pounds per QALY: the range NICE applies since April 2026.
DEFAULT_WTP = (25_000.0, 35_000.0)

# Costs, effects and net benefit of a block of draws stay in a core's cache while the grid of WTP passes over.
_BLOCK_BYTES = 512 * 1024


def wtp_grid(high: float = 50_000, step: float = 1_000) -> np.ndarray:
    """Return 0, step, 2 step, ... up to and including high (money per unit of effect)."""
    if not (step > 0 and high >= step and np.isfinite(high)):
        raise InputError(f"A WTP grid needs 0 < step <= high, got step {step} and high {high}.")
    return step * np.arange(int(np.floor(high / step * (1 + 1e-12))) + 1.0)


def wtp_values(wtp: Any, default: Sequence[float] | np.ndarray = DEFAULT_WTP) -> np.ndarray:
    """Return WTP as a 1-D array, refusing negative, infinite and missing values."""
    try:
        values = np.atleast_1d(np.asarray(default if wtp is None else wtp, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise InputError(f"The WTP {wtp!r} is not a number or a list of numbers.") from error
    if values.ndim != 1 or not len(values):
        raise InputError(f"WTP must be a number or a list of numbers, got an array of shape {values.shape}.")
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise InputError(f"WTP must be finite and not negative, got {values.tolist()}.")
    return values


def net_monetary_benefit(sample: PsaSample, wtp: float) -> np.ndarray:
    """Return wtp * effects - costs, (n_draws, n_strategies), in money; `wtp` is one number."""
    return _one(wtp) * sample.effect_values - sample.cost_values


def net_health_benefit(sample: PsaSample, wtp: float) -> np.ndarray:
    """Return effects - costs / wtp, (n_draws, n_strategies), in units of effect; `wtp` is above 0."""
    value = _one(wtp)
    if value == 0:
        raise InputError("Net health benefit divides costs by the WTP, which must be above 0.")
    return sample.effect_values - sample.cost_values / value


def mean_net_benefit(sample: PsaSample, wtp: np.ndarray) -> np.ndarray:
    """Return the mean net monetary benefit, (n_wtp, n_strategies)."""
    return wtp[:, None] * sample.effect_values.mean(axis=0) - sample.cost_values.mean(axis=0)


def net_benefit_blocks(sample: PsaSample, wtp: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield (WTP index, net monetary benefit (n_strategies, block)) for every WTP of every block of draws.

    The array is overwritten by the next step: memory does not grow with draws or WTP.
    """
    n_draws, n_strategies = sample.cost_values.shape
    size = max(256, _BLOCK_BYTES // (24 * n_strategies))
    for start in range(0, n_draws, size):
        costs = np.ascontiguousarray(sample.cost_values[start : start + size].T)
        effects = np.ascontiguousarray(sample.effect_values[start : start + size].T)
        benefit = np.empty_like(costs)
        for i, value in enumerate(wtp):
            np.multiply(effects, value, out=benefit)
            benefit -= costs
            yield i, benefit


def _one(wtp: float) -> float:
    values = wtp_values(wtp)
    if len(values) != 1:
        raise InputError(f"Net benefit by draw is computed at one WTP at a time, got {len(values)}.")
    return float(values[0])
