"""The expected maximum of linear functions of a random posterior mean, and which is highest where."""

from typing import NamedTuple

import numpy as np

from psa_engine.voi.evsi.posterior_means import Gaussian, Points

_SCRAMBLES = 8
_POINTS = 2**14


class Chosen(NamedTuple):
    """The expected maximum and the expectation of each function (S,), by the same points.

    And the probability (S,) that each is highest, and E[mean; it is highest] (k, S).
    """

    value: float
    level: np.ndarray
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
    level = after.probabilities @ benefit
    return Chosen(value, level, picked.sum(axis=0), after.means @ picked, error)


def chosen_by_normal(after: Gaussian, start: np.ndarray, slopes: np.ndarray) -> Chosen:
    """Return the expected maximum of start (S,) + slopes (k, S) . mean over a normal mean.

    Exact where the functions differ along one direction only (two strategies, or data on one parameter);
    else the mean of 8 scrambled Sobol sets of 16,384 points.
    """
    level, root = start + after.mean @ slopes, _root(after.covariance)
    spread = root @ slopes
    units, lengths, turns = np.linalg.svd(spread - spread[:, :1], full_matrices=False)
    # The root of a singular covariance has directions of about the root of rounding.
    kept = lengths > 1e-6 * max(lengths[0], 1e-300)
    along = (lengths[:, None] * turns)[kept]
    if len(along) < 2:
        along = along if len(along) else np.zeros((1, len(level)))
        value, probability, tilt, error = *_along_a_line(level, along[0]), 0.0
    else:
        value, probability, tilt, error = _over_sobol(level, along)
    moment = after.mean[:, None] * probability + (root.T @ units[:, : len(tilt)]) @ tilt
    return Chosen(value, level, probability, moment, error)


def _along_a_line(level: np.ndarray, slope: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Integrate the upper envelope of level (S,) + slope (S,) z over a standard normal z, exactly.

    Returns the expected maximum, the probability (S,) that each is highest and E[z; it is highest] (1, S).
    """
    from scipy.special import ndtr

    rise, gap = slope - slope[:, None], level[:, None] - level
    crossings = np.unique(gap[rise != 0] / rise[rise != 0])
    edges = np.concatenate([[-np.inf], crossings, [np.inf]])
    inside = np.clip(edges, -40, 40)
    highest = (level + slope * ((inside[1:] + inside[:-1]) / 2)[:, None]).argmax(axis=1)
    low, high = edges[:-1], edges[1:]
    # Differences of tail probabilities on the side where they are small keep their digits.
    mass = np.where(low > 0, ndtr(-low) - ndtr(-high), ndtr(high) - ndtr(low))
    lean = (np.exp(-(low**2) / 2) - np.exp(-(high**2) / 2)) / np.sqrt(2 * np.pi)
    probability, tilt = np.zeros(len(level)), np.zeros(len(level))
    np.add.at(probability, highest, mass)
    np.add.at(tilt, highest, lean)
    return float(level @ probability + slope @ tilt), probability, tilt[None]


def _over_sobol(level: np.ndarray, along: np.ndarray) -> tuple[float, np.ndarray, np.ndarray, float]:
    """Do as `_along_a_line` for level (S,) + z . along (r, S), z of r >= 2 normals; and return the error."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    found = []
    for seed in range(_SCRAMBLES):
        sobol = qmc.Sobol(len(along), seed=seed, bits=40)  # pyright: ignore[reportCallIssue]
        z = ndtri(np.clip(sobol.random(_POINTS), 1e-12, 1 - 1e-12))
        benefit = level + z @ along
        picked = np.zeros(benefit.shape)
        picked[np.arange(_POINTS), benefit.argmax(axis=1)] = 1 / _POINTS
        found.append(((picked * benefit).sum(), picked.sum(axis=0), z.T @ picked))
    values = np.array([one[0] for one in found])
    probability, tilt = (np.mean([one[i] for one in found], axis=0) for i in (1, 2))
    return float(values.mean()), probability, tilt, float(values.std(ddof=1) / np.sqrt(_SCRAMBLES))


def _root(covariance: np.ndarray) -> np.ndarray:
    """Return R (k, k) with R' R = covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(np.clip(values, 0, None))).T
