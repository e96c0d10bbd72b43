"""What every estimator of EVPPI must keep to, whatever its method: bounds, order, and what may not matter."""

from itertools import pairwise

import numpy as np
import pytest
from voi_problems import KNOWN, P1, P3, P14

from psa_engine.model import FunctionModel
from psa_engine.voi import evppi

FEW = {"n_runs": 2**14}
FROM_MODEL = {
    "curves": {},
    "surrogate": {"rtol": 5e-3},
    "bracket": {"rtol": 5e-3},
    "nested": FEW,
    "mlmc": FEW,
    "mlmc_randomised": FEW,
}
FROM_SAMPLE = ("spline", "gp", "ridge")
SETS = [method for method in FROM_MODEL if method != "curves"]  # curves are for single parameters


def estimate(known, of, method, model=None, wtp=None):
    """EVPPI by any method, from the model or from 3,000 draws of it."""
    wtp = known.wtp if wtp is None else wtp
    if method in FROM_SAMPLE:
        return evppi(known.sample(3_000, 5), of=list(of), wtp=wtp, method=method)
    options = {"seed": 2, **FROM_MODEL[method]}
    return evppi(model or known.model, known.parameters, of=list(of), wtp=wtp, method=method, **options)


def slack(*found):
    """Four standard errors of all together, and what bias they may have."""
    return (
        4 * np.hypot.reduce([f.standard_error for f in found]) + sum(f.bias_bound or 0 for f in found) + 1e-6
    )


@pytest.mark.parametrize("method", [*SETS, *FROM_SAMPLE])
def test_knowing_more_is_worth_more_from_nothing_up_to_perfect_information(method):
    chain = [estimate(P1, of, method) for of in (("t3",), ("t1", "t3"), ("t1", "t2", "t3"))]
    assert chain[0].value > -slack(chain[0])
    for less, more in pairwise(chain):
        assert more.value > less.value - slack(less, more)
    assert chain[-1].value < P1.evpi + slack(chain[-1])


@pytest.mark.parametrize("method", [*SETS, *FROM_SAMPLE])
def test_knowing_everything_is_worth_the_evpi(method):
    found = estimate(P14, ("t1", "t2", "t3"), method)
    assert abs(found.value - P14.evpi) < slack(found)


@pytest.mark.parametrize("method", ["curves", "mlmc", "mlmc_randomised", "bracket"])
def test_a_constant_given_to_every_strategy_changes_nothing(method):
    def dearer(p):
        costs, effects = P1.model.outcomes(p)
        return tuple(c + 7e4 for c in costs), tuple(e + 15 for e in effects)

    plain = estimate(P1, ("t1",), method)
    moved = estimate(P1, ("t1",), method, FunctionModel(dearer, ("a", "b")))
    # Rounding may move a draw from one level of random ones to another.
    assert abs(moved.value - plain.value) < 0.02 * plain.standard_error + 1e-6 * plain.value


@pytest.mark.parametrize("method", [*SETS, *FROM_SAMPLE])
def test_without_costs_the_value_is_linear_in_the_wtp(method):
    found = estimate(P3, ("t1", "t2"), method, wtp=[400.0, 1_000.0])
    assert found.value[1] == pytest.approx(2.5 * found.value[0], rel=1e-6)
    assert found.standard_error[1] == pytest.approx(2.5 * found.standard_error[0], rel=1e-6)


NAMED = [
    ("P1", ("t4",)),  # no part in the model, worth what its correlation tells
    ("P1", ("t5",)),  # nothing
    ("P3", ("t1", "t2")),  # a pure interaction
    ("P3", ("t2", "t3")),  # halves of two
    ("P14", ("t1",)),  # cannot change the choice
    ("P14", ("t2",)),
    ("P12", ("p3",)),  # proportions that add up to one
    ("P4", ("x5", "x14")),
]


@pytest.mark.parametrize("method", ["bracket", *FROM_SAMPLE])
@pytest.mark.parametrize(("name", "of"), NAMED)
def test_named_problems_come_out_within_four_standard_errors(name, of, method):
    found = estimate(KNOWN[name], of, method)
    assert abs(found.value - KNOWN[name].evppi[of]) < slack(found) + 1e-7 * KNOWN[name].evpi
