"""EVPPI by nested Monte Carlo: the loops against a slow twin, known answers, laws, budgets, refusals."""

import jax
import numpy as np
import pytest
from assertions import assert_mean, assert_within_mc_error
from voi_problems import KNOWN, P1, P2B, P3, P4, P14

from psa_engine.distributions import Normal
from psa_engine.engine import nested as loops
from psa_engine.engine.nested import InnerMeans
from psa_engine.errors import InputError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet, normal_scores, score_inputs
from psa_engine.voi.coupling import gains, policy_value
from psa_engine.voi.goal import FLOOR, sized_on
from psa_engine.voi.nested import estimate
from psa_engine.voi.pilot import Pilot
from psa_engine.voi.problem import Problem
from psa_engine.voi.tally import Tally

SAMPLERS = ("sobol", "random")


def problem_of(known):
    return Problem(known.model, known.parameters)


def evppi(known, of, wtp=None, **options):
    wtp = np.array([known.wtp] if wtp is None else wtp, float)
    return estimate(problem_of(known), of, wtp, **{"n_runs": 2**16, "seed": 1, **options})


def assert_known(name, of, **options):
    found = evppi(KNOWN[name], of, **options)
    tiny = 1e-12 * KNOWN[name].evpi
    assert_within_mc_error(found.value[0], KNOWN[name].evppi[of], found.standard_error[0] + tiny)


# The two loops themselves.


def slow_inner_means(split, z_outer, m, seed, sampler, shared=False):
    """Each outer draw's runs one by one, from the scores of their numbers."""
    n, names = z_outer.shape[1], split.parameters.structure.scores
    index = np.tile(np.arange(m), n) if shared else np.arange(n * m)
    z = jax.jit(normal_scores, static_argnums=(0, 3))(
        sampler, score_inputs(sampler, seed, names, n * m), index.astype(np.uint32), np.float64
    )
    inner = [i for i in range(len(names)) if i not in split.outer_rows]
    results = split.evaluate(np.repeat(z_outer, m, 1), np.asarray(z)[inner])
    return InnerMeans(*(x.reshape(n, min(m, 2), -1, x.shape[1]).mean(2).transpose(0, 2, 1) for x in results))


@pytest.mark.parametrize(("m", "sampler", "shared"), [
    (1, "random", False), (2, "antithetic", False), (4, "sobol", False), (64, "random", True), (512, "sobol", False),
])  # fmt: skip
def test_inner_means_are_the_means_of_their_runs(m, sampler, shared):
    split = problem_of(P4).split(("x5", "x16"))
    z_outer = np.random.default_rng(2).standard_normal((2, 11))
    got = split.inner_means(z_outer, m, 7, sampler, shared)
    for fast, slow in zip(got, slow_inner_means(split, z_outer, m, 7, sampler, shared), strict=True):
        np.testing.assert_allclose(fast, np.broadcast_to(slow, fast.shape), rtol=1e-11, atol=1e-8)


def test_inner_loops_longer_than_a_block_are_added_up_over_passes(monkeypatch):
    monkeypatch.setattr(loops, "LANES", (2**9, 2**10))
    split = problem_of(P1).split(("t2",))
    z_outer = np.array([[-1.5, 0.3, 2.0]])
    got = split.inner_means(z_outer, 4096, 3, "random")
    for fast, slow in zip(got, slow_inner_means(split, z_outer, 4096, 3, "random"), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-11, atol=1e-8)


def test_a_number_of_inner_draws_that_is_no_power_of_two_is_refused():
    with pytest.raises(InputError, match="power of two, and is 12"):
        problem_of(P1).split(("t2",)).inner_means(np.zeros((1, 4)), 12, 1)


