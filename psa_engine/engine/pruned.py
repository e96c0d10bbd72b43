"""The structure that is compiled where some parameters are constant, without edges that are always zero.

Which edges those are is found by tracing the model, and kept on disk as what is traced of it elsewhere is.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from psa_engine.cache import keep, key_of, read_kept
from psa_engine.cohort.live import Live, read_by_edges

_TRACED: set[Any] = set()
"""Structures, with the names of their parameters, that were traced in this process: no need to look on disk."""


def pruned(structure: Any, names: tuple[str, ...], constants: Mapping[str, float]) -> Any:
    """Return the structure to compile where these of its parameters, `names`, are constant."""
    if not hasattr(structure, "given"):
        return structure
    if structure.identity is None or (structure, names) in _TRACED:
        return structure.given(names, constants)
    found = _read(structure, names, constants)
    if found is not None:
        return replace(structure, live=found)
    whole = structure.given(names, constants)
    _keep(structure, names, constants, whole.live)
    _TRACED.add((structure, names))
    return whole


def _read(structure: Any, names: tuple[str, ...], constants: Mapping[str, float]) -> tuple[Live, ...] | None:
    said = _kept("read by edges", structure, names)
    if said is None:
        return None
    rows = _kept("live", structure, names, {k: constants[k] for k in said if k in constants})
    if rows is None:
        return None
    return tuple(Live(frozenset(slots), frozenset(map(tuple, edges))) for slots, edges in rows)


def _kept(*about: Any) -> Any:
    key = _key(*about)
    data = key and read_kept(key)
    return json.loads(data) if data else None


def _keep(structure: Any, names: tuple[str, ...], constants: Mapping[str, float], live: Any) -> None:
    said = read_by_edges(structure, names)
    rows = [[sorted(part.slots), sorted(part.edges)] for part in live]
    read = {k: constants[k] for k in said if k in constants}
    for content, about in ((said, ("read by edges",)), (rows, ("live", read))):
        key = _key(about[0], structure, names, *about[1:])
        if key is not None:
            keep(key, json.dumps(content).encode())


def _key(kind: str, structure: Any, names: tuple[str, ...], *more: Any) -> str | None:
    return key_of(kind, structure.identity, names, *more)
