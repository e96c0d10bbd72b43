"""One-way, two-way and local sensitivity, on models whose answers can be written down."""

import numpy as np
import pytest

import psa_engine as pe
from psa_engine.sensitivity import gradient, intervals, named_range, tornado, two_way

WTP = [10_000, 20_000]
PARAMETERS = pe.ParameterSet(
    {
        "cost": pe.Gamma(mean=900, se=100),
        "gain": pe.Normal(0.5, 0.1),
        "share": 0.25,
        "mix": pe.Dirichlet(["mild", "fair", "grave"], [2, 3, 5]),
    },
    correlation={("cost", "gain"): 0.4},
)


def outcomes(p):
    effects = p["gain"] ** 2 + 0.3 * p["mild"] + 0.2 * p["fair"]
    return (100.0, 3 * p["cost"] * p["share"]), (0.1, effects)


MODEL = pe.FunctionModel(outcomes, ("old", "new"))
TORNADO = tornado(MODEL, PARAMETERS, wtp=WTP, strategy="new", comparator="old")
BARS = TORNADO.bars.set_index("parameter")


def inmb(wtp, cost=900.0, gain=0.5, mild=0.2, fair=0.3):
    return wtp * (gain**2 + 0.3 * mild + 0.2 * fair - 0.1) - (0.75 * cost - 100)


def test_the_base_case_has_every_parameter_at_its_mean():
    assert TORNADO.base["inmb_10000"] == pytest.approx(inmb(10_000))
    assert TORNADO.base["icer"] == pytest.approx((675 - 100) / 0.27)


def test_each_bar_ends_where_the_model_is_at_the_ends_of_the_interval():
    low, high = pe.Normal(0.5, 0.1).interval(0.95)
    assert BARS.loc["gain", "inmb_20000_low"] == pytest.approx(inmb(20_000, gain=low))
    assert BARS.loc["gain", "inmb_20000_high"] == pytest.approx(inmb(20_000, gain=high))


def test_bars_are_ordered_by_their_width_and_fixed_parameters_have_none():
    width = (TORNADO.bars["inmb_10000_high"] - TORNADO.bars["inmb_10000_low"]).abs()
    assert width.is_monotonic_decreasing and "share" not in BARS.index


def test_the_middle_of_a_linear_bar_is_the_base_case():
    bar = tornado(
        MODEL,
        PARAMETERS,
        wtp=WTP,
        strategy="new",
        ranges=[named_range("c", {"cost": (700, 1100)}, PARAMETERS)],
    ).bars.set_index("parameter")
    middle = (bar.loc["c", "inmb_10000_low"] + bar.loc["c", "inmb_10000_high"]) / 2
    assert middle == pytest.approx(TORNADO.base["inmb_10000"], rel=1e-12)


def test_a_range_of_two_parameters_moves_them_together():
    both = named_range("both", {"cost": (800, 1000), "share": (0.2, 0.3)}, PARAMETERS)
    bar = tornado(MODEL, PARAMETERS, wtp=WTP, strategy="new", ranges=[both]).bars.set_index("parameter")
    assert bar.loc["both", "incremental_costs_low"] == pytest.approx(3 * 800 * 0.2 - 100)


def test_the_rest_of_a_dirichlet_keeps_its_proportions():
    low = pe.Dirichlet(["mild", "fair", "grave"], [2, 3, 5]).marginal_interval("mild")[0]
    expected = inmb(10_000, mild=low, fair=(1 - low) * 3 / 8)
    assert BARS.loc["mild", "inmb_10000_low"] == pytest.approx(expected)


def test_correlated_parameters_are_varied_alone_and_said_to_be():
    assert BARS.loc["cost", "correlated_with"] == "gain"
    assert BARS.loc["cost", "incremental_effects_low"] == pytest.approx(0.27)


def test_there_is_no_icer_where_a_strategy_dominates():
    assert np.isnan(
        tornado(MODEL, PARAMETERS, strategy="new", ranges=[named_range("c", {"cost": (10, 900)}, PARAMETERS)])
        .bars.set_index("parameter")
        .loc["c", "icer_low"]
    )


def test_the_interval_may_be_another():
    narrow = {r.name: r for r in intervals(PARAMETERS, 0.8)}["gain"]
    assert narrow.kind == "80 % interval"
    assert narrow.ends["gain"] == pytest.approx((0.5 - 0.1 * 1.2815516, 0.5 + 0.1 * 1.2815516))


def test_a_grid_holds_every_combination():
    table = two_way(
        MODEL, PARAMETERS, ("cost", [800, 1000]), ("gain", [0.4, 0.5, 0.6]), wtp=WTP, strategy="new"
    )
    expected = [inmb(20_000, cost=c, gain=g) for c in (800, 1000) for g in (0.4, 0.5, 0.6)]
    assert table["inmb_20000"].tolist() == pytest.approx(expected)


def test_a_grid_says_which_strategy_is_best():
    table = two_way(MODEL, PARAMETERS, ("share", [0.0, 9.0]), ("gain", [0.5]), wtp=[10_000])
    assert table["optimal_10000"].tolist() == ["new", "old"]


LOCAL = gradient(MODEL, PARAMETERS, wtp=WTP, strategy="new", comparator="old").set_index("parameter")


