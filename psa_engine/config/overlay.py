"""Laying changes over a configuration: a scenario, a subgroup, or values set on the command line."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from psa_engine.config.document import Document, YamlPath
from psa_engine.config.fields import JOINT_FAMILIES, PLAIN_NUMBER
from psa_engine.config.messages import input_error
from psa_engine.config.schema import Overlay
from psa_engine.errors import InputError, nearest

_PRICE = re.compile(r"(list_price|discount)\[(.+)\]")
# What a scenario says about itself, rather than changes.
DESCRIPTIVE = ("description", "evidence", "status")


def parse_assignment(text: str) -> tuple[str, float]:
    """Read `name=value` from a command line; InputError where the value is not a plain finite number."""
    name, equals, number = (part.strip() for part in text.partition("="))
    if not equals or not name:
        raise InputError(f"'{text}' is not of the form name=value.", path="--set", hint="Write response=0.3.")
    if not PLAIN_NUMBER.fullmatch(number) or abs(float(number)) == float("inf"):
        raise InputError(
            f"'{number}' is not a number, so '{name}' cannot be set to it.",
            path="--set",
            hint="Write numbers with a decimal point and nothing else: 0.3, 1200, 1e5.",
        )
    return name, float(number)


def overlaid(document: Document, overlay: Mapping[str, Any], origin: YamlPath, words: str) -> Document:
    """Return the document with `overlay` laid over it; nothing is changed in place.

    `origin` is the path where the overlay is written, for messages about what it gives, and `words` says in
    `applied` what was done. InputError for a name the configuration does not have; the result still has to be
    validated.
    """
    changes = {key: value for key, value in overlay.items() if key not in DESCRIPTIVE}
    try:
        checked = Overlay.model_validate(changes)
    except ValidationError as error:
        raise input_error(replace(document, origins={(): origin}), error, Overlay) from None
    change = _Change(document, origin)
    for name, value in checked.set.items():
        change.set(name, value)
    for section in ("time", "settings", "population"):
        change.update(section, getattr(checked, section))
    for name, attributes in checked.strategies.items():
        change.set_attributes(name, attributes)
    if checked.only is not None:
        change.keep_only(checked.only)
    applied = (*document.applied, words)
    return replace(document, content=change.content, origins=change.origins, applied=applied)


class _Change:
    """A copy of a document's content being changed, and where each new value is written."""

    def __init__(self, document: Document, origin: YamlPath):
        self.document, self.origin = document, origin
        self.content, self.origins = dict(document.content), dict(document.origins)

    def update(self, section: str, given: Mapping[str, Any]) -> None:
        """Replace single keys of a section."""
        self._replace((section,), given)
        self.origins.update({(section, key): (*self.origin, section, key) for key in given})

    def set(self, name: str, value: Any) -> None:
        """Replace the value of one parameter or price."""
        price = _PRICE.fullmatch(name)
        if name in self.content["parameters"]:
            path = self._set_parameter(name, value)
        elif price and price[2] in self.content.get("products", {}):
            path = ("products", price[2], price[1])
            self._replace(path[:2], {price[1]: value})
        else:
            raise self._unknown(name)
        self.origins[path] = (*self.origin, "set", name)
        if not isinstance(value, Mapping):
            self.content["correlation"] = _without(self.content.get("correlation", {}), name)

    def set_attributes(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Replace attributes of one strategy."""
        strategies = self.content["strategies"]
        if name not in strategies:
            raise self._error(
                ("strategies", name), f"There is no strategy '{name}'", nearest(name, strategies)
            )
        known = sorted({key for strategy in strategies.values() for key in strategy.get("attributes", {})})
        for key in attributes:
            written = ("strategies", name, key)
            if key not in known:
                raise self._error(written, f"No strategy has an attribute '{key}'", nearest(key, known))
            self.origins[("strategies", name, "attributes", key)] = (*self.origin, *written)
        self._replace(("strategies", name, "attributes"), attributes)

    def keep_only(self, only: list[str]) -> None:
        """Leave out all other strategies."""
        strategies = self.content["strategies"]
        for i, name in enumerate(only):
            if name not in strategies:
                raise self._error(("only", i), f"There is no strategy '{name}'", nearest(name, strategies))
        kept = {name: strategy for name, strategy in strategies.items() if name in only}
        if len(kept) < 2:
            raise self._error(("only",), "At least two strategies must be kept to compare", "Name another.")
        comparator = self.content.get("settings", {}).get("comparator")
        if comparator is not None and comparator not in kept:
            hint = "Add it, or give settings.comparator here."
            raise self._error(("only",), f"The comparator '{comparator}' is not kept", hint)
        self.content["strategies"] = kept

    def _set_parameter(self, name: str, value: Any) -> YamlPath:
        entry = dict(self.content["parameters"][name])
        was_joint = bool(_names(entry.pop("distribution", None)))
        entry.pop("value", None)
        if was_joint != bool(_names(value)):
            kind = "a joint distribution" if was_joint else "one parameter"
            raise self._error(("set", name), f"'{name}' is {kind} and must be set to the same kind", "")
        key = "distribution" if isinstance(value, Mapping) else "value"
        self.content["parameters"] = {**self.content["parameters"], name: {**entry, key: value}}
        return ("parameters", name, key)

    def _replace(self, path: tuple[str, ...], given: Mapping[str, Any]) -> None:
        """Update the mapping at `path` with `given`, copying every mapping on the way."""
        mapping = self.content
        for key in path:
            mapping[key] = dict(mapping.get(key) or {})
            mapping = mapping[key]
        mapping.update(given)

    def _unknown(self, name: str) -> InputError:
        parameters, products = self.content["parameters"], self.content.get("products", {})
        owner = next((k for k, p in parameters.items() if name in _names(p.get("distribution"))), None)
        if owner:
            message = f"'{name}' is part of the joint distribution '{owner}' and cannot be set alone"
            return self._error(("set", name), message, f"Set '{owner}' as a whole.")
        prices = [f"{key}[{product}]" for product in products for key in ("list_price", "discount")]
        message = f"There is no parameter '{name}' to set"
        return self._error(("set", name), message, nearest(name, [*parameters, *prices]))

    def _error(self, written: YamlPath, message: str, hint: str) -> InputError:
        # The path is already where the overlay stands, so former origins do not apply.
        return replace(self.document, origins={}).error((*self.origin, *written), message, hint)


def _without(correlation: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The blocks without one parameter: what is known without error is not correlated with anything."""
    blocks = {}
    for label, block in correlation.items():
        kept = [i for i, other in enumerate(block["parameters"]) if other != name]
        if len(kept) > 1:
            matrix = [[block["matrix"][i][j] for j in kept] for i in kept]
            blocks[label] = {**block, "parameters": [block["parameters"][i] for i in kept], "matrix": matrix}
    return blocks


def _names(given: Any) -> tuple[str, ...]:
    """The names of a joint distribution; a single empty one where a CSV file has them; else none."""
    if not isinstance(given, Mapping) or next(iter(given)) not in JOINT_FAMILIES:
        return ()
    form = next(iter(given.values()))
    listed = form[0] if isinstance(form, list) and form else None
    names = form.get("names") if isinstance(form, Mapping) else listed
    return tuple(map(str, names)) if isinstance(names, list) and names else ("",)
