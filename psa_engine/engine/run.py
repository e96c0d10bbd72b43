"""`run_psa`: the sample, block by block."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from psa_engine.engine.compiled import Program, cast, on_host, sampled
from psa_engine.engine.devices import Device, Precision, configure, devices, versions
from psa_engine.engine.invalid import raise_if_invalid
from psa_engine.engine.plan import OnInvalid, RunPlan
from psa_engine.engine.progress import progress_bar
from psa_engine.errors import InputError
from psa_engine.model import Model, Strategies, outcome_names
from psa_engine.parameters import ParameterSet, Sampler, score_inputs
from psa_engine.sample import PsaSample

BLOCK = 16_384
"""Draws in a block on a CPU unless said otherwise: some hundred megabytes with every outcome."""


def run_psa(
    model: Model,
    parameters: ParameterSet,
    n_draws: int | None = None,
    seed: int | None = None,
    *,
    plan: RunPlan | None = None,
    sampler: Sampler | None = None,
    precision: Precision | None = None,
    block: int | None = None,
    device: Device | None = None,
    on_invalid: OnInvalid | None = None,
    keep: str = "all",
    comparator: str | None = None,
    progress: bool = False,
) -> PsaSample:
    """Run a probabilistic sensitivity analysis and return its sample.

    The draws depend on the seed, the parameters' names and the draw's index only, not on `block`,
    devices or precision (single rounds them). `keep="totals"` keeps costs and effects without their
    components. Raises InputError for a parameter that the model needs and is not given, ModelError
    where a draw gives an invalid probability or a value that is not finite.
    """
    given = dict(
        n_draws=n_draws, seed=seed, sampler=sampler, precision=precision, block=block, device=device,
        on_invalid=on_invalid,
    )  # fmt: skip
    plan = replace(plan or RunPlan(), **{k: v for k, v in given.items() if v is not None})
    if keep not in ("all", "totals"):
        raise InputError(f"keep must be 'all' or 'totals', and is '{keep}'.")
    configure()
    started = time.perf_counter()
    program = Program(
        model.structure, parameters.structure, plan.sampler, plan.precision, plan.device,
        plan.on_invalid == "clip", keep == "totals",
    )  # fmt: skip
    inputs = {
        "model": cast(model.inputs(), program.dtype),
        "parameters": cast(parameters.inputs(), program.dtype),
        "scores": score_inputs(plan.sampler, plan.seed, parameters.structure.scores, plan.n_draws),
    }
    collected = Collected(model.structure.strategies, plan.n_draws, parameters.uncertain)
    n_tiles = _tiles_in_a_block(program, plan)
    per_block = n_tiles * program.step
    run = sampled(program, n_tiles)
    compiled_after = 0.0
    with progress_bar(plan.n_draws, "draws", progress) as advance:
        for first in range(0, plan.n_draws, per_block):
            n = min(per_block, plan.n_draws - first)
            wanted = -(-n // program.step)
            result = on_host(run(inputs, np.uint32(first), np.int32(wanted)), program, wanted, n)
            compiled_after = compiled_after or time.perf_counter() - started
            raise_if_invalid(model, parameters, result, first, plan)
            collected.add(first, result)
            advance(n)
    seconds = time.perf_counter() - started
    return collected.sample(comparator, metadata_of(plan, parameters, seconds, compiled_after, collected))


def _tiles_in_a_block(program: Program, plan: RunPlan) -> int:
    """Return the tiles a device does per block: what was asked for, or enough for the run up to BLOCK."""
    wanted = min(plan.n_draws, plan.block or BLOCK)
    tiles = -(-wanted // program.step)
    if plan.block is None:
        tiles = 1 << (tiles - 1).bit_length()  # few sizes, so that few programs are compiled
    return tiles


class Collected:
    """The blocks of a run put together: totals, uncertain parameters, and the outcomes that are not all zero."""

    def __init__(self, strategies: Strategies, n_draws: int, uncertain: tuple[str, ...]):
        self.strategies, self.n_draws, self.uncertain = strategies, n_draws, uncertain
        shape = (n_draws, len(strategies.names))
        self.totals = {"costs": np.zeros(shape), "effects": np.zeros(shape)}
        self.parameters = {name: np.zeros(n_draws) for name in uncertain}
        self.outcomes: dict[str, dict[str, np.ndarray]] = {}
        self.n_clipped = 0

    def add(self, first: int, result: Mapping[str, Any]) -> None:
        """Put one block in its place."""
        n = result["slack"].shape[-1]
        here = slice(first, first + n)
        for kind, total in self.totals.items():
            total[here] = result["totals"][kind].T
        for name in self.uncertain:
            self.parameters[name][here] = result["parameters"][name]
        self.n_clipped += int((result["clipped"] > 0).sum())
        for template, names in zip(
            result["outcomes"], outcome_names(result["outcomes"], self.strategies), strict=True
        ):
            for s, name in enumerate(names):
                row = result["outcomes"][template][s]
                if name is not None and row.any():
                    self._place(name, self.strategies.names[s], here, row)

    def _place(self, name: str, strategy: str, here: slice, row: np.ndarray) -> None:
        column = self.outcomes.setdefault(name, {})
        if strategy not in column:
            column[strategy] = np.zeros(self.n_draws)
        column[strategy][here] += row

    def sample(self, comparator: str | None, metadata: Mapping[str, Any]) -> PsaSample:
        """Return the finished sample."""
        return PsaSample(
            strategies=self.strategies.names,
            cost_values=self.totals["costs"],
            effect_values=self.totals["effects"],
            parameter_values=self.parameters,
            outcomes=self.outcomes,
            comparator=comparator,
            metadata=metadata,
        )


def metadata_of(
    plan: RunPlan, parameters: ParameterSet, seconds: float, first_block: float, collected: Collected
) -> dict[str, Any]:
    """Return what a result must say of how it was made."""
    used = devices(plan.device)
    return {
        "n_draws": plan.n_draws,
        "seed": plan.seed,
        "sampler": plan.sampler,
        "precision": plan.precision,
        "on_invalid": plan.on_invalid,
        "clipped": collected.n_clipped,
        "devices": f"{len(used)} x {used[0].device_kind} ({used[0].platform})",
        "versions": versions(),
        "seconds": {"total": seconds, "first_block_with_compilation": first_block},
        "draws_per_second": plan.n_draws / seconds,
    }
