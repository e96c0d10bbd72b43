"""How the posterior mean of the informed parameters will be distributed, for conjugate pairs (Ades 2004)."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from psa_engine.distributions import Beta, Dirichlet, Gamma, Normal
from psa_engine.parameters import ParameterSet
from psa_engine.voi.evsi.designs import Multinomial, SingleArm, TwoArmTrial
from psa_engine.voi.evsi.endpoints import Binary, Continuous, Count, Endpoint, TimeToEvent
from psa_engine.voi.evsi.studies import Study

MOST_POINTS = 1_000_000
"""Possible results of a study that are all visited; beyond it they are simulated."""
_TAIL = 1e-14


@dataclass(frozen=True, eq=False)
class Points:
    """Posterior means (k, q) of parameters, with probabilities (q,); `simulated` if drawn at random."""

    parameters: tuple[str, ...]
    means: np.ndarray
    probabilities: np.ndarray
    simulated: bool = False


@dataclass(frozen=True, eq=False)
class Gaussian:
    """Posterior means that are jointly normal before the study: mean (k,) and covariance (k, k)."""

    parameters: tuple[str, ...]
    mean: np.ndarray
    covariance: np.ndarray


def posterior_means(
    parameters: ParameterSet, study: Study, n: int, rng: np.random.Generator, n_simulated: int
) -> Points | Gaussian | None:
    """Return the distribution of the posterior means that data of n patients will give, or None.

    None where the prior and the data are not a conjugate pair: normal and a mean with known variance
    (exact through any correlation between the parameters), beta and binary, gamma and counts or times,
    Dirichlet and multinomial.
    """
    if isinstance(study, Multinomial):
        prior = next((d for d in parameters.entries.values() if set(study.categories) == _names(d)), None)
        return _dirichlet(prior, study, n, rng, n_simulated) if isinstance(prior, Dirichlet) else None
    if not isinstance(study, SingleArm | TwoArmTrial):
        return None
    if all(isinstance(endpoint, Continuous) for _, endpoint in study.named_endpoints):
        return _gaussian(parameters, study, n)
    pairs = _separate_pairs(parameters, study, n)
    return None if pairs is None else _independent(pairs, rng, n_simulated)


def _names(d: Any) -> set[str]:
    return set(getattr(d, "names", ()))


def _gaussian(parameters: ParameterSet, study: SingleArm | TwoArmTrial, n: int) -> Gaussian | None:
    """Return the posterior means of the informed parameters and of the normals correlated with them."""
    if isinstance(study, TwoArmTrial) and study.effect and study.scale != "difference":
        return None
    correlated = [name for name in companions(parameters, study.parameters) if name not in study.parameters]
    prior = _normal_prior(parameters, (*study.parameters, *correlated))
    if prior is None:
        prior, correlated = _normal_prior(parameters, study.parameters), []
    if prior is None:
        return None
    mean, covariance = prior
    k = len(study.parameters)
    origin = _arm_means(study, np.zeros((k, 1)), n)
    design = np.column_stack([_arm_means(study, np.eye(k)[:, [j]], n) - origin for j in range(k)])
    arms = study.arms({name: np.zeros(1) for name in study.parameters}, n)
    noise = np.diag([arm.endpoint.sd**2 / arm.n for arm in arms if isinstance(arm.endpoint, Continuous)])
    seen = design @ covariance[:k]
    gain = np.linalg.solve(seen[:, :k] @ design.T + noise, seen)
    return Gaussian((*study.parameters, *correlated), mean, seen.T @ gain)


def companions(parameters: ParameterSet, names: Iterable[str]) -> tuple[str, ...]:
    """Return the parameters and those drawn with them: of one correlation block or joint distribution."""
    found = list(names)
    for group in _drawn_together(parameters):
        if set(group) & set(found):
            found += [name for name in group if name not in found]
    return tuple(found)


def _drawn_together(parameters: ParameterSet) -> list[tuple[str, ...]]:
    joint = [tuple(d.names) for d in parameters.entries.values() if hasattr(d, "names")]
    return [block.parameters for block in parameters.blocks] + joint


def _arm_means(study: SingleArm | TwoArmTrial, values: np.ndarray, n: int) -> np.ndarray:
    arms = study.arms(dict(zip(study.parameters, values, strict=True)), n)
    return np.concatenate([arm.mean for arm in arms])


def _normal_prior(parameters: ParameterSet, names: Iterable[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the joint normal prior of parameters, mean (k,) and covariance (k, k), or None."""
    names = tuple(names)
    marginals = [_marginal(parameters, name) for name in names]
    if not all(isinstance(marginal, Normal) for marginal in marginals):
        return None
    correlation = np.eye(len(names))
    for block in parameters.blocks:
        for i, a in enumerate(names):
            for j, b in enumerate(names):
                if a in block.parameters and b in block.parameters:
                    at = block.parameters.index(a), block.parameters.index(b)
                    correlation[i, j] = block.matrix[at]
    sd = np.array([marginal.sd for marginal in marginals])
    return np.array([marginal.mean for marginal in marginals]), correlation * np.outer(sd, sd)


def _marginal(parameters: ParameterSet, name: str) -> Any:
    """Return the distribution of one uncertain parameter alone, or None."""
    if name not in parameters.uncertain:
        return None
    if name in parameters.entries:
        return parameters.entries[name]
    joint = next(d for d in parameters.entries.values() if name in _names(d))
    return getattr(joint, "marginals", {}).get(name)


