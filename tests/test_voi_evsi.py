"""EVSI: known answers by every method, laws, and agreement of methods where no answer is known."""

from functools import cache

import numpy as np
import pytest
from assertions import assert_within_mc_error
from voi_problems import P1, P2, P12, P12B, P12C, P14, PARABOLA

from psa_engine.decision import evpi
from psa_engine.distributions import Beta, Empirical, Gamma, LogNormal, Normal
from psa_engine.errors import InputError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet
from psa_engine.sample import PsaSample
from psa_engine.voi.evsi import (
    Binary,
    Continuous,
    Count,
    GeneratedStudy,
    Multinomial,
    SingleArm,
    TimeToEvent,
    TwoArmTrial,
    cost_cohort,
    evsi,
    utility_cohort,
)

N_DRAWS = 10_000
T1, T3 = Continuous(sd=4), Continuous(sd=5)
KNOWN = {
    "t1": (P1, SingleArm({"t1": T1}), P1.evsi["t1"]),
    "t1 and t3": (P1, SingleArm({"t1": T1, "t3": T3}), P1.evsi["t1 and t3"]),
    "multinomial": (P12, Multinomial(("p1", "p2", "p3")), P12.evsi["multinomial"]),
    "binomial": (P12B, SingleArm({"p": Binary()}), P12B.evsi["binomial"]),
    "poisson": (P12C, SingleArm({"rate": Count()}), P12C.evsi["poisson"]),
}


@cache
def sample_of(name, n_draws=N_DRAWS):
    return KNOWN[name][0].sample(n_draws, seed=7)


@cache
def from_sample(name, method):
    """EVSI of a known study at its known sizes, from a PSA sample alone."""
    problem, study, truth = KNOWN[name]
    return evsi(sample_of(name), study=study, n=list(truth), wtp=problem.wtp, method=method, seed=3)


def assert_known(curve, truth):
    bias = [0.0 if one.bias_bound is None else one.bias_bound for one in curve]
    for one, value, removed in zip(curve, truth, bias, strict=True):
        assert_within_mc_error(one.value, value, one.standard_error + removed)


def trial_of_two_arms():
    """A model with a control probability and a log odds ratio, and the trial that informs both."""
    parameters = ParameterSet({"p0": Beta(30, 70), "log_or": Normal(0.3, 0.3), "cost": Gamma(100, 20)})

    def outcomes(p):
        odds = p["p0"] / (1 - p["p0"]) * 2.718281828459045 ** p["log_or"]
        return (0.0, p["cost"]), (p["p0"], odds / (1 + odds))

    study = TwoArmTrial(Binary(), "p0", effect="log_or", scale="log odds ratio")
    return FunctionModel(outcomes, ("old", "new")), parameters, study


# ---- known answers


@pytest.mark.parametrize("method", ["regression", "importance"])
@pytest.mark.parametrize("name", KNOWN)
def test_a_sample_gives_the_known_answer(name, method):
    assert_known(from_sample(name, method), KNOWN[name][2].values())


@pytest.mark.parametrize("name", ["t1", "t1 and t3"])
def test_moment_matching_gives_the_known_answer_for_normal_data(name):
    assert_known(from_sample(name, "moment_matching"), KNOWN[name][2].values())


@pytest.mark.parametrize("name", ["multinomial", "binomial", "poisson"])
def test_moment_matching_nears_the_known_answer_where_data_are_many(name):
    assert_known(list(from_sample(name, "moment_matching"))[-1:], [list(KNOWN[name][2].values())[-1]])


@pytest.mark.parametrize("name", KNOWN)
def test_the_closed_form_is_the_known_answer_to_its_last_digit(name):
    problem, study, truth = KNOWN[name]
    found = evsi(problem.model, problem.parameters, study=study, n=list(truth), wtp=problem.wtp, n_draws=500)
    assert found.method == "conjugate closed form" and (found.standard_error < 1e-9).all()
    np.testing.assert_allclose(found.value, list(truth.values()), rtol=5e-7)


@pytest.mark.parametrize("name", KNOWN)
def test_nested_simulation_gives_the_known_answer(name):
    problem, study, truth = KNOWN[name]
    options = {"n": list(truth)[:2], "method": "nested", "n_outer": 1_024, "n_inner": 32, "seed": 2}
    found = evsi(problem.model, problem.parameters, study=study, wtp=problem.wtp, **options)
    assert_known(found, list(truth.values())[:2])


