"""Direction numbers of the Sobol sequence (Joe and Kuo 2008), from the table that SciPy ships.

SciPy has no public way to them: recovering the high bits from its points would take 2^31 of them, and
importing scipy.stats alone takes longer than most estimates.
"""

from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from psa_engine.errors import InputError

BITS = 32


@cache
def sobol_directions(n: int) -> np.ndarray:
    """Return the direction numbers (n, 32) of n dimensions; raises InputError beyond the table's 21,201."""
    polynomials, starts = _table()
    if n > len(polynomials):
        raise InputError(f"Sobol points have at most {len(polynomials)} dimensions, and {n} are needed.")
    numbers = np.ones((n, BITS), np.uint64)
    for d in range(1, n):
        numbers[d] = _recurrence(int(polynomials[d]), [int(v) for v in starts[d]])
    return numbers << np.arange(BITS - 1, -1, -1, dtype=np.uint64)


def _recurrence(polynomial: int, start: list[int]) -> list[int]:
    """Return m_1 ... m_32 of a primitive polynomial: Joe and Kuo 2008, equation 2."""
    degree = polynomial.bit_length() - 1
    numbers = start[:degree]
    for j in range(degree, BITS):
        new = numbers[j - degree]
        for k in range(1, degree + 1):
            if polynomial >> (degree - k) & 1:
                new ^= numbers[j - k] << k
        numbers.append(new)
    return numbers


def _table() -> tuple[np.ndarray, np.ndarray]:
    """Return the primitive polynomials and the first numbers (dimension, 18) of each."""
    spec = find_spec("scipy")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    with np.load(
        Path(spec.submodule_search_locations[0]) / "stats" / "_sobol_direction_numbers.npz"
    ) as table:
        return table["poly"], table["vinit"]