@dataclass(frozen=True)
class Pair:
    """One parameter with its prior, and the endpoint and number of patients that inform it alone."""

    parameter: str
    prior: Beta | Gamma
    endpoint: Endpoint
    n: int


def _separate_pairs(parameters: ParameterSet, study: SingleArm | TwoArmTrial, n: int) -> list[Pair] | None:
    """Return conjugate pairs that are independent of each other, or None."""
    if isinstance(study, TwoArmTrial) and (study.effect or not isinstance(study.control, str)):
        return None
    names = study.parameters
    if any(len(set(group) & set(names)) > 1 for group in _drawn_together(parameters)):
        return None
    arms = study.arms({name: np.ones(1) for name in names}, n)
    pairs = [
        Pair(name, _marginal(parameters, name), a.endpoint, a.n) for name, a in zip(names, arms, strict=True)
    ]
    return pairs if all(_conjugate(pair.prior, pair.endpoint) for pair in pairs) else None


def _conjugate(prior: Any, endpoint: Endpoint) -> bool:
    return (isinstance(prior, Beta) and isinstance(endpoint, Binary)) or (
        isinstance(prior, Gamma) and isinstance(endpoint, Count | TimeToEvent)
    )


def _independent(pairs: list[Pair], rng: np.random.Generator, n_simulated: int) -> Points:
    names = tuple(pair.parameter for pair in pairs)
    listed = [_all_results(pair) for pair in pairs]
    finite = [one for one in listed if one is not None]
    if len(finite) == len(pairs) and np.prod([float(len(one[0])) for one in finite]) <= MOST_POINTS:
        means = np.array([m.ravel() for m in np.meshgrid(*[one[0] for one in finite], indexing="ij")])
        return Points(names, means, reduce(np.multiply.outer, [one[1] for one in finite]).ravel())
    means = np.array([_simulated(pair, rng, n_simulated) for pair in pairs])
    return Points(names, means, np.full(n_simulated, 1 / n_simulated), simulated=True)


def _all_results(pair: Pair) -> tuple[np.ndarray, np.ndarray] | None:
    """Return every posterior mean (q,) and its probability (q,), or None where results are continuous."""
    from scipy.special import betaln, gammaln

    prior, n = pair.prior, pair.n
    if isinstance(prior, Beta):
        s = np.arange(n + 1.0)
        a, b = prior.alpha, prior.beta
        ways = gammaln(n + 1) - gammaln(s + 1) - gammaln(n - s + 1)
        chance = np.exp(ways + betaln(a + s, b + n - s) - betaln(a, b))
        return (a + s) / (a + b + n), chance / chance.sum()
    if not isinstance(pair.endpoint, Count):
        return None
    from scipy.stats import nbinom

    rate, time = 1 / prior.scale, n * pair.endpoint.exposure
    success = rate / (rate + time)
    s = np.arange(float(nbinom.isf(_TAIL, prior.shape, success)) + 1)
    chance = nbinom.pmf(s, prior.shape, success)
    return (prior.shape + s) / (rate + time), chance / chance.sum()


def _simulated(pair: Pair, rng: np.random.Generator, m: int) -> np.ndarray:
    prior = pair.prior
    if isinstance(prior, Beta):
        data = pair.endpoint.generate(rng.beta(prior.alpha, prior.beta, m), pair.n, rng)
        return (prior.alpha + data[0]) / (prior.alpha + prior.beta + pair.n)
    data = pair.endpoint.generate(rng.gamma(prior.shape, prior.scale, m), pair.n, rng)
    time = pair.n * pair.endpoint.exposure if isinstance(pair.endpoint, Count) else data[1]
    return (prior.shape + data[0]) / (1 / prior.scale + time)


def _dirichlet(
    prior: Dirichlet, study: Multinomial, n: int, rng: np.random.Generator, n_simulated: int
) -> Points:
    from scipy.special import comb, gammaln

    alpha = np.array([prior.alpha[prior.names.index(name)] for name in study.categories])
    k = len(alpha)
    simulated = comb(n + k - 1, k - 1) > MOST_POINTS
    if simulated:
        counts = rng.multinomial(n, rng.dirichlet(alpha, n_simulated)).astype(float)
        chance = np.full(n_simulated, 1 / n_simulated)
    else:
        counts = _compositions(n, k)
        log_chance = (gammaln(alpha + counts) - gammaln(alpha) - gammaln(counts + 1)).sum(axis=1)
        chance = np.exp(log_chance + gammaln(alpha.sum()) + gammaln(n + 1) - gammaln(alpha.sum() + n))
        chance /= chance.sum()
    means = (alpha + counts) / (alpha.sum() + n)
    free = study.free_parameters
    return Points(free, means[:, : len(free)].T, chance, simulated)


def _compositions(n: int, k: int) -> np.ndarray:
    """Return every way to put n patients in k categories, (q, k)."""
    rows = np.zeros((1, 0))
    for _ in range(k - 1):
        left = (n - rows.sum(axis=1)).astype(int)
        grown = np.repeat(rows, left + 1, axis=0)
        added = np.concatenate([np.arange(one + 1) for one in left])
        rows = np.column_stack([grown, added])
    return np.column_stack([rows, n - rows.sum(axis=1)])
