"""From the YAML form, {"beta": {"events": 73, "n": 315}}, to a distribution."""

from collections.abc import Mapping
from inspect import signature
from numbers import Real
from pathlib import Path
from typing import Any

from psa_engine.distributions.beta import PERT, Beta
from psa_engine.distributions.bounded import Triangular, Uniform
from psa_engine.distributions.empirical import Empirical
from psa_engine.distributions.gamma import Gamma
from psa_engine.distributions.joint import Dirichlet, Joint, MultivariateNormal
from psa_engine.distributions.normals import LogitNormal, LogNormal, Normal
from psa_engine.distributions.truncated_normal import TruncatedNormal
from psa_engine.distributions.univariate import Fixed, Univariate
from psa_engine.errors import InputError, nearest

Distribution = Univariate | Joint

DISTRIBUTIONS: dict[str, type] = {
    "fixed": Fixed,
    "normal": Normal,
    "truncated_normal": TruncatedNormal,
    "log_normal": LogNormal,
    "beta": Beta,
    "gamma": Gamma,
    "uniform": Uniform,
    "triangular": Triangular,
    "pert": PERT,
    "logit_normal": LogitNormal,
    "dirichlet": Dirichlet,
    "multivariate_normal": MultivariateNormal,
    "empirical": Empirical,
}


def parse(mapping: Mapping[str, Any] | float, folder: str | Path = ".") -> Distribution:
    """Build a distribution from {name: [standard parameters]} or {name: {keyword: value}}; a number is Fixed.

    `folder` is where a relative `csv` of an empirical distribution is looked for. Raises InputError for an
    unknown distribution or keyword (naming the nearest) and for impossible values.
    """
    if isinstance(mapping, Real) and not isinstance(mapping, bool):
        return Fixed(float(mapping))
    if not isinstance(mapping, Mapping) or len(mapping) != 1:
        raise InputError(
            f"A distribution is one name with its parameters, as {{beta: [2, 8]}}; got {mapping!r}."
        )
    ((key, parameters),) = mapping.items()
    if key not in DISTRIBUTIONS:
        raise InputError(f"'{key}' is not a distribution.", hint=nearest(key, DISTRIBUTIONS))
    if isinstance(parameters, Mapping):
        return _from_keywords(key, dict(parameters), Path(folder))
    positional = list(parameters) if isinstance(parameters, list | tuple) else [parameters]
    return _build(key, positional, {})


def _from_keywords(key, parameters, folder):
    if key == "empirical" and "csv" in parameters:
        path = folder / str(parameters.pop("csv"))
        names = parameters.pop("names", None)
        if parameters:
            raise InputError(f"empirical: with csv only names may be given, got {', '.join(parameters)}.")
        return Empirical.from_csv(path, names)
    known = list(signature(DISTRIBUTIONS[key]).parameters)
    for keyword in parameters:
        if keyword not in known:
            raise InputError(
                f"{key}: '{keyword}' is not one of its parameters.", hint=nearest(keyword, known)
            )
    return _build(key, [], parameters)


def _build(key, positional, keywords):
    distribution = DISTRIBUTIONS[key]
    try:
        signature(distribution).bind(*positional, **keywords)
    except TypeError as error:
        given = positional or ", ".join(keywords)
        known = ", ".join(signature(distribution).parameters)
        raise InputError(f"{key}: {error}: got {given or 'nothing'}; its parameters are {known}.") from None
    return distribution(*positional, **keywords)
