"""What the machine can do: its measured peak of multiply-adds, to judge the other rows by."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from measuring import measured

SIDE = 1024


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
def bench_peak(benchmark, quick, dtype):
    """A product of matrices on every core: the most multiply-adds a second that a library gets out of it."""
    n_cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    rng = np.random.default_rng(2)
    a = rng.random((n_cores, SIDE, SIDE)).astype(dtype)
    out = np.empty_like(a)
    with ThreadPoolExecutor(n_cores) as pool:

        def multiply():
            list(pool.map(lambda i: np.matmul(a[i], a[i], out=out[i]), range(n_cores)))

        benchmark.group = "machine: matrix product"
        benchmark.extra_info["version"] = (
            np.dtype(dtype).name.replace("float64", "double").replace("float32", "single")
        )
        measured(benchmark, multiply, 5 if quick else 15)
    row = a[0, 0].astype(float) @ a[0].astype(float)
    difference = float(np.abs(out[0, 0] - row).max() / row.max())
    assert difference < 1e-4
    benchmark.extra_info.update(multiply_adds=n_cores * SIDE**3, difference=difference)
