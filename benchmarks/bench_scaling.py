"""Time against size, one size varied at a time: draws, strategies, states, cycles, draws in a block, cores.

The fits and the figure of `scaling.py` are made from these rows. Each is checked where it is timed: against the
plain reference, or against the law that draws do not depend on how a run is cut up.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from apart import in_a_process
from measuring import measured

import psa_engine as pe
from psa_engine import reference
from psa_engine.engine import RunPlan, evaluate
from psa_engine.engine.evaluate import on_devices

FLAGSHIP = "ruxolitinib_ad_systemic_naive"
LANES = 16_384


def sized(benchmark, axis, size):
    benchmark.group, benchmark.extra_info["version"] = f"scaling: {axis} {size:,}", "double"
    benchmark.extra_info.update(axis=axis, size=size)


@lru_cache
def flagship():
    a = pe.load_analysis(FLAGSHIP)
    return a, pe.run_psa(a.model, a.parameters, 1_000, seed=7, keep="totals")


def timed_psa(benchmark, n, rounds, **given):
    """Time a PSA that keeps totals; its first draws are those of a short run, to the bit."""
    a, few = flagship()
    kept = []

    def run(n):
        kept[:] = [pe.run_psa(a.model, a.parameters, n, seed=7, keep="totals", **given)]

    run(min(n, max(given.get("block", 0), LANES)))  # compiles: longer runs are more of the same blocks
    benchmark.pedantic(run, args=(n,), rounds=rounds)
    assert np.array_equal(kept[0].cost_values[:1_000], few.cost_values[:n])
    benchmark.extra_info["n_draws"] = n


@pytest.mark.parametrize("n", [1_000, 10_000, 100_000, 300_000, 1_000_000])
def bench_draws(benchmark, quick, n):
    if quick:
        pytest.skip("the full suite only")
    sized(benchmark, "draws", n)
    timed_psa(benchmark, n, 5 if n <= 10_000 else 3 if n <= 100_000 else 1)


@pytest.mark.parametrize("block", [1_024, 4_096, 16_384, 65_536])
def bench_block(benchmark, quick, block):
    if quick:
        pytest.skip("the full suite only")
    sized(benchmark, "draws in a block", block)
    timed_psa(benchmark, 65_536, 3, block=block)


@pytest.mark.parametrize("cores", [1, 2])
def bench_cores(benchmark, quick, cores):
    if quick:
        pytest.skip("the full suite only")
    sized(benchmark, "cores", cores)
    kept = {}
    benchmark.pedantic(
        lambda: kept.update(in_a_process("psa", devices=cores, config=FLAGSHIP, n_draws=100_000)), rounds=1
    )
    benchmark.extra_info.update(kept)


def chain(n_strategies, n_states, n_cycles):
    """A model of any size: a chain of states, each left for the next, with background mortality from all."""
    states = tuple(f"stage{k}" for k in range(n_states))

    def transitions(p):
        return {pair: p["leave"] * p["slower"] for pair in pairwise(states)}

    def payoffs(p):
        per_year = {state: p["cost"] * (k + 1) for k, state in enumerate(states)}
        return {
            "costs.care": per_year,
            "effects.qalys": {s: p["utility"] ** (k + 1) for k, s in enumerate(states)},
        }

    timeline = pe.Timeline(52, n_cycles, start_age=30, life_table=pe.read_age_table("england_2017_2019"))
    strategies = {f"strategy{k}": {"slower": 1 / (k + 1)} for k in range(n_strategies)}
    return pe.CohortModel(
        (*states, "dead"), strategies, timeline, states[0], transitions, payoffs, death="dead"
    )


CHAIN = {"strategies": 4, "states": 8, "cycles": 400}


@pytest.mark.parametrize(
    ("axis", "size"),
    [
        *(("strategies", n) for n in (1, 2, 4, 8, 16)),
        *(("states", n) for n in (2, 4, 8, 16, 24)),
        *(("cycles", n) for n in (100, 200, 400, 800, 1_600)),
    ],
)
def bench_chain(benchmark, quick, axis, size):
    """Simulation alone."""
    if quick:
        pytest.skip("the full suite only")
    sized(benchmark, axis, size)
    model = chain(*{**CHAIN, axis: size}.values())
    rng = np.random.default_rng(4)
    low, high = np.array([[0.01, 0.05], [100, 900], [0.5, 0.9]]).T
    values = dict(zip(("leave", "cost", "utility"), rng.uniform(low, high, (LANES, 3)).T, strict=True))
    _, run, arguments = on_devices(model, values, RunPlan())
    measured(benchmark, lambda: run(*arguments)["slack"].block_until_ready(), 5)
    few = {k: v[:3] for k, v in values.items()}
    got, expected = evaluate(model, few), reference.evaluate(model, few)
    difference = 0.0
    for name in ("costs.care", "effects.qalys"):
        for strategy in model.strategies:
            off = got.outcomes[name][strategy] / expected[name][strategy] - 1
            difference = max(difference, float(np.abs(off).max()))
    assert difference < 1e-10
    benchmark.extra_info.update(n_draws=LANES, difference=difference)
