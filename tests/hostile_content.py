"""Damage to what a configuration says rather than to its text: values and keys of the wrong kind or place."""

import copy
import json
from collections.abc import Iterator
from random import Random
from typing import Any

import hostile_yaml

from psa_engine.config import read_text
from psa_engine.errors import InputError


def _said(text: str) -> list[Any]:
    """The value that a text has in YAML, if any."""
    try:
        return [read_text(f"a: {text}").content["a"]]
    except InputError:
        return []


SEEDS = tuple(json.dumps(read_text(seed.decode()).content).encode() for seed in hostile_yaml.SEEDS)
_WHOLE = [json.loads(seed) for seed in SEEDS]
_VALUES = [v for text in hostile_yaml.VALUES for v in _said(text)]
_VALUES += ["-"]
_FACTORS = [-1, 0, 1e-12, 1e-3, 0.5, 0.99, 1.01, 2, 10, 1e6, 1e300]


def damaged(data: bytes, random: Random) -> bytes:
    """Return a configuration, in JSON, with one to three faults; one in three is a number that is only another."""
    content = json.loads(data)
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        places = list(_places(content))
        if places:
            holder, key = random.choice(places)
            random.choice(_FAULTS)(holder, key, random)
    return json.dumps(content).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (mapping or list, key or index) within a value."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield value, key
        if isinstance(inner, dict | list):
            yield from _places(inner)


def _value(holder: Any, key: Any, random: Random) -> None:
    holder[key] = copy.deepcopy(random.choice(_VALUES))


def _number(holder: Any, key: Any, random: Random) -> None:
    numbers = [(h, k) for h, k in _places(holder) if type(h[k]) in (int, float)]
    if numbers:
        holder, key = random.choice(numbers)
        holder[key] *= random.choice(_FACTORS)


def _gone(holder: Any, key: Any, random: Random) -> None:
    del holder[key]


def _key(holder: Any, key: Any, random: Random) -> None:
    if isinstance(holder, dict):
        holder[random.choice([*holder, "a", "", "x" * 300, "0", "discount[pill]"])] = holder.pop(key)
    else:
        holder.insert(random.randrange(len(holder) + 1), holder[key])


def _from_elsewhere(holder: Any, key: Any, random: Random) -> None:
    other, place = random.choice(list(_places(random.choice(_WHOLE))))
    holder[key] = copy.deepcopy(other[place])


def _deep(holder: Any, key: Any, random: Random) -> None:
    for _ in range(random.choice([2, 28])):
        holder[key] = [holder[key]] if random.random() < 0.5 else {"a": holder[key]}


_FAULTS = (_value, _value, _number, _number, _number, _gone, _key, _from_elsewhere, _from_elsewhere, _deep)
