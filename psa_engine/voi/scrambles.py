"""Independent scrambles of one Sobol net: points, and an estimate with its error from leaving one out.

The error of quasi-Monte Carlo cannot be seen in one set of points; it can in the spread between sets
scrambled independently (Owen 1998). A nonlinear function of their mean is freed of its leading bias, and
given a standard error, by the jackknife (Miller 1974).
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

from psa_engine.parameters import score_inputs

SCRAMBLES = 16
"""Scrambles behind each estimate."""
_REACH, _SPREAD = 8.2, 6.0


def sobol_scores(names: Sequence[str], seed: int, scramble: int, first: int, last: int) -> np.ndarray:
    """Return points `first` to `last` of one scramble as independent normal scores (n_scores, last - first).

    They are those that the engine draws with `sampler="sobol"` for the scramble's own seed.
    """
    from scipy.special import ndtri

    inputs = score_inputs("sobol", 1_000 * seed + scramble, names, last)
    index = np.arange(first, last, dtype=np.uint32)
    points = np.repeat(inputs["shift"][:, None], len(index), 1)
    for bit in range(max(last - 1, 1).bit_length()):
        odd = np.flatnonzero((index >> np.uint32(bit)) & np.uint32(1))
        points[:, odd] ^= inputs["directions"][:, bit : bit + 1]
    return np.clip(ndtri((points + 0.5) * 2.0**-32), -_REACH, _REACH)


@cache
def _half_uniform() -> tuple[np.ndarray, np.ndarray]:
    """Return points and the distribution function of a normal mixed half and half with a uniform on +-6."""
    from scipy.special import ndtr

    x = np.linspace(-_SPREAD, _SPREAD, 2**14 + 1)
    inside = 1 - 2 * ndtr(-_SPREAD)
    return x, 0.5 * (ndtr(x) - ndtr(-_SPREAD)) / inside + 0.5 * (x + _SPREAD) / (2 * _SPREAD)


def spread(scores: np.ndarray) -> np.ndarray:
    """Spread normal scores (k, n) in place, and return the weights (n,) that make up for it.

    Half their distribution becomes uniform on +-6, so that what happens once in a million draws is seen;
    no score's weight exceeds 2 (a defensive mixture, Hesterberg 1995).
    """
    from scipy.special import ndtr

    x, distribution = _half_uniform()
    scores[:] = np.interp(ndtr(scores), distribution, x)
    density = np.exp(-0.5 * scores**2) / np.sqrt(2 * np.pi)
    return np.prod(density / (0.5 * density + 0.25 / _SPREAD), axis=0)


def widening(n_scrambles: int = SCRAMBLES) -> float:
    """Return what makes 1.96 standard errors from so few scrambles a 95 % interval (Student 1908)."""
    from scipy.special import stdtrit

    return float(stdtrit(n_scrambles - 1, 0.975)) / 1.959964


def jackknife(whole: np.ndarray, without: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an estimate freed of its leading bias, and its standard error.

    `whole` (...) is computed from all scrambles, `without` (n_scrambles, ...) leaving out each in turn.
    """
    n = len(without)
    centre = without.mean(0)
    spread = np.sqrt((n - 1) / n * ((without - centre) ** 2).sum(0))
    return n * whole - (n - 1) * centre, spread * widening(n)


def with_resolution(error: np.ndarray, value: np.ndarray, evpi: Any) -> np.ndarray:
    """Add to a standard error what quadrature, prepared quantiles and rounding may hide; 0 stays 0."""
    hidden = np.where((value == 0) & (error == 0), 0.0, 1e-6 * np.abs(value) + 1e-9 * evpi)
    return np.hypot(error, hidden)


def leaving_one_out(values: np.ndarray) -> np.ndarray:
    """Return the mean of values (n_scrambles, ...), then those without each: (n_scrambles + 1, ...)."""
    total = values.sum(0)
    n = len(values)
    return np.concatenate([total[None] / n, (total - values) / (n - 1)])


def excess(error: np.ndarray, tolerance: np.ndarray) -> float:
    """Return the largest ratio of errors to their tolerances, where these are above 0."""
    return float(np.max(np.divide(error, tolerance, out=np.zeros_like(error), where=tolerance > 0)))
