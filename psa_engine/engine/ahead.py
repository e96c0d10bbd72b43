"""Functions compiled ahead of their calls, and kept on disk as they were traced.

Tracing a model in Python takes longer than loading what XLA made of it. So the traced program (StableHLO, by
`jax.export`) is kept too, beside XLA's own cache, under a digest of all that it came from. What has no such
digest, as a model of one's own, is traced anew at each start.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import jax
import numpy as np
from jax import export

from psa_engine import cache as kept
from psa_engine.engine.devices import versions


class Ahead:
    """A jitted function that is compiled for the shapes of its arguments, on the host or on devices alike.

    `shardings` are those of the arguments and of the results, where they are split over devices; `key` a digest of
    what is traced, None where nobody knows.
    """

    def __init__(self, jitted: Any, shardings: dict[str, Any] | None = None, key: str | None = None):
        self.jitted, self.shardings, self.key = jitted, shardings or {}, key
        self._by_shape: dict[Any, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Return the function's result, an array on the devices for each of its outputs."""
        return self.ready(*arguments)(*arguments)

    def ready(self, *arguments: Any) -> Any:
        """Return the executable for arguments such as these, or for their shapes: compiled, or loaded, if need be."""
        leaves, tree = jax.tree.flatten(arguments)
        shapes = tuple((x.shape, np.dtype(x.dtype).str) for x in map(_array, leaves))
        if (tree, shapes) not in self._by_shape:
            described = tree.unflatten([jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in shapes])
            self._by_shape[tree, shapes] = self._compiled(described, (str(tree), shapes))
        return self._by_shape[tree, shapes]

    def _compiled(self, described: Any, shapes: Any) -> Any:
        key = self.key and kept.digest(self.key, shapes, *_surroundings())
        if key is None:
            return self.jitted.lower(*described).compile()
        return self._read(key, described) or self._made(key, described)

    def _read(self, key: str, described: Any) -> Any:
        """Return the executable of a program on disk; None where there is none, or none that is of use."""
        data = kept.read_kept(key)
        try:
            return data and self._loaded(export.deserialize(bytearray(data)), described)
        except Exception:  # whatever is wrong with a file, the function itself is at hand
            return None

    def _made(self, key: str, described: Any) -> Any:
        try:
            program = export.export(self.jitted, platforms=["cpu"])(*described)
            kept.keep(key, bytes(program.serialize()))
        except (NotImplementedError, ValueError, ImportError):  # no promise for something, or JAX lacks it
            return self.jitted.lower(*described).compile()
        return self._loaded(program, described)

    def _loaded(self, program: Any, described: Any) -> Any:
        return jax.jit(program.call, **self.shardings).lower(*described).compile()


def together(*functions: tuple[Ahead, tuple[Any, ...]]) -> None:
    """Make functions ready for arguments such as these at the same time: XLA works without Python's lock."""
    _surroundings()  # asked once, not by both at once
    with ThreadPoolExecutor(len(functions)) as pool:
        for done in [pool.submit(function.ready, *arguments) for function, arguments in functions]:
            done.result()


@cache
def _surroundings() -> tuple[Any, ...]:
    """Return what else a traced program depends on: versions, flags and JAX's settings."""
    settings = {k: str(v) for k, v in jax.config.values.items() if "cache" not in k}
    return versions(), os.environ.get("XLA_FLAGS", ""), dict(sorted(settings.items()))


def _array(x: Any) -> Any:
    return x if hasattr(x, "dtype") else np.asarray(x)
