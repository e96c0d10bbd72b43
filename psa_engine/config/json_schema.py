"""The schema of a configuration file as JSON Schema, for editors: made from the records, shipped as schema.json.

`python -m psa_engine.config.json_schema` renews the file; a test holds it to the records.
"""

import json
from inspect import Parameter, signature
from typing import Any

from psa_engine.config.fields import DISTRIBUTION, UNIT
from psa_engine.config.finding import SCHEMA_FILE
from psa_engine.config.schema import Configuration, Overlay
from psa_engine.config.units import UNITS
from psa_engine.distributions.parse import DISTRIBUTIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NUMBER = {"type": "number"}
_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
_MATRIX = {"type": "array", "items": {"type": "array", "items": _NUMBER}}
_SPECIAL = {
    "ci": {"type": "array", "items": _NUMBER, "minItems": 2, "maxItems": 2},
    "names": _NAMES,
    "covariance": _MATRIX,
    "correlation": _MATRIX,
    "rows": _MATRIX,
    "scale": {"anyOf": [_NUMBER, {"type": "string"}, _NAMES]},
    "csv": {"type": "string"},
}
_OVERLAID = {"time": "Time", "settings": "Settings", "population": "Population"}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a configuration file."""
    schema = _tidied(Configuration.model_json_schema())
    definitions = schema.pop("$defs")
    for section in _OVERLAID.values():
        definitions[f"{section}Changes"] = _changes(definitions[section])
    for name in (Overlay.__name__, "Scenario", "Subgroup"):
        for key, section in _OVERLAID.items():
            if name in definitions:
                definitions[name]["properties"][key] = {"$ref": f"#/$defs/{section}Changes"}
    definitions |= {"Unit": {"enum": list(UNITS)}, "Distribution": _distribution()}
    whole = {"$schema": DIALECT, "title": "A psa_engine configuration", **schema, "$defs": definitions}
    return _with_references(whole)


def _changes(section: dict[str, Any]) -> dict[str, Any]:
    """A section of which an overlay gives some keys."""
    return {key: value for key, value in section.items() if key not in ("required", "oneOf", "description")}


def _distribution() -> dict[str, Any]:
    families = {name: _family(name) for name in DISTRIBUTIONS}
    return {
        "description": "A distribution's name with the numbers it was published with.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": families,
    }


def _family(name: str) -> dict[str, Any]:
    """The keywords of a distribution, or a list of its standard parameters."""
    keywords = {key: _keyword(key, parameter) for key, parameter in _parameters(name).items()}
    required = [k for k, p in _parameters(name).items() if p.default is Parameter.empty]
    by_name = {"type": "object", "properties": keywords, "additionalProperties": False, "required": required}
    if name == "empirical":
        keywords["csv"] = _SPECIAL["csv"]
        by_name = {
            **by_name,
            "required": [],
            "oneOf": [{"required": ["csv"]}, {"required": ["names", "rows"]}],
        }
    return {"anyOf": [by_name, {"type": "array", "minItems": 1}, _NUMBER]}


def _parameters(name: str) -> dict[str, Parameter]:
    return dict(signature(DISTRIBUTIONS[name]).parameters)


def _keyword(key: str, parameter: Parameter) -> dict[str, Any]:
    is_list = "Sequence" in str(parameter.annotation)
    if key in _SPECIAL and (is_list or key == "csv"):
        return _SPECIAL[key]
    return {"type": "array", "items": _NUMBER} if is_list else _NUMBER


def _tidied(node: Any) -> Any:
    """The schema without the titles that pydantic makes of names, and with names of another pattern refused."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {"additionalProperties": False} if "patternProperties" in node else {}
    kept = {k: _tidied(v) for k, v in node.items() if not (k == "title" and isinstance(v, str))}
    return closed | kept


def _with_references(node: Any) -> Any:
    """The schema with the fields' marks made references to the definitions they stand for."""
    for mark, name in ((UNIT, "Unit"), (DISTRIBUTION, "Distribution")):
        if isinstance(node, dict) and mark.items() <= node.items():
            return {**{k: v for k, v in node.items() if k not in mark}, "$ref": f"#/$defs/{name}"}
    if isinstance(node, list):
        return [_with_references(item) for item in node]
    return {key: _with_references(value) for key, value in node.items()} if isinstance(node, dict) else node


def schema_text() -> str:
    """Return the JSON Schema as the text of schema.json."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
