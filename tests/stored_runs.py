"""A small run that is stored block by block, for tests that stop it."""

import json
import os
import subprocess
import sys
import time

import numpy as np

from psa_engine.engine import devices
from psa_engine.engine.compiled import TILE
from psa_engine.sample import PsaSample

SIZE = TILE * len(devices("cpu"))
"""The fewest draws that a block can have here."""
N_BLOCKS = 4
N_DRAWS = N_BLOCKS * SIZE - 25
RUN = (
    "run",
    "two_state",
    "--draws",
    N_DRAWS,
    "--block",
    SIZE,
    "--seed",
    11,
    "--keep-blocks",
    "--device",
    "cpu",
)


def started(*arguments, cwd=None, under=(), **more):
    """The command line in a process of its own, started by the command `under`."""
    words = [*under, sys.executable, "-m", "psa_engine", *map(str, arguments)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(words, cwd=cwd, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, **pipes, **more)


def stored_blocks(folder):
    return sorted((folder / "blocks").glob("draws-*"))


def wait_for_blocks(process, folder, n, seconds=60.0):
    """Wait until a process has stored n blocks, or has ended."""
    until = time.monotonic() + seconds
    while len(stored_blocks(folder)) < n and process.poll() is None and time.monotonic() < until:
        time.sleep(0.001)


def assert_same_bits(folder, whole):
    """Assert that two result folders hold the same numbers, to the bit, timings apart."""
    one, other = (PsaSample.from_parquet(f / "sample.parquet") for f in (folder, whole))
    assert one.cost_values.tobytes() == other.cost_values.tobytes()
    assert one.effect_values.tobytes() == other.effect_values.tobytes()
    assert all(np.array_equal(one.parameter_values[k], v) for k, v in other.parameter_values.items())
    assert {k: {s: v.tobytes() for s, v in c.items()} for k, c in one.outcomes.items()} == {
        k: {s: v.tobytes() for s, v in c.items()} for k, c in other.outcomes.items()
    }
    assert results(folder) == results(whole)


def results(folder):
    """What results.json says, timings apart."""
    said = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    return without_seconds(said)


def without_seconds(said):
    if isinstance(said, dict):
        return {k: without_seconds(v) for k, v in said.items() if k not in ("seconds", "draws_per_second")}
    return [without_seconds(v) for v in said] if isinstance(said, list) else said
