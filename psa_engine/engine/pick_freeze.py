"""The model on a design: the same draws again and again, each time with one combination of scores frozen.

Scores z are drawn once; a design (u, a) moves every draw along the unit vector u to where u'z = a, which
draws all scores conditionally on u'z = a exactly (a projection of independent normal scores).
"""

from functools import lru_cache
from typing import Any

import numpy as np
from jax.sharding import PartitionSpec as P

from psa_engine.engine.compiled import Program, cast, in_tiles, on_all_devices, outcomes_of
from psa_engine.engine.devices import devices
from psa_engine.engine.progress import Advance
from psa_engine.errors import InputError, ModelError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet

LANES = 2**16
"""Model runs of a device in one call on a CPU; a GPU does four times as many."""
DESIGNS = 256
"""Designs in one call."""


def design_means(
    model: Model,
    parameters: ParameterSet,
    z: np.ndarray,
    directions: np.ndarray,
    targets: np.ndarray,
    n_groups: int,
    *,
    program: Program,
    advance: Advance | None = None,
) -> np.ndarray:
    """Return mean costs and effects (n_designs, 2, n_strategies, n_groups) over runs of consecutive draws.

    `z` (n_scores, n) independent normal scores, `directions` (n_designs, n_scores) unit vectors (zero
    freezes nothing), `targets` (n_designs,); n is a multiple of n_groups. Raises InputError where it is
    not, ModelError where a result is not finite.
    """
    n = z.shape[1]
    if n % n_groups:
        raise InputError(f"{n} draws do not divide into {n_groups} groups of equal length.")
    held = _tiles_held(program)
    per_call = held * program.step
    inputs = {
        "model": cast(model.inputs(), program.dtype),
        "parameters": cast(parameters.inputs(), program.dtype),
    }
    group = np.arange(n) * n_groups // n
    out = np.zeros((len(targets), 2, len(model.structure.strategies.names), n_groups))
    for first in range(0, n, per_call):
        here = slice(first, min(first + per_call, n))
        tiled, n_tiles = _tiled(z[:, here], program, held)
        for low in range(0, len(targets), max(1, min(DESIGNS, held // n_tiles))):
            some = slice(low, low + max(1, min(DESIGNS, held // n_tiles)))
            runs = _run(program, held, inputs, tiled, n_tiles, (directions[some], targets[some]))
            _add(out[some], runs[..., : here.stop - first], group[here])
            if advance is not None:
                advance(len(runs) * (here.stop - first))
    if not np.isfinite(out).all():
        raise ModelError(
            "The costs or effects of some draws are not finite.",
            hint="Run the PSA first: it names the draw and the reason.",
        )
    return out / (n // n_groups)


def _tiles_held(program: Program) -> int:
    """Return how many tiles of results a device holds in one call."""
    return max(1, (4 * LANES if program.on_gpu else LANES) // program.tile)


def _tiled(z: np.ndarray, program: Program, held: int) -> tuple[np.ndarray, int]:
    """Lay draws (n_scores, n) out as (held, device, n_scores, tile); return them and the tiles filled."""
    n_tiles = -(-z.shape[1] // program.step)
    padded = np.zeros((len(z), held * program.step), program.dtype)
    padded[:, : z.shape[1]] = z
    shape = (len(z), held, len(devices(program.device)), program.tile)
    return np.ascontiguousarray(padded.reshape(shape).transpose(1, 2, 0, 3)), n_tiles


def _run(
    program: Program,
    held: int,
    inputs: Any,
    tiled: np.ndarray,
    n_tiles: int,
    designs: tuple[np.ndarray, np.ndarray],
) -> np.ndarray:
    """Return the results (n_designs, 2, n_strategies, draws) of one call."""
    directions = np.zeros((DESIGNS, tiled.shape[2]), program.dtype)
    targets = np.zeros(DESIGNS, program.dtype)
    n_designs = len(designs[1])
    directions[:n_designs], targets[:n_designs] = designs
    wanted = n_designs * n_tiles
    result = _compiled(program, held)(inputs, tiled, directions, targets, np.int32(n_tiles), np.int32(wanted))
    both = np.stack([np.asarray(result[k]) for k in ("costs", "effects")], 1)
    n_devices = len(devices(program.device))
    items = both.reshape(n_devices, held, *both.shape[1:])[:, :wanted]
    by_design = items.reshape(n_devices, n_designs, n_tiles, *both.shape[1:])
    in_order = by_design.transpose(1, 3, 4, 2, 0, 5)
    return in_order.reshape(*in_order.shape[:3], -1)


def _add(out: np.ndarray, runs: np.ndarray, group: np.ndarray) -> None:
    """Add runs (n_designs, 2, n_strategies, n) to the sums of the groups they belong to."""
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    out[..., group[starts]] += np.add.reduceat(runs, starts, axis=-1, dtype=float)


@lru_cache(maxsize=64)
def _compiled(program: Program, held: int) -> Any:
    assert program.parameters is not None
    draw = program.parameters.draw

    def block(inputs: Any, z: Any, directions: Any, targets: Any, n_tiles: Any, wanted: Any) -> Any:
        def item(i: Any) -> Any:
            design, base = i // n_tiles, z[i % n_tiles, 0]
            along = directions[design][:, None]
            moved = base + along * (targets[design] - (along * base).sum(0))
            return outcomes_of(program, draw(inputs["parameters"], moved), inputs["model"])["totals"]

        return in_tiles(item, held, wanted)

    return on_all_devices(program, block, (P(), P(None, "device"), P(), P(), P(), P()))
