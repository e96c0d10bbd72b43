"""Whole processes, as a user waits for them: help, a cold and a warm run."""

import json
import os
import subprocess
import sys

import pytest

FLAGSHIP = "ruxolitinib_ad_systemic_naive"


def process(*words, cache=None):
    environment = {**os.environ, **({"PSA_ENGINE_CACHE": str(cache)} if cache else {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled to bytecode once
    done = subprocess.run(
        [sys.executable, "-m", "psa_engine", *words], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bench_help(benchmark, quick):
    benchmark.group, benchmark.extra_info["version"] = "process: --help", "double"
    benchmark.pedantic(lambda: process("--help"), rounds=3 if quick else 7, warmup_rounds=1)


@pytest.fixture(scope="module")
def caches(tmp_path_factory):
    """Folders of compiled programs, made as they are wanted; a cold run fills the last, and warm runs find it."""
    return [tmp_path_factory.mktemp("cache")]


def whole_run(folder, cache):
    """Run the flagship, 10,000 draws, tables and files included, and return the mean outcomes."""
    return json.loads(process("run", FLAGSHIP, "--json", "--out", str(folder), cache=cache))["mean_outcomes"]


def bench_run_cold(benchmark, quick, tmp_path, caches):
    """With nothing compiled before."""
    kept = []

    def run():
        caches.append(tmp_path / f"cache{len(caches)}")
        kept.append(whole_run(tmp_path / str(len(kept)), caches[-1]))

    benchmark.group, benchmark.extra_info["version"] = "process: run, cold", "double"
    benchmark.pedantic(run, rounds=1 if quick else 2)
    assert all(found == kept[0] for found in kept)
    benchmark.extra_info.update(n_draws=10_000)


def bench_run_warm(benchmark, quick, tmp_path, caches):
    """With everything compiled before."""
    kept = []
    if not any(caches[-1].iterdir()):
        whole_run(tmp_path / "first", caches[-1])

    def run():
        kept.append(whole_run(tmp_path / str(len(kept)), caches[-1]))

    benchmark.group, benchmark.extra_info["version"] = "process: run, warm", "double"
    benchmark.pedantic(run, rounds=1 if quick else 3)
    assert all(found == kept[0] for found in kept)
    benchmark.extra_info.update(n_draws=10_000)
