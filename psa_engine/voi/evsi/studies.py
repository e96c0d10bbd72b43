"""What a study is: which parameters it informs, what its data look like, and how likely they are.

`n` is always the number of patients in the whole study.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from psa_engine.errors import InputError, nearest

Values = Mapping[str, np.ndarray]


class Study:
    """A study: the parameters it informs, data given draws of them, and the likelihood where it is closed.

    `generate(values {name: (m,)}, n, rng) -> (k, m)` makes one data set a draw, as `statistic_names` say;
    `summary(data (k, m), n) -> (r, m)` the regressors; `log_likelihood(data (k, ...), values, n) -> (...)`
    broadcasts, up to terms without the parameters; `log_likelihoods(data (k, q), values, n) -> (q, m)`
    gives every data set under every draw.
    """

    parameters: tuple[str, ...]
    has_likelihood: bool = True

    @property
    def free_parameters(self) -> tuple[str, ...]:
        """The parameters that determine the others."""
        return self.parameters

    @property
    def statistic_names(self) -> tuple[str, ...]:
        raise NotImplementedError

    def check(self, values: Values, n: int) -> None:
        """Raise InputError where n or the draws of the parameters do not suit the study."""
        raise NotImplementedError

    def generate(self, values: Values, n: int, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError

    def summary(self, data: np.ndarray, n: int) -> np.ndarray:
        raise NotImplementedError

    def log_likelihood(self, data: np.ndarray, values: Values, n: int) -> np.ndarray:
        raise NotImplementedError

    def log_likelihoods(self, data: np.ndarray, values: Values, n: int) -> np.ndarray:
        raise NotImplementedError


@dataclass(frozen=True)
class GeneratedStudy(Study):
    """Any study given by a function that makes summary statistics of its data.

    `data(values {name: (m,)}, n, rng) -> (k, m)` or (m,); the statistics should be estimates of what the
    study informs, on a scale where they are spread out evenly, and few (1 to 3). `likelihood(data (k, ...),
    values, n) -> (...)`, where known, is the log-likelihood, elementwise in NumPy so that it broadcasts.
    """

    parameters: tuple[str, ...]
    data: Callable[[Values, int, np.random.Generator], Any]
    likelihood: Callable[[np.ndarray, Values, int], Any] | None = None
    names: tuple[str, ...] = field(default=())

    def __post_init__(self):
        given = (self.parameters,) if isinstance(self.parameters, str) else tuple(self.parameters)
        object.__setattr__(self, "parameters", given)
        if not given:
            raise InputError("A study must name at least one parameter that it informs.")

    @property
    def has_likelihood(self):
        return self.likelihood is not None

    @property
    def statistic_names(self):
        return self.names or ("data",)

    def check(self, values, n):
        values = {name: draws[:100] for name, draws in values.items()}
        m = len(values[self.parameters[0]])
        made = self.generate(values, n, np.random.default_rng(0))
        if made.shape[-1] != m or made.ndim != 2 or not np.isfinite(made).all():
            raise InputError(
                f"The data function of the study returned shape {made.shape} with "
                f"{int((~np.isfinite(made)).sum())} missing or infinite values; finite values of shape "
                f"(statistics, {m}) were expected, one column a draw."
            )

    def generate(self, values, n, rng):
        return np.atleast_2d(np.asarray(self.data(values, n, rng), float))

    def summary(self, data, n):
        return data

    def log_likelihood(self, data, values, n):
        assert self.likelihood is not None
        return np.asarray(self.likelihood(data, values, n), float)

    def log_likelihoods(self, data, values, n):
        found = self.log_likelihood(data[:, :, None], values, n)
        expected = (data.shape[1], len(values[self.parameters[0]]))
        if found.shape != expected:
            raise InputError(
                f"The likelihood of the study returned shape {found.shape} for {expected[0]} data sets and "
                f"{expected[1]} draws; write it elementwise so that it broadcasts to {expected}."
            )
        return found


def informed_values(study: Study, values: Values, n: Sequence[int]) -> dict[str, np.ndarray]:
    """Return the draws a study needs; raises InputError for an unknown parameter or an impossible n."""
    for name in study.parameters:
        if name not in values:
            raise InputError(
                f"The study informs '{name}', which is not an uncertain parameter here.",
                hint=nearest(name, values),
            )
    for size in n:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise InputError(f"A sample size must be a whole number of at least 1 patient, and is {size!r}.")
    needed = {name: np.asarray(values[name], float) for name in study.parameters}
    for size in n:
        study.check(needed, int(size))
    return needed