# Known answers.


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(("name", "of"), [
    ("P1", ("t1",)), ("P1", ("t1", "t3")), ("P1b", ("x",)), ("P2", ("t4",)), ("P2", ("t2", "t3")), ("P4", ("x5",)),
    ("P4", ("x6",)), ("P4", ("x5", "x14")), ("P4", ("correlated",)), ("P4", ("x5", "x6", "x7", "x14", "x15", "x16")),
    ("P12", ("p1",)), ("P12", ("p2",)), ("P12", ("p3",)), ("P12b", ("p",)), ("P14", ("t2",)), ("parabola", ("x",)),
])  # fmt: skip
def test_nested_estimates_are_within_four_standard_errors(name, of, sampler):
    assert_known(name, of, sampler=sampler)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_parameter_without_effect_is_worth_what_its_correlation_tells(sampler):
    assert_known("P1", ("t4",), sampler=sampler)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_irrelevant_parameter_is_worth_nothing(sampler):
    assert_known("P1", ("t5",), sampler=sampler)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("of", [("t1",), ("t2", "t3"), ("t1", "t2"), ("t1", "t2", "t3", "t4")])
def test_of_a_pure_interaction_only_complete_pairs_are_worth_anything(of, sampler):
    assert_known("P3", of, sampler=sampler)


@pytest.mark.parametrize("of", [("t1",), ("t3",)])
def test_knowing_what_cannot_change_the_decision_is_worth_nothing(of):
    found = evppi(P14, of, sampler="random")
    assert abs(found.value[0]) <= 1.96 * found.standard_error[0] + 1e-9


@pytest.mark.parametrize("n_tied", [1, 2, 5])
def test_tied_strategies_cost_no_more_than_the_bias_bound(n_tied):
    of = P2B.parameters.names[:n_tied]
    found = evppi(P2B, of, sampler="random")
    error = abs(found.value[0] - P2B.evppi[of])
    assert error < 4 * found.standard_error[0] + found.bias_bound[0]


# Bias, brackets and errors.


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_halves_show_the_bias_that_few_inner_draws_cause(sampler):
    found = evppi(P4, ("x5",), n_outer=2**15, n_inner=8, sampler=sampler)
    uncorrected = found.bracket[1][0]
    assert uncorrected > P4.evppi[("x5",)] + 8 * found.standard_error[0]
    np.testing.assert_allclose(found.value, uncorrected - found.diagnostics["correction"])
    assert abs(found.value[0] - P4.evppi[("x5",)]) < found.bias_bound[0] + 4 * found.standard_error[0]


@pytest.mark.parametrize(("known", "of"), [(P4, ("x5",)), (P4, ("x5", "x14")), (P3, ("t1", "t2"))])
def test_the_bracket_holds_the_truth(known, of):
    found = evppi(known, of, n_outer=2**14, n_inner=8)
    low, high = found.bracket
    slack = 4 * found.standard_error
    assert low - slack < known.evppi[of] < high + slack
    assert low < found.value < high


def test_a_policy_is_judged_by_the_half_that_did_not_choose_it():
    halves = InnerMeans(np.zeros((1, 3, 2)), np.array([[[0.0, 0.0], [4.0, -1.0], [-3.0, 5.0]]]))
    assert policy_value(halves, 10.0, 0) == 10 * (-1 + -3) / 2
    found = gains(halves, 10.0, 0)
    assert (found.fine, found.coarse) == (15.0, 45.0)
    assert (found.corrected(), found.corrected(2.0)) == (-15.0, -45.0)


def test_a_tally_of_parts_is_the_tally_of_the_whole():
    random = np.random.default_rng(4)
    costs, effects = random.normal(3, 20, (1, 900, 3, 2)), random.normal(1, 2, (1, 900, 3, 2))
    tally = Tally(np.array([5.0, 30.0]), 3, np.ones(2))
    for first, last in ((0, 100), (100, 650), (650, 900)):
        tally.add(InnerMeans(costs[:, first:last], effects[:, first:last]))
    for i, wtp in enumerate(tally.wtp):
        halves = (wtp * effects - costs)[0]
        mean = halves.mean(-1)
        loss = 2 * mean.max(1) - halves.max(1).mean(-1) - mean[:, mean.mean(0).argmax()]
        np.testing.assert_allclose(tally.variance[i], loss.var(ddof=1))
        np.testing.assert_allclose(tally.standard_error[i], loss.std(ddof=1) / 30)
        assert 0 <= tally.value[i] - loss.mean() <= tally.bias_bound()[i]


