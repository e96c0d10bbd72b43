"""The cost-effectiveness plane as rows: some of the draws against the comparator, and the ellipse around all."""

from typing import Any

import numpy as np

from psa_engine.sample import PsaSample
from psa_engine.summary.rounding import significant

SHOWN = 500
"""Draws of each strategy that a picture shows: more would only darken the cloud."""
CORNERS = 60
_CHI_SQUARE_95_2DF = -2 * np.log(0.05)


def plane_rows(sample: PsaSample) -> list[dict[str, Any]]:
    """Return for each strategy but the comparator its incremental draws, their mean and their 95 % ellipse.

    The first `SHOWN` draws are listed; mean and ellipse (of the normal distribution with the same mean and
    covariance) are those of all draws. The comparator is that of the sample, or the last strategy.
    """
    other = sample.comparator or sample.strategies[-1]
    k = sample.strategies.index(other)
    rows = []
    for i, strategy in enumerate(sample.strategies):
        if i == k:
            continue
        effects = sample.effect_values[:, i] - sample.effect_values[:, k]
        costs = sample.cost_values[:, i] - sample.cost_values[:, k]
        rows.append(
            {
                "strategy": strategy,
                "comparator": other,
                "mean_effects": float(effects.mean()),
                "mean_costs": float(costs.mean()),
                "effects": significant(effects[:SHOWN]),
                "costs": significant(costs[:SHOWN]),
                "ellipse": _ellipse(effects, costs),
            }
        )
    return rows


def _ellipse(effects: np.ndarray, costs: np.ndarray) -> dict[str, list[float]]:
    """Return the corners of the ellipse; none where a single draw or no spread gives none."""
    if len(effects) < 2:
        return {"effects": [], "costs": []}
    # Standardised first: costs are thousands of times larger, and a Cholesky factor would lose the effects.
    sd = effects.std(ddof=1), costs.std(ddof=1)
    if not min(sd) > 0:
        return {"effects": [], "costs": []}
    rho = np.clip(np.corrcoef(effects, costs)[0, 1], -1, 1)
    angle = np.linspace(0, 2 * np.pi, CORNERS)
    radius = np.sqrt(_CHI_SQUARE_95_2DF)
    x, y = np.cos(angle), rho * np.cos(angle) + np.sqrt(1 - rho * rho) * np.sin(angle)
    return {
        "effects": significant(effects.mean() + radius * sd[0] * x),
        "costs": significant(costs.mean() + radius * sd[1] * y),
    }
