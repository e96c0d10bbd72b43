"""A client of a Dask cluster: one that is there, or one started on this machine."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from psa_engine.engine.devices import n_cores
from psa_engine.errors import ClusterError, InputError

LOCAL = "local"
_ANSWER = 15.0
"""Seconds that a scheduler has to answer."""
_ANSWER_OF_A_WORKER = 2.0
# One worker a core, each with one device: more would only be in each other's way.
_ENVIRONMENT = {
    "XLA_FLAGS": "--xla_force_host_platform_device_count=1",
    "PSA_ENGINE_DEVICES": "1",
    "OPENBLAS_NUM_THREADS": "1",
}


@contextmanager
def connected(address: str, n_workers: int | None = None) -> Iterator[Any]:
    """Yield a client of the scheduler at `address` (tcp://host:port), or of workers started here for "local".

    Raises InputError without Dask or for an address that is none, ClusterError where no scheduler answers.
    """
    try:
        from dask import config
        from distributed import Client, LocalCluster
    except ImportError:
        raise InputError(
            "Dask is not installed.", hint="pip install psa-engine[cluster], here and on every worker."
        ) from None
    if address == LOCAL:
        with (
            # A task is not given up because several workers died under it: machines do.
            config.set(
                {
                    "distributed.nanny.pre-spawn-environ": _ENVIRONMENT,
                    "distributed.scheduler.allowed-failures": 20,
                }
            ),
            LocalCluster(
                n_workers=n_workers or n_cores(),
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            ) as cluster,
            Client(cluster, direct_to_workers=True) as client,
        ):
            yield client
        return
    try:
        client = Client(address, timeout=_ANSWER)
    except ValueError as error:
        raise InputError(
            f"'{address}' is no address of a scheduler: {error}.", hint="Write tcp://host:port."
        ) from None
    except OSError:
        raise ClusterError(
            f"No Dask scheduler answers at {address}.", hint="Start one with: dask scheduler"
        ) from None
    with client:
        # Straight from a worker, a block costs the client half as much, and the scheduler nothing.
        client.direct_to_workers = _reaches_a_worker(client)
        yield client


def _reaches_a_worker(client: Any) -> bool:
    from distributed.comm.addressing import get_address_host_port

    for address in list(client.scheduler_info(n_workers=-1)["workers"])[:1]:
        with suppress(OSError, ValueError):
            socket.create_connection(get_address_host_port(address), timeout=_ANSWER_OF_A_WORKER).close()
            return True
    return False
