"""Whole processes, as a user waits for them: help, a cold and a warm run; and the memory a run takes."""

import json
import os
import resource
import subprocess
import sys
import time

import pytest

FLAGSHIP = "ruxolitinib_ad_systemic_naive"


def process(*words, cache=None):
    environment = {**os.environ, **({"PSA_ENGINE_CACHE": str(cache)} if cache else {})}
    done = subprocess.run(
        [sys.executable, "-m", "psa_engine", *words], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bench_help(benchmark, quick):
    benchmark.group, benchmark.extra_info["version"] = "process: --help", "double"
    benchmark.pedantic(lambda: process("--help"), rounds=3 if quick else 7, warmup_rounds=1)


@pytest.mark.parametrize("cold", [True, False], ids=["cold", "warm"])
def bench_run(benchmark, quick, tmp_path, cold):
    """The flagship, 10,000 draws, tables and files included; cold compiles everything, warm finds it compiled."""
    folders = iter(tmp_path / str(k) for k in range(20))
    shared = tmp_path / "cache"
    kept = []

    def run():
        folder = next(folders)
        kept.append(
            process("run", FLAGSHIP, "--json", "--out", str(folder), cache=folder / "c" if cold else shared)
        )

    benchmark.group, benchmark.extra_info["version"] = f"process: run, {'cold' if cold else 'warm'}", "double"
    benchmark.pedantic(
        run, rounds=(1 if quick else 2) if cold else (1 if quick else 3), warmup_rounds=0 if cold else 1
    )
    results = [json.loads(text)["mean_outcomes"] for text in kept]
    assert all(r == results[0] for r in results)
    benchmark.extra_info.update(n_draws=10_000)


@pytest.mark.parametrize("n_draws", [20_000, 200_000])
def bench_memory(benchmark, quick, n_draws):
    """Peak memory of a PSA that keeps totals, above that of a small one."""
    if quick and n_draws > 100_000:
        pytest.skip("the full suite only")
    code = (
        "import psa_engine as pe, resource, sys\n"
        f"a = pe.load_analysis('{FLAGSHIP}')\n"
        "s = pe.run_psa(a.model, a.parameters, n_draws=int(sys.argv[1]), keep='totals')\n"
        "print(s.n_draws, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, s.cost_values.nbytes * 2"
        " + sum(v.nbytes for v in s.parameter_values.values()))"
    )

    def run():
        started = time.perf_counter()
        done = subprocess.run([sys.executable, "-c", code, str(n_draws)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        n, peak, kept = map(int, done.stdout.split())
        assert n == n_draws
        unit = 1 if sys.platform == "darwin" else 1024
        benchmark.extra_info.update(
            peak_bytes=peak * unit, sample_bytes=kept, seconds=time.perf_counter() - started
        )

    benchmark.group, benchmark.extra_info["version"] = f"memory: {n_draws:,} draws, totals kept", "double"
    benchmark.pedantic(run, rounds=1)
    benchmark.extra_info.update(n_draws=n_draws, page=resource.getpagesize())
