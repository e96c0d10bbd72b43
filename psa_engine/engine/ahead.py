"""Functions compiled ahead of their calls: once for each shape of what they are given, whoever gives it."""

from typing import Any

import jax
import numpy as np


class Ahead:
    """A jitted function that is compiled for the shapes of its arguments, on the host or on devices alike."""

    def __init__(self, jitted: Any):
        self.jitted = jitted
        self._by_shape: dict[Any, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        """Return the function's result, an array on the devices for each of its outputs."""
        return self.compiled(*arguments)(*arguments)

    def compiled(self, *arguments: Any) -> Any:
        """Return the executable for arguments, or their shapes, of this kind."""
        leaves, tree = jax.tree.flatten(arguments)
        shapes = tree, tuple((x.shape, np.dtype(x.dtype)) for x in leaves)
        if shapes not in self._by_shape:
            described = [jax.ShapeDtypeStruct(*shape) for shape in shapes[1]]
            self._by_shape[shapes] = self.jitted.lower(*tree.unflatten(described)).compile()
        return self._by_shape[shapes]