def test_choosing_the_best_of_a_tie_by_the_same_draws_is_made_up_for_in_part():
    values = []
    for seed in range(400):
        effects = np.zeros((1, 50, 2, 2))
        effects[0, :, 1] = np.random.default_rng(seed).standard_normal((50, 1))
        tally = Tally(np.ones(1), 2, np.ones(1))
        tally.add(InnerMeans(np.zeros_like(effects), effects))
        truth = 1 / np.sqrt(2 * np.pi)
        values.append((tally.value[0] - truth, abs(effects[0, :, 1, 0].mean()) / 2, tally.bias_bound()[0]))
    off, taken, bound = np.mean(values, axis=0)
    assert -0.7 * taken < off < 0
    assert abs(off) < bound


def pilot_of(noise, n_outer):
    """A pilot whose differences fall as those of the higher of two normals do, with noise on each."""
    rng = np.random.default_rng(8)
    u = noise * 2.0 ** np.arange(5, -1, -1)[:, None]
    falls = np.sqrt(1 + u) - np.sqrt(1 + 2 * u)
    difference = falls * rng.gamma(2.5, 0.4, (n_outer, 1, 1)) * rng.uniform(0.5, 1.5, (n_outer, 6, 1))
    nothing = np.zeros_like(difference)
    return Pilot((0,), nothing, difference, nothing, nothing, nothing)


@pytest.mark.parametrize("noise", [1e-3, 0.3, 4.0, 1e3])
def test_how_differences_fall_tells_what_halving_the_noise_for_ever_would_take_off(noise):
    pilot = pilot_of(noise, 4_000)
    known = (np.sqrt(1 + noise) - 1) / (np.sqrt(1 + 2 * noise) - np.sqrt(1 + noise))
    assert abs(pilot.factor(5)[0] - known) < 4 * pilot.factor_error(5)[0] + 1e-3
    assert pilot.factor_error(5)[0] < 0.1 * known


def test_the_factor_of_a_small_pilot_is_less_sure():
    small, large = pilot_of(1.0, 64).factor_error(5), pilot_of(1.0, 1_600).factor_error(5)
    assert 2 < small[0] / large[0] < 12  # about the root of 25


def test_a_doubtful_factor_is_in_the_standard_error():
    found = evppi(P3, ("t1",), sampler="random")
    assert (
        found.bias_bound[0] > 0 and abs(found.value[0]) < 1.96 * found.standard_error[0] + found.bias_bound[0]
    )
    assert found.standard_error[0] > 0.1 * found.diagnostics["correction"][0]


# Laws.


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_knowing_everything_is_worth_the_evpi_without_an_inner_loop(sampler):
    found = evppi(P1, ("theta",), sampler=sampler)
    assert_within_mc_error(found.value[0], P1.evpi, found.standard_error[0])
    assert found.diagnostics["n_inner"] == 1
    assert found.diagnostics["correction"] == 0