@pytest.mark.parametrize("name", ["t1", "binomial"])
def test_multilevel_monte_carlo_gives_the_known_answer_and_its_level_table(name):
    problem, study, truth = KNOWN[name]
    n = list(truth)[1]
    found = evsi(
        problem.model, problem.parameters, study=study, n=n, wtp=problem.wtp, method="mlmc", rtol=0.04
    )
    assert_known([found], [truth[n]])
    assert [row["inner_draws"] for row in found.diagnostics["levels"]][:3] == [8, 16, 32]
    assert found.standard_error < 0.05 * truth[n]


@pytest.mark.parametrize(
    ("problem", "of"),
    [(P1, ("t1",)), (P1, ("t4",)), (P1, ("t5",)), (P1, ("t1", "t3")), (P2, ("t1",)), (P2, ("t1", "t2"))],
)
def test_the_closed_form_of_very_many_patients_is_the_evppi(problem, of):
    study = SingleArm(dict.fromkeys(of, T1))
    found = evsi(problem.model, problem.parameters, study=study, n=10**12, wtp=problem.wtp, n_draws=500)
    assert abs(found.value - problem.evppi[of]) < 4 * found.standard_error + 1e-6 * problem.evpi


def test_a_study_of_a_parameter_outside_the_model_is_worth_what_its_correlation_makes_it():
    found = evsi(sample_of("t1"), study=SingleArm({"t4": T1}), n=10**6, wtp=1_000.0)
    assert_within_mc_error(found.value, P1.evppi[("t4",)], found.standard_error + found.bias_bound)


@pytest.mark.parametrize("method", ["regression", "importance", "moment_matching"])
def test_a_study_of_a_dominated_question_is_worth_nothing(method):
    # P14: whatever t1 is, the choice stands. Where t1 has no part at all, neither.
    for name, sd in (("t1", 1.0), ("t3", 0.1)):
        study = SingleArm({name: Continuous(sd)})
        found = evsi(P14.sample(8_000, 1), study=study, n=50, wtp=P14.wtp, method=method)
        assert abs(found.value) <= 4 * found.standard_error + (found.bias_bound or 0.0)


@pytest.mark.parametrize("method", ["nested", "mlmc"])
def test_a_model_whose_choice_stands_whatever_is_found_is_worth_no_study(method):
    options = {"n_outer": 256, "n_inner": 16} if method == "nested" else {"rtol": 0.1}
    study = SingleArm({"t3": Continuous(1)})
    found = evsi(P14.model, P14.parameters, study=study, n=50, wtp=P14.wtp, method=method, **options)
    assert abs(found.value) <= 4 * found.standard_error + found.bias_bound
    sure = FunctionModel(lambda p: ((0.0, 0.0), (p["x"], p["x"] + 1)), ("old", "new"))
    study, parameters = SingleArm({"x": Continuous(1)}), ParameterSet({"x": Normal(0, 1)})
    found = evsi(sure, parameters, study=study, n=50, wtp=1.0, method=method, **options)
    assert found.value == found.standard_error == 0


# ---- slow twins


def test_the_closed_form_of_two_arms_is_the_sum_over_all_results():
    model = FunctionModel(lambda p: ((0.0, 1_500.0), (9 * p["p0"], 10 * p["p1"])), ("old", "new"))
    priors = {"p0": Beta(4, 7), "p1": Beta(9, 5)}
    study = TwoArmTrial(Binary(), "p0", treated="p1", allocation=0.6)
    found = evsi(model, ParameterSet(priors), study=study, n=15, wtp=1_000.0, n_draws=400)
    after = 0.0
    for s0, chance0 in enumerate(beta_binomial(6, 4, 7)):
        for s1, chance1 in enumerate(beta_binomial(9, 9, 5)):
            after += chance0 * chance1 * max(9_000 * (4 + s0) / 17, 10_000 * (9 + s1) / 23 - 1_500)
    assert found.value == pytest.approx(after - max(9_000 * 4 / 11, 10_000 * 9 / 14 - 1_500), rel=1e-9)


def beta_binomial(n, a, b):
    """The chance of 0, 1, ..., n events, by numerical integration over the probability."""
    from math import comb

    p = (np.arange(200_000) + 0.5) / 200_000
    prior = p ** (a - 1) * (1 - p) ** (b - 1)
    chances = [comb(n, s) * (prior * p**s * (1 - p) ** (n - s)).sum() / prior.sum() for s in range(n + 1)]
    assert sum(chances) == pytest.approx(1)
    return chances


