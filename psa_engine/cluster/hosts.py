"""The blocks of a run shared among the processes of `jax.distributed`: several hosts, each with its own devices.

No process waits for another within a block: only what is left of the blocks is exchanged, once, at the end.
"""

from typing import Any

import jax
import numpy as np

from psa_engine.cluster.tasks import reduced_by
from psa_engine.decision.reduced import Reduced, merged
from psa_engine.engine.blocks import BlockRunner, Range
from psa_engine.errors import InputError


def reduced_on_hosts(runner: BlockRunner, wtp: Any, folder: str | None = None) -> Reduced:
    """Reduce all draws of a run on all hosts, and return the same total in each, to the bits of one process alone.

    Called in every process after `jax.distributed.initialize`, on the same run, with `block` given (the size of a
    block must not depend on a host's devices). With `folder` each process writes the parts of its draws there.
    InputError, in every process and before any work, where there are fewer blocks than processes, or several and no
    `block`.
    """
    n_hosts = jax.process_count()
    ranges = _ranges(runner, n_hosts)
    if len(ranges) < n_hosts:
        raise InputError(
            f"{n_hosts} processes cannot share the {len(ranges)} blocks of this run: each needs one at least.",
            hint="Give a smaller `block`, more draws, or fewer processes.",
        )
    mine = ranges[jax.process_index() :: n_hosts]
    own = [reduced_by(runner, first, n, np.asarray(wtp, float), folder) for first, n in mine]
    if n_hosts == 1:
        return merged(own)
    return merged(_of_all_hosts(own, len(ranges), n_hosts))


def _ranges(runner: BlockRunner, n_hosts: int) -> list[Range]:
    """Return the blocks of a run, the same on all hosts: those of a runner depend on its number of devices."""
    block, n = runner.plan.block, runner.plan.n_draws
    if block is not None:
        return [(first, min(block, n - first)) for first in range(0, n, block)]
    if n_hosts > 1:
        raise InputError(
            f"{n_hosts} processes share blocks of one size, and none is given.",
            hint="Give the plan one: RunPlan(block=16_384).",
        )
    return runner.ranges


def _of_all_hosts(own: list[Reduced], n_blocks: int, n_hosts: int) -> list[Reduced]:
    """Exchange the records of blocks that hosts made in turn, and return them in the order of the draws."""
    from jax.experimental.multihost_utils import process_allgather

    most = -(-n_blocks // n_hosts)
    padded = own + own[-1:] * (most - len(own))
    stacked = [np.stack([np.asarray(record[k]) for record in padded]) for k in range(len(Reduced._fields))]
    of_all = [np.asarray(process_allgather(array)) for array in stacked]
    return [Reduced(*(array[b % n_hosts, b // n_hosts] for array in of_all)) for b in range(n_blocks)]
