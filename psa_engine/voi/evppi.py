"""`evppi`: from a model or a PSA sample to an estimate, by the method that suits."""

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from psa_engine.decision.net_benefit import wtp_values
from psa_engine.errors import InputError, nearest
from psa_engine.estimate import VoiEstimate
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet, members
from psa_engine.sample import PsaSample
from psa_engine.voi.curve import follows_one_score
from psa_engine.voi.goal import nothing_to_know
from psa_engine.voi.problem import Problem

METHODS = ("auto", "curves", "surrogate", "bracket", "nested", "mlmc", "mlmc_randomised")
FROM_SAMPLE = ("auto", "regression", "spline", "gp", "ridge")
Given = Model | Problem | PsaSample


def evppi(
    model_or_sample: Given,
    parameters: ParameterSet | None = None,
    *,
    of: str | Sequence[str],
    wtp: float | Sequence[float],
    method: str = "auto",
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    **options: Any,
) -> VoiEstimate:
    """Return the expected value of partial perfect information about `of`, money per person.

    `of`: a parameter or group, or a list of them learnt together. From a model with its `parameters`:
    "auto" follows a curve where one score decides (single parameters), else takes the surrogate; "nested",
    "mlmc", "mlmc_randomised" and "bracket" by name; the run stops when the 95 % half-width is `rtol` of the
    value, or of a twentieth of the EVPI where that is more. From a PSA sample: regression ("auto",
    "spline", "gp", "ridge"); `parameters` then only tells groups. One `wtp` gives floats, a list arrays.
    `options` go to the method. Raises InputError for unknown parameters, groups, methods and options, an
    empty group, a model without parameters, and a WTP not above 0.
    """
    values = checked_wtp(wtp)
    given = _problem(model_or_sample, parameters)
    if isinstance(given, PsaSample):
        found = _from_sample(given, parameters, of, values, method, seed, options)
    else:
        asked = given.members(_names(of))
        common = {"rtol": rtol, "seed": seed, "progress": progress}
        found = _from_model(given, asked, values, method, common, options)
    found = replace(found, of=_names(of))
    return _at_one_wtp(found) if np.ndim(wtp) == 0 else found


def evppi_singles(
    model_or_sample: Given,
    parameters: ParameterSet | None = None,
    *,
    names: Sequence[str] | None = None,
    wtp: float | Sequence[float],
    method: str = "auto",
    rtol: float = 1e-3,
    seed: int = 0,
    progress: bool = False,
    **options: Any,
) -> list[VoiEstimate]:
    """Return the EVPPI of each single parameter, by default of all that vary: see `evppi`.

    All are estimated from shared runs, unless another method is named than "auto" and "curves" (of a
    sample: "auto"). Rows that are kept jointly (Empirical) are learnt together, under the name of their set.
    """
    values = checked_wtp(wtp)
    given = _problem(model_or_sample, parameters)
    if isinstance(given, PsaSample):
        from psa_engine.voi.regression import estimate_from, outcomes

        chosen = _names(tuple(given.parameter_values) if names is None else names)
        shared, options = outcomes(given, seed), {"method": _fit(method), **options}
        _check_options(method, estimate_from, options)
        found = [estimate_from(shared, given, (name,), values, seed=seed, **options) for name in chosen]
    else:
        sets = {name: given.members((name,)) for name in _units(given.parameters, names)}
        common = {"rtol": rtol, "seed": seed, "progress": progress}
        if method in ("auto", "curves"):
            found = _shared(given, sets, values, common, options)
        else:
            found = [_from_model(given, of, values, method, common, options) for of in sets.values()]
            found = [replace(one, of=(name,)) for one, name in zip(found, sets, strict=True)]
    return [_at_one_wtp(one) for one in found] if np.ndim(wtp) == 0 else found


def _shared(
    problem: Problem, sets: dict[str, tuple[str, ...]], wtp: np.ndarray, common: dict, options: dict
) -> list[VoiEstimate]:
    from psa_engine.voi import curves

    _check_options("curves", curves.estimate_sets, options)
    varying = {name: _varying(problem, of) for name, of in sets.items()}
    curved = [name for name, of in varying.items() if of and follows_one_score(problem, of)]
    found = curves.estimate_sets(problem, [varying[name] for name in curved], wtp, **common, **options)
    by_name = dict(zip(curved, found, strict=True))
    for name, of in sets.items():
        if name not in by_name:
            by_name[name] = _from_model(problem, of, wtp, "auto", common, {})
    return [replace(by_name[name], of=(name,)) for name in sets]


