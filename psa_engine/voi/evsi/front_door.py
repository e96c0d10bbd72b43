"""`evsi`: from a model or a PSA sample, a study and its sizes to estimates, by the method that suits."""

from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

import numpy as np

from psa_engine.decision.net_benefit import wtp_values
from psa_engine.engine.where import HERE, Where
from psa_engine.errors import InputError, nearest
from psa_engine.estimate import VoiEstimate
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi import conjugate, importance, moment_matching, multilevel, nested, regression
from psa_engine.voi.evsi.curve import EvsiCurve
from psa_engine.voi.evsi.studies import Study, informed_values
from psa_engine.voi.problem import Problem

METHODS = ("auto", "conjugate", "regression", "moment_matching", "importance", "nested", "mlmc")
_NESTED = {"nested": nested, "mlmc": multilevel}
_FROM_SAMPLE = {"regression": regression, "moment_matching": moment_matching, "importance": importance}


def evsi(
    model_or_sample: Model | Problem | PsaSample,
    parameters: ParameterSet | None = None,
    *,
    study: Study,
    n: int | Sequence[int],
    wtp: Any = None,
    method: str = "auto",
    seed: int = 0,
    n_draws: int = 20_000,
    **options: Any,
) -> VoiEstimate | EvsiCurve:
    """Return the expected value of sample information of a study of n patients, money per person.

    From a model with its `parameters`, or from a PSA sample (its `parameters` are then used for closed forms
    only). One `n` gives a `VoiEstimate`, a list an `EvsiCurve`. "auto" takes the closed form where prior and
    data are conjugate and the outcomes linear, else regression on summary statistics; "importance" and
    "moment_matching" also work on a sample (one of `n_draws` is run where a model is given), "nested" and
    "mlmc" run the model for each simulated data set. `options` go to the method: see its `estimates`. Raises
    InputError for an unknown method, a parameter that does not exist, n below 1, or a WTP not above 0.
    """
    started = perf_counter()
    if method not in METHODS:
        raise InputError(f"There is no EVSI method '{method}'.", hint=nearest(method, METHODS))
    if not isinstance(study, Study):
        raise InputError(f"The study must be a study design such as SingleArm or TwoArmTrial, got {study!r}.")
    sizes, values = _sizes(n), _wtp(wtp)
    problem = _problem(model_or_sample, parameters)
    if method in _NESTED:
        if problem is None:
            raise InputError(
                f"The method '{method}' runs the model again, and only a sample was given.",
                hint="Give the model and its parameters, or use 'regression' or 'importance'.",
            )
        found = _NESTED[method].estimates(problem, study, sizes, values, seed=seed, **options)
    else:
        if problem is not None:
            _refuse_unknown(study, problem, sizes)
        sample = model_or_sample if isinstance(model_or_sample, PsaSample) else None
        sample = sample or problem.sample(n_draws, seed)  # type: ignore[union-attr]
        priors = problem.parameters if problem else parameters
        where = HERE if problem is None else problem.where
        found = _from_sample(method, sample, priors, study, sizes, values, seed, options, where)
        runs = 0 if problem is None else sample.n_draws
        shared = {"shared_runs": True, "seconds_with_sample": perf_counter() - started}
        found = [replace(one, model_runs=runs, diagnostics={**one.diagnostics, **shared}) for one in found]
    if wtp is not None and np.ndim(wtp) == 0:
        found = [_at_one_wtp(one) for one in found]
    return found[0] if np.ndim(n) == 0 else EvsiCurve(study, np.array(sizes), tuple(found))


def _from_sample(
    method: str,
    sample: PsaSample,
    priors: ParameterSet | None,
    study: Study,
    n: list[int],
    wtp: np.ndarray,
    seed: int,
    options: dict[str, Any],
    where: Where,
) -> list[VoiEstimate]:
    if method in ("auto", "conjugate"):
        informed_values(study, sample.parameter_values, n)
        if priors is None and method == "conjugate":
            raise InputError(
                "The closed form needs the distributions of the parameters.",
                hint="Give `parameters` as well.",
            )
        if method == "conjugate" or (priors is not None and conjugate.applies(sample, study, priors, n)):
            assert priors is not None
            return conjugate.estimates(sample, study, n, wtp, parameters=priors, seed=seed, **options)
        method = "regression"
    return _FROM_SAMPLE[method].estimates(sample, study, n, wtp, seed=seed, where=where, **options)


def _problem(given: Any, parameters: ParameterSet | None) -> Problem | None:
    if isinstance(given, PsaSample):
        return None
    if isinstance(given, Problem):
        return given
    if parameters is None:
        raise InputError("A model needs its parameters: evsi(model, parameters, study=...).")
    return Problem(given, parameters)


def _refuse_unknown(study: Study, problem: Problem, n: list[int]) -> None:
    """Refuse a parameter that does not exist, or does not vary, before the model is run."""
    known = problem.parameters.uncertain
    for name in study.parameters:
        if name not in known:
            constant = " It is a constant of this model." if name in problem.parameters.names else ""
            raise InputError(
                f"The study informs '{name}', which is not an uncertain parameter here.{constant}",
                hint=None if constant else nearest(name, known),
            )


def _sizes(n: Any) -> list[int]:
    sizes = [n] if np.ndim(n) == 0 else list(n)
    if not sizes:
        raise InputError("Name at least one sample size: `n` is empty.")
    return [int(size) if isinstance(size, np.integer) else size for size in sizes]


def _wtp(wtp: Any) -> np.ndarray:
    values = wtp_values(wtp)
    if (values == 0).any():
        raise InputError(f"Every WTP must be above 0, got {values.tolist()}.")
    return values


def _at_one_wtp(estimate: VoiEstimate) -> VoiEstimate:
    """Return the estimate with numbers where it has arrays of one."""

    def first(x: Any) -> Any:
        return x if x is None else float(np.asarray(x)[0])

    bracket = estimate.bracket and (first(estimate.bracket[0]), first(estimate.bracket[1]))
    return replace(
        estimate, value=first(estimate.value), standard_error=first(estimate.standard_error),
        wtp=first(estimate.wtp), bias_bound=first(estimate.bias_bound), bracket=bracket,
    )  # fmt: skip
