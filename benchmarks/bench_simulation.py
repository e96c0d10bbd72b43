"""Simulation alone: parameter values in, every outcome of every strategy out; each against the NumPy reference."""

import fair
import numpy as np
import pytest
from measuring import measured

from psa_engine.engine import RunPlan, evaluate
from psa_engine.engine.evaluate import on_devices

CONFIGS = ["ruxolitinib_ad_systemic_naive", "ruxolitinib_ad_post_systemic", "sick_sicker"]
TOLERANCE = {"double": 1e-10, "single": 1e-4}


@pytest.mark.parametrize("config", CONFIGS)
def bench_reference(benchmark, work, quick, config):
    if quick and config == CONFIGS[1]:
        pytest.skip("the full suite only")
    job = work(config)
    series = job.analysis.timeline.series()
    benchmark.group, benchmark.extra_info["version"] = f"simulation: {config}", "NumPy double"
    measured(benchmark, lambda: fair.simulate(job.prepared, series), 2 if quick else 5)
    benchmark.extra_info.update(job.size, difference=0.0)


@pytest.mark.parametrize("config", CONFIGS)
def bench_reference_in_single(benchmark, work, quick, config):
    if quick:
        pytest.skip("the full suite only")
    job = work(config)
    series = job.analysis.timeline.series()
    benchmark.group, benchmark.extra_info["version"] = f"simulation: {config}", "NumPy single"
    measured(benchmark, lambda: fair.simulate(job.prepared, series, np.float32), 3)
    got = fair.simulate(job.prepared, series, np.float32)
    worst = max(
        np.abs(a[k] - b[k]).max() / max(np.abs(b[k]).max(), 1e-300)
        for a, b in zip(got, job.expected, strict=True)
        for k in b
    )
    benchmark.extra_info.update(job.size, difference=float(worst))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("config", CONFIGS)
def bench_engine(benchmark, work, quick, config, precision):
    if quick and config == CONFIGS[1]:
        pytest.skip("the full suite only")
    job = work(config)
    model = job.analysis.model
    values = {k: np.asarray(v, float) for k, v in job.values.items()}
    _, run, arguments = on_devices(model, values, RunPlan(precision=precision, device="cpu"))
    benchmark.group, benchmark.extra_info["version"] = f"simulation: {config}", precision
    measured(benchmark, lambda: run(*arguments)["slack"].block_until_ready(), 5 if quick else 15)
    difference = job.largest_difference(evaluate(model, job.values, precision=precision, device="cpu"))
    assert difference < TOLERANCE[precision]
    benchmark.extra_info.update(job.size, difference=difference)