def test_the_gradient_is_the_derivative():
    assert LOCAL.loc["gain", "gradient_20000"] == pytest.approx(20_000 * 2 * 0.5)
    assert LOCAL.loc["cost", "gradient_20000"] == pytest.approx(-0.75)
    assert LOCAL.loc["share", "gradient_20000"] == pytest.approx(-2700)


def test_an_elasticity_is_relative_and_a_fixed_parameter_has_no_standard_deviation():
    assert LOCAL.loc["cost", "elasticity_10000"] == pytest.approx(-0.75 * 900 / inmb(10_000))
    assert LOCAL.loc["cost", "per_sd_10000"] == pytest.approx(-75) and LOCAL.loc["share", "per_sd_10000"] == 0


def test_a_jump_at_the_base_case_is_not_called_smooth():
    import jax.numpy as jnp

    stepped = pe.FunctionModel(
        lambda p: ((0.0, p["cost"] * jnp.where(p["share"] >= 0.25, 1.0, 0.0)), (0.0, p["gain"])),
        ("old", "new"),
    )
    smooth = gradient(stepped, PARAMETERS, wtp=WTP).set_index("parameter")["smooth"]
    assert not smooth["share"] and smooth["cost"] and smooth["gain"]


def smooth_in(effects):
    """Whether each parameter is called smooth where the new strategy gives these effects."""
    model = pe.FunctionModel(lambda p: ((0.0, 3000.0), (0.0, effects(p))), ("old", "new"))
    table = gradient(model, PARAMETERS, wtp=WTP, strategy="new", comparator="old")
    return table.set_index("parameter")["smooth"]


def test_a_parameter_at_an_extremum_is_smooth():
    assert smooth_in(lambda p: (p["gain"] - 0.5) ** 2 + (p["share"] - 0.25) ** 4).all()
    assert smooth_in(lambda p: 9 - 400 * (p["gain"] - 0.5) ** 2).all()


@pytest.mark.parametrize("kink", [lambda x: abs(x), lambda x: x + abs(x), lambda x: 5 * x + 0.1 * abs(x)])
def test_a_kink_is_not_smooth_even_where_the_derivative_is_the_mean_of_both_sides(kink):
    smooth = smooth_in(lambda p: kink(p["gain"] - 0.5))
    assert not smooth["gain"] and smooth["share"]


def test_large_effects_that_cost_nothing_are_smooth():
    """Sums of a thousand million QALYs are rounded in the seventh digit after the point."""
    free = pe.FunctionModel(lambda p: ((0.0, 0.0), (1e9, 1e9 + p["gain"] + p["mild"] / 3)), ("old", "new"))
    assert gradient(free, PARAMETERS, wtp=WTP, strategy="new", comparator="old")["smooth"].all()


def test_the_gradient_of_a_cohort_agrees_with_central_differences():
    analysis = pe.load_analysis("two_state")
    found = gradient(analysis.model, analysis.parameters, wtp=[20_000], strategy="new").set_index("parameter")
    means, step = analysis.parameters.means(), 1e-5
    for name in ("mortality_rate", "hazard_ratio", "utility_alive"):
        ends = [pe.evaluate(analysis.model, {**means, name: means[name] + sign * step}) for sign in (1, -1)]
        up, down = ((20_000 * s.effect_values - s.cost_values)[0] for s in ends)
        slope = ((up - down)[1] - (up - down)[0]) / (2 * step)
        assert found.loc[name, "gradient_20000"] == pytest.approx(slope, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tornado(MODEL, PARAMETERS, strategy="newer"), "no strategy 'newer'.*new"),
        (lambda: tornado(MODEL, PARAMETERS, strategy="new", comparator="new"), "compared with itself"),
        (lambda: tornado(MODEL, pe.ParameterSet({"cost": 1.0}), strategy="new"), "nothing to vary"),
        (lambda: named_range("r", {"costs": (1, 2)}, PARAMETERS), "names the parameter 'costs'.*cost"),
        (lambda: named_range("r", {"cost": (2, 1)}, PARAMETERS), "low and a higher"),
        (lambda: two_way(MODEL, PARAMETERS, ("cost", []), ("gain", [1])), "'cost' is empty"),
        (lambda: two_way(MODEL, PARAMETERS, ("cost", [1]), ("cost", [1])), "'cost' twice"),
        (lambda: two_way(MODEL, PARAMETERS, ("cost", [1]), ("gains", [1])), "no parameter 'gains'"),
        (lambda: two_way(MODEL, PARAMETERS, ("mild", [0.1]), ("fair", [0.1])), "proportions of 'mix'"),
        (lambda: two_way(MODEL, PARAMETERS, ("mild", [1.1]), ("gain", [1])), "between 0 and 1"),
    ],
)
def test_bad_input_is_one_clear_message(call, said):
    with pytest.raises(pe.InputError, match=said):
        call()


def test_an_impossible_end_is_named():
    from cohorts import cohort

    def leaves(p):
        return {("well", "dead"): p["risk"], ("well", "ill"): 0.3}

    model = cohort(leaves, strategies=("a", "b"))
    risk = pe.ParameterSet({"risk": pe.Normal(0.5, 0.2)})
    with pytest.raises(pe.ModelError, match=r"At risk = 0\.89"):
        tornado(model, risk, strategy="a")
