"""Value of information: cost and accuracy side by side, on problems whose answers are known.

`difference` is the largest error relative to the known answer (where that is above 0), `error_of_evpi` the
largest of all relative to the EVPI, `standard_error` the largest stated, relative to the EVPI. The flagship's
answer is not known: each method is held against curves on other draws.
"""

import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from measuring import measured

import psa_engine as pe

# Case 1 of Brennan, Kharroubi, O'Hagan, Chilcott 2007: mean and SD of 19 normals; answers by quadrature.
MOMENTS = (
    (1000, 1), (0.1, 0.02), (5.2, 1), (400, 200), (0.7, 0.1), (0.3, 0.1), (3, 0.5), (0.25, 0.1),
    (-0.1, 0.02), (0.5, 0.2), (1500, 1), (0.08, 0.02), (6.1, 1), (0.8, 0.1), (0.3, 0.05), (3, 1),
    (0.2, 0.05), (-0.1, 0.02), (0.5, 0.2),
)  # fmt: skip
BRENNAN_WTP, BRENNAN_EVPI = 10_000.0, 1047.031
ALONE = {"x5": 22.45992, "x6": 611.8023, "x7": 11.9974, "x14": 230.8127, "x15": 271.295, "x16": 460.5418}
SINGLES = {f"x{k}": ALONE.get(f"x{k}", 0.0) for k in range(1, 20)}
TOGETHER = {
    ("x5", "x14"): 247.912,
    ("x5", "x6", "x14", "x15"): 841.2507,
    ("x5", "x6", "x7", "x14", "x15", "x16"): 1045.893,
}
# DARTH Sick-Sicker at 100,000; answers from another derivation (16 million draws and more).
SICK_SICKER_WTP, SICK_SICKER_EVPI = 100_000.0, 2803.5
SICK_SICKER = {
    "u_S1": 832.70,
    "c_trtA": 358.23,
    "c_trtB": 60.40,
    **dict.fromkeys(["c_H", "c_S1", "u_H"], 0.0),
}


@lru_cache
def brennan():
    def outcomes(p):
        costs = (p["x1"] + p["x2"] * p["x3"] * p["x4"], p["x11"] + p["x12"] * p["x13"] * p["x4"])
        first = p["x5"] * p["x6"] * p["x7"] + p["x8"] * p["x9"] * p["x10"]
        return costs, (first, p["x14"] * p["x15"] * p["x16"] + p["x17"] * p["x18"] * p["x19"])

    names = ("x5", "x7", "x14", "x16")
    correlation = [[1.0 if a == b else 0.6 for b in names] for a in names]
    parameters = pe.ParameterSet(
        {f"x{k}": pe.Normal(mean, sd) for k, (mean, sd) in enumerate(MOMENTS, 1)},
        correlation={"response": (names, correlation)},
    )
    return pe.FunctionModel(outcomes, ("T0", "T1")), parameters


def judged(benchmark, found, known, evpi):
    """Keep errors, standard errors and model runs of estimates beside their time."""
    values = {", ".join(one.of): float(np.ravel(one.value)[0]) for one in found}
    errors = [float(np.ravel(one.standard_error)[0]) for one in found]
    off = {name: abs(values[name] - truth) for name, truth in known.items()}
    positive = [off[name] / truth for name, truth in known.items() if truth > 0]
    benchmark.extra_info.update(
        n_draws=max(one.model_runs for one in found),
        difference=max(positive),
        error_of_evpi=max(off.values()) / evpi,
        standard_error=max(errors) / evpi,
    )


@pytest.mark.parametrize("rtol", [1e-3])
def bench_brennan_singles(benchmark, quick, rtol):
    """All 19 single parameters by curves on one shared design."""
    kept = []
    benchmark.group, benchmark.extra_info["version"] = "VOI: Brennan, 19 parameters", "curves"
    measured(
        benchmark,
        lambda: kept.append(pe.evppi_singles(*brennan(), wtp=BRENNAN_WTP, rtol=rtol)),
        1 if quick else 3,
    )
    judged(benchmark, kept[-1], SINGLES, BRENNAN_EVPI)
    assert benchmark.extra_info["difference"] < 5e-3