def test_three_strategies_and_one_normal_mean_are_integrated_exactly():
    found = evsi(P2.model, P2.parameters, study=SingleArm({"t1": T1}), n=25, wtp=P2.wtp, n_draws=500)
    # t1 is known to sd 1, t2 follows it by .5 x 2; the mean of 25 leaves variance 16/25.
    mean = 1 + np.sqrt(1 / (1 + 16 / 25)) * np.linspace(-9, 9, 2_000_001)
    density = np.exp(-((mean - 1) ** 2) * (1 + 16 / 25) / 2)
    t2 = 0.5 + (mean - 1)
    benefit = [0 * mean, 300 + 1_000 * mean + 400 * t2 - 1_600, -700 + 200 * mean + 900 * t2 + 200]
    after = (np.max(benefit, axis=0) * density).sum() / density.sum()
    before = max(0, 300 + 1_000 + 200 - 1_600, -700 + 200 + 450 + 200)
    assert found.value == pytest.approx(after - before, rel=1e-6)


def test_a_gamma_rate_with_censored_times_agrees_with_regression():
    model = FunctionModel(lambda p: ((0.0, 300.0), (0.0, p["hazard"])), ("old", "new"))
    priors = ParameterSet({"hazard": Gamma(shape=9, rate=30)})
    study = SingleArm({"hazard": TimeToEvent(follow_up=1.5)})
    exact, fitted = (
        evsi(model, priors, study=study, n=40, wtp=1_000.0, method=m) for m in ("conjugate", "regression")
    )
    assert_within_mc_error(fitted.value, exact.value, np.hypot(fitted.standard_error, exact.standard_error))


def test_a_trial_on_the_log_odds_scale_is_worth_the_same_by_four_methods():
    model, parameters, study = trial_of_two_arms()
    found = [
        evsi(model, parameters, study=study, n=200, wtp=30_000.0, method=m, seed=4)
        for m in ("regression", "importance", "nested", "mlmc")
    ]
    value, error = (np.array([getattr(one, k) for one in found]) for k in ("value", "standard_error"))
    centre = np.average(value, weights=error**-2)
    assert_within_mc_error(value, centre, np.hypot(error, error.min()))


def test_a_generated_study_is_the_named_one_by_other_means():
    def mean_of(values, n, rng):
        return values["t1"] + 4 / np.sqrt(n) * rng.standard_normal(len(values["t1"]))

    def likelihood(data, values, n):
        return -n * (data[0] - values["t1"]) ** 2 / 32

    study = GeneratedStudy(("t1",), mean_of, likelihood)
    for method in ("regression", "importance", "moment_matching"):
        found = evsi(sample_of("t1"), study=study, n=50, wtp=P1.wtp, method=method, seed=3)
        assert found.value == pytest.approx(from_sample("t1", method)[1].value, rel=1e-6)
    options = {"method": "nested", "n_outer": 512, "n_inner": 32}
    assert_known(
        [evsi(P1.model, P1.parameters, study=study, n=50, wtp=P1.wtp, **options)], [P1.evsi["t1"][50]]
    )


def test_a_set_kept_as_rows_is_informed_as_a_whole():
    g = np.random.default_rng(8)
    x = g.normal(0, 1, 400)
    rows = np.column_stack([x, x**2 + g.normal(0, 0.3, 400)])
    parameters = ParameterSet({"posterior": Empirical(names=("x", "y"), rows=rows)})
    model = FunctionModel(lambda p: ((0.0, 1.0), (0.0, p["y"])), ("old", "new"))
    given = {"study": SingleArm({"x": Continuous(2)}), "n": 30, "wtp": 1.0, "seed": 1}
    nested, fitted = (evsi(model, parameters, method=m, **given) for m in ("nested", "regression"))
    assert_within_mc_error(nested.value, fitted.value, np.hypot(nested.standard_error, fitted.standard_error))


def test_too_few_effective_draws_are_said_to_be_few():
    found = evsi(sample_of("t1"), study=KNOWN["t1"][1], n=10**8, wtp=P1.wtp, method="importance")
    assert "effective draws or fewer" in found.diagnostics["notes"][0]
    assert from_sample("t1", "importance")[0].diagnostics["notes"] == ()


