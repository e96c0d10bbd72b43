"""Decision analysis: the reference by known answers, and the engine's decision room against the reference."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr

from psa_engine import decision, reference
from psa_engine.config import load_analysis
from psa_engine.distributions import Dirichlet, Normal
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample

NAMES = tuple("abcdefg")


def assert_within_mc_error(estimate, truth, standard_error, z=4):
    assert abs(estimate - truth) <= z * standard_error, (estimate, truth, standard_error)


def sample_of(costs, effects):
    return PsaSample(NAMES[: costs.shape[1]], costs, effects)


def random_results(seed=5, n=400, n_strategies=4):
    rng = np.random.default_rng(seed)
    return rng.gamma(4, 2_000, (n, n_strategies)), rng.normal(8, 0.5, (n, n_strategies))


def benefits(*columns):
    """`evaluate` results whose net benefit at WTP 1 is the given arrays, one a strategy."""
    effects = np.column_stack(np.broadcast_arrays(*columns)).astype(float)
    return np.zeros_like(effects), effects


# Fully incremental analysis, acceptability and EVPI.


def test_dominance_and_icers_of_an_example_by_hand():
    costs, effects = [1000, 2000, 8000, 9000, 6000, 1000], [1.0, 3.0, 5.0, 4.0, 3.5, 0.5]
    a, b, c, d, e, f = reference.incremental(costs, effects)
    assert math.isnan(a.icer) and (b.icer, c.icer) == (500.0, 3000.0)
    assert [s.status for s in (a, b, c)] == ["on frontier"] * 3
    assert (d.status, d.by) == ("dominated", [2])
    assert (e.status, e.by) == ("extendedly dominated", [(0, 2), (1, 2)])
    assert (f.status, f.by) == ("dominated", [0])


@given(table=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 8)), min_size=2, max_size=7))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_incremental_analyses_agree_with_ties_and_strategies_on_a_line(table):
    costs, effects = np.array(table, float).T[:, None]
    expected = reference.incremental(costs[0], effects[0])
    for row in decision.icers(sample_of(costs, effects)).to_dict("records"):
        standing = expected[NAMES.index(row["strategy"])]
        assert row["status"].replace("reference", "on frontier") == standing.status
        np.testing.assert_allclose(row["icer"], standing.icer, rtol=1e-9)
        against = [member for by in standing.by for member in np.atleast_1d(by)]
        assert (row["against"] == "") if not against else NAMES.index(row["against"]) in against


def test_acceptability_curves_and_frontiers_agree():
    costs, effects = random_results()
    effects[:100, 1], costs[:100, 1] = effects[:100, 0], costs[:100, 0]  # ties
    sample, wtp = sample_of(costs, effects), [0, 5_000, 20_000, 1e6]
    np.testing.assert_allclose(decision.ceac(sample, wtp), reference.ceac(costs, effects, wtp), rtol=1e-12)
    got = decision.ceaf(sample, wtp)
    expected = reference.ceaf(costs, effects, wtp)
    assert got["strategy"].tolist() == [NAMES[best] for best, _ in expected]
    np.testing.assert_allclose(got["probability"], [p for _, p in expected], rtol=1e-12)


@pytest.mark.parametrize("wtp", [0, 3_000, 25_000])
def test_expected_values_of_perfect_information_agree(wtp):
    costs, effects = random_results(n_strategies=5)
    got = decision.evpi(sample_of(costs, effects), wtp)
    np.testing.assert_allclose(
        (got.value, got.standard_error), reference.evpi(costs, effects, wtp), rtol=1e-9
    )
    benefit = decision.net_monetary_benefit(sample_of(costs, effects), wtp)
    np.testing.assert_allclose(benefit, reference.net_monetary_benefit(costs, effects, wtp), rtol=1e-12)


def test_evpi_of_two_normal_benefits_is_that_of_their_difference():
    rng = np.random.default_rng(1)
    costs, effects = benefits(rng.normal(0, 3, 100_000), rng.normal(1, 4, 100_000))
    got, error = reference.evpi(costs, effects, 1.0)
    assert_within_mc_error(got, 5 * math.exp(-0.02) / math.sqrt(2 * math.pi) - ndtr(-0.2), error)


# Sick-Sicker with all its parameters uncertain, by the reference alone (darthtools weights, WTP 100,000).


def test_the_reference_finds_the_value_of_the_sick_sicker_decision():
    analysis, n = load_analysis("sick_sicker"), 20_000
    z = np.random.default_rng(6).standard_normal((len(analysis.parameters.structure.scores), n))
    outcomes = reference.evaluate(analysis.model, reference.draws(analysis.parameters, z))
    costs, effects = (reference.totals(outcomes, list(analysis.strategies), k) for k in ("costs", "effects"))
    benefit = reference.net_monetary_benefit(costs, effects, 100_000)
    errors = benefit.std(0, ddof=1) / math.sqrt(n)
    for got, truth, error in zip(benefit.mean(0), (1903824, 1853242, 1938038, 1917987), errors, strict=True):
        assert_within_mc_error(got, truth, error)
    got, error = reference.evpi(costs, effects, 100_000)
    assert_within_mc_error(got, 2803.5, error)


# EVPPI. Five correlated normals, NB1 - NB0 = 300 + 1000 t1 + 400 t2 - 800 t3: known by the unit normal loss.

MEAN, SD = np.array([1, 0.5, 2, 0, 0]), np.array([1, 2, 1.5, 1, 1])
SLOPE = np.array([1000, 400, -800, 0, 0])
RHO = {("t1", "t2"): 0.5, ("t1", "t4"): 0.8, ("t2", "t4"): 0.3}
LINEAR = ParameterSet({f"t{i + 1}": Normal(m, s) for i, (m, s) in enumerate(zip(MEAN, SD, strict=True))}, RHO)
LINEAR_TRUTH = {
    "t1": 509.9434, "t2": 470.1586, "t3": 430.3920, "t4": 366.8165, "t5": 0.0, "t1 t2": 574.4443,
    "t1 t3": 686.6947, "t2 t3": 656.9281, "t1 t2 t3": 736.8376,
}  # fmt: skip


def linear(p):
    return benefits(0, 300 + 1000 * p["t1"] + 400 * p["t2"] - 800 * p["t3"])


def linear_bias(of, truth, n_inner):
    """The upward bias of nesting: inner noise adds its variance / n_inner to that of the inner means."""
    correlation = np.eye(5)
    for (a, b), rho in RHO.items():
        i, j = int(a[1]) - 1, int(b[1]) - 1
        correlation[i, j] = correlation[j, i] = rho
    covariance = correlation * np.outer(SD, SD)
    held = [int(name[1]) - 1 for name in of]
    total, part = SLOPE @ covariance @ SLOPE, SLOPE @ covariance[:, held]
    explained = part @ np.linalg.solve(covariance[np.ix_(held, held)], part)
    return normal_loss(-100, explained + (total - explained) / n_inner) - truth


def normal_loss(mean, variance):
    """E[max(0, X)] of a normal X with a negative mean."""
    u = mean / math.sqrt(variance)
    return math.sqrt(variance / (2 * math.pi)) * math.exp(-u * u / 2) + mean * ndtr(u)


@pytest.mark.parametrize("names", LINEAR_TRUTH)
def test_nested_evppi_of_correlated_normals(names):
    truth, of = LINEAR_TRUTH[names], names.split()
    got, error = reference.nested_evppi(linear, LINEAR, of, 1.0, n_outer=3_000, n_inner=50)
    assert_within_mc_error(got, truth + linear_bias(of, truth, 50), error)


@pytest.mark.parametrize("name", ["t1", "t2", "t3", "t4"])
def test_regression_evppi_of_correlated_normals(name):
    p = reference.draws(LINEAR, np.random.default_rng(9).standard_normal((5, 40_000)))
    got, error = reference.regression_evppi(p[name], *linear(p), 1.0)
    assert_within_mc_error(got, LINEAR_TRUTH[name], error)


DIRICHLET = ParameterSet({"p": Dirichlet(["p1", "p2", "p3"], [6, 3, 1])})


def shares(p):
    return benefits(5600, 10000 * p["p1"] + 2000 * p["p2"] - 20000 * p["p3"])


def test_nested_evppi_of_all_parameters_is_the_evpi():
    got, error = reference.nested_evppi(shares, DIRICHLET, ["p"], 1.0, n_outer=4_000, n_inner=1)
    assert_within_mc_error(got, 545.9314, error)


@pytest.mark.parametrize(("name", "truth"), [("p1", 388.6628), ("p3", 419.6009)])
def test_regression_evppi_of_one_share_of_a_dirichlet(name, truth):
    p = reference.draws(DIRICHLET, np.random.default_rng(10).standard_normal((2, 40_000)))
    got, error = reference.regression_evppi(p[name], *shares(p), 1.0)
    assert_within_mc_error(got, truth, error)


# Brennan, Kharroubi, O'Hagan, Chilcott 2007, case 1: 19 normals, four of them correlated, products of three.

BRENNAN_MEANS = [
    1000,
    0.1,
    5.2,
    400,
    0.7,
    0.3,
    3,
    0.25,
    -0.1,
    0.5,
    1500,
    0.08,
    6.1,
    0.8,
    0.3,
    3,
    0.2,
    -0.1,
    0.5,
]
BRENNAN_SDS = [1, 0.02, 1, 200, 0.1, 0.1, 0.5, 0.1, 0.02, 0.2, 1, 0.02, 1, 0.1, 0.05, 1, 0.05, 0.02, 0.2]


def brennan_parameters():
    entries = {
        f"X{i + 1}": Normal(m, s) for i, (m, s) in enumerate(zip(BRENNAN_MEANS, BRENNAN_SDS, strict=True))
    }
    block = 0.6 + 0.4 * np.eye(4)
    return ParameterSet(entries, {"response": (["X5", "X7", "X14", "X16"], block)})


def brennan(p):
    x = [None, *(p[f"X{i}"] for i in range(1, 20))]
    costs = (x[1] + x[2] * x[3] * x[4], x[11] + x[12] * x[13] * x[4])
    effects = (x[5] * x[6] * x[7] + x[8] * x[9] * x[10], x[14] * x[15] * x[16] + x[17] * x[18] * x[19])
    return np.column_stack(costs), np.column_stack(effects)


@pytest.mark.parametrize(("names", "truth"), [("X5 X14", 247.912), ("X7 X16", 536.5196)])
def test_nested_evppi_of_brennans_case(names, truth):
    """The upward bias of 500 inner draws is a tenth of a standard error here."""
    got, error = reference.nested_evppi(brennan, brennan_parameters(), names.split(), 10_000, 1_000, 500)
    assert_within_mc_error(got, truth, error)


@pytest.mark.parametrize(("name", "truth"), [("X6", 611.8023), ("X16", 460.5418), ("X15", 271.295)])
def test_regression_evppi_of_brennans_case(name, truth):
    p = reference.draws(brennan_parameters(), np.random.default_rng(12).standard_normal((19, 40_000)))
    got, error = reference.regression_evppi(p[name], *brennan(p), 10_000)
    assert_within_mc_error(got, truth, error)
