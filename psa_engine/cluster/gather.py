"""Results of tasks in the order they were asked for, a few ahead, whatever becomes of workers meanwhile."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from psa_engine.cluster.tasks import call, packed
from psa_engine.errors import ClusterError, InputError

AHEAD = 3
"""Blocks a worker that are at work or waiting to be taken: bounds the memory of workers and client."""
_NEWS = 2.0
"""Seconds between two looks at the workers."""
PATIENCE = 120.0
"""Seconds without any worker after which the cluster is taken for lost."""


class Cluster:
    """The workers of a Dask client, to which every function is sent once."""

    def __init__(self, client: Any):
        self.client, self.crew = client, _Crew(client)
        self._sent: dict[Any, tuple[Any, Any]] = {}

    def compute(self, make: Callable[..., Any], given: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        """Yield `make(*one)` of each one given, in order: see `engine.where`. Raises ClusterError."""
        from distributed import CancelledError
        from distributed.comm.core import CommClosedError

        try:
            yield from self._in_order(make, given)
        except InputError:
            raise
        except Exception as error:
            if self.client.status != "running" or isinstance(error, CancelledError | CommClosedError):
                raise ClusterError("The Dask scheduler is lost.") from None
            raise

    def _in_order(self, make: Callable[..., Any], given: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        waiting: deque[tuple[int, Any]] = deque()
        for number, one in enumerate(given):
            waiting.append((number, self.client.submit(call, self._work(make), *one, pure=False)))
            if len(waiting) >= AHEAD * max(1, self.crew.size):
                yield _taken(self.crew, *waiting.popleft())
        while waiting:
            yield _taken(self.crew, *waiting.popleft())

    def _work(self, make: Callable[..., Any]) -> Any:
        # The result of a task, so that the scheduler has it made again should all workers that hold it die.
        owner = getattr(make, "__self__", make)
        key = id(owner), getattr(make, "__name__", "")
        if key not in self._sent:
            self._sent[key] = owner, self.client.submit(bytes, packed(make), pure=False)
        return self._sent[key][1]


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


def _taken(crew: _Crew, number: int, future: Any) -> Any:
    """Wait for a result; raises ClusterError where scheduler or workers are lost."""
    from distributed import KilledWorker, TimeoutError

    seen = time.monotonic()
    while True:
        try:
            return future.result(timeout=1.0)
        except TimeoutError:
            if crew.client.status != "running":
                raise ClusterError("The Dask scheduler is lost.") from None
            if crew.size:
                seen = time.monotonic()
            elif time.monotonic() - seen > PATIENCE:
                raise ClusterError(f"The cluster has had no worker for {PATIENCE:.0f} seconds.") from None
        except KilledWorker as error:
            raise ClusterError(
                f"Block {number + 1} of those sent was given up: every worker that tried it died, the last at "
                f"{getattr(error, 'last_worker', None) and error.last_worker.address}.",
                hint="Not enough memory there? Take smaller blocks with --block.",
            ) from None
