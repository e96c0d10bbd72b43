"""The standard errors of EVPPI by regression: over 200 samples, intervals hold the truth as they should."""

import numpy as np
import pytest
from voi_problems import KNOWN

from psa_engine.voi.regression import estimate

pytestmark = pytest.mark.slow

N_SAMPLES, N_DRAWS = 200, 2_000

CASES = [
    ("P1", ("t1",), "spline"),
    ("P1", ("t4",), "spline"),
    ("P1", ("t1", "t3"), "spline"),
    ("P2", ("t1",), "spline"),
    ("P2", ("t1", "t2", "t3"), "spline"),
    ("P2b", ("t1",), "spline"),
    ("P3", ("t1", "t2"), "spline"),
    ("P3", tuple(f"t{k}" for k in range(1, 11)), "ridge"),
    ("P4", ("x5",), "spline"),
    ("P4", ("x16",), "spline"),
    ("P4", ("x5", "x14"), "spline"),
    ("P4", ("x5", "x14"), "gp"),
    ("P4", ("x5", "x6", "x14", "x15"), "gp"),
    ("P4", ("x5", "x6", "x7", "x14", "x15", "x16"), "gp"),
    ("P12", ("p1",), "spline"),
    ("P14", ("t2",), "spline"),
    ("parabola", ("x",), "spline"),
]


def replicates(name, of, method):
    """Values and standard errors of the EVPPI on many samples, each (N_SAMPLES,)."""
    known = KNOWN[name]
    samples = (known.sample(N_DRAWS, seed=1_000 + k) for k in range(N_SAMPLES))
    found = [estimate(sample, of, [known.wtp], seed=k, method=method) for k, sample in enumerate(samples)]
    return np.array([f.value[0] for f in found]), np.array([f.standard_error[0] for f in found])


@pytest.mark.parametrize(
    ("name", "of", "method"), CASES, ids=lambda part: part if isinstance(part, str) else "+".join(part)
)
def test_intervals_hold_the_truth_as_often_as_they_say(name, of, method):
    value, error = replicates(name, of, method)
    covered = np.mean(abs(value - KNOWN[name].evppi[of]) <= 1.96 * error)
    assert 0.90 <= covered <= 0.99


@pytest.mark.parametrize(
    ("name", "of"), [("P1", "t5"), ("P3", "t8"), ("P4", "x8"), ("P14", "t1"), ("parabola", "idle")]
)
def test_worthless_parameters_pass_for_something_in_one_case_of_twenty_at_most(name, of):
    known, found = KNOWN[name], 0
    for k in range(N_SAMPLES):
        one = estimate(known.sample(N_DRAWS, seed=3_000 + k), [of], [known.wtp], seed=k)
        found += bool(one.diagnostics["distinguishable"][0])
    assert found / N_SAMPLES <= 0.05
