"""EVPPI by multilevel Monte Carlo, plain and with random levels: known answers, level tables, laws, refusals."""

import numpy as np
import pytest
from assertions import assert_within_mc_error
from scipy.stats import kurtosis
from voi_problems import KNOWN, P1, P3, P4

from psa_engine.distributions import Normal
from psa_engine.engine.nested import InnerMeans
from psa_engine.errors import InputError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet
from psa_engine.voi import mlmc, mlmc_randomised
from psa_engine.voi.levels import Ladder, Level, starting_size
from psa_engine.voi.mlmc import remainder
from psa_engine.voi.pilot import run_pilot
from psa_engine.voi.problem import Problem

METHODS = (mlmc, mlmc_randomised)
NAMES = {"ids": ["mlmc", "mlmc_randomised"]}


def problem_of(known):
    return Problem(known.model, known.parameters)


def evppi(method, known, of, wtp=None, **options):
    wtp = np.array([known.wtp] if wtp is None else wtp, float)
    return method.estimate(problem_of(known), of, wtp, **{"n_runs": 2**16, "seed": 1, **options})


def assert_known(method, name, of, **options):
    found = evppi(method, KNOWN[name], of, **options)
    tiny = 1e-12 * KNOWN[name].evpi
    assert_within_mc_error(found.value[0], KNOWN[name].evppi[of], found.standard_error[0] + tiny)


@pytest.mark.parametrize("method", METHODS, **NAMES)
@pytest.mark.parametrize(("name", "of"), [
    ("P1", ("t1",)), ("P1", ("t1", "t3")), ("P1b", ("x",)), ("P2", ("t4",)), ("P2", ("t2", "t3")), ("P4", ("x5",)),
    ("P4", ("x6",)), ("P4", ("x5", "x14")), ("P4", ("correlated",)), ("P4", ("x5", "x6", "x7", "x14", "x15", "x16")),
    ("P12", ("p1",)), ("P12", ("p2",)), ("P12", ("p3",)), ("P12b", ("p",)), ("P14", ("t2",)), ("parabola", ("x",)),
])  # fmt: skip
def test_multilevel_estimates_are_within_four_standard_errors(method, name, of):
    assert_known(method, name, of)


@pytest.mark.parametrize("method", METHODS, **NAMES)
def test_a_parameter_without_effect_is_worth_what_its_correlation_tells(method):
    assert_known(method, "P1", ("t4",))


@pytest.mark.parametrize("method", METHODS, **NAMES)
def test_an_irrelevant_parameter_is_worth_nothing(method):
    assert_known(method, "P1", ("t5",))


@pytest.mark.parametrize("method", METHODS, **NAMES)
@pytest.mark.parametrize("of", [("t1",), ("t2", "t3"), ("t1", "t2"), ("t1", "t2", "t3", "t4")])
def test_of_a_pure_interaction_only_complete_pairs_are_worth_anything(method, of):
    assert_known(method, "P3", of)


@pytest.mark.parametrize("method", METHODS, **NAMES)
@pytest.mark.parametrize("of", [("t1",), ("t3",)])
def test_knowing_what_cannot_change_the_decision_is_worth_nothing(method, of):
    found = evppi(method, KNOWN["P14"], of)
    assert abs(found.value[0]) <= 1.96 * found.standard_error[0] + 1e-9


@pytest.mark.parametrize("method", METHODS, **NAMES)
def test_knowing_everything_is_worth_the_evpi_without_levels(method):
    found = evppi(method, KNOWN["P12"], ("response",))
    assert_within_mc_error(found.value[0], KNOWN["P12"].evpi, found.standard_error[0])
    assert len(found.diagnostics["levels"]) == 1