def test_constants_are_worth_exactly_nothing_and_cost_no_runs():
    model = FunctionModel(lambda p: ((0.0, p["price"]), (0.0, p["x"])), ("old", "new"))
    problem = Problem(model, ParameterSet({"x": Normal(0, 1), "price": 1.5}))
    found = estimate(problem, ("price",), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(found.value, [0, 0])
    assert found.model_runs == 0


FIXED = {"n_outer": 512, "n_inner": 8}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_wtp_is_read_off_the_same_runs(sampler):
    both = evppi(P1, ("t1", "t2"), [400.0, 1_000.0], sampler=sampler, **FIXED)
    for i, wtp in enumerate((400.0, 1_000.0)):
        alone = evppi(P1, ("t1", "t2"), [wtp], sampler=sampler, **FIXED)
        np.testing.assert_allclose(
            [both.value[i], both.standard_error[i]], [alone.value[0], alone.standard_error[0]]
        )


def test_with_zero_costs_the_value_is_linear_in_the_wtp():
    found = evppi(P3, ("t1", "t2", "t3"), [100.0, 300.0], **FIXED)
    np.testing.assert_allclose(found.value[1], 3 * found.value[0])


def test_a_constant_added_to_every_strategy_changes_nothing():
    def dearer(p):
        costs, effects = P1.model.outcomes(p)
        return tuple(c + 5e4 for c in costs), tuple(e + 12 for e in effects)

    moved = estimate(
        Problem(FunctionModel(dearer, ("a", "b")), P1.parameters), ("t1",), np.array([1e3]), **FIXED
    )
    plain = estimate(problem_of(P1), ("t1",), np.array([1e3]), **FIXED)
    np.testing.assert_allclose(moved.value, plain.value, rtol=1e-9)


def test_the_seed_decides_everything():
    once, again, other = (evppi(P2B, ("t1",), seed=seed, **FIXED) for seed in (3, 3, 4))
    assert once.value == again.value
    assert once.value != other.value


# Goals, messages, progress.


@pytest.mark.parametrize(("sampler", "rtol"), [("sobol", 2e-3), ("random", 0.03)])
def test_runs_are_made_until_the_tolerance_is_met(sampler, rtol):
    found = evppi(P4, ("x14", "x16"), n_runs=None, rtol=rtol, sampler=sampler, max_runs=2**22)
    assert found.diagnostics["converged"]
    assert 1.96 * found.standard_error[0] <= rtol * max(found.value[0], 1.2 * FLOOR * P4.evpi)
    assert found.model_runs < 2**22
    assert_within_mc_error(found.value[0], P4.evppi[("x14", "x16")], found.standard_error[0])


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_an_impossible_tolerance_stops_at_the_most_runs_and_says_so(sampler):
    found = evppi(P4, ("x5",), n_runs=None, rtol=1e-6, sampler=sampler, max_runs=2**16)
    assert 2**15 <= found.model_runs <= 2**16
    assert not found.diagnostics["converged"]


@pytest.mark.parametrize("n_runs", [2**14, 100_000])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_budget_is_spent_and_not_exceeded(n_runs, sampler):
    assert 0.75 * n_runs <= evppi(P1, ("t1",), n_runs=n_runs, sampler=sampler).model_runs <= n_runs


def test_more_inner_draws_are_taken_where_there_is_more_to_average_out():
    few = evppi(P4, ("x5", "x6", "x7", "x14", "x15", "x16"))
    many = evppi(P3, ("t1", "t2"))
    assert few.diagnostics["n_inner"] < many.diagnostics["n_inner"]


def test_the_doubling_table_starts_at_the_evpi_and_falls():
    rows = evppi(P4, ("x5", "x14")).diagnostics["doubling"]
    assert [row["n_inner"] for row in rows] == [1, 2, 4, 8, 16, 32]
    assert_within_mc_error(rows[0]["uncorrected"], P4.evpi, rows[0]["standard_error"])
    assert all(np.diff([row["uncorrected"][0] for row in rows]) < 0)


def test_a_run_is_sized_on_few_of_many_wtps():
    np.testing.assert_array_equal(sized_on(np.arange(101.0)), [0, 25, 50, 75, 100])
    np.testing.assert_array_equal(sized_on(np.array([20.0, 30.0])), [0, 1])
    assert evppi(P1, ("t2",), np.linspace(100, 2_000, 40), n_runs=2**14).value.shape == (40,)


@pytest.mark.parametrize(("options", "message"), [
    ({"sampler": "halton"}, "must be 'sobol' or 'random', and is 'halton'"),
    ({"rtol": 0.0}, "rtol must be between 0 and 1"),
    ({"n_runs": 100}, "n_runs must be at least 16384"),
    ({"n_outer": 100}, "Give n_outer and n_inner together"),
    ({"n_outer": 100, "n_inner": 12}, "power of two from 4, and is 12"),
    ({"n_outer": 3, "n_inner": 8}, "at least 16, and is 3"),
])  # fmt: skip
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        evppi(P1, ("t1",), **options)


def test_an_unknown_parameter_is_refused_with_a_suggestion():
    with pytest.raises(InputError, match=r"no parameter or group 'thta'\. Did you mean 'theta'"):
        evppi(P1, ("thta",))


def test_progress_goes_to_the_error_stream(capfd):
    evppi(P1, ("t1",), n_runs=2**14, progress=True)
    assert capfd.readouterr().out == ""


def test_outer_draws_have_the_distribution_of_the_parameters():
    split = problem_of(P1).split(("t3",))
    z = np.random.default_rng(6).standard_normal((1, 20_000))
    assert_mean(split.inner_means(z, 1, 1).costs[:, 1, 0], 800 * 2 - 300)
