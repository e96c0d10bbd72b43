"""The compiled programs: draws and outcomes of a run of consecutive draws, tile by tile, on every device.

On a CPU a tile of draws small enough for the nearest cache goes through all its cycles before the next
one starts; on a GPU the whole block is one tile. What is compiled depends on structures only, so another
scenario, seed or number of draws runs the same program.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from psa_engine.engine.devices import Device, Precision, devices
from psa_engine.model import Model, Structure, outcome_names
from psa_engine.parameters import ParameterSet, ParameterStructure, Sampler, normal_scores

TILE = 64
"""Draws that go through the cycles together on a CPU core (benchmarks/NOTES.md)."""
GPU_TILE = 65_536


@dataclass(frozen=True)
class Program:
    """What one compiled program is made for; two equal programs are one compilation."""

    model: Structure | None
    parameters: ParameterStructure | None
    sampler: Sampler | None
    precision: Precision
    device: Device
    clip: bool
    totals_only: bool

    @property
    def dtype(self) -> Any:
        return np.float64 if self.precision == "double" else np.float32

    @property
    def devices(self) -> list[Any]:
        return devices(self.device)

    @property
    def on_gpu(self) -> bool:
        return self.devices[0].platform != "cpu"

    @property
    def tile(self) -> int:
        return GPU_TILE if self.on_gpu else TILE

    @property
    def step(self) -> int:
        """The draws that all devices do at once: blocks are multiples of it."""
        return self.tile * len(self.devices)


def structure_of(model: Model, parameters: ParameterSet) -> Structure:
    """Return what to compile of a model whose parameters are these: some of them may be constant for good."""
    structure: Any = model.structure
    if not hasattr(structure, "given"):
        return structure
    constant = {k: float(parameters.entries[k].mean) for k in parameters.structure.constants}
    return structure.given(parameters.names, constant)


def cast(inputs: Any, dtype: Any) -> Any:
    """Give floating-point arrays the precision of the run."""

    def one(x: Any) -> Any:
        x = np.asarray(x)
        return x.astype(dtype) if x.dtype.kind == "f" else x

    return jax.tree.map(one, inputs)


# Devices take tiles in turn: tile i of device d holds the draws from (i x n_devices + d) x tile on.


@lru_cache(maxsize=64)
def sampled(program: Program, n_tiles: int) -> Any:
    """Compile (model inputs, parameter inputs, score inputs, first draw, tiles wanted) -> a block of results."""
    assert program.parameters is not None and program.sampler is not None
    draw, sampler, dtype = program.parameters.draw, program.sampler, program.dtype

    def tile(given: Any, i: Any) -> dict[str, Any]:
        inputs, mine = given
        index = mine + i.astype(jnp.uint32) * program.step + jnp.arange(program.tile, dtype=jnp.uint32)
        z = normal_scores(sampler, inputs["scores"], index, dtype)
        values = draw(inputs["parameters"], z)
        varying = {k: v for k, v in values.items() if jnp.ndim(v)}
        return {"parameters": varying, **outcomes_of(program, values, inputs["model"])}

    def block(inputs: Any, first: Any, wanted: Any) -> Any:
        mine = first + jax.lax.axis_index("device").astype(jnp.uint32) * jnp.uint32(program.tile)
        return in_tiles(tile, (inputs, mine), n_tiles, wanted)

    return on_all_devices(program, block, (P(), P(), P()))


@lru_cache(maxsize=64)
def scored(program: Program, n_tiles: int) -> Any:
    """Compile (inputs, independent scores (tile, device, n_scores, draw), tiles wanted) -> a block of results."""
    assert program.parameters is not None
    draw = program.parameters.draw

    def tile(given: Any, i: Any) -> Any:
        inputs, z = given
        return outcomes_of(program, draw(inputs["parameters"], z[i, 0]), inputs["model"])

    def block(inputs: Any, z: Any, wanted: Any) -> Any:
        return in_tiles(tile, (inputs, z), n_tiles, wanted)

    return on_all_devices(program, block, (P(), P(None, "device"), P()))


@lru_cache(maxsize=64)
def evaluated(program: Program, n_tiles: int) -> Any:
    """Compile (model inputs, values (tile, device, draw), constants, tiles wanted) -> a block of results."""

    def tile(given: Any, i: Any) -> Any:
        inputs, values, constants = given
        here = {k: v[i, 0] for k, v in values.items()}
        return outcomes_of(program, {**here, **constants}, inputs["model"])

    def block(inputs: Any, values: Any, constants: Any, wanted: Any) -> Any:
        return in_tiles(tile, (inputs, values, constants), n_tiles, wanted)

    return on_all_devices(program, block, (P(), P(None, "device"), P(), P()))


def outcomes_of(program: Program, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Trace the model over a tile of draws: totals, outcomes and flags, each (n_strategies, tile)."""
    structure: Any = program.model
    if hasattr(structure, "clip"):
        structure = replace(structure, clip=program.clip)
    if hasattr(structure, "kernel") and program.on_gpu and os.environ.get("PSA_ENGINE_KERNEL") == "pallas":
        from psa_engine.cohort.pallas import run_cycles

        structure = replace(structure, kernel=run_cycles)
    varying = {k: v for k, v in values.items() if jnp.ndim(v)}
    constants = {k: v for k, v in values.items() if not jnp.ndim(v)}

    def one(draw: Mapping[str, Any]) -> Any:
        return structure.simulate({**draw, **constants}, inputs)

    result = jax.vmap(one, out_axes=-1, axis_size=program.tile)(varying)
    shape = (len(structure.strategies.names), program.tile)
    outcomes = {k: jnp.broadcast_to(v, shape).astype(program.dtype) for k, v in result.outcomes.items()}
    for template, names in zip(outcomes, outcome_names(outcomes, structure.strategies), strict=True):
        if None in names:  # the outcome of no drug: not in the total either
            applies = np.array([[name is not None] for name in names])
            outcomes[template] = jnp.where(applies, outcomes[template], 0)
    totals = {
        kind: sum(
            (v for k, v in outcomes.items() if k.startswith(f"{kind}.")), jnp.zeros(shape, program.dtype)
        )
        for kind in ("costs", "effects")
    }
    kept = {} if program.totals_only else outcomes
    flags = {k: jnp.broadcast_to(getattr(result, k), shape) for k in ("slack", "clipped")}
    return {"totals": totals, "outcomes": kept, **flags}


