"""A smooth EVSI(n) through estimates at a few sample sizes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from psa_engine.voi.evsi.monotone import monotone_cubic

FEWEST = 4
"""Sample sizes that the parametric curve needs."""
_FAR_OFF = 0.03
"""Largest distance of an estimate from the curve, relative to the largest estimate, if beyond 3 SE."""
MOST_STEPS = 300


@dataclass(frozen=True, eq=False)
class SmoothEvsi:
    """EVSI as a smooth, rising function of n between the smallest and largest size estimated (k,).

    Parametric: sigma(n) L(delta / sigma(n)), sigma(n)^2 = sigma^2 n / (n + n0), L the unit normal loss: exact
    for two strategies and normal data on what net benefit is linear in (Raiffa, Schlaifer 1961). Otherwise a
    monotone cubic in log n through the estimates, made to rise.
    """

    n: np.ndarray
    value: np.ndarray
    error: np.ndarray
    parametric: bool
    shape: tuple[float, float, float]

    def __call__(self, n: Any) -> np.ndarray:
        """Return EVSI at n, any shape."""
        n = np.asarray(n, float)
        if self.parametric:
            return normal_evsi(n, *self.shape)
        if len(self.n) == 1:
            return np.full(n.shape, self.value[0])
        return monotone_cubic(np.log(self.n), self.value, np.log(n))

    def standard_error(self, n: Any) -> np.ndarray:
        """Return the standard error at n: those of the estimates, interpolated.

        Estimates of one sample err together, so fitting a curve through them does not average errors away.
        """
        return np.interp(np.log(np.asarray(n, float)), np.log(self.n), self.error)


def normal_evsi(n: np.ndarray, log_sigma: Any, delta_over_sigma: Any, log_n0: Any) -> np.ndarray:
    """Return sigma(n) L(|delta| / sigma(n)), L(x) = phi(x) - x (1 - Phi(x))."""
    from scipy.special import ndtr

    sigma = np.sqrt(n / (n + np.exp(log_n0)))
    x = np.abs(delta_over_sigma) / sigma
    return np.exp(log_sigma) * sigma * (np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi) - x * ndtr(-x))


def smooth_evsi(n: np.ndarray, value: np.ndarray, error: np.ndarray) -> SmoothEvsi:
    """Return the curve through EVSI `value` (k,), standard errors `error` (k,), at sizes `n` (k,)."""
    n, index = np.unique(np.asarray(n, float), return_inverse=True)
    count = np.bincount(index)
    value, error = np.bincount(index, value) / count, np.bincount(index, error) / count
    top = value.max()
    if top > 0 and len(n) >= FEWEST:
        shape = _fitted_shape(n, value, error, top)
        off = np.abs(normal_evsi(n, *shape) - value)
        if (off <= np.maximum(3 * error, _FAR_OFF * top)).all():
            return SmoothEvsi(n, value, error, True, shape)
    return SmoothEvsi(n, _rising(value), error, False, (0.0, 0.0, 0.0))


def _fitted_shape(
    n: np.ndarray, value: np.ndarray, error: np.ndarray, top: float
) -> tuple[float, float, float]:
    """Return the shape of least squares, from the best of a grid on. Source: Marquardt 1963."""
    weight = 1 / np.maximum(error, 0.002 * top)
    shape, damping = _best_on_a_grid(n, value, weight), 1e-3
    left, slopes = _misfit(shape, n, value, weight)
    for _ in range(MOST_STEPS):
        gram, pull = slopes.T @ slopes, slopes.T @ left
        step = np.linalg.solve(gram + damping * np.diag(np.diag(gram) + 1e-12), pull)
        nearer, its_slopes = _misfit(shape - step, n, value, weight)
        if not nearer @ nearer < left @ left:
            damping *= 10
            if damping > 1e8:
                break
            continue
        done = left @ left - nearer @ nearer <= 1e-14 * (left @ left)
        shape, left, slopes, damping = shape - step, nearer, its_slopes, damping / 10
        if done:
            break
    return tuple(float(x) for x in shape)  # type: ignore[return-value]


def _misfit(
    shape: np.ndarray, n: np.ndarray, value: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return weighted residuals of `normal_evsi` (k,) and their derivatives by its shape (k, 3)."""
    from scipy.special import ndtr

    with np.errstate(all="ignore"):  # a step too far is not taken
        shrinkage = np.exp(shape[2]) / (n + np.exp(shape[2]))
        spread = np.sqrt(1 - shrinkage)
        x = np.abs(shape[1]) / spread
        scale, density, beyond = np.exp(shape[0]), np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), ndtr(-x)
        curve = scale * spread * (density - x * beyond)
        by_delta = -scale * beyond * np.sign(shape[1])
        by_log_n0 = -scale * density * spread * shrinkage / 2
    slopes = np.stack([curve, by_delta, by_log_n0], axis=1)
    return (curve - value) * weight, slopes * weight[:, None]


def _best_on_a_grid(n: np.ndarray, value: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return the shape of least squares on a grid of the two that are not a scale, with the best scale of each."""
    delta, log_n0 = np.meshgrid(np.linspace(0, 4, 41), np.log(n[0]) + np.linspace(-4, 14, 73), indexing="ij")
    curves = normal_evsi(n, 0.0, delta[..., None], log_n0[..., None]) * weight
    squares = np.maximum((curves**2).sum(-1), 1e-12 * weight.min() ** 2)  # flat ones would need a huge scale
    scale = np.maximum(curves @ (value * weight) / squares, 1e-12 * value.max())
    misfit = ((scale[..., None] * curves - value * weight) ** 2).sum(-1)
    at = np.unravel_index(misfit.argmin(), misfit.shape)
    return np.array([np.log(scale[at]), delta[at], log_n0[at]])


def _rising(value: np.ndarray) -> np.ndarray:
    """Return the nearest rising values, by pooling neighbours that fall (Barlow et al. 1972)."""
    blocks: list[list[float]] = []
    for one in value:
        blocks.append([float(one), 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, k), (b, m) = blocks[-2:]
            blocks[-2:] = [[(a * k + b * m) / (k + m), k + m]]
    return np.concatenate([np.full(int(k), mean) for mean, k in blocks])
