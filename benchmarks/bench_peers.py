"""Other packages on the same work in the same run, with the agreement of their answers; asked for by `--only peers`.

heormodel, pyheor and SALib come with the extra `peers`; voiage has an environment of its own, `build/voiage`
(`make peers`), or the one whose Python is in $PSA_ENGINE_VOIAGE.
"""

import json
import os
import statistics
import subprocess
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
import pytest
from bench_voi import BRENNAN_WTP, SINGLES, TOGETHER, brennan
from measuring import measured
from sick_sicker_peers import by_heormodel, by_pyheor

import psa_engine as pe
from psa_engine.voi import sobol_indices

HERE = Path(__file__).parent
VOIAGE = Path(os.environ.get("PSA_ENGINE_VOIAGE", HERE.parent / "build" / "voiage" / "bin" / "python"))
N_ROWS = 100_000
GROUPS = [("x6",), ("x5", "x14"), ("x5", "x6", "x14", "x15")]
TRUTH = {**{(name,): value for name, value in SINGLES.items()}, **TOGETHER}

pytestmark = pytest.mark.peers


def named(benchmark, work, program):
    """Name a row; skip where the program is not installed."""
    try:
        said = program if program == "psa_engine" else f"{program} {version(program)}"
    except PackageNotFoundError:
        pytest.skip(f"{program} is not installed: make peers")
    benchmark.group, benchmark.extra_info["version"] = f"peers: {work}", said


# Sick-Sicker: the occupancies that costs and QALYs are counted on, which differ between the packages.
WEIGHTS = {"heormodel": "darthtools_simpson", "pyheor": "start_of_cycle"}
DRAWS = {"heormodel": 4_000, "pyheor": 50}


@lru_cache
def sick_sicker(weights, n):
    """Our own sample, and its parameters as a table for others."""
    a = pe.load_analysis("sick_sicker")
    model = replace(a.model, timeline=replace(a.timeline, cycle_correction=weights))
    sample = pe.run_psa(model, a.parameters, n, seed=3)
    return sample, sample.parameters.assign(**{
        k: v for k, v in a.parameters.means().items() if k not in sample.parameter_values
    })  # fmt: skip


@pytest.mark.parametrize("program", ["heormodel", "pyheor"])
def bench_sick_sicker(benchmark, program):
    """Costs and QALYs of 4 strategies over 75 cycles, the same draws, compared draw by draw."""
    named(benchmark, "Sick-Sicker PSA", program)
    sample, draws = sick_sicker(WEIGHTS[program], DRAWS[program])
    run, kept = {"heormodel": by_heormodel, "pyheor": by_pyheor}[program], []
    measured(benchmark, lambda: kept.append(run(draws)), 1)
    costs, effects = kept[-1]
    off = max(abs(costs / sample.cost_values - 1).max(), abs(effects / sample.effect_values - 1).max())
    assert off < 1e-10
    benchmark.extra_info.update(n_draws=len(draws), difference=float(off))


def bench_sick_sicker_here(benchmark):
    """The same with our own draws in the time; agreement is in the rows of the others."""
    named(benchmark, "Sick-Sicker PSA", "psa_engine")
    a = pe.load_analysis("sick_sicker")
    measured(benchmark, lambda: pe.run_psa(a.model, a.parameters, N_ROWS, seed=3), 5)
    benchmark.extra_info.update(n_draws=N_ROWS)


@lru_cache
def rows():
    return pe.run_psa(*brennan(), n_draws=N_ROWS, seed=3, keep="totals")


def judged(benchmark, value, of):
    """Keep the error relative to the known answer; all are approximations, and only a gross error stops."""
    off = abs(value / TRUTH[of] - 1)
    benchmark.extra_info.update(n_draws=N_ROWS, difference=float(off))
    assert off < 0.5


