"""A sample in parts on an S3-compatible server of this machine; skipped without moto[server] and s3fs."""

import io
from dataclasses import replace

import numpy as np
import pytest
from pyarrow import parquet

import psa_engine as pe
from psa_engine.cluster.tasks import reduced_by
from psa_engine.engine.blocks import BlockRunner

pytestmark = pytest.mark.slow


@pytest.fixture
def s3(monkeypatch):
    """The file system of a server that has one bucket."""
    moto, s3fs = pytest.importorskip("moto.server"), pytest.importorskip("s3fs")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "y"),
        ("NO_PROXY", "127.0.0.1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.get_host_and_port()[1]}")
    system = s3fs.S3FileSystem(skip_instance_cache=True)
    system.mkdir("bucket")
    yield system
    server.stop()


def test_a_sample_in_parts_on_s3_is_the_sample(s3):
    analysis = pe.load_analysis("two_state")
    runner = BlockRunner(analysis.model, analysis.parameters, replace(analysis.plan, n_draws=1000, block=256))
    for first, n in runner.ranges:
        reduced_by(runner, first, n, np.array([20_000.0]), "s3://bucket/run")
    parts = [
        parquet.read_table(io.BytesIO(s3.cat(name))) for name in sorted(s3.ls("bucket/run", refresh=True))
    ]
    whole = pe.run_psa(analysis.model, analysis.parameters, plan=analysis.plan, n_draws=1000)
    costs = np.concatenate([part["costs|new"].to_numpy() for part in parts])
    assert len(parts) == len(runner.ranges) and np.array_equal(costs, whole.costs["new"])
