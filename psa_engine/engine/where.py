"""Blocks of work, made in this process or on a cluster, and kept in the store of a run or not at all."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from psa_engine.store import Store
from psa_engine.store.store import step

Given = tuple[Any, ...]
Compute = Callable[[Callable[..., Any], Iterable[Given]], Iterator[Any]]
"""Yields `make(*given)` for each given, in order; may draw on what is given some way ahead."""


def here(make: Callable[..., Any], given: Iterable[Given]) -> Iterator[Any]:
    """Yield `make(*given)` for each given, one after the other in this process."""
    return (make(*one) for one in given)


@dataclass(frozen=True, eq=False)
class Where:
    """Who makes blocks (`here`, or `Cluster.compute`), and the store that keeps them if any."""

    compute: Compute = here
    store: Store | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Where, ()  # what goes to another process works there


HERE = Where()


def map_blocks(
    make: Callable[..., Any], given: Iterable[Given], where: Where, key: Callable[..., str]
) -> Iterator[Any]:
    """Yield the nested arrays that `make(*one)` returns for each one given, in order.

    `key(*one)` says everything that a block depends on besides the identity of the run. `make` and what it is given
    can go to another process; it returns the same bits wherever it is called.
    """
    if where.store is None:
        return where.compute(make, given)
    named = ((step(key(*one)), one) for one in given)
    return where.store.mapped(named, lambda missing: where.compute(make, missing))


def map_rows(
    make: Callable[..., Any], given: Iterable[Given], where: Where, key: Callable[..., str]
) -> Iterator[Any]:
    """Yield what `make(*one)` returns for each one given, as `map_blocks` does: anything that JSON holds exactly."""
    for block in map_blocks(partial(_encoded, make), given, where, key):
        yield json.loads(block["json"].tobytes())


def _encoded(make: Callable[..., Any], *given: Any) -> Mapping[str, np.ndarray]:
    return {"json": np.frombuffer(json.dumps(make(*given)).encode(), np.uint8)}
