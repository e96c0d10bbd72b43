"""Rates and probabilities (Briggs, Claxton, Sculpher 2006, section 3.2)."""

from typing import Any


def _namespace(x: Any):
    """NumPy for Python and NumPy numbers, JAX for everything traced or on a device."""
    import numpy as np

    if isinstance(x, int | float | np.ndarray | np.generic):
        return np
    import jax.numpy as jnp

    return jnp


def rate_to_probability(rate: Any, duration: float = 1.0) -> Any:
    """Return the probability of at least one event within `duration`: 1 - exp(-rate x duration)."""
    return -_namespace(rate).expm1(-rate * duration)


def probability_to_rate(probability: Any, duration: float = 1.0) -> Any:
    """Return the constant rate per unit of time that gives `probability` within `duration`."""
    return -_namespace(probability).log1p(-probability) / duration


def odds_shift(probability: Any, log_odds_ratio: Any) -> Any:
    """Return the probability whose odds are `exp(log_odds_ratio)` times those of `probability`."""
    xp = _namespace(probability + log_odds_ratio)
    odds = probability * xp.exp(log_odds_ratio)
    return odds / (1.0 - probability + odds)
