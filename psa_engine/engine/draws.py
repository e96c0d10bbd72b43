"""Draws of the parameters alone, without a model."""

from functools import lru_cache
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

from psa_engine.engine.compiled import Program, cast, in_tiles, on_all_devices, on_host
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
    program = Program(None, parameters.structure, sampler, precision, device, False, True)
    wanted = -(-n_draws // program.step)
    inputs = {
        "parameters": cast(parameters.inputs(), program.dtype),
        "scores": score_inputs(sampler, seed, parameters.structure.scores, n_draws),
    }
    run = _compiled(program, 1 << (wanted - 1).bit_length())
    return on_host(run(inputs, np.int32(wanted)), program, wanted, n_draws)


@lru_cache(maxsize=16)
def _compiled(program: Program, n_tiles: int) -> Any:
    structure, sampler = program.parameters, program.sampler
    assert structure is not None and sampler is not None

    def tile(given: Any, i: Any) -> Any:
        inputs, mine = given
        index = mine + i.astype(jnp.uint32) * program.step + jnp.arange(program.tile, dtype=jnp.uint32)
        values = structure.draw(
            inputs["parameters"], normal_scores(sampler, inputs["scores"], index, program.dtype)
        )
        return {k: v for k, v in values.items() if jnp.ndim(v)}

    def block(inputs: Any, wanted: Any) -> Any:
        mine = lax.axis_index("device").astype(jnp.uint32) * jnp.uint32(program.tile)
        return in_tiles(tile, (inputs, mine), n_tiles, wanted)

    return on_all_devices(program, block, (P(), P()))
