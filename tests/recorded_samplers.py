"""Draws of the samplers other than the random one, worked out apart from the engine: tests/recorded_samplers.json.

As recorded_draws.py does it: permutations and bit matrices in Python's whole numbers, points of the Sobol sequence
by SciPy. `python tests/recorded_samplers.py` writes the file again; it does not read the engine.
"""

import json
from functools import cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
from recorded_draws import DRAWS, PARAMETERS, SEED, outcomes, score, threefry, values

FILE = Path(__file__).with_suffix(".json")
N_DRAWS = 10_000
BITS = (N_DRAWS - 1).bit_length()


def words(text: str) -> list[int]:
    digest = blake2b(text.encode(), digest_size=48).digest()
    return [int.from_bytes(digest[i : i + 4], "little") for i in range(0, 48, 4)]


def quantile(numerator: int, denominator: int) -> float:
    """The standard normal quantile of a fraction, from its own tail."""
    from scipy.special import ndtri

    if 2 * numerator > denominator:
        return -quantile(denominator - numerator, denominator)
    return float(ndtri(numerator / denominator))


def antithetic(name: str, draw: int) -> float:
    """Draws in pairs of opposite signs."""
    return (-1) ** draw * score(SEED, name, draw // 2)


def latin_hypercube(name: str, draw: int) -> float:
    """One draw in each of N_DRAWS strata, 2^24 places within each."""
    key = words(f"{SEED}|{name}")
    within = 2 * (threefry((key[0], key[1]), (0, draw))[0] >> 8) + 1
    return quantile(permuted(key[2:10], draw) * 2**25 + within, N_DRAWS * 2**25)


def permuted(mixers: list[int], x: int) -> int:
    while True:
        for factor, term in zip(mixers[::2], mixers[1::2], strict=True):
            x = (x * (factor | 1) + term) % 2**BITS
            x ^= x >> (BITS // 2 + 1)
        if x < N_DRAWS:
            return x


def sobol(name: str, draw: int) -> float:
    """A point of the Sobol sequence, its digits mixed by a random lower-triangular matrix, then shifted."""
    point = words(f"{SEED}|{name}")[2]
    for bit in range(BITS):
        if draw >> bit & 1:
            point ^= mixed(directions()[PARAMETERS.index(name)][bit], name)
    return quantile(2 * point + 1, 2**33)


def mixed(direction: int, name: str) -> int:
    found = 0
    for digit, row in enumerate(matrix(name)):
        found |= ((row & direction).bit_count() & 1) << (31 - digit)
    return found


@cache
def matrix(name: str) -> list[int]:
    """Row i of a matrix of 32 x 32 bits, leftmost first: random left of the diagonal, one on it."""
    random = np.random.Generator(np.random.Philox(key=words(f"{SEED}|{name}|scramble")[:2]))
    rows = random.integers(0, 2**32, 32, dtype=np.uint64).tolist()
    return [(row | 1 << (31 - i)) >> (31 - i) << (31 - i) for i, row in enumerate(rows)]


@cache
def directions() -> list[list[int]]:
    """The points that one bit of the index alone makes: SciPy gives them in the order of Gray's code."""
    from scipy.stats import qmc

    points = qmc.Sobol(len(PARAMETERS), scramble=False, bits=32).random(2**BITS) * 2.0**32
    return [[int(points[2 ** (bit + 1) - 1, d]) for bit in range(BITS)] for d in range(len(PARAMETERS))]


SAMPLERS = {"antithetic": antithetic, "latin_hypercube": latin_hypercube, "sobol": sobol}


def recorded() -> dict[str, list[dict]]:
    found = {}
    for name, scores in SAMPLERS.items():
        rows = [(draw, {p: scores(p, draw) for p in PARAMETERS}) for draw in DRAWS]
        found[name] = [{"draw": d, "scores": z, "values": values(z), **outcomes(values(z))} for d, z in rows]
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(recorded(), indent=1) + "\n", encoding="utf-8")
