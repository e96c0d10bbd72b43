"""Whether standard errors are right: over 200 seeds, 95 % intervals cover the known answer in 90 to 99 %."""

import numpy as np
import pytest
from voi_problems import KNOWN

from psa_engine.voi import Problem, curves, surrogate

N_SEEDS = 200


def coverage(estimate, truth):
    """The part of intervals that hold the truth, known to seven digits."""
    inside = 0
    for seed in range(N_SEEDS):
        found = estimate(seed)
        inside += abs(found.value[0] - truth) <= 1.96 * found.standard_error[0]
    return inside / N_SEEDS


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameter", "rtol"),
    [("P4", "x15", 2e-3), ("P4", "x6", 2e-3), ("P12", "p1", 1e-3), ("P12", "p3", 1e-3), ("P14", "t2", 1e-4)],
)
def test_intervals_of_curves_cover_the_truth(name, parameter, rtol):
    known = KNOWN[name]
    problem, wtp = Problem(known.model, known.parameters), np.array([known.wtp])
    found = coverage(
        lambda seed: curves.estimate(problem, (parameter,), wtp, rtol=rtol, seed=seed),
        known.singles[parameter],
    )
    assert 0.90 <= found <= 0.99


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "of"),
    [("P2", ("t1", "t2")), ("P3", ("t1", "t2")), ("P4", ("x5", "x14")), ("P4", ("x5", "x6", "x14", "x15")),
     ("P12", ("p1",)), ("P12", ("response",))],
)  # fmt: skip
def test_intervals_of_the_surrogate_cover_the_truth(name, of):
    known = KNOWN[name]
    problem, wtp = Problem(known.model, known.parameters), np.array([known.wtp])
    found = coverage(
        lambda seed: surrogate.estimate(problem, of, wtp, seed=seed, max_runs=150_000), known.evppi[of]
    )
    assert 0.90 <= found <= 0.99
