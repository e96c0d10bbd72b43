"""What a worker does: a range of draws, brought back whole, or reduced where it was made."""

from functools import lru_cache
from typing import Any

import numpy as np

from psa_engine.decision.reduced import Reduced, reduced
from psa_engine.engine import versions
from psa_engine.engine.blocks import Block, BlockRunner
from psa_engine.engine.run import Collected
from psa_engine.errors import ClusterError, StorageError
from psa_engine.sample.parts import write_part


def run_block(work: bytes, first: int, n: int) -> Block:
    """Return one block of the work that was packed; compiled once a worker."""
    return unpacked(work).run(first, n)


def reduce_block(work: bytes, first: int, n: int, wtp: np.ndarray, url: str | None) -> Reduced:
    """Return what the draws of one block add to means, CEAC and EVPI; write them as a part of the sample at `url`."""
    return reduced_by(unpacked(work), first, n, wtp, url)


def reduced_by(runner: BlockRunner, first: int, n: int, wtp: np.ndarray, url: str | None) -> Reduced:
    """Reduce one block as `reduce_block` does, in this process."""
    collected = Collected(runner.model.structure.strategies, n, runner.parameters.uncertain, keep_zeros=True)
    collected.add(0, runner.run(first, n))
    plan = {"n_draws": runner.plan.n_draws, "seed": runner.plan.seed, "sampler": runner.plan.sampler}
    sample = collected.sample(None, plan)
    if url is not None:
        try:
            write_part(sample, url, first)
        except OSError as error:
            raise StorageError(f"A part of the sample could not be written to '{url}': {error}.") from error
    return reduced(sample, wtp)


def packed(runner: BlockRunner) -> bytes:
    """Return everything that a worker needs to run blocks of a run, functions of models and versions included."""
    import cloudpickle

    return cloudpickle.dumps((versions(), runner.model, runner.parameters, runner.plan))


@lru_cache(maxsize=4)
def unpacked(work: bytes) -> BlockRunner:
    """Return the runner of packed work; raises ClusterError where this worker has other versions than the sender."""
    import cloudpickle

    theirs, model, parameters, plan = cloudpickle.loads(work)
    refuse_other_versions(theirs, versions())
    return BlockRunner(model, parameters, plan)


def refuse_other_versions(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Raise ClusterError naming the packages of which a worker has another version."""
    apart = [
        f"{name} {ours.get(name)} and not {theirs[name]}" for name in theirs if theirs[name] != ours.get(name)
    ]
    if apart:
        raise ClusterError(
            f"A worker has {', '.join(apart)}.", hint="Install the same versions on workers as here."
        )


def call(function: bytes, *given: Any) -> Any:
    """Return what a packed function makes of what it is given; unpacked once a worker, so that it compiles once."""
    return _loaded(function)(*given)


@lru_cache(maxsize=8)
def _loaded(function: bytes) -> Any:
    import cloudpickle

    return cloudpickle.loads(function)