# ---- laws


@pytest.mark.parametrize("method", ["regression", "importance", "moment_matching"])
def test_evsi_rises_from_nothing_to_the_evppi(method):
    sizes = [1, 30, 300, 3_000, 10**9]
    # One patient who tells next to nothing, up to the truth itself.
    study = SingleArm({"t1": Continuous(sd=60)})
    curve = evsi(sample_of("t1"), study=study, n=sizes, wtp=P1.wtp, method=method, seed=1)
    assert abs(curve.value[0]) < 4 * curve.standard_error[0] + 1
    assert (np.diff(curve.value)[1:] > 0).all()
    assert_within_mc_error(curve.value[-1], P1.evppi[("t1",)], curve.standard_error[-1])


def test_evsi_is_at_most_the_evppi_at_every_size():
    for name, of in (
        ("t1", ("t1",)),
        ("binomial", ("p",)),
        ("poisson", ("rate",)),
        ("t1 and t3", ("t1", "t3")),
    ):
        problem = KNOWN[name][0]
        for method in ("regression", "importance"):
            curve = from_sample(name, method)
            assert (curve.value < problem.evppi[of] + 4 * curve.standard_error).all()


def test_evsi_does_not_depend_on_the_number_of_draws_beyond_its_error():
    few = evsi(sample_of("t1", 3_000), study=KNOWN["t1"][1], n=50, wtp=P1.wtp)
    assert_within_mc_error(few.value, P1.evsi["t1"][50], few.standard_error + few.bias_bound)
    ratio = few.standard_error / from_sample("t1", "regression")[1].standard_error
    assert ratio == pytest.approx(np.sqrt(N_DRAWS / 3_000), rel=0.15)


@pytest.mark.parametrize("method", ["regression", "importance", "moment_matching"])
def test_a_constant_added_to_every_strategy_changes_nothing(method):
    sample = sample_of("t1", 3_000)
    costs, effects = sample.cost_values + 512, sample.effect_values - 16
    moved = PsaSample(sample.strategies, costs, effects, sample.parameter_values)
    one, other = (evsi(s, study=KNOWN["t1"][1], n=50, wtp=P1.wtp, method=method) for s in (sample, moved))
    assert other.value == pytest.approx(one.value, rel=1e-6)
    assert other.standard_error == pytest.approx(one.standard_error, rel=1e-6)


@pytest.mark.parametrize("method", ["regression", "importance", "moment_matching"])
def test_the_order_of_strategies_changes_nothing(method):
    sample = P2.sample(3_000, 5)
    costs, effects = sample.cost_values[:, ::-1], sample.effect_values[:, ::-1]
    turned = PsaSample(sample.strategies[::-1], costs, effects, sample.parameter_values)
    one, other = (evsi(s, study=KNOWN["t1"][1], n=50, wtp=P2.wtp, method=method) for s in (sample, turned))
    assert abs(other.value - one.value) < one.standard_error / 2


@pytest.mark.parametrize("method", ["regression", "importance", "moment_matching"])
def test_without_costs_evsi_is_linear_in_the_wtp(method):
    sample = P2.sample(3_000, 5)
    free = PsaSample(sample.strategies, 0 * sample.cost_values, sample.effect_values, sample.parameter_values)
    found = evsi(free, study=KNOWN["t1"][1], n=50, wtp=[1_000, 3_000], method=method)
    assert found.value[1] == pytest.approx(3 * found.value[0], rel=1e-9)
    assert found.standard_error[1] == pytest.approx(3 * found.standard_error[0], rel=1e-9)


def test_evsi_of_everything_known_is_the_evpi():
    sample = PARABOLA.sample(20_000, 3)
    found = evsi(sample, study=SingleArm({"x": Continuous(1)}), n=10**10, wtp=1.0)
    assert_within_mc_error(found.value, PARABOLA.evpi, found.standard_error + found.bias_bound)
    assert found.value < evpi(sample, 1.0).value + 4 * found.standard_error


# ---- the front door


