"""Sobol indices: the Ishigami function, correlated normals in closed form, a Dirichlet, components, refusals."""

from functools import cache

import jax.numpy as jnp
import numpy as np
import pytest
from voi_problems import P1, P3, P12

from psa_engine.config import load_analysis
from psa_engine.distributions import Normal, Uniform
from psa_engine.errors import InputError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet
from psa_engine.voi import sobol_indices

THETA_COVARIANCE = np.array(
    [[1, 1, 0, 0.8, 0], [1, 4, 0, 0.6, 0], [0, 0, 2.25, 0, 0], [0.8, 0.6, 0, 1, 0], [0, 0, 0, 0, 1]]
)
SLOPES = np.array([1000.0, 400.0, -800.0, 0.0, 0.0])  # of the net benefit of P1 in t1 ... t5


def ishigami(p):
    value = jnp.sin(p["x1"]) + 7 * jnp.sin(p["x2"]) ** 2 + 0.1 * p["x3"] ** 4 * jnp.sin(p["x1"])
    return (0.0, 0.0), (0.0, value)


@cache
def of_ishigami():
    parameters = ParameterSet({name: Uniform(-np.pi, np.pi) for name in ("x1", "x2", "x3", "idle")})
    return sobol_indices(FunctionModel(ishigami, ("a", "b")), parameters, outcome="effects", seed=2)


@cache
def of_theta():
    return sobol_indices(P1.model, P1.parameters, wtp=1000.0, seed=1)


def assert_close(got, truth, errors):
    assert np.all(np.abs(got - truth) <= 4 * errors + 1e-9), (got, truth, errors)


def test_the_ishigami_function_comes_out():
    """Ishigami, Homma 1990, with a = 7, b = .1."""
    a, b = 7, 0.1
    first, second, both = 0.5 * (1 + b * np.pi**4 / 5) ** 2, a**2 / 8, b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    whole, found = first + second + both, of_ishigami()
    assert_close(found.first_order, np.array([first, second, 0, 0]) / whole, found.first_order_error)
    assert_close(found.total, np.array([first + both, second, both, 0]) / whole, found.total_error)
    assert found.variance == pytest.approx(whole, rel=0.02)
    assert found.mean == pytest.approx(a / 2, rel=0.01)


def test_indices_of_correlated_normals_are_what_their_definitions_say():
    """Var E[Y | t_i] = (C c)_i^2 / C_ii, and E Var[Y | all others] = c_i^2 / (C^-1)_ii."""
    c, slopes, found = THETA_COVARIANCE, SLOPES, of_theta()
    variance = slopes @ c @ slopes
    assert_close(found.first_order, (c @ slopes) ** 2 / np.diag(c) / variance, found.first_order_error)
    assert_close(found.total, slopes**2 / np.diag(np.linalg.inv(c)) / variance, found.total_error)


def test_correlation_alone_gives_a_first_order_and_no_total():
    t4 = of_theta().names.index("t4")
    assert of_theta().first_order[t4] > 0.25
    assert of_theta().total[t4] == 0


def test_a_parameter_without_effect_has_indices_of_exactly_nothing():
    for found, name in ((of_theta(), "t5"), (of_ishigami(), "idle")):
        i = found.names.index(name)
        assert found.first_order[i] == found.total[i] == found.total_error[i] == 0


def test_the_expected_variance_reduction_is_the_first_order_index_times_the_variance():
    found = of_theta()
    np.testing.assert_allclose(
        found.expected_variance_reduction, found.first_order * found.variance, rtol=2e-3, atol=1
    )


def test_a_group_is_one_set():
    found = sobol_indices(P1.model, P1.parameters, of=["theta", "t3"], wtp=1000.0)
    assert_close(found.first_order[0], 1.0, found.first_order_error[0])
    assert_close(found.total[0], 1.0, found.total_error[0])
    assert found.table.index.tolist() == ["theta", "t3"]


def test_a_pure_interaction_has_totals_only():
    found = sobol_indices(P3.model, P3.parameters, of=["t1", "t8"], wtp=1000.0)
    assert_close(found.first_order, 0.0, found.first_order_error)
    assert_close(found.total, 0.1, found.total_error)


def test_proportions_that_add_up_to_one_are_drawn_conditionally():
    """E[p1 | p3] = (2/3)(1 - p3), so the slope of E[Y | p3] is -20000 - (2/3) 10000 - (1/3) 2000."""
    found = sobol_indices(P12.model, P12.parameters, of=["p3"], wtp=1000.0)
    variance_p3 = 0.1 * 0.9 / 11
    truth = (20_000 + 20_000 / 3 + 2_000 / 3) ** 2 * variance_p3
    assert_close(found.expected_variance_reduction, truth, found.expected_variance_reduction_error)
    assert found.total[0] == 0  # the other two tell it


def test_any_component_of_any_model_can_be_looked_at():
    analysis = load_analysis("sick_sicker")
    found = sobol_indices(
        analysis.model, analysis.parameters, of=["u_S1", "transitions"], outcome="life_years",
        strategy="strategy B", n_points=32,
    )  # fmt: skip
    assert found.first_order[0] == found.total[0] == 0
    assert_close(found.first_order[1], 1.0, found.first_order_error[1])
    assert found.outcome == "life_years of strategy B"


def test_an_outcome_that_does_not_vary_has_no_indices():
    found = sobol_indices(P1.model, P1.parameters, outcome="costs", strategy="standard care", n_points=16)
    assert found.variance == 0
    assert not found.first_order.any()
    assert not found.total.any()


def test_what_does_not_exist_is_refused_by_name():
    cases = [
        ({"outcome": "effect"}, "no outcome 'effect'. Did you mean 'effects'"),
        ({"strategy": "nw", "wtp": 1.0}, "no strategy 'nw'. Did you mean 'new'"),
        ({"of": ["t9"], "wtp": 1.0}, "no parameter or group 't9'"),
        ({"of": [], "wtp": 1.0}, "`of` is empty"),
        ({}, "Net benefit needs a WTP above 0, got None"),
        ({"wtp": -3.0}, "Net benefit needs a WTP above 0, got -3.0"),
        ({"wtp": 1.0, "n_points": 100}, "power of two from 16, and is 100"),
    ]
    for options, message in cases:
        with pytest.raises(InputError) as caught:
            sobol_indices(P1.model, P1.parameters, **options)
        assert message in str(caught.value)


def test_three_strategies_need_one_named_and_a_model_its_parameters():
    model = FunctionModel(lambda p: ((0.0, 0.0, 0.0), (p["x"], 0.0, 1.0)), ("a", "b", "c"))
    with pytest.raises(InputError, match="Name the strategy"):
        sobol_indices(model, ParameterSet({"x": Normal(0, 1)}), wtp=1.0)
    with pytest.raises(InputError, match="A model needs its parameters"):
        sobol_indices(model, wtp=1.0)
