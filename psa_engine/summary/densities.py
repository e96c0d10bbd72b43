"""Each uncertain parameter's draws beside the distribution that its evidence was turned into."""

from typing import Any

import numpy as np

from psa_engine.sample import PsaSample
from psa_engine.summary.rounding import significant

BARS, POINTS, FAR = 24, 49, 3.2
"""Bars of a histogram; points of a density, at normal scores from -FAR to FAR."""


def density_rows(parameters: Any, sample: PsaSample) -> list[dict[str, Any]]:
    """Return for each uncertain parameter the density of its distribution and the histogram of its draws.

    The density at quantile x(z) of the normal score z is phi(z) / x'(z); a table of draws made elsewhere
    (`Empirical`) has none. Mean and 95 % interval are those of the distribution.
    """
    marginals = {}
    for key, distribution in parameters.entries.items():
        marginals |= getattr(distribution, "marginals", None) or {key: distribution}
    return [
        {"parameter": name, **_of(marginals[name]), "draws": _bars(sample.parameter_values[name])}
        for name in parameters.uncertain
        if name in sample.parameter_values and hasattr(marginals.get(name), "quantile")
    ]


def _of(distribution: Any) -> dict[str, Any]:
    z = np.linspace(-FAR, FAR, POINTS)
    x = np.asarray(distribution.quantile(z), float)
    with np.errstate(divide="ignore", invalid="ignore"):
        density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi) / np.gradient(x, z)
    known = np.isfinite(density)
    low, high = distribution.interval(0.95)
    return {
        "mean": float(distribution.mean),
        "low": float(low),
        "high": float(high),
        "evidence": {"x": significant(x[known]), "density": significant(density[known])},
    }


def _bars(values: np.ndarray) -> dict[str, list[float]]:
    """Return edges (BARS + 1) and heights of the histogram, over all but the outermost 0.2 % of draws."""
    low, high = np.quantile(values, [0.001, 0.999])
    if not high > low:
        return {"edges": [], "density": []}
    counts, edges = np.histogram(values, bins=BARS, range=(low, high))
    return {
        "edges": significant(edges),
        "density": significant(counts / len(values) / np.diff(edges)),
    }
