"""The model inside two loops: means over inner draws at given outer scores, in one compiled program.

A lane of the program is one model run. Lanes are counted outer by outer, so a tile holds whole inner
loops or a part of one, and leaves only its sums behind: memory does not grow with the inner draws.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from psa_engine.engine.compiled import Program, cast, in_tiles, on_all_devices, outcomes_of
from psa_engine.engine.devices import devices
from psa_engine.errors import InputError, ModelError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet, Sampler, normal_scores, score_inputs

LANES = (2**13, 2**17)
"""Model runs in a block of the two loops: one of two sizes, so that few programs are compiled."""
SUMS = (1, 8, 64)
"""Neighbouring runs of which only the sum leaves the device: the most that fit into half an inner loop."""


class InnerMeans(NamedTuple):
    """Mean costs and effects over each half of the inner draws: (n_outer_draws, n_strategies, 2)."""

    costs: np.ndarray
    effects: np.ndarray


@dataclass(frozen=True)
class Loops:
    """What distinguishes one compiled pair of loops: lanes per sum, tiles per block, shared inner draws."""

    program: Program
    lanes_per_sum: int
    n_tiles: int
    shared: bool


def inner_means(
    model: Model,
    parameters: ParameterSet,
    outer_rows: tuple[int, ...],
    z_outer: np.ndarray,
    n_inner_draws: int,
    *,
    program: Program,
    seed: int,
    sampler: Sampler = "random",
    shared: bool = False,
    place: tuple[int, int] | None = None,
) -> InnerMeans:
    """Return inner means at outer scores `z_outer` (n_outer_rows, N); `n_inner_draws` a power of two.

    The inner draws of outer draw i are numbers i M to (i + 1) M of the stream of `seed` (nets of a Sobol
    sequence where `sampler` says so), or 0 to M for all when `shared`. `place` is (number of the first outer draw,
    how many there are in all) where these are a part of them. Raises InputError beyond 2^32 runs.
    """
    m = n_inner_draws
    start, n = place or (0, z_outer.shape[1])
    if m < 1 or m & (m - 1):
        raise InputError(f"The number of inner draws must be a power of two, and is {m}.")
    if n * m >= 2**32:
        raise InputError(f"{n} x {m} model runs exceed a stream of draws.", hint="Split the outer draws.")
    loops = _loops(program, n, m, shared)
    run = _compiled(loops)
    structure = parameters.structure
    inputs = {
        "model": cast(model.inputs(), program.dtype),
        "parameters": cast(parameters.inputs(), program.dtype),
        "scores": score_inputs(sampler, seed, structure.scores, n * m),
    }
    held = np.zeros((len(structure.scores), 1), bool)
    held[list(outer_rows)] = True
    lanes = loops.n_tiles * program.step
    per_block = max(1, lanes // m)
    width = lanes // (2 * loops.lanes_per_sum) if loops.lanes_per_sum > 1 else lanes  # the same for many m
    parts = []
    for first in range(0, z_outer.shape[1], per_block):
        some = z_outer[:, first : first + per_block]
        z = np.zeros((len(held), width), program.dtype)
        z[list(outer_rows), : some.shape[1]] = some
        parts.append(_block(run, loops, inputs, (held, z), start + first, some.shape[1], m))
    return InnerMeans(*(np.concatenate([part[k] for part in parts]) for k in ("costs", "effects")))


def outer_draws_in_a_block(n_inner_draws: int) -> int:
    """Return how many outer draws are run at once, the same on every machine."""
    return max(1, LANES[1] // n_inner_draws)


def _loops(program: Program, n: int, m: int, shared: bool) -> Loops:
    lanes_per_sum = max(size for size in SUMS if size <= max(m // 2, 1))
    lanes = LANES[0] if n * m <= LANES[0] else LANES[1]
    return Loops(program, lanes_per_sum, -(-lanes // program.step), shared)


def _block(
    run: Any, loops: Loops, inputs: Any, outer: Any, first: int, size: int, m: int
) -> dict[str, np.ndarray]:
    """Run one block of outer draws, in several passes where one outer draw exceeds a block."""
    program = loops.program
    lanes = loops.n_tiles * program.step
    assert program.model is not None
    shape = (size, len(program.model.strategies.names), 2)
    sums = {k: np.zeros(shape) for k in ("costs", "effects")}
    for skipped in range(0, max(m, 1), lanes) if m > lanes else (0,):
        todo = min(size * m - skipped, lanes) if m > lanes else size * m
        wanted = -(-todo // program.step)
        numbers = (np.uint32(first), np.uint32(skipped), np.uint32(m), np.int32(wanted))
        result = run(inputs, *outer, *numbers)
        for k in sums:
            part = _in_order(result[k], program, wanted)
            _add(sums[k], part, loops.lanes_per_sum, skipped, todo, m)
    return {k: _means(total, m, k, first) for k, total in sums.items()}


def _means(sums: np.ndarray, m: int, kind: str, first: int) -> np.ndarray:
    halves = 2 if m > 1 else 1
    mean = sums[..., :halves] / (m / halves)
    if not np.isfinite(mean).all():
        raise ModelError(
            f"The {kind} are not finite in the nested runs of outer draw {first}.",
            hint="Run the PSA first: it names the draw and the reason.",
        )
    return mean if halves == 2 else mean[..., [0, 0]]


def _add(sums: np.ndarray, part: np.ndarray, lanes_per_sum: int, skipped: int, todo: int, m: int) -> None:
    """Add sums over runs of lanes (n_strategies, n_sums) to the halves of the outer draws they belong to."""
    n_sums = -(-todo // lanes_per_sum)
    if todo == len(sums) * m:
        halves = min(m, 2)
        by_half = part[:, :n_sums].reshape(len(part), len(sums), halves, -1).sum(-1)
        sums[..., :halves] += by_half.transpose(1, 0, 2)
        return
    start = skipped + np.arange(n_sums) * lanes_per_sum
    outer, half = start // m, (start % m) * 2 // m if m > 1 else start * 0
    np.add.at(sums, (outer, slice(None), half), part[:, :n_sums].T)  # type: ignore[arg-type]


def _in_order(array: Any, program: Program, wanted: int) -> np.ndarray:
    """Bring sums (device x tiles, n_strategies, k) to (n_strategies, wanted x devices x k), in lane order."""
    n_devices = len(devices(program.device))
    by_device = np.asarray(array, float).reshape(n_devices, -1, *array.shape[1:])[:, :wanted]
    return np.moveaxis(by_device, (1, 0), (-3, -2)).reshape(array.shape[1], -1)


@lru_cache(maxsize=64)
def _compiled(loops: Loops) -> Any:
    program = loops.program
    parameters, sampler = program.parameters, program.sampler
    assert parameters is not None and sampler is not None
    tile = program.tile

    def sums(inputs: Any, held: Any, z_outer: Any, lane: Any, numbers: Any) -> Any:
        first, skipped, m = numbers
        lane = lane + skipped
        outer, inner = lane // m, lane % m
        index = inner if loops.shared else first * m + lane
        z = normal_scores(sampler, inputs["scores"], index, program.dtype)
        z = jnp.where(held, z_outer[:, jnp.minimum(outer, z_outer.shape[1] - 1)], z)
        totals = outcomes_of(program, parameters.draw(inputs["parameters"], z), inputs["model"])["totals"]
        return {k: v.reshape(v.shape[0], -1, loops.lanes_per_sum).sum(-1) for k, v in totals.items()}

    def block(inputs: Any, held: Any, z_outer: Any, first: Any, skipped: Any, m: Any, wanted: Any) -> Any:
        mine = jax.lax.axis_index("device").astype(jnp.uint32) * jnp.uint32(tile)

        def one(given: Any, i: Any) -> Any:
            inputs, held, z_outer, mine, numbers = given
            lane = mine + i.astype(jnp.uint32) * jnp.uint32(program.step) + jnp.arange(tile, dtype=jnp.uint32)
            return sums(inputs, held, z_outer, lane, numbers)

        return in_tiles(one, (inputs, held, z_outer, mine, (first, skipped, m)), loops.n_tiles, wanted)

    return on_all_devices(
        program, block, (P(),) * 7, "nested", loops.lanes_per_sum, loops.n_tiles, loops.shared
    )
