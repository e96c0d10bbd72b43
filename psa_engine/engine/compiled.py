"""The compiled programs: draws and outcomes of a run of consecutive draws, tile by tile, on every device.

On a CPU a tile of draws small enough for the nearest cache goes through all its cycles before the next
one starts; on a GPU a tile is as many draws as it has threads and memory for. What is compiled depends on
structures only, so another scenario, seed or number of draws runs the same program.
"""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from psa_engine.cache import key_of
from psa_engine.engine.ahead import Ahead
from psa_engine.engine.devices import Device, Precision, devices, draws_that_fit
from psa_engine.engine.pruned import pruned
from psa_engine.model import Model, Structure, outcome_names
from psa_engine.parameters import ParameterSet, ParameterStructure, Sampler

TILE = 64
"""Draws that go through the cycles together on a CPU core (benchmarks/NOTES.md)."""
GPU_TILE = 131_072
"""Draws that a GPU works on at once: as many as the threads that an H100 holds with 64 registers each."""
NUMBERS = 256
"""Numbers that a draw and strategy takes on a GPU, on the safe side; a run that needs more halves its tile."""
PASS = 4_096
"""Draws of one call of the program on a CPU: one size, so that runs of all sizes and base cases share a program."""


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
    most: int = GPU_TILE
    """The largest tile, in draws; smaller where memory did not hold one."""

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
        if not self.on_gpu:
            return TILE
        if self.model is None:
            return self.most
        bytes_a_draw = np.dtype(self.dtype).itemsize * NUMBERS * len(self.model.strategies.names)
        return draws_that_fit(self.devices[0], bytes_a_draw, self.most)

    @property
    def step(self) -> int:
        """The draws that all devices do at once: blocks are multiples of it."""
        return self.tile * len(self.devices)

    @property
    def pass_tiles(self) -> int:
        """The tiles that a device does in one call."""
        return max(1, PASS // self.step)

    @property
    def of_the_model(self) -> "Program":
        """The part that does not depend on where the values of parameters come from."""
        device: Device = "gpu" if self.on_gpu else "cpu"
        return replace(self, parameters=None, sampler=None, device=device)

    @property
    def of_the_draws(self) -> "Program":
        """The part that does not depend on the model."""
        device: Device = "gpu" if self.on_gpu else "cpu"
        most = self.tile if self.on_gpu else self.most
        return replace(self, model=None, clip=False, totals_only=True, device=device, most=most)


def structure_of(model: Model, parameters: ParameterSet) -> Structure:
    """Return what to compile of a model whose parameters are these: some of them may be constant for good."""
    constant = {k: float(parameters.entries[k].mean) for k in parameters.structure.constants}
    return pruned(model.structure, parameters.names, constant)


def cast(inputs: Any, dtype: Any) -> Any:
    """Give floating-point arrays the precision of the run."""

    def one(x: Any) -> Any:
        x = np.asarray(x)
        return x.astype(dtype) if x.dtype.kind == "f" else x

    return jax.tree.map(one, inputs)


# Devices take tiles in turn: tile i of device d holds the draws from (i x n_devices + d) x tile on.


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

    return on_all_devices(program, block, (P(), P(None, "device"), P()), "scored", n_tiles)


@dataclass(frozen=True)
class Names:
    """The parameters of an evaluation: those with a value a draw, and those with one value for all."""

    varying: tuple[str, ...]
    constant: tuple[str, ...]


@lru_cache(maxsize=64)
def evaluated(program: Program, names: Names, n_tiles: int) -> Any:
    """Compile (inputs, values (device x tile, n_varying, draw), constants (n_constant,), tiles wanted) -> a block.

    How the values came about is not compiled: what is sampled and what is given runs the same program.
    """
    assert program.parameters is None and program.sampler is None

    def tile(given: Any, i: Any) -> Any:
        inputs, values, constants = given
        fixed = {name: constants[k] for k, name in enumerate(names.constant)}
        here = {name: values[i, k] for k, name in enumerate(names.varying)}
        return _stacked(outcomes_of(program, {**fixed, **here}, inputs))

    def block(inputs: Any, values: Any, constants: Any, wanted: Any) -> Any:
        return in_tiles(tile, (inputs, values, constants), n_tiles, wanted)

    return on_all_devices(program, block, (P(), P("device"), P(), P()), "evaluated", names, n_tiles)


def _stacked(found: dict[str, Any]) -> dict[str, Any]:
    """Put the outcomes into one array, which compiles sooner than a write of each; its key says their names."""
    names, rows = list(found["outcomes"]), list(found["outcomes"].values())
    return {**found, "outcomes": {json.dumps(names): jnp.stack(rows)} if rows else {}}


def by_name(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of `evaluated`, on the host, with their outcomes by name again."""
    found: dict[str, Any] = {}
    for names, rows in result["outcomes"].items():
        found |= zip(json.loads(names), rows, strict=True)
    return {**result, "outcomes": found}


def outcomes_of(program: Program, values: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Trace the model over a tile of draws: totals, outcomes and flags, each (n_strategies, tile)."""
    structure: Any = program.model
    if hasattr(structure, "clip"):
        structure = replace(structure, clip=program.clip)
    if hasattr(structure, "kernel") and program.on_gpu and os.environ.get("PSA_ENGINE_KERNEL") != "plain":
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


def on_all_devices(program: Program, block: Any, specs: tuple[Any, ...], *key: Any) -> Ahead:
    """Compile a block for every device at once; each finds its place as axis "device".

    `key` is what the block closes over besides the program, so that it may be kept on disk; none where it is not to be.
    """
    mesh = Mesh(np.array(program.devices), ("device",))
    mapped = jax.shard_map(block, mesh=mesh, in_specs=specs, out_specs=P("device"), check_vma=False)
    shardings = {
        "in_shardings": tuple(NamedSharding(mesh, spec) for spec in specs),
        "out_shardings": NamedSharding(mesh, P("device")),
    }
    return Ahead(jax.jit(mapped, **shardings), shardings, _key(program, *key) if key else None)


def _key(program: Program, *more: Any) -> str | None:
    """Return the digest of a program, None for a model that does not say what it was built from, or for a GPU."""
    structure: Any = program.model
    if program.on_gpu or (structure is not None and getattr(structure, "identity", None) is None):
        return None
    model = structure and (structure.identity, structure.live)
    parts = replace(program, model=None), len(program.devices), program.tile
    return key_of(model, *parts, *more)


def on_host(result: Mapping[str, Any], program: Program, wanted: int, n: int) -> dict[str, Any]:
    """Bring a block's results, (device x tiles, ..., tile), to the host as (..., n)."""
    return gathered([(wanted, result)], program, n)


def gathered(passes: Iterable[tuple[int, Mapping[str, Any]]], program: Program, n: int) -> dict[str, Any]:
    """Bring the results of passes, each (tiles wanted, results as in `on_host`), to the host one after another."""
    tiles, n_devices = -(-n // program.step), len(program.devices)
    held: list[np.ndarray] = []
    tree, at = None, 0
    for wanted, result in passes:
        arrays, tree = jax.tree.flatten(dict(result))
        held = held or [np.empty((*a.shape[1:-1], tiles, n_devices, a.shape[-1]), a.dtype) for a in arrays]
        for out, array in zip(held, arrays, strict=True):
            n_tiles = array.shape[0] // n_devices
            for shard in array.addressable_shards:
                device = (shard.index[0].start or 0) // n_tiles
                here = np.moveaxis(np.asarray(shard.data)[:wanted], 0, -2)
                out[..., at : at + wanted, device, :] = here
        at += wanted
    assert tree is not None and at == tiles, "Some draws were not computed."
    return tree.unflatten([h.reshape(*h.shape[:-3], tiles * program.step)[..., :n] for h in held])
