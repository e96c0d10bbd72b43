"""How far a sample made by the engine is from what the reference makes of the same parameter values."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from psa_engine.reference.cohort import evaluate, totals


def disagreement(model: Any, values: Mapping[str, Any], sample: Any) -> dict[str, float]:
    """Return outcome -> the largest difference, relative to the largest total of that outcome and strategy.

    `sample` is the engine's PsaSample at the same `values`. A strategy that either side lacks counts as
    zero. "costs" and "effects" are the totals.
    """
    expected = evaluate(model, values)
    names = list(sample.strategies)
    apart = {}
    for outcome in sorted({*expected, *sample.outcomes}):
        a, b = expected.get(outcome, {}), sample.outcomes.get(outcome, {})
        apart[outcome] = max(_apart(a.get(s, 0.0), b.get(s, 0.0)) for s in names)
    for kind, got in (("costs", sample.cost_values), ("effects", sample.effect_values)):
        apart[kind] = max(map(_apart, totals(expected, names, kind).T, got.T))
    return apart


def _apart(expected: Any, got: Any) -> float:
    size = np.abs(expected).max()
    return float(np.abs(got - expected).max() / (size if size > 0 else 1.0))
