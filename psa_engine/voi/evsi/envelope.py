"""The expected maximum of linear functions of a random posterior mean, and which is highest where."""

from typing import NamedTuple

import numpy as np

from psa_engine.voi.evsi.posterior_means import Gaussian, Points

_SIMULATED_NORMALS = 2**17


class Chosen(NamedTuple):
    """The expected maximum; the probability (S,) that each is highest, and E[mean; it is highest] (k, S)."""

    value: float
    probability: np.ndarray
    moment: np.ndarray
    standard_error: float


def chosen(after: Points | Gaussian, start: np.ndarray, slopes: np.ndarray) -> Chosen:
    """Return the expected maximum of start (S,) + slopes (k, S) . mean over posterior means."""
    if isinstance(after, Gaussian):
        return chosen_by_normal(after, start, slopes)
    return chosen_among_points(after, start, slopes)


def chosen_among_points(after: Points, start: np.ndarray, slopes: np.ndarray) -> Chosen:
    """Return the expected maximum of start (S,) + slopes (k, S) . mean over points."""
    benefit = start + after.means.T @ slopes
    highest = benefit.argmax(axis=1)
    picked = np.zeros(benefit.shape)
    picked[np.arange(len(highest)), highest] = after.probabilities
    value = float((picked * benefit).sum())
    error = 0.0
    if after.simulated:
        ahead = benefit.max(axis=1) - benefit[:, (after.probabilities @ benefit).argmax()]
        error = float(ahead.std() / np.sqrt(len(ahead)))
    return Chosen(value, picked.sum(axis=0), after.means @ picked, error)


def chosen_by_normal(after: Gaussian, start: np.ndarray, slopes: np.ndarray) -> Chosen:
    """Return the expected maximum of start (S,) + slopes (k, S) . mean over a normal mean.

    Exact with two strategies or one parameter, where it is a piecewise linear function of one normal; else
    over 131,072 scrambled Sobol points.
    """
    level, spread = start + after.mean @ slopes, _root(after.covariance) @ slopes
    if slopes.shape[1] == 2 or len(slopes) == 1:
        direction = spread[:, np.abs(spread - spread[:, :1]).sum(axis=0).argmax()] - spread[:, 0]
        length = np.linalg.norm(direction)
        unit = direction / length if length > 0 else direction
        return _along_a_line(after, level, unit @ (spread - spread[:, :1]), unit)
    points = Points(after.parameters, *_sobol_normals(after))
    found = chosen_among_points(points, start, slopes)
    return found._replace(standard_error=_scramble_error(after, start, slopes))


def _along_a_line(after: Gaussian, level: np.ndarray, slope: np.ndarray, unit: np.ndarray) -> Chosen:
    """Integrate the upper envelope of level (S,) + slope (S,) z over a standard normal z, exactly."""
    from scipy.special import ndtr

    rise, gap = slope - slope[:, None], level[:, None] - level
    crossings = np.unique(gap[rise != 0] / rise[rise != 0])
    edges = np.concatenate([[-np.inf], crossings, [np.inf]])
    inside = np.clip(edges, -40, 40)
    highest = (level + slope * ((inside[1:] + inside[:-1]) / 2)[:, None]).argmax(axis=1)
    # Differences of tail probabilities on the side where they are small keep their digits.
    low, high = edges[:-1], edges[1:]
    mass = np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    lean = (np.exp(-(low**2) / 2) - np.exp(-(high**2) / 2)) / np.sqrt(2 * np.pi)
    probability, tilt = np.zeros(len(level)), np.zeros(len(level))
    np.add.at(probability, highest, mass)
    np.add.at(tilt, highest, lean)
    moment = after.mean[:, None] * probability + (_root(after.covariance).T @ unit)[:, None] * tilt
    return Chosen(float(level @ probability + slope @ tilt), probability, moment, 0.0)


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return R (k, k) with R' R = covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))).T


def _sobol_normals(
    after: Gaussian, seed: int = 0, n: int = _SIMULATED_NORMALS
) -> tuple[np.ndarray, np.ndarray]:
    from scipy.special import ndtri
    from scipy.stats import qmc

    u = qmc.Sobol(len(after.mean), seed=seed, bits=40).random(n)  # pyright: ignore[reportCallIssue]
    z = ndtri(np.clip(u, 1e-12, 1 - 1e-12))
    return (after.mean + z @ _root(after.covariance)).T, np.full(n, 1 / n)


def _scramble_error(after: Gaussian, start: np.ndarray, slopes: np.ndarray, n_scrambles: int = 8) -> float:
    """Return the standard error of the Sobol mean from smaller independent scrambles: an upper bound."""
    n = _SIMULATED_NORMALS // n_scrambles
    found = [
        chosen_among_points(Points(after.parameters, *_sobol_normals(after, seed, n)), start, slopes).value
        for seed in range(1, n_scrambles + 1)
    ]
    return float(np.std(found, ddof=1) / np.sqrt(n_scrambles))
