"""What a block costs, in CPU seconds of one core and in bytes, for the plan in docs/cluster.md.

    python benchmarks/cluster_costs.py [CONFIGURATION] [--tasks 2000]

Each figure is the least of three. Trivial tasks go to two worker processes on this machine, to see what Dask takes.
"""

import argparse
import os
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

ONE_CORE = {
    "XLA_FLAGS": "--xla_force_host_platform_device_count=1",
    "PSA_ENGINE_DEVICES": "1",
    "OPENBLAS_NUM_THREADS": "1",
}
WTP = [1_000.0 * k for k in range(20, 48)]


def main() -> None:
    asked = argparse.ArgumentParser(description="What a block costs.")
    asked.add_argument("config", nargs="?", default="ruxolitinib_ad_systemic_naive")
    asked.add_argument("--tasks", type=int, default=2_000)
    given = asked.parse_args()
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_CORE})
    print("| of one block | CPU seconds | size |\n|---|---:|---:|")
    for what, seconds, size in [*blocks(given.config), *tasks(given.tasks)]:
        print(f"| {what} | {seconds:.2g} | {size_text(size)} |", flush=True)


def blocks(config: str) -> Iterator[tuple[str, float, int]]:
    """Yield (what, CPU seconds, bytes) of the blocks that commands are made of."""
    import numpy as np

    import psa_engine as pe
    from psa_engine.cluster.tasks import reduced_by
    from psa_engine.decision.reduced import merged
    from psa_engine.engine import RunPlan
    from psa_engine.engine.blocks import BLOCK, BlockRunner
    from psa_engine.store import Manifest, Store
    from psa_engine.voi.evsi.posterior_runs import PosteriorRuns
    from psa_engine.voi.problem import OuterSet, Problem

    analysis = pe.load_analysis(config)
    plan = RunPlan(n_draws=BLOCK, block=BLOCK, seed=1)
    runner, wtp = BlockRunner(analysis.model, analysis.parameters, plan), np.array(WTP)
    simulated, block = least(partial(runner.run, 0, BLOCK))
    yield f"{BLOCK:,} draws, every outcome", simulated, size_of(block)
    reduced, left = least(partial(reduced_by, runner, 0, BLOCK, wtp, None))
    yield (
        f"put together and reduce at {len(WTP)} values of willingness to pay",
        reduced - simulated,
        size_of(left),
    )
    with tempfile.TemporaryDirectory() as folder:
        written, _ = least(partial(reduced_by, runner, 0, BLOCK, wtp, folder))
        part = next(Path(folder).iterdir()).stat().st_size
        yield "write its part of the sample", written - reduced, part
        store, kept = Store(Path(folder), Manifest("run", {}, {}), 0.0), left._asdict()
        began = time.monotonic()
        for k in range(100):
            store.write(f"step-{k}", kept)
        yield "store what is left of it (the wait for the disk, not CPU)", (time.monotonic() - began) / 100, 0
    seconds, _ = least(partial(merged, [left] * 1_000))
    yield "merge", seconds / 1_000, 0
    split = Problem(analysis.model, analysis.parameters).split([analysis.parameters.uncertain[0]])
    sets = [OuterSet(np.zeros((split.n_outer, 1_024)), 128, 1)]
    seconds, found = least(lambda: list(split.inner_means_of(sets)))
    yield "two loops: 1,024 outer draws of 128 inner draws", seconds, size_of(found)
    for name, about in list(analysis.studies.items())[:1]:
        posterior = PosteriorRuns(split.problem, about.study, [200])
        seconds, found = least(lambda: posterior.block(0, 1_024, 128, np.random.default_rng(1)))  # noqa: B023
        yield f"1,024 data sets of a study ({name}), 128 posterior draws each", seconds, size_of(found)
    scores = np.zeros((split.n_outer, 8_192)), np.zeros((split.n_inner, 8_192))
    seconds, found = least(partial(split.evaluate, *scores))
    yield "8,192 runs at scores, for a surrogate", seconds, size_of(scores) + size_of(found)


def tasks(n: int) -> Iterator[tuple[str, float, int]]:
    """Yield (what, CPU seconds, bytes) of Dask's own work for a task, and for a block that comes back whole."""
    from psa_engine.cluster.connect import connected
    from psa_engine.cluster.gather import Cluster

    with connected("local", n_workers=2) as client:
        compute = Cluster(client).compute
        list(compute(abs, ((-k,) for k in range(100))))
        for what, function, count in (("nothing", abs, n), ("38 MB back", block_of_zeros, 20)):
            before, mine = workers_seconds(client), time.process_time()
            began = time.monotonic()
            list(compute(function, ((k,) for k in range(count))))
            wall, mine = time.monotonic() - began, time.process_time() - mine
            theirs = workers_seconds(client) - before
            yield (
                f"Dask, a task with {what}: scheduler and client ({wall / count:.2g} s of wall)",
                mine / count,
                0,
            )
            yield f"Dask, a task with {what}: worker", theirs / count, 0


def block_of_zeros(k: int) -> Any:
    """Return as many bytes as a block of draws has with every outcome of the worked example."""
    import numpy as np

    return {"totals": np.full((4_700, 1_000), float(k))}


def workers_seconds(client: Any) -> float:
    return sum(client.run(time.process_time).values())


def least(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the least CPU seconds of three calls after a first, which compiles, and what it returned."""
    found, taken = work(), []
    for _ in range(3):
        began = time.process_time()
        found = work()
        taken.append(time.process_time() - began)
    return min(taken), found


def size_of(found: Any) -> int:
    return len(pickle.dumps(found, protocol=5))


def size_text(size: int) -> str:
    return "" if not size else f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size / 1e3:,.1f} kB"


if __name__ == "__main__":
    main()
