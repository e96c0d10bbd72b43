"""Named study designs: single-arm studies and cohorts, two-arm trials, patients counted in categories."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from psa_engine.errors import InputError
from psa_engine.voi.evsi.effects import apply_effect, checked_scale
from psa_engine.voi.evsi.endpoints import Continuous, Endpoint, Skewed
from psa_engine.voi.evsi.studies import Study, Values


@dataclass(frozen=True)
class Arm:
    """Patients who give one endpoint: what it is called, the patients in it, and the endpoint's parameter."""

    name: str
    endpoint: Endpoint
    n: int
    mean: np.ndarray


class ArmStudy(Study):
    """A study made of arms whose data are independent given the parameters."""

    def arms(self, values: Values, n: int) -> tuple[Arm, ...]:
        raise NotImplementedError

    @property
    def named_endpoints(self) -> tuple[tuple[str, Endpoint], ...]:
        """Name and endpoint of each arm."""
        raise NotImplementedError

    @property
    def statistic_names(self):
        return tuple(f"{sums} ({name})" for name, endpoint in self.named_endpoints for sums in endpoint.sums)

    def check(self, values, n):
        for arm in self.arms(values, n):
            if arm.n < 1:
                raise InputError(
                    f"With {n} patients the arm '{arm.name}' has none; each arm needs at least one."
                )
            arm.endpoint.check(arm.mean, f"'{arm.name}'")

    def generate(self, values, n, rng):
        return np.concatenate([a.endpoint.generate(a.mean, a.n, rng) for a in self.arms(values, n)])

    def summary(self, data, n):
        arms = self.arms({name: np.ones(1) for name in self.parameters}, n)
        parts = zip(arms, _split(data, self.named_endpoints), strict=True)
        return np.concatenate([arm.endpoint.summary(sums, arm.n) for arm, sums in parts])

    def log_likelihood(self, data, values, n):
        total: Any = 0.0
        for arm, sums in zip(self.arms(values, n), _split(data, self.named_endpoints), strict=True):
            slopes, offset = arm.endpoint.exponents(arm.mean, arm.n)
            total = total + offset
            for one, slope in zip(sums, slopes, strict=True):
                total = total + one * slope
        return total

    def log_likelihoods(self, data, values, n):
        exponents = [a.endpoint.exponents(a.mean, a.n) for a in self.arms(values, n)]
        slopes = np.concatenate([np.atleast_2d(slope) for slope, _ in exponents])
        return data.T @ slopes + sum(offset for _, offset in exponents)


def _split(data: np.ndarray, endpoints: Sequence[tuple[str, Endpoint]]) -> list[np.ndarray]:
    ends = np.cumsum([len(endpoint.sums) for _, endpoint in endpoints])
    return np.split(data, ends[:-1])


@dataclass(frozen=True)
class SingleArm(ArmStudy):
    """One group of patients, each giving every endpoint: `endpoints` maps parameter -> endpoint.

    The endpoints of a patient are independent given the parameters.
    """

    endpoints: tuple[tuple[str, Endpoint], ...]

    def __init__(self, endpoints: Mapping[str, Endpoint]):
        if not endpoints:
            raise InputError("A single-arm study needs an endpoint of at least one parameter.")
        object.__setattr__(self, "endpoints", tuple(endpoints.items()))
        for name, endpoint in self.endpoints:
            _refuse_other(endpoint, name)

    @property
    def named_endpoints(self):
        return self.endpoints

    @property
    def parameters(self):
        return tuple(name for name, _ in self.endpoints)

    def arms(self, values, n):
        return tuple(Arm(name, endpoint, n, values[name]) for name, endpoint in self.endpoints)


def utility_cohort(parameter: str, sd: float) -> SingleArm:
    """Return a cohort that answers a utility questionnaire; `sd` is that between patients."""
    return SingleArm({parameter: Continuous(sd)})


def cost_cohort(parameter: str, cv: float) -> SingleArm:
    """Return a cohort whose costs are recorded; `cv` is the coefficient of variation between patients."""
    return SingleArm({parameter: Skewed(cv)})


