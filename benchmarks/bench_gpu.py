"""The flagship on a GPU, where there is one: the kernel beside the plain loop, and their share of its peak.

A tile of draws at a time, each result held against the NumPy reference. The hundred million runs of nested
EVPPI (`bench_size.py`, with --long) take a GPU by themselves where there is one.
"""

import jax
import numpy as np
import pytest
from bench_simulation import CONFIGS, TOLERANCE
from measuring import measured

from psa_engine.engine import RunPlan, evaluate
from psa_engine.engine.compiled import GPU_TILE, evaluated
from psa_engine.engine.evaluate import on_devices

pytestmark = pytest.mark.skipif(all(d.platform == "cpu" for d in jax.devices()), reason="there is no GPU")
SIDE = 4096


@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["double", "single"])
def bench_peak_of_the_gpu(benchmark, quick, dtype):
    """A product of matrices in full precision: multiply-adds that a library gets out of the GPU."""
    a = jax.device_put(np.random.default_rng(2).random((SIDE, SIDE)).astype(dtype), jax.devices("gpu")[0])
    multiply = jax.jit(lambda a: jax.numpy.matmul(a, a, precision=jax.lax.Precision.HIGHEST))
    benchmark.group = "GPU: matrix product"
    benchmark.extra_info["version"] = "double" if dtype == np.float64 else "single"
    measured(benchmark, lambda: multiply(a).block_until_ready(), 5 if quick else 15)
    row = np.asarray(a[0], float) @ np.asarray(a, float)
    difference = float(np.abs(np.asarray(multiply(a)[0]) - row).max() / row.max())
    assert difference < 1e-4
    benchmark.extra_info.update(multiply_adds=SIDE**3, difference=difference)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("kernel", ["pallas", "plain"])
@pytest.mark.parametrize("config", CONFIGS)
def bench_simulation_on_the_gpu(benchmark, work, quick, monkeypatch, config, kernel, precision):
    """All draws of a tile: those that the reference did, again and again."""
    monkeypatch.setenv("PSA_ENGINE_KERNEL", kernel)
    evaluated.cache_clear()
    job = work(config)
    model, again = job.analysis.model, GPU_TILE // job.n_draws
    values = {k: np.tile(v, again) if np.ndim(v) else np.asarray(v, float) for k, v in job.values.items()}
    _, run, arguments = on_devices(model, values, RunPlan(precision=precision, device="gpu"))
    arguments = jax.device_put(arguments)
    benchmark.group, benchmark.extra_info["version"] = f"GPU, {kernel}: {config}", precision
    measured(benchmark, lambda: jax.block_until_ready(run(*arguments)), 5 if quick else 15)
    difference = job.largest_difference(evaluate(model, job.values, precision=precision, device="gpu"))
    assert difference < TOLERANCE[precision]
    size = {
        k: v * again if k in ("n_draws", "lane_cycles", "multiply_adds") else v for k, v in job.size.items()
    }
    benchmark.extra_info.update(size, difference=difference)