def bench_brennan_singles_cold(benchmark, tmp_path):
    """The same in a new process with nothing compiled before; the time is that of the call, without imports."""
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1])\n"
        "from bench_voi import BRENNAN_WTP, brennan, pe\n"
        "pe.evppi_singles; given = brennan(); started = time.perf_counter()\n"
        "pe.evppi_singles(*given, wtp=BRENNAN_WTP); print(time.perf_counter() - started)"
    )
    benchmark.group, benchmark.extra_info["version"] = "VOI: Brennan, 19 parameters, cold", "curves"

    def run():
        command = [sys.executable, "-c", code, str(Path(__file__).parent)]
        done = subprocess.run(
            command, env=_environment(PSA_ENGINE_CACHE=str(tmp_path)), capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        benchmark.extra_info["seconds"] = float(done.stdout)

    benchmark.pedantic(run, rounds=1)


def _environment(**more):
    import os

    return {**os.environ, **more}


METHODS = {
    "surrogate": {"method": "surrogate"},
    "nested": {"method": "nested", "n_runs": 10**6},
    "MLMC": {"method": "mlmc", "n_runs": 2**20},
    "randomised MLMC": {"method": "mlmc_randomised", "n_runs": 2**20},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("of", TOGETHER, ids="+".join)
def bench_brennan_group(benchmark, quick, of, method):
    """Groups of two, four and six: the surrogate to a thousandth, the others on a million model runs."""
    if quick and method != "surrogate":
        pytest.skip("the full suite only")
    kept = []
    benchmark.group, benchmark.extra_info["version"] = f"VOI: Brennan, {len(of)} together", method
    given = {"of": list(of), "wtp": BRENNAN_WTP, **METHODS[method]}
    measured(benchmark, lambda: kept.append(pe.evppi(*brennan(), **given)), 1 if quick else 2)
    judged(benchmark, kept[-1:], {", ".join(of): TOGETHER[of]}, BRENNAN_EVPI)
    assert benchmark.extra_info["difference"] < 0.1


@pytest.mark.parametrize(("of", "truth"), [(("x6",), ALONE["x6"]), (("x5", "x14"), TOGETHER["x5", "x14"])])
def bench_regression(benchmark, quick, of, truth):
    """Regression on a sample of 100,000 rows."""
    sample = pe.run_psa(*brennan(), n_draws=100_000, seed=3, keep="totals")
    kept, work = [], f"VOI: regression on 1e5 rows, {len(of)} together"
    benchmark.group, benchmark.extra_info["version"] = work, "splines"
    measured(
        benchmark,
        lambda: kept.append(pe.evppi(sample, of=list(of), wtp=BRENNAN_WTP)),
        2 if quick else 5,
    )
    judged(benchmark, kept[-1:], {", ".join(of): truth}, BRENNAN_EVPI)
    benchmark.extra_info["n_draws"] = sample.n_draws
    assert benchmark.extra_info["difference"] < 0.05


def bench_sick_sicker_singles(benchmark, quick):
    """All 16 single parameters of the DARTH model by curves."""
    a, kept = pe.load_analysis("sick_sicker"), []
    benchmark.group, benchmark.extra_info["version"] = "VOI: Sick-Sicker, 16 parameters", "curves"
    measured(
        benchmark,
        lambda: kept.append(pe.evppi_singles(a.model, a.parameters, wtp=SICK_SICKER_WTP)),
        1 if quick else 2,
    )
    judged(benchmark, kept[-1], SICK_SICKER, SICK_SICKER_EVPI)
    assert benchmark.extra_info["error_of_evpi"] < 1e-3


FLAGSHIP, GRAMS = "ruxolitinib_ad_systemic_naive", "grams_as_needed[ruxolitinib_cream]"
MOST_STANDARD_ERRORS = 5.0


@lru_cache
def flagship():
    """The model, its WTP, and the EVPPI of one parameter by curves."""
    a = pe.load_analysis(FLAGSHIP)
    wtp = float(a.settings.wtp[0])
    return a, wtp, pe.evppi(a.model, a.parameters, of=GRAMS, wtp=wtp, rtol=0.005)


@lru_cache
def flagship_rows():
    a = flagship()[0]
    return pe.run_psa(a.model, a.parameters, n_draws=100_000, seed=2, keep="totals")


FLAGSHIP_METHODS = {
    "curves": {"method": "curves", "rtol": 0.01},
    "surrogate": {"method": "surrogate", "rtol": 0.02, "fallback": False},
    "nested": {"method": "nested", "n_runs": 2**16},
    "MLMC": {"method": "mlmc", "n_runs": 2**16},
    "randomised MLMC": {"method": "mlmc_randomised", "n_runs": 2**16},
    "regression": {},
}


@pytest.mark.parametrize("method", FLAGSHIP_METHODS)
def bench_flagship_method(benchmark, quick, method):
    """One parameter of the flagship by every method; each answer is held against that of curves on other draws."""
    if quick:
        pytest.skip("the full suite only")
    a, wtp, known = flagship()
    given = (flagship_rows(),) if method == "regression" else (a.model, a.parameters)
    options = {"of": GRAMS, "wtp": wtp, "seed": 9, **FLAGSHIP_METHODS[method]}
    kept = []
    benchmark.group, benchmark.extra_info["version"] = f"VOI: flagship, {GRAMS}", method
    measured(benchmark, lambda: kept.append(pe.evppi(*given, **options)), 1)
    found = kept[-1]
    error = float(np.hypot(found.standard_error, known.standard_error))
    apart = max(0.0, abs(found.value - known.value) - (found.bias_bound or 0.0) - known.bias_bound)
    assert apart < MOST_STANDARD_ERRORS * error
    benchmark.extra_info.update(
        n_draws=found.model_runs or given[0].n_draws,
        difference=abs(found.value / known.value - 1),
        standard_error=found.standard_error / pe.evpi(flagship_rows(), wtp).value,
        standard_errors_off=abs(found.value - known.value) / error,
    )


def bench_flagship_singles(benchmark, quick):
    """Every single parameter of the flagship; there is no known answer, the stated errors are the figure."""
    if quick:
        pytest.skip("the full suite only")
    (a, wtp, _), kept = flagship(), []
    evpi = pe.evpi(flagship_rows(), wtp).value
    n = len(a.parameters.uncertain)
    benchmark.group, benchmark.extra_info["version"] = f"VOI: flagship, {n} parameters", "curves"
    measured(
        benchmark,
        lambda: kept.append(pe.evppi_singles(a.model, a.parameters, wtp=wtp, rtol=0.01)),
        1,
    )
    worst = max(float(one.standard_error) for one in kept[-1]) / evpi
    benchmark.extra_info.update(standard_error=worst, n_draws=max(one.model_runs for one in kept[-1]))
    assert worst < 0.01
