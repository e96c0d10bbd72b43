"""From what a paper prints (mean, SE, interval, counts) to the one set of standard parameters it means."""

import math
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import Parameter, signature
from numbers import Real
from typing import Any

from psa_engine.errors import InputError

Number = float | None
Interval = Sequence[float] | None

# log x below which x^2 is lost against 1, so that two terms of a series in x are the whole of it.
TWO_TERMS = math.log(1e-9)

# Below this precision (shape, or alpha + beta) a distribution is a spike and a far tail, not an estimate.
SMALLEST_PRECISION = 1e-3

# An end of the fitted interval may miss the published one by this share of the width: rounding stays below.
INTERVAL_TOLERANCE = 0.2


def resolve(
    distribution: str, forms: Iterable[Callable], given: Mapping[str, Any], synonyms: Mapping[str, str]
) -> tuple[float, ...]:
    """Return the standard parameters by the published form (a function) whose keywords were given.

    `synonyms` maps other names of a keyword to it (odds_ratio -> ratio). Raises InputError naming the call
    when no form has these keywords or the values are impossible.
    """
    given = {name: value for name, value in given.items() if value is not None and name != "self"}
    call = f"{distribution}({', '.join(f'{name}={_shown(value)}' for name, value in given.items())})"
    try:
        if len({synonyms.get(name, name) for name in given}) < len(given):
            raise InputError("two names for the same number; give one of them.")
        checked = {
            synonyms.get(name, name): pair(name, v) if name == "ci" else number(name, v)
            for name, v in given.items()
        }
        for form in forms:
            required, optional = _keywords(form)
            if set(required) <= checked.keys() <= {*required, *optional}:
                return form(**checked)
        listed = "; ".join(_listed(form) for form in forms)
        also = f"; {', '.join(synonyms)} are read as {'/'.join(set(synonyms.values()))}" if synonyms else ""
        raise InputError(f"give the numbers of one of these forms: {listed}{also}.")
    except InputError as error:
        raise InputError(f"{call}: {error.message}", hint=error.hint) from None


def _keywords(form):
    keywords = signature(form).parameters.items()
    required = [name for name, keyword in keywords if keyword.default is Parameter.empty]
    return required, [name for name, keyword in keywords if keyword.default is not Parameter.empty]


def _listed(form):
    required, optional = _keywords(form)
    return " and ".join(required) + (f" (and {' and '.join(optional)} if wished)" if optional else "")


def _shown(value) -> str:
    return f"{value:.6g}" if isinstance(value, Real) and not isinstance(value, bool) else repr(value)


def number(name: str, value: Any) -> float:
    """Return a finite float, or raise InputError naming the argument."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise InputError(f"{name} must be a number, got {value!r} ({type(value).__name__}).")
    if not math.isfinite(value):
        raise InputError(f"{name} must be finite, got {value}.")
    return float(value)


def pair(name: str, value: Any) -> tuple[float, float]:
    """Return (low, high) floats with low < high, or raise InputError naming the argument."""
    if isinstance(value, str | bytes) or not hasattr(value, "__len__") or len(value) != 2:
        raise InputError(f"{name} must be two numbers (low, high), got {value!r}.")
    low, high = (number(f"{name}[{i}]", end) for i, end in enumerate(value))
    if not low < high:
        raise InputError(f"the lower limit of {name} must be below the upper one, got ({low:g}, {high:g}).")
    return low, high


def positive(**values: float) -> None:
    """Raise InputError for the first value that is not above 0."""
    for name, value in values.items():
        if value <= 0:
            remedy = " For a value known without error use Fixed." if name in ("se", "sd") else ""
            raise InputError(f"{name} must be above 0, got {value:g}.{remedy}")


def inside_unit(**values: float) -> None:
    """Raise InputError for the first value that is not strictly between 0 and 1."""
    for name, value in values.items():
        if not 0 < value < 1:
            raise InputError(
                f"{name} must be strictly between 0 and 1, got {value:g}; a percentage is divided by 100."
            )


def inside(ci: tuple[float, float], **point: float) -> None:
    """Raise InputError when the point estimate is not inside its interval."""
    for name, value in point.items():
        if not ci[0] < value < ci[1]:
            raise InputError(
                f"{name} {value:g} is outside its interval ({ci[0]:g}, {ci[1]:g}); check the three numbers."
            )


def score_of(level: float) -> float:
    """Return the normal score z with P(-z < Z < z) = level (1.96 at 0.95)."""
    from scipy.special import ndtri

    if not 0 < level < 1:
        raise InputError(f"level must be strictly between 0 and 1 (0.95 for a 95 % interval), got {level:g}.")
    return float(-ndtri((1 - level) / 2))


def normal_sd(ci: tuple[float, float], level: float) -> float:
    """Return the sd of the normal whose central interval is as wide as `ci`."""
    return (ci[1] - ci[0]) / (2 * score_of(level))


def logs(ci: tuple[float, float]) -> tuple[float, float]:
    """Return the logs of an interval of a positive quantity."""
    if ci[0] <= 0:
        raise InputError(
            f"the lower limit of ci must be above 0 for a ratio or a positive quantity, got {ci[0]:g}."
        )
    return math.log(ci[0]), math.log(ci[1])


def event_counts(events: float, n: float, prior: float = 0.0) -> tuple[float, float]:
    """Return (events, non-events), each plus `prior`; both must end up above 0."""
    positive(n=n)
    if not 0 <= events <= n:
        raise InputError(f"events must be between 0 and n = {n:g}, got {events:g}.")
    if prior < 0:
        raise InputError(f"prior must be 0 or above, got {prior:g}.")
    if prior == 0 and events in (0, n):
        raise InputError(
            f"{events:g} events in n = {n:g} leave no uncertainty; add prior=0.5 (Jeffreys) or prior=1"
            " (uniform) to both counts."
        )
    return events + prior, n - events + prior


def root(function: Callable[[float], float], low: float, high: float) -> float:
    """Return the zero of a function that changes sign on [low, high], to rounding (Brent 1973)."""
    from scipy.optimize import brentq

    return float(brentq(function, low, high, xtol=1e-14, rtol=1e-14))  # type: ignore[arg-type]


def match_width(width: Callable[[float], float], target: float, start: float) -> float:
    """Return the largest precision at which `width(precision)` equals `target`; `start` is a rough guess.

    The search comes from the precise side, where the width surely is too small: with 64 times the
    precision of the normal approximation the sd is 8 times smaller, and an interval spans few sds
    (Cantelli's inequality).
    """
    high = 64 * start
    while high > SMALLEST_PRECISION:
        low = high / 2
        if width(low) >= target:
            return math.exp(root(lambda s: width(math.exp(s)) - target, math.log(low), math.log(high)))
        high = low
    raise InputError(
        "this distribution with this point estimate has no interval as wide; give mean and se instead."
    )


def warn_if_apart(fit: str, fitted: tuple[float, float], published: tuple[float, float]) -> None:
    """Warn when the interval of a fit misses the published one by more than rounding can explain."""
    width = published[1] - published[0]
    if max(abs(f - p) for f, p in zip(fitted, published, strict=True)) > INTERVAL_TOLERANCE * width:
        warnings.warn(
            f"{fit} has the interval ({fitted[0]:.4g}, {fitted[1]:.4g}), far from the published"
            f" ({published[0]:.4g}, {published[1]:.4g}). Check the numbers, choose another distribution, or"
            " give a standard error instead.",
            stacklevel=6,
        )