@pytest.mark.parametrize("method", METHODS, **NAMES)
def test_constants_are_worth_exactly_nothing_and_cost_no_runs(method):
    model = FunctionModel(lambda p: ((0.0, p["price"]), (0.0, p["x"])), ("old", "new"))
    problem = Problem(model, ParameterSet({"x": Normal(0, 1), "price": 1.5}))
    found = method.estimate(problem, ("price",), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(found.value, [0, 0])
    assert found.model_runs == 0


# Levels.


@pytest.fixture(scope="module")
def ladder():
    """Five levels of P4's x5 and x14, from a pair of inner draws, with many outer draws each."""
    ladder = Ladder(problem_of(P4).split(("x5", "x14")), np.array([P4.wtp]), 1, 3)
    for level in range(6):
        if level:
            ladder.add_level()
        ladder.run([0] * level + [2**17 >> level], None)
    return ladder


def test_each_level_starts_where_the_one_before_ends(ladder):
    consistency = [row["consistency"][0] for row in ladder.table()[1:]]
    assert max(consistency) < 4


def test_level_means_halve_and_variances_fall_faster_than_the_cost_grows(ladder):
    means = np.log2([-level.mean[0] for level in ladder.levels])
    variances = np.log2([level.variance[0] for level in ladder.levels])
    assert -1.2 < np.polyfit(range(5), means, 1)[0] < -0.8
    assert -1.8 < np.polyfit(range(5), variances, 1)[0] < -1.2


def test_the_levels_add_up_to_the_estimate_and_the_last_stands_for_those_beyond(ladder):
    means = [row["mean"][0] for row in ladder.table()]
    assert ladder.value[0] == pytest.approx(sum(means) + means[-1])
    off = ladder.value[0] - P4.evppi[("x5", "x14")]
    assert abs(off) < 4 * ladder.standard_error[0] + remainder(ladder)[0]


def test_what_is_left_beyond_the_last_level_is_bounded(ladder):
    assert abs(ladder.levels[-1].mean[0]) / 2 <= remainder(ladder)[0]


def test_a_level_that_few_draws_saw_is_not_believed_to_vary_less_than_a_quarter():
    split = problem_of(P4).split(("x5", "x14"))
    ladder = Ladder(split, np.array([P4.wtp]), 3, 5)
    for level, n in enumerate((4096, 1024, 16)):
        if level:
            ladder.add_level()
        ladder.run([0] * level + [n], None)
    first, second = (level.variance[0] for level in ladder.levels)
    assert ladder.variances()[2][0] == max(second, first / 4)


def test_the_moments_of_a_level_are_those_of_its_differences():
    random = np.random.default_rng(5)
    halves = InnerMeans(random.normal(0, 3, (500, 3, 2)), random.normal(1, 2, (500, 3, 2)))
    level = Level(4, np.zeros((4, 1)))
    for part in (slice(0, 200), slice(200, 500)):
        level.add(InnerMeans(halves.costs[part], halves.effects[part]), np.array([2.0]), (1,))
    benefit = 2 * halves.effects - halves.costs
    difference = benefit.mean(-1).max(1) - benefit.max(1).mean(1)
    assert level.mean[0] == pytest.approx(difference.mean())
    assert level.variance[0] == pytest.approx(difference.var(ddof=1))
    assert level.kurtosis[0] == pytest.approx(kurtosis(difference, fisher=False), rel=0.01)


def test_levels_start_where_inner_draws_no_longer_cancel_for_free():
    sizes = {}
    for known, of in ((P1, ("t1",)), (P3, ("t1", "t2"))):
        pilot = run_pilot(problem_of(known).split(of), np.array([known.wtp]), 512, 32, 1)
        sizes[known.wtp, of] = starting_size(pilot)
    assert sizes[P1.wtp, ("t1",)] == 1  # linear and normal: a pair of antithetic draws has no error left
    assert sizes[P3.wtp, ("t1", "t2")] > 1


# Laws, goals and messages.


@pytest.mark.parametrize("method", METHODS, **NAMES)
def test_with_zero_costs_the_value_is_linear_in_the_wtp(method):
    found = evppi(method, P3, ("t1", "t2", "t3"), [100.0, 300.0])
    np.testing.assert_allclose(found.value[1], 3 * found.value[0])


@pytest.mark.parametrize("method", METHODS, **NAMES)
def test_every_wtp_is_read_off_the_same_runs(method):
    found = evppi(method, P1, ("t1", "t2"), np.linspace(500, 1_000, 11))
    assert found.value.shape == found.standard_error.shape == found.bias_bound.shape == (11,)
    assert_within_mc_error(found.value[-1], P1.evppi[("t1", "t2")], found.standard_error[-1])


@pytest.mark.parametrize("method", METHODS, **NAMES)
def test_the_seed_decides_everything(method):
    once, again, other = (evppi(method, P4, ("x16",), n_runs=2**15, seed=seed) for seed in (3, 3, 4))
    assert once.value == again.value
    assert once.value != other.value


@pytest.mark.parametrize("method", METHODS, **NAMES)
def test_runs_are_made_until_the_tolerance_is_met(method):
    found = evppi(method, P4, ("x14", "x16"), n_runs=None, rtol=0.02, max_runs=2**22)
    assert 1.96 * found.standard_error[0] <= 1.1 * 0.02 * P4.evppi[("x14", "x16")]
    assert found.model_runs < 2**20
    assert_within_mc_error(found.value[0], P4.evppi[("x14", "x16")], found.standard_error[0])


def test_an_impossible_tolerance_stops_at_the_most_runs_and_says_so():
    found = evppi(mlmc, P4, ("x5",), n_runs=None, rtol=1e-6, max_runs=2**16)
    assert 0.9 * 2**16 <= found.model_runs <= 2**16
    assert not found.diagnostics["converged"]


def test_levels_are_added_until_little_is_left():
    found = evppi(mlmc, P4, ("x5", "x14"), n_runs=2**18)
    assert len(found.diagnostics["levels"]) > 3
    assert found.bias_bound[0] < found.standard_error[0]
    assert found.diagnostics["consistent"]


def test_random_levels_are_rarer_the_dearer_they_are():
    found = evppi(mlmc_randomised, P4, ("x5", "x14"))
    probabilities = found.diagnostics["probabilities"]
    assert probabilities.sum() == pytest.approx(1)
    ratio = probabilities[1:] / probabilities[:-1]
    assert (
        0.5**1.25 <= ratio[0] * (1 + 1e-12) <= 0.5 * (1 + 1e-9)
    )  # so fast that costs, so slow that variances, converge
    np.testing.assert_allclose(ratio, ratio[0])
    counts = [row["n_outer"] for row in found.diagnostics["levels"]]
    assert counts[1] > counts[3] > counts[6]


@pytest.mark.parametrize("method", METHODS, **NAMES)
@pytest.mark.parametrize(("options", "message"), [
    ({"rtol": 1.5}, "rtol must be between 0 and 1"), ({"n_runs": 10}, "n_runs must be at least 16384"),
    ({"n_runs": None, "max_runs": 10}, "max_runs must be at least 16384"),
])  # fmt: skip
def test_options_out_of_range_are_refused(method, options, message):
    with pytest.raises(InputError, match=message):
        evppi(method, P1, ("t1",), **options)
