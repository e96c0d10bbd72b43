"""The kinds of value a configuration holds: numbers, names, units, distributions, and how each is refused."""

import math
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

from psa_engine.config.units import UNITS
from psa_engine.errors import nearest

Status = Literal["verified", "unverified", "assumption", "gap"]
# The same choices as the engine's, written out because importing those imports JAX; a test holds them equal.
Sampler = Literal["random", "antithetic", "latin_hypercube", "sobol"]
Precision = Literal["double", "single"]
OnInvalid = Literal["stop", "clip"]
PLAIN_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
JOINT_FAMILIES = ("dirichlet", "multivariate_normal", "empirical")


def refusal(message: str, hint: str = "") -> PydanticCustomError:
    """Return the error a validator raises: a sentence and a hint, shown with path and line."""
    return PydanticCustomError("refused", "{message}", {"message": message, "hint": hint})


def _whole(value: Any) -> Any:
    # 1e5 is a float in YAML, and people write numbers of draws that way.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _listed(value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return [value] if is_number else list(value) if isinstance(value, tuple) else value


def _known_unit(unit: str) -> str:
    if unit not in UNITS:
        raise refusal(f"'{unit}' is not a known unit", nearest(unit, UNITS))
    return unit


def _unit_or_units(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _known_unit(_is_text(unit)) for name, unit in value.items()}
    return _known_unit(_is_text(value))


def _is_text(value: Any) -> str:
    if not isinstance(value, str):
        raise refusal(f"{value!r} is not a unit, which is text", f"Units: {', '.join(list(UNITS)[:8])}, ...")
    return value


def number_or_distribution(value: Any) -> Any:
    """Return what a parameter may be set to: a finite number, or one distribution's name and its form."""
    if isinstance(value, Mapping):
        if len(value) != 1 or not isinstance(next(iter(value)), str):
            raise refusal(
                "A distribution is a mapping with one key, its name", "Write {beta: {events: 73, n: 315}}."
            )
        return dict(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise refusal(
            f"{value!r} is not a number or a distribution", "Write 0.3, or {beta: {events: 73, n: 315}}."
        )
    if not math.isfinite(value):
        raise refusal(f"{value!r} is not a finite number")
    return float(value)


def _one_distribution(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise refusal(
            "A distribution is a mapping with one key, its name", "Write {beta: {events: 73, n: 315}}."
        )
    return number_or_distribution(value)


def _number_or_text(value: Any) -> float | str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refusal(f"{value!r} is not a number or a name", "Write on and off as 1 and 0.")
    return float(value)


Number = Annotated[float, Field(allow_inf_nan=False)]
Whole = Annotated[int, BeforeValidator(_whole)]
Share = Annotated[Number, Field(ge=0, le=1)]
Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
ParameterName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_]\w*(\[[^\[\]{}|=\s][^\[\]{}|=\n]*\])?$")]
Label = Annotated[str, StringConstraints(pattern=r"^\w([^\[\]{}|=\n]*[^\[\]{}|=\s])?$", max_length=80)]
# What validators alone know is said again for the JSON Schema: UNIT and DISTRIBUTION stand for definitions.
UNIT, DISTRIBUTION = {"$comment": "unit"}, {"$comment": "distribution"}
_UNITS = {"anyOf": [UNIT, {"type": "object", "additionalProperties": UNIT}]}
_NUMBER_OR_TEXT = {"anyOf": [{"type": "number"}, {"type": "string", "minLength": 1}]}
_NUMBER_OR_NUMBERS = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "array", "minItems": 1, "items": {"type": "number", "minimum": 0}},
    ]
}
UnitOrUnits = Annotated[Any, BeforeValidator(_unit_or_units), WithJsonSchema(_UNITS)]
NumberOrDistribution = Annotated[
    Any,
    AfterValidator(number_or_distribution),
    WithJsonSchema({"anyOf": [{"type": "number"}, DISTRIBUTION]}),
]
OneDistribution = Annotated[Any, AfterValidator(_one_distribution), WithJsonSchema(DISTRIBUTION)]
NumberOrText = Annotated[Any, AfterValidator(_number_or_text), WithJsonSchema(_NUMBER_OR_TEXT)]
NonNegative = Annotated[Number, Field(ge=0)]
Numbers = Annotated[
    list[Annotated[Number, Field(ge=0, le=1e12)]],
    BeforeValidator(_listed),
    Field(min_length=1, max_length=1_000),
    WithJsonSchema(_NUMBER_OR_NUMBERS),
]