def test_one_size_gives_an_estimate_and_a_list_a_curve():
    given = {"study": KNOWN["t1"][1], "method": "importance", "seed": 3}
    one = evsi(sample_of("t1"), n=50, wtp=[500.0, 1_000.0], **given)
    curve = from_sample("t1", "importance")
    assert one.value.shape == one.standard_error.shape == (2,) and one.of == ("t1",)
    assert one.value[1] == pytest.approx(curve[1].value) and isinstance(curve[1].value, float)
    assert curve.value.shape == (3,) and curve.n.tolist() == [10, 50, 200] and len(curve) == 3
    assert (
        curve.table().columns.tolist() == ["n", "wtp", "evsi", "standard_error"] and len(curve.table()) == 3
    )


def test_a_size_is_worth_the_same_whatever_other_sizes_are_asked_for():
    alone = evsi(sample_of("t1"), study=KNOWN["t1"][1], n=200, wtp=P1.wtp, seed=3)
    assert alone.value == from_sample("t1", "regression")[2].value


def test_auto_takes_regression_where_there_is_no_closed_form():
    given = {"study": SingleArm({"x": Continuous(1)}), "n": 50, "wtp": 1.0, "n_draws": 4_000}
    found = evsi(PARABOLA.model, PARABOLA.parameters, **given)
    assert found.method.startswith("regression on 1 summary statistic of the data")
    with pytest.raises(InputError, match="not linear in x"):
        evsi(PARABOLA.model, PARABOLA.parameters, method="conjugate", **given)


def test_a_prior_that_is_not_conjugate_is_not_taken_for_one():
    model = FunctionModel(lambda p: ((0.0, 1.0), (0.0, p["x"])), ("old", "new"))
    given = {"study": SingleArm({"x": Continuous(1)}), "n": 5, "wtp": 1.0, "n_draws": 500}
    with pytest.raises(InputError, match="not a conjugate pair"):
        evsi(model, ParameterSet({"x": LogNormal(0, 0.5)}), method="conjugate", **given)


def test_a_sample_with_the_distributions_given_has_a_closed_form_too():
    found = evsi(sample_of("binomial"), P12B.parameters, study=KNOWN["binomial"][1], n=50, wtp=P12B.wtp)
    assert found.method == "conjugate closed form"
    assert found.value == pytest.approx(P12B.evsi["binomial"][50], rel=1e-6)


def test_cohorts_are_single_arms():
    assert utility_cohort("u", sd=0.2) == SingleArm({"u": Continuous(0.2)})
    assert cost_cohort("c", cv=0.5).parameters == ("c",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"study": SingleArm({"t9": T1})}, "informs 't9', which is not an uncertain parameter"),
        ({"n": 0}, "whole number of at least 1 patient, and is 0"),
        ({"n": [10, -5]}, "at least 1 patient, and is -5"),
        ({"n": 10.5}, r"at least 1 patient, and is 10\.5"),
        ({"n": []}, "`n` is empty"),
        ({"wtp": 0}, "above 0"),
        ({"wtp": -1}, "not negative"),
        ({"method": "regresion"}, "Did you mean 'regression'"),
        ({"method": "nested"}, "only a sample was given"),
        ({"method": "conjugate"}, "needs the distributions"),
        ({"study": "a trial"}, "must be a study design"),
        ({"study": SingleArm({"t1": Binary()})}, "needs a probability, and 't1' is"),
        ({"study": Multinomial(("t1", "t2"))}, "sum to 1 in every draw"),
        ({"study": TwoArmTrial(T1, "t1", treated="t2"), "n": 1}, r"the arm '(control|treated)' has none"),
        ({"study": GeneratedStudy("t1", lambda v, n, g: np.ones(3))}, r"returned shape \(1, 3\)"),
        ({"study": GeneratedStudy("t1", lambda v, n, g: v["t1"]), "method": "importance"}, "no likelihood"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_one_sentence(change, message):
    given = {"study": SingleArm({"t1": T1}), "n": 20, "wtp": 1_000.0, **change}
    with pytest.raises(InputError, match=message):
        evsi(sample_of("t1", 3_000), **given)


def test_a_study_of_a_constant_of_the_model_is_refused():
    model = FunctionModel(lambda p: ((0.0, p["c"]), (0.0, p["x"])), ("old", "new"))
    parameters = ParameterSet({"x": Normal(0, 1), "c": 3.0})
    with pytest.raises(InputError, match="'c', which is not an uncertain parameter here"):
        evsi(model, parameters, study=SingleArm({"c": Continuous(1)}), n=10, wtp=1.0)
    with pytest.raises(InputError, match="needs its parameters"):
        evsi(model, study=SingleArm({"x": Continuous(1)}), n=10, wtp=1.0)
