"""Two processes of `jax.distributed` on this machine, as two hosts would be."""

import pickle
import socket
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import psa_engine as pe
from psa_engine.cluster.hosts import reduced_on_hosts
from psa_engine.engine.blocks import BlockRunner

pytestmark = pytest.mark.slow
WTP = [20_000.0, 30_000.0]
HOST = """
import pickle, sys
import jax
import test_hosts_slow as test
from psa_engine.cluster.hosts import reduced_on_hosts

address, rank, folder = sys.argv[1:]
jax.distributed.initialize(address, num_processes=2, process_id=int(rank))
assert len(jax.devices()) == 2 * len(jax.local_devices())
total = reduced_on_hosts(test.runner(), test.WTP, folder)
open(f"{folder}-{rank}", "wb").write(pickle.dumps([total, len(test.runner().ranges)]))
"""


def runner():
    analysis = pe.load_analysis("two_state")
    return BlockRunner(analysis.model, analysis.parameters, replace(analysis.plan, n_draws=9000, block=4096))


def test_two_hosts_give_the_bits_of_one(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = [sys.executable, "-c", HOST, address]
    folder = tmp_path / "parts"
    hosts = [
        subprocess.Popen([*words, str(k), str(folder)], cwd=str(pe.__path__[0]) + "/../tests") for k in (0, 1)
    ]
    assert [host.wait(timeout=120) for host in hosts] == [0, 0]
    alone = reduced_on_hosts(runner(), WTP)
    for rank in (0, 1):
        total, n_blocks = pickle.loads((tmp_path / f"parts-{rank}").read_bytes())
        assert all(np.array_equal(one, other) for one, other in zip(total, alone, strict=True))
    assert len(list(folder.iterdir())) == n_blocks == len(runner().ranges) > 2