def _from_model(
    problem: Problem, asked: tuple[str, ...], wtp: np.ndarray, method: str, common: dict, options: dict
) -> VoiEstimate:
    if method not in METHODS:
        raise InputError(f"There is no EVPPI method '{method}' for a model.", hint=nearest(method, METHODS))
    of = _varying(problem, asked)
    if method == "auto":
        method = "curves" if of and follows_one_score(problem, of) else "surrogate"
    estimate = import_module(f"psa_engine.voi.{method}").estimate
    _check_options(method, estimate, options)
    return estimate(problem, of, wtp, **common, **options) if of else nothing_to_know(asked, wtp)


def _from_sample(
    sample: PsaSample,
    parameters: ParameterSet | None,
    of: str | Sequence[str],
    wtp: np.ndarray,
    method: str,
    seed: int,
    options: dict,
) -> VoiEstimate:
    from psa_engine.voi.regression import estimate

    _check_options(method, estimate, options)
    known, chosen = sample.parameter_values, list(_names(of))
    if parameters is not None:
        chosen = [n for asked in chosen for n in ((asked,) if asked in known else members(parameters, asked))]
    return estimate(sample, tuple(dict.fromkeys(chosen)), wtp, seed=seed, method=_fit(method), **options)


def _fit(method: str) -> str:
    """Return the regression that a method of a sample stands for."""
    if method in METHODS[1:]:
        raise InputError(
            f"The method '{method}' runs the model again, and only a sample was given.",
            hint="Give the model and its parameters, or leave the method to 'auto'.",
        )
    if method not in FROM_SAMPLE:
        hint = nearest(method, FROM_SAMPLE)
        raise InputError(f"There is no EVPPI method '{method}' for a sample.", hint=hint)
    return "auto" if method == "regression" else method


def _problem(given: Any, parameters: ParameterSet | None) -> Problem | PsaSample:
    if isinstance(given, Problem | PsaSample):
        return given
    if not hasattr(given, "structure"):
        raise InputError(f"EVPPI needs a model or a PSA sample, and was given {type(given).__name__}.")
    if parameters is None:
        raise InputError("A model needs its parameters: evppi(model, parameters, of=..., wtp=...).")
    return Problem(given, parameters)


def _names(of: str | Sequence[str]) -> tuple[str, ...]:
    return (of,) if isinstance(of, str) else tuple(of)


def _varying(problem: Problem, of: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in of if name in problem.parameters.uncertain)


def _units(parameters: ParameterSet, names: Sequence[str] | None) -> list[str]:
    """Return the names asked for, or all that vary, with the set's name for rows that are kept jointly."""
    from psa_engine.distributions import Empirical

    joint = {n: key for key, d in parameters.entries.items() if isinstance(d, Empirical) for n in d.names}
    chosen = parameters.uncertain if names is None else names
    return list(dict.fromkeys(joint.get(name, name) for name in chosen))


def checked_wtp(wtp: Any) -> np.ndarray:
    """Return WTPs as an array (n_wtp,); raises InputError where one is not above 0."""
    values = wtp_values(wtp)
    if (values == 0).any():
        raise InputError(f"Every WTP must be above 0, got {values.tolist()}.")
    return values


def _check_options(method: str, estimate: Any, options: dict[str, Any]) -> None:
    taken = ("rtol", "seed", "progress")
    keywords = (p.name for p in signature(estimate).parameters.values() if p.kind is p.KEYWORD_ONLY)
    known = [name for name in keywords if name not in taken]
    for name in options:
        if name not in known:
            raise InputError(f"The method '{method}' has no option '{name}'.", hint=nearest(name, known))


def _at_one_wtp(estimate: VoiEstimate) -> VoiEstimate:
    """Return the estimate with numbers where it has arrays of one."""

    def first(x: Any) -> Any:
        return x if x is None else float(np.asarray(x)[0])

    bracket = estimate.bracket
    return replace(
        estimate,
        value=first(estimate.value),
        standard_error=first(estimate.standard_error),
        wtp=first(estimate.wtp),
        bias_bound=first(estimate.bias_bound),
        bracket=bracket and (first(bracket[0]), first(bracket[1])),
    )
