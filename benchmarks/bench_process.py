"""Whole processes, as a user waits for them: help, a cold and a warm run."""

import json
import os
import subprocess
import sys

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
