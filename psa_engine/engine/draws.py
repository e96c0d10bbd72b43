"""Draws of the parameters, by a program that knows no model."""

from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

from psa_engine.engine.compiled import Program, cast, gathered, in_tiles, on_all_devices
from psa_engine.engine.devices import Device, Precision, configure
from psa_engine.parameters import ParameterSet, Sampler, normal_scores, score_inputs


def drawn(
    parameters: ParameterSet,
    n_draws: int,
    seed: int = 1,
    *,
    sampler: Sampler = "random",
    precision: Precision = "double",
    device: Device = "auto",
) -> dict[str, np.ndarray]:
    """Return parameter -> (n_draws,), the very draws of `run_psa`, constants left out."""
    configure()
    program = Program(None, parameters.structure, sampler, precision, device, False, True).of_the_draws
    inputs = draw_inputs(parameters, seed, sampler, n_draws, program.dtype)
    run, at_once = drawn_block(program, program.pass_tiles), program.pass_tiles * program.step
    passes = (
        (wanted, {"values": run(inputs, np.uint32(first), np.int32(wanted))})
        for first in range(0, n_draws, at_once)
        for wanted in [-(-min(at_once, n_draws - first) // program.step)]
    )
    values = gathered(passes, program, n_draws)["values"]
    return dict(zip(parameters.structure.varying, values, strict=True))


def draw_inputs(
    parameters: ParameterSet, seed: int, sampler: Sampler, n_draws: int, dtype: Any
) -> dict[str, Any]:
    """Return what `drawn_block` reads of a run of `n_draws`."""
    return {
        "parameters": cast(parameters.inputs(), dtype),
        "scores": score_inputs(sampler, seed, parameters.structure.scores, n_draws),
    }


@lru_cache(maxsize=64)
def drawn_block(program: Program, n_tiles: int) -> Any:
    """Compile (`draw_inputs`, first draw, tiles wanted) -> values (device x tile, n_varying, draw)."""
    structure, sampler = program.parameters, program.sampler
    assert structure is not None and sampler is not None
    varying = structure.varying

    def tile(given: Any, i: Any) -> Any:
        inputs, mine = given
        index = mine + i.astype(jnp.uint32) * program.step + jnp.arange(program.tile, dtype=jnp.uint32)
        z = normal_scores(sampler, inputs["scores"], index, program.dtype)
        values = structure.draw(inputs["parameters"], z)
        return (
            jnp.stack([values[name] for name in varying])
            if varying
            else jnp.zeros((0, program.tile), program.dtype)
        )

    def block(inputs: Any, first: Any, wanted: Any) -> Any:
        mine = first + lax.axis_index("device").astype(jnp.uint32) * jnp.uint32(program.tile)
        return in_tiles(tile, (inputs, mine), n_tiles, wanted)

    return on_all_devices(program, block, (P(), P(), P()), "drawn", n_tiles)
