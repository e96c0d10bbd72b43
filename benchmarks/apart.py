"""What is measured in a process of its own: its time without the start, its peak memory, and whether it is right.

Run as `python apart.py JOB JSON`; prints a line of JSON. `in_a_process` runs it so and says every half minute
how far the process is.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

MOST_STANDARD_ERRORS = 5.0
"""Two means of a dozen outcomes are further apart in one of 100,000 correct runs."""
TWELFTH = {"product": "dupilumab", "next_line": "baricitinib_4", "as_needed": 0}
"""A twelfth strategy of flagship B: dupilumab followed by another drug."""
_EVERY = 30.0


def in_a_process(job: str, devices: int | None = None, **given: Any) -> dict[str, Any]:
    """Run a job of this file in a new process and return what it printed; raises AssertionError where it fails."""
    environment = dict(os.environ)
    if devices is not None:
        environment["PSA_ENGINE_DEVICES"] = str(devices)
    command = [sys.executable, __file__, job, json.dumps(given)]
    started = time.monotonic()
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        while True:
            try:
                out, _ = process.communicate(timeout=_EVERY)
                break
            except subprocess.TimeoutExpired:
                print(f"  {job} {given}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    assert process.returncode == 0, f"{job} {given} failed"
    return json.loads(out.splitlines()[-1])


def psa(config: str, n_draws: int, precision: str = "double", twelve: bool = False) -> dict[str, Any]:
    """Time a PSA that keeps totals and parameters, once everything is compiled."""
    import psa_engine as pe

    analysis = pe.load_analysis(config)
    model = analysis.model
    if twelve:
        model = replace(model, strategies={**model.strategies, "dupilumab_then_baricitinib_4": TWELFTH})

    def run(n: int, seed: int, progress: bool = False) -> Any:
        return pe.run_psa(
            model, analysis.parameters, n, seed, precision=precision, keep="totals", progress=progress
        )

    first = run(min(n_draws, 16_384), seed=7)
    started = time.perf_counter()
    sample = run(n_draws, seed=7, progress=sys.stderr.isatty())
    seconds = time.perf_counter() - started
    arrays = [sample.cost_values, sample.effect_values, *sample.parameter_values.values()]
    found = {
        "seconds": seconds,
        "n_draws": sample.n_draws,
        "n_strategies": len(sample.strategies),
        "lane_cycles": n_draws * len(sample.strategies) * analysis.timeline.n_cycles,
        "peak_bytes": peak_bytes(),
        "sample_bytes": sum(a.nbytes for a in arrays),
    }
    for a, b in ((sample.cost_values, first.cost_values), (sample.effect_values, first.effect_values)):
        assert np.array_equal(a[: len(b)], b), "the first draws of a long run are not those of a short one"
    found["standard_errors_off"] = standard_errors_off(sample, run(min(n_draws, 100_000), seed=8))
    assert found["standard_errors_off"] < MOST_STANDARD_ERRORS
    return found


def standard_errors_off(sample: Any, other: Any) -> float:
    """Return how far mean costs and effects of two independent samples are apart, where it is most."""
    worst = 0.0
    for a, b in ((sample.cost_values, other.cost_values), (sample.effect_values, other.effect_values)):
        error = np.sqrt(a.var(0) / len(a) + b.var(0) / len(b))
        worst = max(worst, float((np.abs(a.mean(0) - b.mean(0)) / error).max()))
    return worst


def nested(of: str, n_outer: int, n_inner: int, precision: str = "double") -> dict[str, Any]:
    """Time nested EVPPI of a parameter of flagship A; its answer is held against that of curves."""
    import psa_engine as pe
    from psa_engine.voi import Problem

    analysis = pe.load_analysis("ruxolitinib_ad_systemic_naive")
    problem = Problem(analysis.model, analysis.parameters, precision=precision)
    given: Mapping[str, Any] = {"of": of, "wtp": float(analysis.settings.wtp[0])}

    def run(n: int) -> Any:
        return pe.evppi(problem, method="nested", sampler="random", n_outer=n, n_inner=n_inner, **given)

    run(2**18 // n_inner)
    started = time.perf_counter()
    found = run(n_outer)
    seconds, peak = time.perf_counter() - started, peak_bytes()
    curves = pe.evppi(analysis.model, analysis.parameters, rtol=0.01, **given)
    error = float(np.hypot(found.standard_error, curves.standard_error))
    apart = max(0.0, abs(found.value - curves.value) - found.bias_bound - curves.bias_bound)
    assert apart < MOST_STANDARD_ERRORS * error
    return {
        "seconds": seconds,
        "n_draws": found.model_runs,
        "lane_cycles": found.model_runs * len(problem.strategies) * analysis.timeline.n_cycles,
        "peak_bytes": peak,
        "standard_errors_off": abs(found.value - curves.value) / error,
        "value": found.value,
        "value_error": found.standard_error,
    }


def peak_bytes() -> int:
    """Return the most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


JOBS: dict[str, Callable[..., dict[str, Any]]] = {"psa": psa, "nested": nested}

if __name__ == "__main__":
    sys.path.remove(str(Path(__file__).parent))
    print(json.dumps(JOBS[sys.argv[1]](**json.loads(sys.argv[2]))))
