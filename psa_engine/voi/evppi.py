"""`evppi`: from a model or a PSA sample to the value of knowing some parameters, by the method that suits."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from psa_engine.decision.net_benefit import wtp_values
from psa_engine.errors import InputError, nearest
from psa_engine.estimate import VoiEstimate
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample
from psa_engine.voi import curves, mlmc, mlmc_randomised, nested, regression, surrogate
from psa_engine.voi.problem import Problem

FROM_MODEL: dict[str, Callable[..., VoiEstimate]] = {
    "curves": curves.estimate,
    "surrogate": surrogate.estimate,
    "nested": nested.estimate,
    "mlmc": mlmc.estimate,
    "mlmc_randomised": mlmc_randomised.estimate,
}
FROM_SAMPLE = tuple(regression.METHODS)


def evppi(
    model_or_sample: Model | Problem | PsaSample,
    parameters: ParameterSet | None = None,
    *,
    of: str | Sequence[str],
    wtp: Any = None,
    method: str = "auto",
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    **options: Any,
) -> VoiEstimate:
    """Return the expected value of perfect partial information about parameters, money per person.

    From a model with its `parameters`, which is run again with conditional draws (`auto`: curves for one
    parameter, a surrogate as control variate for several, both to a 95 % half-width of `rtol`), or from a
    PSA sample by regression. `of` names parameters or groups. `wtp` a number gives floats, a list arrays.
    Raises InputError for unknown or no parameters, an unknown method, or a WTP not above 0.
    """
    asked = (of,) if isinstance(of, str) else tuple(of)
    values = positive_wtp(wtp)
    if isinstance(model_or_sample, PsaSample):
        _refuse_method(method, FROM_SAMPLE)
        members = _members_of_sample(model_or_sample, parameters, asked)
        found = regression.estimate(model_or_sample, members, values, seed=seed, method=method, **options)
    else:
        problem = problem_of(model_or_sample, parameters)
        members = problem.members(asked)
        _refuse_method(method, ("auto", *FROM_MODEL))
        chosen = (
            method if method != "auto" else ("curves" if problem.split(members).n_outer <= 1 else "surrogate")
        )
        found = FROM_MODEL[chosen](
            problem, members, values, rtol=rtol, seed=seed, progress=progress, **options
        )
    found = replace(found, of=asked)
    return at_one_wtp(found) if wtp is not None and np.ndim(wtp) == 0 else found


def evppi_singles(
    model: Model | Problem,
    parameters: ParameterSet | None = None,
    *,
    wtp: Any = None,
    method: str = "auto",
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    **options: Any,
) -> list[VoiEstimate]:
    """Return the EVPPI of every uncertain parameter by itself; all at once by curves unless another method is named."""
    problem = problem_of(model, parameters)
    names = problem.parameters.uncertain
    how: dict[str, Any] = {"rtol": rtol, "seed": seed, "progress": progress, **options}
    several = [n for n in names if problem.split((n,)).n_outer > 1]
    if method not in ("auto", "curves"):
        return [evppi(problem, of=n, wtp=wtp, method=method, **how) for n in names]
    together = curves.estimate_all(problem, [n for n in names if n not in several], positive_wtp(wtp), **how)
    found = {n: e for n, e in zip([n for n in names if n not in several], together, strict=True)}
    found |= {n: evppi(problem, of=n, wtp=positive_wtp(wtp), **how) for n in several}
    one = wtp is not None and np.ndim(wtp) == 0
    return [at_one_wtp(found[n]) if one else found[n] for n in names]


def problem_of(model: Any, parameters: ParameterSet | None) -> Problem:
    """Return the decision problem; raises InputError for a model without its parameters."""
    if isinstance(model, Problem):
        return model
    if not isinstance(parameters, ParameterSet):
        raise InputError("A model needs its parameters: give a ParameterSet as the second argument.")
    return Problem(model, parameters)


def positive_wtp(wtp: Any) -> np.ndarray:
    """Return WTPs as an array; raises InputError for one that is not above 0."""
    values = np.asarray(wtp_values(wtp), float)
    if not (values > 0).all():
        raise InputError(f"Every WTP must be above 0, got {values.tolist()}.")
    return values


def at_one_wtp(estimate: VoiEstimate) -> VoiEstimate:
    """Return an estimate over one WTP with numbers in place of arrays of length one."""

    def first(x: Any) -> Any:
        return float(np.atleast_1d(x)[0]) if x is not None else None

    bracket = estimate.bracket
    return replace(
        estimate,
        value=first(estimate.value),
        standard_error=first(estimate.standard_error),
        wtp=first(estimate.wtp),
        bias_bound=first(estimate.bias_bound),
        bracket=(first(bracket[0]), first(bracket[1])) if bracket is not None else None,
    )


def _refuse_method(method: str, known: Sequence[str]) -> None:
    if method not in known:
        raise InputError(f"There is no EVPPI method '{method}' here.", hint=nearest(method, known))


def _members_of_sample(
    sample: PsaSample, parameters: ParameterSet | None, of: tuple[str, ...]
) -> tuple[str, ...]:
    """Expand groups where a ParameterSet says what is in them; constants of it are not in the sample."""
    if not of:
        raise InputError("Name at least one parameter or group: `of` is empty.")
    groups = parameters.groups if parameters is not None else {}
    names = [n for name in of for n in groups.get(name, (name,))]
    return tuple(
        n for n in dict.fromkeys(names) if n in sample.parameter_values or n not in _constants(parameters)
    )


def _constants(parameters: ParameterSet | None) -> set[str]:
    return set() if parameters is None else set(parameters.names) - set(parameters.uncertain)
