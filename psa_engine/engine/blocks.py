"""The finished blocks of a run: compiled once, run range by range, checked, and brought to the host.

A range of draws is computed from its numbers alone, so blocks may be made in any order, twice, or elsewhere.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import jax
import numpy as np

from psa_engine.engine.ahead import Ahead, together
from psa_engine.engine.compiled import TILE, Names, Program, by_name, cast, evaluated, gathered, structure_of
from psa_engine.engine.devices import configure
from psa_engine.engine.draws import draw_inputs, drawn_block
from psa_engine.engine.invalid import raise_if_invalid
from psa_engine.engine.plan import RunPlan
from psa_engine.errors import InputError
from psa_engine.model import Model
from psa_engine.parameters import ParameterSet

BLOCK = 16_384
"""Draws in a block on a CPU unless said otherwise: some hundred megabytes with every outcome."""

Range = tuple[int, int]
"""The first draw of a block and how many there are."""
Block = Mapping[str, Any]
"""`totals` and `outcomes` (name -> (n_strategies, n)), `parameters` (name -> (n,)), `clipped` (n_strategies, n)."""


class BlockRunner:
    """One model, parameter set and plan, compiled: runs any range of up to `size` draws.

    A range that memory does not hold is run in halves, and so are all after it. Raises InputError for a
    `keep` other than "all" and "totals" and for a parameter that the model needs and is not given.
    """

    def __init__(self, model: Model, parameters: ParameterSet, plan: RunPlan, *, keep: str = "all"):
        if keep not in ("all", "totals"):
            raise InputError(f"keep must be 'all' or 'totals', and is '{keep}'.")
        configure()
        self._given = (model, parameters, plan, keep)
        self.model, self.parameters, self.plan = model, parameters, plan
        self.program = Program(
            structure_of(model, parameters), parameters.structure, plan.sampler, plan.precision, plan.device,
            plan.on_invalid == "clip", keep == "totals",
        )  # fmt: skip
        dtype = self.program.dtype
        self._names = Names(parameters.structure.varying, parameters.structure.constants)
        self._draws = draw_inputs(parameters, plan.seed, plan.sampler, plan.n_draws, dtype)
        self._constants = self._draws["parameters"]["constants"]
        self._series = cast(model.inputs(), dtype)
        self.size = _tiles_in_a_block(self.program, plan) * self.program.step
        self._n_tiles = self.program.pass_tiles
        self._ready_for = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return _made, self._given  # another process compiles its own, on its own devices

    @property
    def ranges(self) -> list[Range]:
        """The blocks of the whole run."""
        n = self.plan.n_draws
        return [(first, min(self.size, n - first)) for first in range(0, n, self.size)]

    def over(self, ranges: Iterable[Range]) -> Iterator[tuple[int, Block]]:
        """Yield (first draw, block) of each range, checked."""
        for first, n in ranges:
            yield first, self.run(first, n)

    def run(self, first: int, n: int) -> Block:
        """Return one block; raises ModelError naming the first draw that is invalid or not finite."""
        result = self.unchecked(first, n)
        raise_if_invalid(self.model, self.parameters, result, first, self.plan)
        del result["slack"]
        return {**result, "clipped": result["clipped"] > 0}

    def unchecked(self, first: int, n: int) -> dict[str, Any]:
        """Return one block as the model gave it, impossible values included."""
        while True:
            try:
                result = by_name(gathered(self._passes(first, n), self.program, n))
                values = dict(zip(self._names.varying, result.pop("values"), strict=True))
                return {**result, "parameters": values}
            except (MemoryError, jax.errors.JaxRuntimeError) as error:
                if not isinstance(error, MemoryError) and "RESOURCE_EXHAUSTED" not in str(error):
                    raise
                if not self._halved():
                    raise InputError(
                        f"Memory does not hold even {self.program.step:,} draws at once.",
                        hint="Free some, leave out components with keep='totals', or use another device.",
                    ) from error

    def _halved(self) -> bool:
        """Do half as much at once from now on; return whether there was something to halve."""
        if self._n_tiles > 1:
            self._n_tiles = -(-self._n_tiles // 2)
            return True
        smaller = self.program.tile // 2
        if self.program.on_gpu and smaller >= TILE:
            self.program = replace(self.program, most=smaller)
            return True
        return False

    def prepare(self) -> None:
        """Compile what a block needs, or load it, all at the same time; done by the first block otherwise."""
        draws, run = self._programs()
        shape = (self._n_tiles * len(self.program.devices), len(self._names.varying), self.program.tile)
        values, zero = jax.ShapeDtypeStruct(shape, self.program.dtype), np.int32(0)
        together(
            (draws, (self._draws, np.uint32(0), zero)), (run, (self._series, values, self._constants, zero))
        )
        self._ready_for = self._n_tiles

    def _programs(self) -> tuple[Ahead, Ahead]:
        return (
            drawn_block(self.program.of_the_draws, self._n_tiles),
            evaluated(self.program.of_the_model, self._names, self._n_tiles),
        )

    def _passes(self, first: int, n: int) -> Iterator[tuple[int, Any]]:
        """Yield (tiles wanted, results) call by call; each call is under way before the one before is taken."""
        if self._ready_for != self._n_tiles:
            self.prepare()
        draws, run = self._programs()
        last, size = first + n, self._n_tiles * self.program.step
        ahead: list[tuple[int, Any]] = []
        for k in range(first, last, size):
            wanted = np.int32(min(self._n_tiles, -(-(last - k) // self.program.step)))
            values = draws(self._draws, np.uint32(k), wanted)
            results = run(self._series, values, self._constants, wanted)
            ahead.append((int(wanted), {"values": values, **results}))
            if len(ahead) > 1:
                yield ahead.pop(0)
        yield from ahead


def _made(model: Model, parameters: ParameterSet, plan: RunPlan, keep: str) -> BlockRunner:
    return BlockRunner(model, parameters, plan, keep=keep)


def _tiles_in_a_block(program: Program, plan: RunPlan) -> int:
    """Return the tiles a device does per block: what was asked for, or enough for the run up to BLOCK."""
    wanted = min(plan.n_draws, plan.block or BLOCK)
    tiles = -(-wanted // program.step)
    if plan.block is None:
        tiles = 1 << (tiles - 1).bit_length()  # few sizes, so that few programs are compiled
    return tiles
