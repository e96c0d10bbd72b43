"""Distributions of several parameters at once: Dirichlet and multivariate normal."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from psa_engine.distributions.beta import Beta, beta_quantile
from psa_engine.distributions.covariance import correlation_matrix, covariance_matrix
from psa_engine.distributions.normals import LogitNormal, LogNormal, Normal
from psa_engine.distributions.published import number
from psa_engine.distributions.univariate import Univariate
from psa_engine.errors import InputError, nearest

MOST_NAMES = 1_000
MARGINALS = {"identity": Normal, "log": LogNormal, "logit": LogitNormal}


class Joint:
    """A distribution of several named parameters, driven by `n_scores` independent standard normal scores.

    Subclasses are frozen records with `names`, `n_scores`, `marginals` (a univariate record per name) and
    `quantile(z)`, which turns scores of shape (n_scores, n) into a dict name -> (n,) float64 values.
    """

    names: tuple[str, ...]
    n_scores: int
    marginals: Mapping[str, Univariate]

    @property
    def mean(self) -> dict[str, float]:
        """The mean of every parameter."""
        return {name: marginal.mean for name, marginal in self.marginals.items()}

    @property
    def sd(self) -> dict[str, float]:
        """The standard deviation of every parameter."""
        return {name: marginal.sd for name, marginal in self.marginals.items()}

    def marginal_interval(self, name: str, level: float = 0.95) -> tuple[float, float]:
        """Return the central interval (low, high) of one parameter; refuses an unknown name."""
        self._position(name)
        return self.marginals[name].interval(level)

    def _position(self, name):
        if name not in self.names:
            raise InputError(
                f"{type(self).__name__} has no parameter '{name}'.", hint=nearest(name, self.names)
            )
        return self.names.index(name)

    def _scores(self, z) -> np.ndarray:
        z = np.asarray(z, dtype=float)
        if z.ndim != 2 or z.shape[0] != self.n_scores:
            raise InputError(f"{self!r} needs normal scores of shape ({self.n_scores}, n), got {z.shape}.")
        return z


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Dirichlet(Joint):
    """Dirichlet distribution of proportions that sum to 1, with concentrations `alpha`, one per name.

    Published form: events (the count in every category), with an optional `prior` added to each.
    """

    names: tuple[str, ...]
    alpha: tuple[float, ...]

    def __init__(
        self,
        names: Sequence[str],
        alpha: Sequence[float] | None = None,
        *,
        events: Sequence[float] | None = None,
        prior: float = 0.0,
    ):
        names = checked_names("Dirichlet", names, at_least=2)
        if (alpha is None) == (events is None):
            raise InputError("Dirichlet: give either alpha or events, one number per name.")
        which = "alpha" if events is None else "events"
        values = one_per_name("Dirichlet", which, alpha if events is None else events, names)
        added = number("Dirichlet: prior", prior) if which == "events" else 0.0
        for name, value in zip(names, values, strict=True):
            if value < 0 or value + added <= 0:
                remedy = " Add prior=0.5 or 1 to every count." if which == "events" else ""
                raise InputError(f"Dirichlet: {which} of '{name}' must be above 0, got {value:g}.{remedy}")
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "alpha", tuple(value + added for value in values))

    @property
    def n_scores(self) -> int:
        """One score per stick: one fewer than there are names."""
        return len(self.names) - 1

    @cached_property
    def marginals(self) -> dict[str, Univariate]:
        """Every proportion alone is Beta(alpha_i, sum of the others)."""
        total = sum(self.alpha)
        return {name: Beta(alpha, total - alpha) for name, alpha in zip(self.names, self.alpha, strict=True)}

    @property
    def sticks(self) -> tuple[Beta, ...]:
        """The independent betas of stick breaking: the share of what is left that each name takes."""
        return tuple(Beta(alpha, sum(self.alpha[i + 1 :])) for i, alpha in enumerate(self.alpha[:-1]))

    def quantile(self, z) -> dict[str, np.ndarray]:
        """Return proportions at scores z (n_scores, n); the last name takes the remainder."""
        left, values = 1.0, {}
        for name, stick, score in zip(self.names, self.sticks, self._scores(z), strict=False):
            values[name] = left * stick.quantile(score)
            left = left * beta_quantile(stick.beta, stick.alpha, -score)
        return {**values, self.names[-1]: np.asarray(left)}

    def __repr__(self) -> str:
        return f"Dirichlet({', '.join(f'{n}: {a:.6g}' for n, a in zip(self.names, self.alpha, strict=True))})"


@dataclass(frozen=True, init=False, eq=False, repr=False)
class MultivariateNormal(Joint):
    """Multivariate normal of parameters, or of their logs or logits.

    `mean` (k,) and `covariance` (k, k), or `sd` (k,) with `correlation` (k, k), are those of the normal;
    `scale` is "identity", "log" (the parameter is exp of the normal) or "logit" (it is the inverse logit),
    one for all or one per name. They are kept as `location`, `covariance` and `scale` (one per name).
    """

    names: tuple[str, ...]
    location: np.ndarray
    covariance: np.ndarray
    scale: tuple[str, ...]

    def __init__(
        self,
        names: Sequence[str],
        mean: Sequence[float],
        covariance: Sequence[Sequence[float]] | np.ndarray | None = None,
        *,
        sd: Sequence[float] | None = None,
        correlation: Sequence[Sequence[float]] | np.ndarray | None = None,
        scale: str | Sequence[str] = "identity",
    ):
        what = "MultivariateNormal"
        names = checked_names(what, names)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "location", np.array(one_per_name(what, "mean", mean, names)))
        if covariance is not None and sd is None and correlation is None:
            covariance = covariance_matrix(what, covariance, names)
        elif covariance is None and sd is not None and correlation is not None:
            spread = np.array(one_per_name(what, "sd", sd, names))
            if min(spread) <= 0:
                raise InputError(f"{what}: every sd must be above 0, got {spread.tolist()}.")
            covariance = correlation_matrix(what, correlation, names) * np.outer(spread, spread)
        else:
            raise InputError(f"{what}: give either covariance, or sd with correlation.")
        object.__setattr__(self, "covariance", covariance)
        scales = (scale,) * len(names) if isinstance(scale, str) else tuple(scale)
        if len(scales) != len(names) or not set(scales) <= MARGINALS.keys():
            raise InputError(
                f"{what}: scale must be identity, log or logit, one for all or one per name, got {scale!r}."
            )
        object.__setattr__(self, "scale", scales)

    @property
    def n_scores(self) -> int:
        """One score per name."""
        return len(self.names)

    @cached_property
    def cholesky(self) -> np.ndarray:
        """The lower Cholesky factor L (k, k): location + L z is the normal."""
        return np.linalg.cholesky(self.covariance)

    @cached_property
    def marginals(self) -> dict[str, Univariate]:
        """A normal, log-normal or logit-normal per name."""
        sd = np.sqrt(np.diag(self.covariance))
        columns = zip(self.names, self.scale, self.location, sd, strict=True)
        return {
            name: MARGINALS[scale](float(centre), float(spread)) for name, scale, centre, spread in columns
        }

    def quantile(self, z) -> dict[str, np.ndarray]:
        """Return the parameters at scores z (n_scores, n): location + L z, through the inverse links."""
        from scipy.special import expit

        inverse = {"identity": np.asarray, "log": np.exp, "logit": expit}
        y = self.location[:, None] + self.cholesky @ self._scores(z)
        return {name: inverse[scale](row) for name, scale, row in zip(self.names, self.scale, y, strict=True)}

    def __repr__(self) -> str:
        return f"MultivariateNormal({', '.join(f'{name}: {m!r}' for name, m in self.marginals.items())})"


def checked_names(what: str, names, at_least: int = 1) -> tuple[str, ...]:
    """Return names as a tuple of distinct texts, at most MOST_NAMES, or raise InputError."""
    if (
        isinstance(names, str)
        or not hasattr(names, "__iter__")
        or not all(isinstance(name, str) and name for name in names)
    ):
        raise InputError(f"{what}: names must be a list of texts, got {names!r}.")
    names = tuple(names)
    if len(names) > MOST_NAMES:
        raise InputError(f"{what}: at most {MOST_NAMES:,} names are taken, got {len(names):,}.")
    repeated = sorted(name for name, times in Counter(names).items() if times > 1)
    if repeated:
        raise InputError(f"{what}: every name must be different; repeated: {', '.join(repeated)}.")
    if len(names) < at_least:
        raise InputError(f"{what}: at least {at_least} names are needed, got {len(names)}.")
    return names


def one_per_name(what: str, which: str, values, names: tuple[str, ...]) -> tuple[float, ...]:
    """Return one finite float per name, or raise InputError naming the entry."""
    if isinstance(values, str | Mapping) or not hasattr(values, "__len__") or len(values) != len(names):
        raise InputError(f"{what}: {which} must hold one number per name ({len(names)}), got {values!r}.")
    return tuple(
        number(f"{what}: {which} of '{name}'", value) for name, value in zip(names, values, strict=True)
    )