def in_tiles(tile: Any, inputs: Any, n_tiles: int, wanted: Any) -> Any:
    """Run `wanted` of at most `n_tiles` tiles one after another; results gain a leading tile axis.

    `tile(inputs, i)` is traced once: jit remembers its trace between asking for shapes and the loop.
    """
    tile = jax.jit(tile)
    shapes = jax.eval_shape(tile, inputs, jnp.int32(0))
    empty = jax.tree.map(lambda s: jnp.zeros((n_tiles, *s.shape), s.dtype), shapes)

    def body(i: Any, held: Any) -> Any:
        return jax.tree.map(lambda h, new: h.at[i].set(new), held, tile(inputs, i))

    return jax.lax.fori_loop(jnp.int32(0), wanted, body, empty)


def on_all_devices(program: Program, block: Any, specs: tuple[Any, ...]) -> Any:
    """Compile a block for every device at once; each finds its place as axis "device"."""
    mesh = Mesh(np.array(program.devices), ("device",))
    mapped = jax.shard_map(block, mesh=mesh, in_specs=specs, out_specs=P("device"), check_vma=False)
    return jax.jit(mapped, out_shardings=NamedSharding(mesh, P("device")))


def on_host(result: Mapping[str, Any], program: Program, wanted: int, n: int) -> dict[str, Any]:
    """Bring a block's results, (device x tiles, ..., tile), to the host as (..., n)."""
    n_devices = len(program.devices)

    def one(array: Any) -> np.ndarray:
        by_device = np.asarray(array).reshape(n_devices, -1, *array.shape[1:])[:, :wanted]
        last = np.moveaxis(by_device, (1, 0), (-3, -2))
        return last.reshape(*last.shape[:-3], -1)[..., :n]

    return jax.tree.map(one, dict(result))
