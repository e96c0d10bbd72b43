"""Who computes the blocks of a run: this process, or a Dask cluster."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

HERE, LOCAL = "none", "local"


@contextmanager
def workers(cluster: str | None) -> Iterator[Any]:
    """Yield a client of a cluster, None for this process; raises as `connected` does."""
    if cluster in (None, HERE):
        yield None
        return
    from psa_engine.cluster.connect import connected

    with connected(cluster) as client:
        yield client


def computing(client: Any, runner: Any) -> Callable[..., Iterator[Any]]:
    """Return what makes the blocks of given ranges."""
    if client is None:
        return runner.over
    from psa_engine.cluster.gather import blocks_on

    return blocks_on(client, runner)


def reducing(client: Any, runner: Any, wtp: Any, folder: str | None) -> Callable[..., Iterator[Any]]:
    """Return what reduces the blocks of given ranges where they are made, and writes their draws to a folder."""
    if client is None:
        from psa_engine.cluster.tasks import reduced_by

        return lambda ranges: (
            (first, reduced_by(runner, first, n, wtp, folder)._asdict()) for first, n in ranges
        )
    from psa_engine.cluster.gather import reduced_on

    return reduced_on(client, runner, wtp, folder)
