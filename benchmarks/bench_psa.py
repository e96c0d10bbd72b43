"""Whole analyses: the PSA from draws to sample, the draws alone, and what is made of a sample."""

import numpy as np
import pytest
from bench_simulation import CONFIGS, TOLERANCE
from measuring import measured
from scipy import stats

import psa_engine as pe
from psa_engine.decision import ceac, ceaf, evpi, expected_loss, icers
from psa_engine.engine.draws import drawn

PRECISIONS = pytest.mark.parametrize("precision", ["double", "single"])


@PRECISIONS
@pytest.mark.parametrize("config", CONFIGS)
def bench_psa(benchmark, work, quick, config, precision):
    if quick and (config, precision) != (CONFIGS[0], "double"):
        pytest.skip("the full suite only")
    job, n = work(config), 16_384 if quick else 65_536
    a, kept = job.analysis, []

    def psa():
        kept[:] = [pe.run_psa(a.model, a.parameters, n_draws=n, seed=7, precision=precision)]

    benchmark.group, benchmark.extra_info["version"] = f"PSA: {config}", precision
    measured(benchmark, psa, 2 if quick else 5)
    first = {
        name: {s: v[: job.n_draws] for s, v in column.items()} for name, column in kept[0].outcomes.items()
    }
    shortened = pe.PsaSample(
        kept[0].strategies,
        kept[0].cost_values[: job.n_draws],
        kept[0].effect_values[: job.n_draws],
        outcomes=first,
    )
    difference = job.largest_difference(shortened)
    assert difference < TOLERANCE[precision]
    benchmark.extra_info.update(job.size, n_draws=n, difference=difference)
    for name in ("lane_cycles", "multiply_adds"):
        benchmark.extra_info[name] = job.size[name] // job.n_draws * n


@PRECISIONS
@pytest.mark.parametrize("config", CONFIGS[:2])
def bench_draws(benchmark, work, quick, config, precision):
    if quick and (config, precision) != (CONFIGS[0], "single"):
        pytest.skip("the full suite only")
    parameters, n = work(config).analysis.parameters, 65_536 if quick else 262_144
    kept = []
    benchmark.group, benchmark.extra_info["version"] = f"draws: {config}", precision
    measured(
        benchmark,
        lambda: kept.append(drawn(parameters, n, seed=3, precision=precision)) or kept.pop(0),
        3 if quick else 7,
    )
    values = {k: np.asarray(v) for k, v in drawn(parameters, n, seed=3, precision=precision).items()}
    means, worst = parameters.means(), 0.0
    for name, x in values.items():
        worst = max(worst, abs(x.mean(dtype=float) - means[name]) / (x.std(dtype=float) / np.sqrt(n)))
    assert worst < stats.norm.isf(1e-6 / len(values))
    benchmark.extra_info.update(
        n_draws=n, numbers=n * len(parameters.structure.scores), standard_errors_off=worst
    )


def bench_decision(benchmark, quick):
    """Everything a decision needs of 1,000,000 draws of five strategies at 51 willingnesses to pay."""
    n = 100_000 if quick else 1_000_000
    rng = np.random.default_rng(5)
    means = np.array([10.0, 10.2, 10.3, 10.35, 10.1])
    sample = pe.PsaSample(
        tuple("abcde"), rng.gamma(50, [20, 90, 150, 220, 400], (n, 5)), rng.normal(means, 0.4, (n, 5))
    )
    wtp, kept = np.linspace(0, 50_000, 51), []

    def decide():
        kept[:] = [
            icers(sample),
            ceac(sample, wtp),
            ceaf(sample, wtp),
            expected_loss(sample, wtp),
            evpi(sample, wtp),
        ]

    benchmark.group = f"decision analysis: {n:,} draws, 5 strategies, 51 WTPs"
    benchmark.extra_info["version"] = "double"
    measured(benchmark, decide, 2 if quick else 3)
    benefit = 25_000 * sample.effect_values - sample.cost_values
    truth = benefit.max(1).mean() - benefit.mean(0).max()
    at = int(np.flatnonzero(wtp == 25_000)[0])
    difference = abs(float(np.asarray(kept[4].value)[at]) / truth - 1)
    assert difference < 1e-9
    benchmark.extra_info.update(n_draws=n, n_strategies=5, difference=difference)
