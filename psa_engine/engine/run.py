"""`run_psa`: the sample, block by block."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from psa_engine.engine.blocks import Block, BlockRunner
from psa_engine.engine.devices import Device, Precision, devices, versions
from psa_engine.engine.plan import OnInvalid, RunPlan
from psa_engine.engine.progress import progress_bar
from psa_engine.model import Model, Strategies, outcome_names
from psa_engine.parameters import ParameterSet, Sampler
from psa_engine.sample import PsaSample


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
    started = time.perf_counter()
    runner = BlockRunner(model, parameters, plan, keep=keep)
    return sample_of(runner, runner.over(runner.ranges), comparator, progress, started)


def sample_of(
    runner: BlockRunner,
    blocks: Iterable[tuple[int, Block]],
    comparator: str | None = None,
    progress: bool = False,
    started: float | None = None,
) -> PsaSample:
    """Return the sample of a run whose blocks, each (first draw, block), come in the order of their draws.

    `started` (time.perf_counter) is when the run began, for its timings: now unless given.
    """
    started = time.perf_counter() if started is None else started
    plan, parameters = runner.plan, runner.parameters
    collected = Collected(runner.model.structure.strategies, plan.n_draws, parameters.uncertain)
    compiled_after = 0.0
    with progress_bar(plan.n_draws, "draws", progress) as advance:
        for first, block in blocks:
            compiled_after = compiled_after or time.perf_counter() - started
            advance(collected.add(first, block))
    seconds = time.perf_counter() - started
    metadata = {**metadata_of(plan, seconds, compiled_after, collected), "block": runner.size}
    return collected.sample(comparator, metadata)


class Collected:
    """The blocks of a run put together: totals, uncertain parameters, and the outcomes that are not all zero.

    With `keep_zeros` those are there too, so that all parts of a sample have the same columns.
    """

    def __init__(
        self, strategies: Strategies, n_draws: int, uncertain: tuple[str, ...], keep_zeros: bool = False
    ):
        self.keep_zeros = keep_zeros
        self.strategies, self.n_draws, self.uncertain = strategies, n_draws, uncertain
        shape = (n_draws, len(strategies.names))
        # Laid out as a sample holds them, which then takes them without a copy.
        self.totals = {kind: np.zeros(shape, order="F") for kind in ("costs", "effects")}
        self.parameters = {name: np.zeros(n_draws) for name in uncertain}
        self.outcomes: dict[str, dict[str, np.ndarray]] = {}
        self.n_clipped = 0

    def add(self, first: int, result: Block) -> int:
        """Put one block in its place, and return how many draws it holds."""
        n = result["totals"]["costs"].shape[-1]
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
                if name is not None and (self.keep_zeros or row.any()):
                    self._place(name, self.strategies.names[s], here, row)
        return n

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


def metadata_of(plan: RunPlan, seconds: float, first_block: float, collected: Collected) -> dict[str, Any]:
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
