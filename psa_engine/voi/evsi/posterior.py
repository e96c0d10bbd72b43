"""Posterior draws of the informed parameters for many data sets at once, in the space of their normal scores.

There the prior is standard normal whatever the distributions and correlations, so a normal approximation of
the posterior at its mode (Laplace), mixed with a little of the prior so that no tail is missed, is a proposal
whose weights are bounded. Source: Hironaka, Giles, Goda, Thom 2020, section 4, with the mixture added.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from psa_engine.distributions import Empirical
from psa_engine.parameters import ParameterStructure
from psa_engine.voi.evsi.studies import Study
from psa_engine.voi.problem import Problem, Split

PRIOR_SHARE = 0.1
"""Share of the proposals drawn from the prior: no weight exceeds 10 times that under the prior."""
_WIDER = 1.1
_STEPS = 8
_STEP = 1e-3


@lru_cache(maxsize=64)
def _compiled(structure: ParameterStructure, names: tuple[str, ...]) -> Callable[[Any, Any], dict[str, Any]]:
    """Compile (parameter inputs, scores) -> the values of some parameters."""
    import jax

    def draw(inputs: Any, z: Any) -> dict[str, Any]:
        values = structure.draw(inputs, z)
        return {name: values[name] for name in names}

    return jax.jit(draw)


@dataclass(frozen=True, eq=False)
class Informed:
    """The parameters a study informs, as functions of their own normal scores, and the other scores."""

    problem: Problem
    study: Study
    n: int

    @cached_property
    def split(self) -> Split:
        """Return the two loops: the informed parameters' scores, and the others given them.

        An Empirical set that holds one of them is informed as a whole: its rows are kept jointly.
        """
        of = list(self.study.parameters)
        for entry in self.problem.parameters.entries.values():
            if isinstance(entry, Empirical) and set(entry.names) & set(of):
                of += [name for name in entry.names if name not in of]
        return self.problem.split(of)

    @cached_property
    def _inputs(self) -> dict[str, Any]:
        return self.split.parameters.inputs()

    def values(self, z: np.ndarray) -> dict[str, np.ndarray]:
        """Return the informed parameters at their scores z (d, ...), each (...)."""
        flat = z.reshape(len(z), -1)
        n = flat.shape[1]
        padded = np.zeros((len(self.split.parameters.structure.scores), 1 << (n - 1).bit_length()))
        padded[list(self.split.outer_rows), :n] = flat
        drawn = _compiled(self.split.parameters.structure, self.study.parameters)(self._inputs, padded)
        return {name: np.asarray(v)[:n].reshape(z.shape[1:]) for name, v in drawn.items()}

    def log_posterior(self, z: np.ndarray, data: np.ndarray) -> np.ndarray:
        """Return the log posterior (q, ...) of scores z (d, q, ...) given data (k, q), up to a constant."""
        shaped = data.reshape(*data.shape, *(1,) * (z.ndim - 2))
        return self.study.log_likelihood(shaped, self.values(z), self.n) - (z**2).sum(axis=0) / 2


@dataclass(frozen=True, eq=False)
class Proposal:
    """A normal approximation of each posterior: mode (d, q); root (q, d, d), root root' its covariance."""

    mode: np.ndarray
    root: np.ndarray

    def draw(self, z: np.ndarray, from_prior: np.ndarray) -> np.ndarray:
        """Turn standard normals z (d, q, m) into proposals; where `from_prior` (q, m) they stay."""
        moved = self.mode[:, :, None] + np.einsum("qab,bqm->aqm", self.root, z)
        return np.where(from_prior, z, moved)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        """Return the log density (q, m) of the mixture at proposals x (d, q, m), up to a constant."""
        z = np.einsum("qab,bqm->aqm", np.linalg.inv(self.root), x - self.mode[:, :, None])
        size = np.log(np.abs(np.linalg.det(self.root)))[:, None]
        normal = np.log(1 - PRIOR_SHARE) - (z**2).sum(axis=0) / 2 - size
        return np.logaddexp(normal, np.log(PRIOR_SHARE) - (x**2).sum(axis=0) / 2)


def proposal(informed: Informed, data: np.ndarray, start: np.ndarray) -> Proposal:
    """Return the normal approximation at each posterior's mode, by Newton's method from `start` (d, q)."""
    z, step = start.copy(), np.full(start.shape, _STEP)
    height = informed.log_posterior(z, data)
    for _ in range(_STEPS):
        gradient, precision = _derivatives(informed, data, z, step)
        move = np.linalg.solve(precision, gradient.T[:, :, None])[:, :, 0].T
        move *= np.minimum(1, 3 / np.maximum(np.sqrt((move**2).sum(axis=0)), 1e-300))
        z, height, gained = _uphill(informed, data, z, height, move)
        step = 0.1 / np.sqrt(np.einsum("qaa->aq", precision))
        if gained < 1e-3:
            break
    _, precision = _derivatives(informed, data, z, step)
    root = np.linalg.inv(np.linalg.cholesky(precision)).transpose(0, 2, 1)
    return Proposal(z, _WIDER * root)


def _uphill(
    informed: Informed, data: np.ndarray, z: np.ndarray, height: np.ndarray, move: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return scores, log posterior and the largest gain after the longest gaining of 1, 1/4, 1/16 move."""
    before = height
    for share in (1.0, 0.25, 0.0625):
        tried = z + share * move
        reached = informed.log_posterior(tried, data)
        better = np.nan_to_num(reached, nan=-np.inf) > height
        z, height = np.where(better, tried, z), np.where(better, reached, height)
        move = np.where(better, 0.0, move)
    return z, height, float((height - before).max())


def _derivatives(
    informed: Informed, data: np.ndarray, z: np.ndarray, step: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return gradient (d, q) and minus second derivatives (q, d, d) of the log posterior, by differences.

    Where the posterior is not concave its precision is at least that of half the prior.
    """
    d, q = z.shape
    shifts = [np.zeros(d)]
    for a in range(d):
        shifts += [np.eye(d)[a], -np.eye(d)[a]]
        for b in range(a):
            shifts += [np.eye(d)[a] + np.eye(d)[b], -np.eye(d)[a] - np.eye(d)[b]]
    at = np.array(shifts).T[:, None, :] * step[:, :, None] + z[:, :, None]
    f = informed.log_posterior(at, data)
    gradient, precision = np.zeros((d, q)), np.zeros((q, d, d))
    index, own = 1, {}
    for a in range(d):
        up, down = f[:, index], f[:, index + 1]
        gradient[a] = (up - down) / (2 * step[a])
        own[a] = up + down - 2 * f[:, 0]
        precision[:, a, a] = -own[a] / step[a] ** 2
        index += 2
        for b in range(a):
            both = f[:, index] + f[:, index + 1] - 2 * f[:, 0]
            precision[:, a, b] = precision[:, b, a] = -(both - own[a] - own[b]) / (2 * step[a] * step[b])
            index += 2
    values, vectors = np.linalg.eigh(np.nan_to_num(precision))
    return gradient, np.einsum("qab,qb,qcb->qac", vectors, np.maximum(values, 0.5), vectors)