@dataclass(frozen=True)
class TwoArmTrial(ArmStudy):
    """A randomised trial of two arms with the same endpoint.

    `control` is a parameter, or a number where it is known. The treated arm is a parameter, `treated`, or
    the control changed by `effect`, one parameter or several that act together, on a `scale` of
    `effects.SCALES` ("log odds ratio", "hazard ratio", "difference", ...). `allocation` is the treated share.
    """

    endpoint: Endpoint
    control: str | float
    treated: str | None = None
    effect: str | tuple[str, ...] | None = None
    scale: str | None = None
    allocation: float = 0.5

    def __post_init__(self):
        _refuse_other(self.endpoint, "a two-arm trial")
        if (self.treated is None) == (self.effect is None):
            raise InputError(
                "A two-arm trial needs either `treated`, a parameter, or `effect` with its `scale`."
            )
        if self.effect is not None:
            checked_scale(self.scale)
            effect = (self.effect,) if isinstance(self.effect, str) else tuple(self.effect)
            object.__setattr__(self, "effect", effect)
        if not 0 < self.allocation < 1:
            raise InputError(f"The allocation must be a share between 0 and 1, and is {self.allocation}.")

    @property
    def named_endpoints(self):
        return (("control", self.endpoint), ("treated", self.endpoint))

    @property
    def parameters(self):
        control = (self.control,) if isinstance(self.control, str) else ()
        return control + (tuple(self.effect) if self.effect else (str(self.treated),))

    def arms(self, values, n):
        changed = [values[name] for name in self.parameters if name != self.control]
        control = (
            values[self.control] if isinstance(self.control, str) else np.full_like(changed[0], self.control)
        )
        treated = apply_effect(str(self.scale), control, changed) if self.effect else changed[0]
        n_treated = round(n * self.allocation)
        return (
            Arm("control", self.endpoint, n - n_treated, control),
            Arm("treated", self.endpoint, n_treated, treated),
        )


@dataclass(frozen=True)
class Multinomial(Study):
    """Patients counted in categories: `categories` are parameters, probabilities that sum to 1."""

    categories: tuple[str, ...]

    def __post_init__(self):
        object.__setattr__(self, "categories", tuple(self.categories))
        if len(set(self.categories)) < 2 or len(set(self.categories)) < len(self.categories):
            raise InputError(
                f"A multinomial study needs two or more different categories, got {self.categories}."
            )

    @property
    def parameters(self):
        return self.categories

    @property
    def free_parameters(self):
        return self.categories[:-1]

    @property
    def statistic_names(self):
        return tuple(f"patients in {name}" for name in self.categories)

    def check(self, values, n):
        total = np.sum([values[name] for name in self.categories], axis=0)
        if np.abs(total - 1).max() > 1e-6 or min(values[name].min() for name in self.categories) < 0:
            raise InputError(
                f"The categories {', '.join(self.categories)} must be probabilities that sum to 1 in every "
                f"draw; they sum to {float(total[np.abs(total - 1).argmax()]):.6g} in one.",
                hint="Name every category.",
            )

    def generate(self, values, n, rng):
        shares = np.array([values[name] for name in self.categories]).T
        return rng.multinomial(n, shares / shares.sum(axis=1, keepdims=True)).T.astype(float)

    def summary(self, data, n):
        return data[:-1] / n

    def log_likelihood(self, data, values, n):
        return sum(one * _log(values[name]) for one, name in zip(data, self.categories, strict=True))

    def log_likelihoods(self, data, values, n):
        return data.T @ np.array([_log(values[name]) for name in self.categories])


def _log(share: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(share, 1e-300))


def _refuse_other(endpoint: Any, what: str) -> None:
    if not isinstance(endpoint, Endpoint):
        raise InputError(
            f"The endpoint of {what} must be Binary, Continuous, Skewed, Count or TimeToEvent, and is "
            f"{endpoint!r}."
        )
