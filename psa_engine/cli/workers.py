"""Who computes the blocks of a command: this process, or a Dask cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from psa_engine.engine.where import Compute

HERE, LOCAL = "none", "local"


@contextmanager
def workers(cluster: str | None) -> "Iterator[Compute]":
    """Yield what makes blocks on a cluster, or in this process; raises as `connected` does."""
    if cluster in (None, HERE):
        from psa_engine.engine.where import here

        yield here
        return
    from psa_engine.cluster.connect import connected
    from psa_engine.cluster.gather import Cluster

    with connected(cluster) as client:
        yield Cluster(client).compute
