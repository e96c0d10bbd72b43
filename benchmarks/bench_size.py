"""How much at once: memory beside what a run keeps, and the largest runs asked for, each in a process of its own.

With `--long`: ten million draws of flagship A with all their totals and parameters, a million of flagship B
under twelve strategies, a hundred million model runs of nested EVPPI. The answers are checked in `apart.py`.
"""

import pytest
from apart import in_a_process

A, B = "ruxolitinib_ad_systemic_naive", "ruxolitinib_ad_post_systemic"
BIAS = "relative_effect_bias[ruxolitinib_cream]"
MEMORY = 2 * 2**30
"""Bytes that a run may take beside the sample it keeps."""


def measured_apart(benchmark, job, **given):
    """Run a job once in another process, and keep its own time and memory as the row's."""
    kept = {}
    benchmark.pedantic(lambda: kept.update(in_a_process(job, **given)), rounds=1)
    beside = kept["peak_bytes"] - kept.get("sample_bytes", 0)
    benchmark.extra_info.update(kept, version=given.get("precision", "double"), memory_bytes=beside)
    assert beside < MEMORY
    return kept


@pytest.mark.parametrize("n_draws", [20_000, 200_000])
def bench_memory(benchmark, quick, n_draws):
    if quick and n_draws > 100_000:
        pytest.skip("the full suite only")
    benchmark.group = f"size: {n_draws:,} draws kept, flagship A"
    measured_apart(benchmark, "psa", config=A, n_draws=n_draws)


@pytest.mark.long
@pytest.mark.parametrize("n_draws", [100_000, 300_000, 1_000_000, 3_000_000, 10_000_000])
def bench_draws_to_ten_million(benchmark, n_draws):
    benchmark.group = f"size: {n_draws:,} draws kept, flagship A"
    measured_apart(benchmark, "psa", config=A, n_draws=n_draws)
    benchmark.extra_info.update(axis="draws, to ten million", size=n_draws)


@pytest.mark.long
@pytest.mark.parametrize("precision", ["double", "single"])
def bench_a_million_draws_of_twelve_strategies(benchmark, precision):
    benchmark.group = "size: 1,000,000 draws kept, flagship B, 12 strategies"
    measured_apart(benchmark, "psa", config=B, n_draws=1_000_000, twelve=True, precision=precision)


@pytest.mark.long
def bench_a_hundred_million_nested_runs(benchmark):
    """In single precision, which takes half as long; memory is the figure."""
    benchmark.group = "size: nested EVPPI, 97,657 x 1,024 runs of flagship A"
    measured_apart(benchmark, "nested", of=BIAS, n_outer=97_657, n_inner=1_024, precision="single")


def bench_nested_runs(benchmark, quick):
    if quick:
        pytest.skip("the full suite only")
    benchmark.group = "size: nested EVPPI, 512 x 512 runs of flagship A"
    measured_apart(benchmark, "nested", of=BIAS, n_outer=512, n_inner=512, precision="single")
