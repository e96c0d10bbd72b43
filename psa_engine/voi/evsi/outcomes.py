"""Costs and effects as the EVSI methods use them: incremental, side by side, and as losses."""

import numpy as np

from psa_engine.sample import PsaSample


def incremental_outcomes(sample: PsaSample) -> np.ndarray:
    """Return costs then effects (n_draws, 2 n_strategies), each less the first strategy's in the same draw.

    What all strategies share cancels before anything is estimated; no decision depends on it.
    """
    costs, effects = sample.cost_values, sample.effect_values
    return np.hstack([costs - costs[:, :1], effects - effects[:, :1]])


def net_benefit(outcomes: np.ndarray, wtp: float) -> np.ndarray:
    """Return net benefit (..., n_strategies) from costs then effects (..., 2 n_strategies)."""
    n_strategies = outcomes.shape[-1] // 2
    return wtp * outcomes[..., n_strategies:] - outcomes[..., :n_strategies]


def loss_of(benefit: np.ndarray, best: int) -> np.ndarray:
    """Return the highest less that of strategy `best`, (n,), of expected benefits (n, n_strategies)."""
    return benefit.max(axis=-1) - benefit[..., best]


def take(benefit: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return the benefit (n,) of the strategy chosen in each row (n,)."""
    return np.take_along_axis(benefit, chosen[:, None], axis=1)[:, 0]
