"""What the schema refuses, said as one readable sentence with the path, the line and a hint."""

import re
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from psa_engine.config.document import Document, YamlPath, path_text
from psa_engine.config.schema import Configuration
from psa_engine.errors import InputError, nearest

MORE_SHOWN = 4
NAMES = "Names start with a letter or digit and hold none of { } [ ] | =; a parameter may end in [a label]."
WEB_ADDRESS = "Write https://..., or put a citation in source."

_KINDS = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "mapping_type": "a mapping of keys to values",
    "finite_number": "a finite number",
}
_LIMITS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
    "too_short": ("at least", "min_length"),
    "too_long": ("at most", "max_length"),
}


def input_error(
    document: Document, error: ValidationError, schema: type[BaseModel] = Configuration
) -> InputError:
    """Return the InputError for the first thing wrong (unknown keys first), naming where the others are.

    `schema` is the record that was validated.
    """
    problems = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    paths = [_path(problem["loc"]) for problem in problems]
    message, hint = _sentence(problems[0], paths[0], _fields(type_at(schema, paths[0][:-1])))
    places = list(dict.fromkeys(path_text(document.written_at(path)) or "the file" for path in paths))
    if len(places) > 1:
        more = ", ".join(places[1 : MORE_SHOWN + 1]) + (", ..." if len(places) > MORE_SHOWN + 1 else "")
        hint = f"{hint} Also wrong: {more}.".strip()
    return document.error(paths[0], message, hint)


def _path(loc: tuple[str | int, ...]) -> YamlPath:
    # pydantic marks a refused mapping key with a last item '[key]'.
    return loc[:-1] if loc and loc[-1] == "[key]" else loc


def _sentence(problem: Any, path: YamlPath, siblings: dict[str, str | None]) -> tuple[str, str]:
    kind, given, context = problem["type"], problem.get("input"), problem.get("ctx", {})
    key = str(path[-1]) if path else "the file"
    if kind == "refused":
        return context["message"], context["hint"]
    if kind == "extra_forbidden":
        return f"'{key}' is not a known key", nearest(key, siblings)
    if kind == "missing":
        return f"The key '{key}' is missing", siblings.get(key) or "Add it."
    if problem["loc"] and problem["loc"][-1] == "[key]":
        return f"The name '{key}' cannot be used", NAMES
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", str(context.get("expected")))
        return f"'{given}' is not one of {', '.join(known)}", nearest(str(given), known)
    if kind in _KINDS:
        return f"This must be {_KINDS[kind]}, and it is {_shown(given)}", _type_hint(kind, given)
    if kind in _LIMITS:
        return _limit_sentence(kind, given, context), ""
    if given == "":
        return "This must not be empty", "Write it, or leave the key out."
    if kind.startswith("string_"):
        return f"{given!r} cannot be used here", WEB_ADDRESS if key == "url" else NAMES
    return f"{problem['msg']}, and it is {_shown(given)}", ""


def _limit_sentence(kind: str, given: Any, context: Any) -> str:
    words, name = _LIMITS[kind]
    number = f"{context[name]:,}"
    if kind in ("too_short", "too_long"):
        return f"{words.capitalize()} {number} must be given, and the number given is {len(given)}"
    return f"This must be {words} {number}, and it is {_shown(given)}"


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _type_hint(kind: str, given: Any) -> str:
    if kind == "string_type":
        return "Put it in quotes." if isinstance(given, bool | int | float) else ""
    if isinstance(given, str) and kind in ("float_type", "int_type"):
        return "Write numbers with a decimal point and nothing else: 0.3, 1200, 1e5."
    return "Remove the key if it has nothing to say." if given is None else ""


def _fields(kind: Any) -> dict[str, str | None]:
    """Field name -> description of a record class."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {name: field.description for name, field in kind.model_fields.items()}


def type_at(schema: type[BaseModel], path: YamlPath) -> Any:
    """Return the schema's type of the value at `path`, None where the schema does not say."""
    kind: Any = schema
    for key in path:
        kind = _inner(kind, key)
    return kind


def _inner(kind: Any, key: str | int) -> Any:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(key))
        kind = field.annotation if field else None
    else:
        inside = get_args(kind)
        kind = inside[-1] if inside else None
    while get_args(kind) and type(None) in get_args(kind):
        kind = next(a for a in get_args(kind) if a is not type(None))
    return kind
