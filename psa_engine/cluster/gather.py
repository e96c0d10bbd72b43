"""Results of tasks in the order of their draws, a few blocks ahead, whatever becomes of workers meanwhile."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from psa_engine.cluster.tasks import call, packed, reduce_block, run_block
from psa_engine.engine.blocks import Block, BlockRunner, Range
from psa_engine.errors import ClusterError

AHEAD = 3
"""Blocks a worker that are at work or waiting to be taken: bounds the memory of workers and client."""
_NEWS = 2.0
"""Seconds between two looks at the workers."""
PATIENCE = 120.0
"""Seconds without any worker after which the cluster is taken for lost."""


def blocks_on(client: Any, runner: BlockRunner) -> Callable[[Iterable[Range]], Iterator[tuple[int, Block]]]:
    """Return what computes blocks of a run on a cluster, as `runner.over` does here."""
    work = _sent(client, runner)

    def over(ranges: Iterable[Range]) -> Iterator[tuple[int, Block]]:
        return _in_order(
            client, ranges, lambda first, n: client.submit(run_block, work, first, n, pure=False)
        )

    return over


def reduced_on(
    client: Any, runner: BlockRunner, wtp: Any, url: str | None
) -> Callable[[Iterable[Range]], Iterator[tuple[int, Any]]]:
    """Return what reduces blocks on a cluster: (first draw, `Reduced` as a mapping), in order."""
    work = _sent(client, runner)

    def submit(first: int, n: int) -> Any:
        return client.submit(reduce_block, work, first, n, wtp, url, pure=False)

    def over(ranges: Iterable[Range]) -> Iterator[tuple[int, Any]]:
        return ((first, one._asdict()) for first, one in _in_order(client, ranges, submit))

    return over


def calls_on(client: Any, calls: Iterable[tuple[Callable[..., Any], tuple[Any, ...]]]) -> Iterator[Any]:
    """Yield the results of calls (function, arguments) made on a cluster, in order; each function is sent once."""
    import cloudpickle

    sent: dict[int, tuple[Any, Any]] = {}

    def submit(function: Any, given: tuple[Any, ...]) -> Any:
        if id(function) not in sent:
            sent[id(function)] = function, client.submit(bytes, cloudpickle.dumps(function), pure=False)
        return client.submit(call, sent[id(function)][1], *given, pure=False)

    return (result for _, result in _in_order(client, calls, submit))


def _sent(client: Any, runner: BlockRunner) -> Any:
    # The result of a task, so that the scheduler has it made again should all workers that hold it die.
    return client.submit(bytes, packed(runner), pure=False)


def _in_order(
    client: Any, asked: Iterable[tuple[Any, Any]], submit: Callable[..., Any]
) -> Iterator[tuple[Any, Any]]:
    crew = _Crew(client)
    waiting: deque[tuple[Any, Any]] = deque()
    for one, other in asked:
        waiting.append((one, submit(one, other)))
        if len(waiting) >= AHEAD * max(1, crew.size):
            yield _taken(crew, *waiting.popleft())
    while waiting:
        yield _taken(crew, *waiting.popleft())


class _Crew:
    """How many workers a cluster has, asked of its scheduler every few seconds only."""

    def __init__(self, client: Any):
        self.client, self._asked, self._size = client, -np.inf, 0

    @property
    def size(self) -> int:
        now = time.monotonic()
        if now - self._asked > _NEWS:
            self._asked, self._size = now, len(self.client.scheduler_info(n_workers=-1)["workers"])
        return self._size


def _taken(crew: _Crew, first: Any, future: Any) -> tuple[Any, Any]:
    """Wait for a result; raises ClusterError where scheduler or workers are lost."""
    from distributed import CancelledError, KilledWorker, TimeoutError

    seen = time.monotonic()
    while True:
        try:
            return first, future.result(timeout=1.0)
        except TimeoutError:
            if crew.client.status != "running":
                raise _lost("The Dask scheduler is lost.") from None
            if crew.size:
                seen = time.monotonic()
            elif time.monotonic() - seen > PATIENCE:
                raise _lost(f"The cluster has had no worker for {PATIENCE:.0f} seconds.") from None
        except CancelledError:
            raise _lost("The Dask scheduler is lost.") from None
        except KilledWorker as error:
            raise ClusterError(
                f"The task {first} was given up: every worker that tried it died, the last at "
                f"{getattr(error, 'last_worker', None) and error.last_worker.address}.",
                hint="Not enough memory there? Take smaller blocks with --block.",
            ) from None


def _lost(words: str) -> ClusterError:
    return ClusterError(words, hint="What is finished is kept.")
