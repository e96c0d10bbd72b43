"""The model at given parameter values: a base case, or any table of draws."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from psa_engine.engine.compiled import Names, Program, by_name, cast, evaluated, on_host
from psa_engine.engine.devices import Device, Precision, configure
from psa_engine.engine.invalid import raise_if_invalid
from psa_engine.engine.plan import RunPlan
from psa_engine.engine.pruned import pruned
from psa_engine.engine.run import Collected
from psa_engine.errors import InputError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample

MOST_GROUPS = 16
"""Calls of a PSA's program, one for each value of its constants, that are quicker than to compile another program."""


def evaluate(
    model: Model,
    values: Mapping[str, Any],
    *,
    parameters: ParameterSet | None = None,
    precision: Precision = "double",
    device: Device = "auto",
    on_invalid: str = "stop",
) -> PsaSample:
    """Run the model at given parameter values, each a number or (n,) array, and return them as a sample.

    With the `parameters` of a PSA its compiled program serves, also for a few other values of its constants.
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
    groups = _alike(arrays, parameters, n)
    results = [_at(model, _rows(arrays, rows, parameters), plan, parameters, len(rows)) for rows in groups]
    result = {**_in_order(groups, results), "parameters": varying}
    fixed = ParameterSet({k: float(v) for k, v in arrays.items() if not v.ndim})
    raise_if_invalid(model, fixed, result, 0, plan)
    collected = Collected(model.structure.strategies, n, tuple(varying))
    collected.add(0, result)
    return collected.sample(None, {"clipped": collected.n_clipped})


def _alike(arrays: Mapping[str, np.ndarray], parameters: ParameterSet | None, n: int) -> list[np.ndarray]:
    """Return the rows that agree on the constants of a PSA, for each a call of its program; where few calls do."""
    every = [np.arange(n)]
    if parameters is None or not _known(arrays, parameters):
        return every
    differ = [k for k in parameters.structure.constants if arrays[k].ndim]
    if not differ:
        return every
    _, group = np.unique(np.stack([arrays[k] for k in differ], 1), axis=0, return_inverse=True)
    groups = [np.flatnonzero(group.ravel() == g) for g in range(group.max() + 1)]
    return groups if len(groups) <= MOST_GROUPS else every


def _known(arrays: Mapping[str, np.ndarray], parameters: ParameterSet) -> bool:
    return set(parameters.names) == set(arrays)


def _rows(
    arrays: Mapping[str, np.ndarray], rows: np.ndarray, parameters: ParameterSet | None
) -> dict[str, np.ndarray]:
    """Return the values of some rows, constants of a PSA as one number where they agree."""
    constant = parameters.structure.constants if parameters is not None else ()
    here = {k: v[rows] if v.ndim else v for k, v in arrays.items()}
    agree = {k: v[0] for k, v in here.items() if k in constant and v.ndim and (v == v[0]).all()}
    return {**here, **agree}


def _at(
    model: Model, values: Mapping[str, np.ndarray], plan: RunPlan, parameters: ParameterSet | None, n: int
) -> dict[str, Any]:
    program, run, arguments = on_devices(model, values, plan, parameters, n)
    return by_name(on_host(run(*arguments), program, int(arguments[-1]), n))


def _in_order(groups: list[np.ndarray], results: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the results of groups of rows together in the order of the rows."""
    if len(groups) == 1:
        return results[0]
    order = np.argsort(np.concatenate(groups))
    return jax.tree.map(lambda *parts: np.concatenate(parts, axis=-1)[..., order], *results)


def on_devices(
    model: Model,
    values: Mapping[str, np.ndarray],
    plan: RunPlan,
    parameters: ParameterSet | None = None,
    n: int | None = None,
) -> tuple[Program, Any, tuple]:
    """Return the program, its compiled function and arguments that give n outcomes at values, each () or (n,).

    What has one value a draw is what varies in a PSA of `parameters`. Without them it is everything up to a call's
    worth of draws, so that every small table of values runs the same program, and beyond it what does vary.
    """
    configure()
    program = Program(
        model.structure, None, None, plan.precision, plan.device, plan.on_invalid == "clip", totals_only=False
    ).of_the_model
    n = n or max([len(v) for v in values.values() if v.ndim], default=1)
    least = program.pass_tiles
    names = _names(values, parameters, n <= least * program.step)
    constants = {k: float(values[k]) for k in names.constant}
    if constants:
        program = replace(program, model=pruned(model.structure, tuple(values), constants))
    wanted = -(-n // program.step)
    n_tiles = max(least, 1 << (wanted - 1).bit_length())
    table = np.array([np.broadcast_to(values[k], n) for k in names.varying]).reshape(-1, n)
    arguments = (
        cast(model.inputs(), program.dtype),
        _tiles(table, n_tiles, program),
        np.array(list(constants.values()), program.dtype),
        np.int32(wanted),
    )
    return program, evaluated(program, names, n_tiles), arguments


def _names(values: Mapping[str, np.ndarray], parameters: ParameterSet | None, few: bool) -> Names:
    if parameters is not None and _known(values, parameters):
        structure = parameters.structure
        if not any(values[k].ndim for k in structure.constants):
            return Names(structure.varying, structure.constants)
    varying = tuple(k for k, v in values.items() if few or v.ndim)
    return Names(varying, tuple(k for k in values if k not in varying))


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


def _tiles(table: np.ndarray, n_tiles: int, program: Program) -> np.ndarray:
    """Lay values (n_varying, n) out as (device x tile, n_varying, draw), the last draw repeated to fill up."""
    short = n_tiles * program.step - table.shape[1]
    whole = np.pad(table, ((0, 0), (0, short)), mode="edge").astype(program.dtype)
    by_place = whole.reshape(len(table), n_tiles, len(program.devices), program.tile).transpose(2, 1, 0, 3)
    return np.ascontiguousarray(by_place.reshape(n_tiles * len(program.devices), *by_place.shape[2:]))


def base_case(model: Model, parameters: ParameterSet, *, on_invalid: str = "stop") -> PsaSample:
    """Return the deterministic base case, every parameter at its mean, as a sample of one draw."""
    return evaluate(model, parameters.means(), parameters=parameters, device="cpu", on_invalid=on_invalid)
