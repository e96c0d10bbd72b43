"""Correlation of normal scores (Gaussian copula): named blocks, checked, factored once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from psa_engine.errors import InputError, nearest


@dataclass(frozen=True, eq=False)
class Block:
    """Parameters whose normal scores are correlated: names and correlation matrix."""

    name: str
    parameters: tuple[str, ...]
    matrix: np.ndarray

    def factor(self, first: Sequence[str] = ()) -> np.ndarray:
        """Return F with F F' = matrix in which the parameters of `first` depend on their own scores only.

        F is the Cholesky factor of the matrix with `first` moved to the front, its rows and columns moved
        back; without `first` it is lower triangular. Raises InputError naming the block when there is none.
        """
        if np.linalg.eigvalsh(self.matrix).min() <= 1e-12:
            raise InputError(
                f"The correlation block '{self.name}' is not positive definite (smallest eigenvalue "
                f"{np.linalg.eigvalsh(self.matrix).min():.3g}): its correlations contradict each other.",
                hint="Make the largest of them smaller; nothing is repaired silently.",
            )
        order = [i for i, n in enumerate(self.parameters) if n in first]
        order += [i for i, n in enumerate(self.parameters) if n not in first]
        factor = np.zeros_like(self.matrix)
        factor[np.ix_(order, order)] = np.linalg.cholesky(self.matrix[np.ix_(order, order)])
        return factor


def blocks_of(given: Mapping[Any, Any] | None, known: Sequence[str]) -> tuple[Block, ...]:
    """Build blocks from {(a, b): rho} pairs or {block name: (names, matrix)}.

    Pairs that share a parameter form one block. Raises InputError for unknown or repeated parameters,
    a correlation outside (-1, 1), or a matrix that is not square, symmetric with ones on its diagonal.
    """
    given = dict(given or {})
    pairs = {k: v for k, v in given.items() if isinstance(k, tuple)}
    blocks = [_matrix_block(str(k), v[0], v[1]) for k, v in given.items() if not isinstance(k, tuple)]
    blocks += _pair_blocks(pairs)
    seen: dict[str, str] = {}
    for block in blocks:
        for name in block.parameters:
            if name not in known:
                raise InputError(
                    f"The correlation block '{block.name}' names '{name}', which is not an uncertain "
                    "parameter with a score of its own.",
                    hint=nearest(name, known),
                )
            if name in seen:
                raise InputError(
                    f"'{name}' is in the correlation blocks '{seen[name]}' and '{block.name}'; join them in one."
                )
            seen[name] = block.name
        block.factor()
    return tuple(blocks)


def _matrix_block(name: str, parameters: Sequence[str], matrix: Any) -> Block:
    square = np.array(matrix, float)
    size = len(parameters)
    if len(set(parameters)) != size or square.shape != (size, size):
        raise InputError(
            f"The correlation block '{name}' has {size} parameters and a matrix of shape {square.shape}; "
            "each parameter needs one row and one column, once."
        )
    if not np.allclose(square, square.T, atol=1e-12) or not np.allclose(np.diag(square), 1.0, atol=1e-12):
        raise InputError(
            f"The matrix of the correlation block '{name}' must be symmetric with ones on its diagonal."
        )
    if np.abs(square - np.eye(size)).max() >= 1:
        raise InputError(f"A correlation of the block '{name}' is not between -1 and 1.")
    return Block(name, tuple(parameters), square)


def _pair_blocks(pairs: Mapping[tuple[str, str], float]) -> list[Block]:
    groups: list[list[str]] = []
    for pair in pairs:
        if len(pair) != 2 or pair[0] == pair[1]:
            raise InputError(f"The correlation {pair} must name two different parameters.")
        if pair[::-1] in pairs:
            raise InputError(
                f"The correlation of '{pair[0]}' and '{pair[1]}' is given twice.", hint="Remove one."
            )
        joined = [g for g in groups if set(g) & set(pair)]
        merged = list(dict.fromkeys([n for g in joined for n in g] + list(pair)))
        groups = [g for g in groups if g not in joined] + [merged]
    mentioned = list(dict.fromkeys(name for pair in pairs for name in pair))
    groups = [sorted(g, key=mentioned.index) for g in groups]
    return [_matrix_block(", ".join(g), g, _matrix_of(g, pairs)) for g in groups]


def _matrix_of(names: list[str], pairs: Mapping[tuple[str, str], float]) -> np.ndarray:
    matrix = np.eye(len(names))
    for (a, b), rho in pairs.items():
        if a in names and b in names:
            i, j = names.index(a), names.index(b)
            matrix[i, j] = matrix[j, i] = rho
    return matrix
