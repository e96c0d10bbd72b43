"""What a worker does: a function that was sent once, called on what it is given; or draws reduced there."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from psa_engine.cache import source_digest
from psa_engine.decision.reduced import Reduced, reduced
from psa_engine.engine import versions
from psa_engine.engine.blocks import BlockRunner
from psa_engine.engine.run import Collected
from psa_engine.errors import ClusterError, StorageError
from psa_engine.sample.parts import write_part


def call(function: bytes, *given: Any) -> Any:
    """Return what a packed function makes of what it is given; unpacked once a worker, so that it compiles once."""
    return _unpacked(function)(*given)


def packed(function: Callable[..., Any]) -> bytes:
    """Return a function with everything that a worker needs for it, functions of models and versions included."""
    import cloudpickle

    return cloudpickle.dumps((_versions(), cloudpickle.dumps(function)))


@lru_cache(maxsize=16)
def _unpacked(function: bytes) -> Callable[..., Any]:
    import cloudpickle

    theirs, inner = cloudpickle.loads(function)
    refuse_other_versions(theirs, _versions())
    return cloudpickle.loads(inner)


def _versions() -> dict[str, Any]:
    """Return the versions, and what tells apart two states of this package's source of one version."""
    return {**versions(), "psa_engine's source": (source_digest() or "changed since it started")[:24]}


def refuse_other_versions(theirs: dict[str, Any], ours: dict[str, Any]) -> None:
    """Raise ClusterError naming the packages of which a worker has another version."""
    apart = [
        f"{name} {ours.get(name)} and not {theirs[name]}" for name in theirs if theirs[name] != ours.get(name)
    ]
    if apart:
        raise ClusterError(
            f"A worker has {', '.join(apart)}.", hint="Install the same versions on workers as here."
        )


def reduced_by(runner: BlockRunner, first: int, n: int, wtp: np.ndarray, url: str | None) -> Reduced:
    """Return what the draws of one block add to means, CEAC and EVPI; write them as a part of the sample at `url`."""
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


def reduced_block(
    runner: BlockRunner, wtp: np.ndarray, url: str | None, first: int, n: int
) -> dict[str, np.ndarray]:
    """Reduce one block as `reduced_by` does, to arrays that a store keeps."""
    return reduced_by(runner, first, n, wtp, url)._asdict()
