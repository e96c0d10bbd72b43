"""Normal scores that belong to (seed, score name, draw index): never to a block, a device or a worker.

Every sampler maps a draw's index to its score without looking at other draws, so any set of indices can
be made anywhere, in any order, with the same bits.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Literal, get_args

import jax
import jax.numpy as jnp
import numpy as np

from psa_engine.errors import InputError, nearest
from psa_engine.parameters.sobol_directions import sobol_directions

Sampler = Literal["random", "antithetic", "latin_hypercube", "sobol"]
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))


def score_inputs(sampler: Sampler, seed: int, names: Sequence[str], n_draws: int) -> dict[str, np.ndarray]:
    """Return what `normal_scores` reads: keys (n_scores, 2) and, for Sobol, direction numbers (n_scores, 32)."""
    if sampler not in get_args(Sampler):
        raise InputError(f"There is no sampler '{sampler}'.", hint=nearest(sampler, get_args(Sampler)))
    if not 1 <= n_draws < 2**32:
        raise InputError(f"The number of draws must be between 1 and 2^32 - 1, and is {n_draws}.")
    words = [_words(seed, name) for name in names]
    inputs = {"keys": np.array([w[:2] for w in words], np.uint32).reshape(-1, 2)}
    if sampler == "latin_hypercube":
        inputs["n_draws"] = np.uint32(n_draws)  # type: ignore[assignment]
        inputs["mixers"] = np.array([w[2:10] for w in words], np.uint32).reshape(-1, 8)
    if sampler == "sobol":
        inputs["directions"] = _scrambled_directions(seed, tuple(names))
        inputs["shift"] = np.array([w[2] for w in words], np.uint32)
    return inputs


def normal_scores(sampler: Sampler, inputs: dict[str, Any], index: Any, dtype: Any) -> Any:
    """Return normal scores (n_scores, n) of the draws `index` (n,), unsigned 32-bit."""
    key = inputs["keys"]
    if sampler == "random":
        return _score(*_bits(key, index), dtype)
    if sampler == "antithetic":
        sign = jnp.where(index & 1, -1.0, 1.0).astype(dtype)
        return sign * _score(*_bits(key, index >> 1), dtype)
    if sampler == "latin_hypercube":
        return _latin_hypercube(inputs, index, dtype)
    return _sobol(inputs, index, dtype)


def threefry2x32(k0: Any, k1: Any, x0: Any, x1: Any) -> tuple[Any, Any]:
    """Encrypt the counter (x0, x1) under the key (k0, k1): Salmon et al. 2011, 20 rounds."""
    keys = (k0, k1, k0 ^ k1 ^ jnp.uint32(0x1BD11BDA))
    x0, x1 = x0 + keys[0], x1 + keys[1]
    for block in range(5):
        for r in _ROTATIONS[block % 2]:
            x0 = x0 + x1
            x1 = ((x1 << r) | (x1 >> (32 - r))) ^ x0
        x0 = x0 + keys[(block + 1) % 3]
        x1 = x1 + keys[(block + 2) % 3] + jnp.uint32(block + 1)
    return x0, x1


def _words(seed: int, name: str) -> list[int]:
    digest = blake2b(f"{seed}|{name}".encode(), digest_size=48).digest()
    return np.frombuffer(digest, "<u4").tolist()


def _bits(key: Any, index: Any) -> tuple[Any, Any]:
    counter = jnp.broadcast_to(index, (key.shape[0], index.shape[0]))
    return threefry2x32(key[:, :1], key[:, 1:], jnp.zeros_like(counter), counter)


def _score(high: Any, low: Any, dtype: Any) -> Any:
    """Turn 64 random bits into a normal score: one for the sign, 52 (31 in single) for the tail probability."""
    magnitude = high & jnp.uint32(0x7FFFFFFF)
    if dtype == jnp.float64:
        tail = (magnitude.astype(dtype) * 2.0**21 + (low >> 11).astype(dtype) + 0.5) * 2.0**-53
    else:
        tail = (magnitude.astype(dtype) + 0.5) * jnp.asarray(2.0**-32, dtype)
    return _from_tail(high >> 31, tail, dtype)


def _from_tail(upper: Any, tail: Any, dtype: Any) -> Any:
    z = jax.scipy.special.ndtri(tail)
    return jnp.where(upper, -z, z).astype(dtype)


def _latin_hypercube(inputs: dict[str, Any], index: Any, dtype: Any) -> Any:
    """One draw in each of n equal strata, placed at random within it; strata permuted by a keyed bijection."""
    n = inputs["n_draws"]
    stratum = _permuted(inputs["mixers"], index, n)
    high, _ = _bits(inputs["keys"], index)
    within = ((high >> 8).astype(dtype) + 0.5) * jnp.asarray(2.0**-24, dtype)
    upper = stratum >= n - stratum
    edge = jnp.where(upper, n - 1 - stratum, stratum).astype(dtype)
    tail = (edge + jnp.where(upper, 1 - within, within)) / n.astype(dtype)
    past_middle = tail > 0.5  # only in the middle stratum of an odd number of them, which counts as lower
    return _from_tail(upper | past_middle, jnp.where(past_middle, 1 - tail, tail), dtype)


def _permuted(mixers: Any, index: Any, n: Any) -> Any:
    """Permute 0..n-1 by a bijection of the next power of two, walked until it falls below n."""
    mask = n - 1
    for shift in (1, 2, 4, 8, 16):
        mask = mask | (mask >> shift)
    half = (32 - jax.lax.clz(mask)) // 2 + 1

    def mix(x: Any) -> Any:
        for k in range(0, 8, 2):
            x = (x * (mixers[:, k : k + 1] | 1) + mixers[:, k + 1 : k + 2]) & mask
            x = x ^ (x >> half)
        return x

    def walk(x: Any) -> Any:
        return jnp.where(x >= n, mix(x), x)

    start = mix(jnp.broadcast_to(index % n, (mixers.shape[0], index.shape[0])))
    return jax.lax.while_loop(lambda x: (x >= n).any(), walk, start)


def _sobol(inputs: dict[str, Any], index: Any, dtype: Any) -> Any:
    point = jnp.broadcast_to(inputs["shift"][:, None], (len(inputs["shift"]), index.shape[0]))
    for bit in range(32):
        chosen = ((index >> bit) & 1) * jnp.uint32(0xFFFFFFFF)
        point = point ^ (inputs["directions"][:, bit : bit + 1] & chosen)
    upper = point >> 31
    magnitude = jnp.where(upper, ~point, point)
    return _from_tail(upper, (magnitude.astype(dtype) + 0.5) * jnp.asarray(2.0**-32, dtype), dtype)


@lru_cache(maxsize=256)
def _scrambled_directions(seed: int, names: tuple[str, ...]) -> np.ndarray:
    """Sobol direction numbers (Joe and Kuo 2008), each scrambled by a random lower-triangular matrix (Matousek 1998).

    The dimension of a score is its place in the parameter set; its scramble belongs to its name.
    """
    if not names:
        return np.zeros((0, 32), np.uint32)
    plain = sobol_directions(len(names))
    return np.stack([_scramble(plain[i], seed, name) for i, name in enumerate(names)])


def _scramble(directions: np.ndarray, seed: int, name: str) -> np.ndarray:
    random = np.random.Generator(np.random.Philox(key=_words(seed, f"{name}|scramble")[:2]))
    rows = random.integers(0, 2**32, 32, dtype=np.uint64)
    place = np.arange(31, -1, -1, dtype=np.uint64)
    lower = (rows | (np.uint64(1) << place)) & (np.uint64(0xFFFFFFFF) << place)
    parity = (np.bitwise_count(directions & lower[:, None]) & 1).astype(np.uint64)
    return (parity << place[:, None]).sum(0).astype(np.uint32)
