"""The model on a design: the same draws again and again, each time with one combination of scores frozen.

Scores z are drawn once; a design (u, a) moves every draw along the unit vector u to where u'z = a, which
draws all scores conditionally on u'z = a exactly (a projection of independent normal scores).
"""

from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from psa_engine.engine.compiled import Program, cast, in_tiles, on_all_devices, outcomes_of
from psa_engine.engine.devices import devices
from psa_engine.errors import InputError, ModelError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet

TOGETHER = 16
"""Draws of which only the sum leaves the device."""
DESIGNS = 256
"""Designs in one call."""
DRAWS = 2**13
"""Draws that a CPU core keeps for all designs, and that are added up together."""
RUNS = 2**17
"""Model runs of a CPU core in one call."""


def parts_of(n: int, n_groups: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the parts in which n draws are added up, and the group (n_parts,) of each.

    `TOGETHER` neighbours are always in one part: the first array (n / TOGETHER,) numbers it from 0 upwards. Groups
    are of consecutive draws; no part reaches over a multiple of `DRAWS`, so that sums are the same on all devices.
    Raises InputError where n is not a multiple of `TOGETHER` x n_groups.
    """
    if n % (TOGETHER * n_groups):
        raise InputError(f"{n} draws do not divide into {n_groups} groups of a multiple of {TOGETHER}.")
    first = np.arange(n // TOGETHER) * TOGETHER
    group = first // (n // n_groups)
    new = (np.diff(group, prepend=0) != 0) | (first % DRAWS == 0)
    return np.cumsum(new) - 1, group[new]


def design_sums(
    model: Model,
    parameters: ParameterSet,
    z: np.ndarray,
    directions: np.ndarray,
    targets: np.ndarray,
    part: np.ndarray,
    *,
    program: Program,
) -> np.ndarray:
    """Return sums of costs and effects (n_designs, 2, n_strategies, n_parts) over parts of the draws: see `parts_of`.

    `z` (n_scores, n) independent normal scores, `directions` (n_designs, n_scores) unit vectors (zero
    freezes nothing), `targets` (n_designs,). Raises ModelError where a result is not finite.
    """
    run = _Run(model, parameters, program)
    blocks = [run.of(z[:, k : k + run.n_draws], directions, targets, part[k // TOGETHER :])
              for k in range(0, z.shape[1], run.n_draws)]  # fmt: skip
    out = np.concatenate(blocks, axis=-1)
    if not np.isfinite(out).all():
        raise ModelError(
            "The costs or effects of some draws are not finite.",
            hint="Run the PSA first: it names the draw and the reason.",
        )
    return out


class _Run:
    """One model and parameter set on the devices, ready for draws and designs."""

    def __init__(self, model: Model, parameters: ParameterSet, program: Program):
        self.program, self.mesh = program, Mesh(np.array(devices(program.device)), ("device",))
        self.n_devices = len(devices(program.device))
        self.n_items = max(1, RUNS * (4 if program.on_gpu else 1) // program.tile)
        self.n_held = max(1, min(self.n_items, DRAWS // program.tile))
        self.n_draws = self.n_held * program.step
        self.inputs = {
            "model": cast(model.inputs(), program.dtype),
            "parameters": cast(parameters.inputs(), program.dtype),
        }

    def placed(self, z: np.ndarray) -> Any:
        """Put draws (n_scores, n) on the devices as (n_held, device, n_scores, tile)."""
        padded = np.zeros((len(z), self.n_draws), self.program.dtype)
        padded[:, : z.shape[1]] = z
        tiled = padded.reshape(len(z), self.n_held, self.n_devices, -1).transpose(1, 2, 0, 3)
        return jax.device_put(tiled, NamedSharding(self.mesh, P(None, "device")))

    def of(self, z: np.ndarray, directions: np.ndarray, targets: np.ndarray, part: np.ndarray) -> np.ndarray:
        """Return sums (n_designs, 2, n_strategies, n_parts) over draws that the devices hold at once."""
        base, n_tiles = self.placed(z), -(-z.shape[1] // self.program.step)
        n_sums = z.shape[1] // TOGETHER
        starts = np.flatnonzero(np.diff(part[:n_sums], prepend=-1))
        at_once = max(1, min(DESIGNS, self.n_items // n_tiles))
        found = []
        for low in range(0, len(targets), at_once):
            some = slice(low, low + at_once)
            sums = self.sums(base, n_tiles, directions[some], targets[some])
            found.append(np.add.reduceat(sums[..., :n_sums], starts, axis=-1))
        return np.concatenate(found)

    def sums(self, base: Any, n_tiles: int, directions: np.ndarray, targets: np.ndarray) -> np.ndarray:
        """Return sums (n_designs, 2, n_strategies, n_tiles x step / TOGETHER) of one call."""
        u = np.zeros((DESIGNS, directions.shape[1]), self.program.dtype)
        a = np.zeros(DESIGNS, self.program.dtype)
        u[: len(targets)], a[: len(targets)] = directions, targets
        wanted = len(targets) * n_tiles
        run = _compiled(self.program, self.n_items)
        result = run(self.inputs, base, u, a, np.int32(n_tiles), np.int32(wanted))
        items = np.asarray(result, float).reshape(self.n_devices, self.n_items, *result.shape[1:])[:, :wanted]
        by_design = items.reshape(self.n_devices, len(targets), n_tiles, *items.shape[2:])
        in_order = by_design.transpose(1, 3, 4, 2, 0, 5)
        return in_order.reshape(*in_order.shape[:3], -1)


@lru_cache(maxsize=64)
def _compiled(program: Program, n_items: int) -> Any:
    assert program.parameters is not None
    draw = program.parameters.draw

    def item(given: Any, i: Any) -> Any:
        inputs, z, directions, targets, n_tiles = given
        design, base = i // n_tiles, z[i % n_tiles, 0]
        along = directions[design][:, None]
        moved = base + along * (targets[design] - (along * base).sum(0))
        totals = outcomes_of(program, draw(inputs["parameters"], moved), inputs["model"])["totals"]
        both = jax.numpy.stack([totals["costs"], totals["effects"]])
        return both.reshape(*both.shape[:2], -1, TOGETHER).sum(-1)

    def block(inputs: Any, z: Any, directions: Any, targets: Any, n_tiles: Any, wanted: Any) -> Any:
        return in_tiles(item, (inputs, z, directions, targets, n_tiles), n_items, wanted)

    return on_all_devices(
        program, block, (P(), P(None, "device"), P(), P(), P(), P()), "pick-freeze", n_items
    )