@pytest.mark.parametrize("of", GROUPS, ids="+".join)
@pytest.mark.parametrize("program", ["psa_engine", "heormodel"])
def bench_evppi(benchmark, program, of):
    """By regression on the same 100,000 rows of Brennan's case 1."""
    named(benchmark, f"EVPPI of {' + '.join(of)}, 1e5 rows", program)
    sample, kept = rows(), []

    def by_psa_engine():
        kept.append(pe.evppi(sample, of=list(of), wtp=BRENNAN_WTP).value)

    def by_heormodel_spline():
        kept.append(evppi(outcomes, draws, list(of), BRENNAN_WTP))

    if program == "heormodel":
        from heormodel.models import Outcomes
        from heormodel.voi import evppi

        draws = sample.parameters.rename_axis("iteration")
        outcomes = Outcomes.from_wide(*(t.rename_axis("iteration") for t in (sample.costs, sample.effects)))
    measured(benchmark, by_psa_engine if program == "psa_engine" else by_heormodel_spline, 3)
    judged(benchmark, kept[-1], of)


@pytest.mark.parametrize("of", GROUPS, ids="+".join)
def bench_evppi_by_voiage(benchmark, tmp_path, of):
    """By voiage's own regression, which is linear."""
    if not VOIAGE.is_file():
        pytest.skip("voiage has no environment: make peers")
    sample = rows()
    net_benefit = BRENNAN_WTP * sample.effect_values - sample.cost_values
    np.savez(tmp_path / "rows.npz", net_benefit=net_benefit, **{k: sample.parameter_values[k] for k in of})
    command = [VOIAGE, HERE / "evppi_by_voiage.py", tmp_path / "rows.npz", "3", *of]
    found = {}

    def run():
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        found.update(json.loads(done.stdout.splitlines()[-1]))

    benchmark.group = f"peers: EVPPI of {' + '.join(of)}, 1e5 rows"
    benchmark.pedantic(run, rounds=1)
    benchmark.extra_info.update(
        version=f"voiage {found['version']}", seconds=statistics.median(found["seconds"])
    )
    judged(benchmark, found["value"], of)


# Ishigami's function (1990) with a = 7, b = .1, whose indices are known (Homma and Saltelli 1996).
A, B = 7.0, 0.1
PARTS = np.array([0.5 * (1 + B * np.pi**4 / 5) ** 2, A**2 / 8, 0.0])
THROUGH_BOTH = 8 * B**2 * np.pi**8 / 225
FIRST = PARTS / (PARTS.sum() + THROUGH_BOTH)
TOTAL = (PARTS + np.array([1, 0, 1]) * THROUGH_BOTH) / (PARTS.sum() + THROUGH_BOTH)
NAMES, POINTS = ("x1", "x2", "x3"), 2**15


@pytest.mark.parametrize("program", ["psa_engine", "SALib"])
def bench_sobol(benchmark, program):
    """First-order and total indices from 5 x 2^15 runs, with the errors that each package states."""
    named(benchmark, f"Sobol indices of Ishigami's function, {5 * POINTS:,} runs", program)
    kept = []
    run = {"psa_engine": indices_here, "SALib": indices_by_salib}[program]
    measured(benchmark, lambda: kept.append(run()), 3)
    first, total = kept[-1]
    off = max(np.abs(first - FIRST).max(), np.abs(total - TOTAL).max())
    assert off < 0.01
    benchmark.extra_info.update(n_draws=5 * POINTS, difference=float(off))


def indices_here():
    import jax.numpy as jnp

    def ishigami(p):
        value = jnp.sin(p["x1"]) + A * jnp.sin(p["x2"]) ** 2 + B * p["x3"] ** 4 * jnp.sin(p["x1"])
        return (0.0, 0.0), (0.0, value)

    parameters = pe.ParameterSet({name: pe.Uniform(-np.pi, np.pi) for name in NAMES})
    found = sobol_indices(
        pe.FunctionModel(ishigami, ("none", "f")), parameters, outcome="effects", n_points=POINTS // 16
    )
    return found.first_order, found.total


def indices_by_salib():
    from SALib.analyze import sobol as analysis
    from SALib.sample import sobol

    problem = {"num_vars": 3, "names": list(NAMES), "bounds": [[-np.pi, np.pi]] * 3}
    x1, x2, x3 = sobol.sample(problem, POINTS, calc_second_order=False, seed=1).T
    outcome = np.sin(x1) + A * np.sin(x2) ** 2 + B * x3**4 * np.sin(x1)
    found = analysis.analyze(problem, outcome, calc_second_order=False, seed=1)
    return found["S1"], found["ST"]
