"""The model at given parameter values: a base case, or any table of draws."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from psa_engine.engine.compiled import Program, cast, evaluated, on_host
from psa_engine.engine.devices import Device, Precision, configure, devices
from psa_engine.engine.invalid import raise_if_invalid
from psa_engine.engine.plan import RunPlan
from psa_engine.engine.run import Collected
from psa_engine.errors import InputError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample


def evaluate(
    model: Model,
    values: Mapping[str, Any],
    *,
    precision: Precision = "double",
    device: Device = "auto",
    on_invalid: str = "stop",
) -> PsaSample:
    """Run the model at given parameter values, each a number or (n,) array, and return them as a sample.

    Raises InputError where lengths differ or a parameter is missing or no number, ModelError where an
    outcome is invalid.
    """
    plan = RunPlan(precision=precision, device=device, on_invalid=on_invalid)  # type: ignore[arg-type]
    arrays = {k: _array(k, v) for k, v in values.items()}
    varying = {k: v for k, v in arrays.items() if v.ndim}
    lengths = {len(v) for v in varying.values()} or {1}
    if len(lengths) > 1:
        raise InputError(f"The parameter values have different lengths: {sorted(lengths)}.")
    n = lengths.pop()
    program, run, arguments = on_devices(model, arrays, plan)
    wanted = int(arguments[-1])
    result = run(*arguments)
    result = {**on_host(result, program, wanted, n), "parameters": varying}
    fixed = ParameterSet({k: float(v) for k, v in arrays.items() if not v.ndim})
    raise_if_invalid(model, fixed, result, 0, plan)
    collected = Collected(model.structure.strategies, n, tuple(varying))
    collected.add(0, result)
    return collected.sample(None, {"clipped": collected.n_clipped})


def on_devices(model: Model, values: Mapping[str, np.ndarray], plan: RunPlan) -> tuple[Program, Any, tuple]:
    """Return the program, its compiled function and arguments that give outcomes at values, each () or (n,).

    Up to a tile a device all values are given a draw each, so that a base case and every small table of
    values run the same program; beyond, what is constant makes it faster.
    """
    configure()
    device: Device = "cpu" if devices(plan.device)[0].platform == "cpu" else "gpu"
    program = Program(
        model.structure, None, None, plan.precision, device, plan.on_invalid == "clip", totals_only=False
    )
    n = max([len(v) for v in values.values() if v.ndim], default=1)
    if n <= program.step:
        values = {k: np.broadcast_to(v, n) for k, v in values.items()}
    elif hasattr(model.structure, "given"):
        structure: Any = model.structure
        constant = {k: float(v) for k, v in values.items() if not v.ndim}
        program = replace(program, model=structure.given(values, constant))
    varying = {k: v for k, v in values.items() if v.ndim}
    constants = cast({k: v for k, v in values.items() if not v.ndim}, program.dtype)
    wanted = -(-n // program.step)
    n_tiles = 1 << (wanted - 1).bit_length()
    padded = {k: _tiles(v, n_tiles, program) for k, v in varying.items()}
    inputs = {"model": cast(model.inputs(), program.dtype)}
    return program, evaluated(program, n_tiles), (inputs, padded, constants, np.int32(wanted))


def _array(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value, float)
    except (TypeError, ValueError):
        array = np.zeros((0, 0))
    if array.ndim > 1:
        raise InputError(f"The value of '{name}' is not a number or a list of numbers.")
    if not array.size:
        raise InputError(f"The list of values of '{name}' is empty.")
    return array


def _tiles(value: np.ndarray, n_tiles: int, program: Program) -> np.ndarray:
    """Lay values out as (tile, device, draw), the last draw repeated to fill up."""
    short = n_tiles * program.step - len(value)
    whole = np.concatenate([value, np.repeat(value[-1:], short)]).astype(program.dtype)
    return whole.reshape(n_tiles, len(program.devices), program.tile)


def base_case(model: Model, parameters: ParameterSet, *, on_invalid: str = "stop") -> PsaSample:
    """Return the deterministic base case, every parameter at its mean, as a sample of one draw."""
    return evaluate(model, parameters.means(), device="cpu", on_invalid=on_invalid)
