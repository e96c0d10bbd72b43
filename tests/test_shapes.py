"""The axes of every result, in their order: draw, time point, strategy, state, score."""
# ruff: noqa: F722, F821 (names of axes are not Python)

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from beartype import beartype
from jaxtyping import Float, Float32, Float64, TypeCheckError, UInt32, jaxtyped

import psa_engine as pe
from psa_engine.parameters import normal_scores, score_inputs

STRATEGIES = ("none", "cream", "injection")


@jaxtyped(typechecker=beartype)
def totals(
    sample: pe.PsaSample,
) -> tuple[Float64[np.ndarray, "draw strategy"], Float64[np.ndarray, "draw strategy"]]:
    return sample.cost_values, sample.effect_values


@jaxtyped(typechecker=beartype)
def scores(
    index: UInt32[np.ndarray, "draw"], names: tuple[str, ...], dtype
) -> Float[jnp.ndarray, "score draw"]:
    return normal_scores("random", score_inputs("random", 1, names, len(index)), jnp.asarray(index), dtype)


@jaxtyped(typechecker=beartype)
def occupancy(trace: pd.DataFrame) -> Float64[np.ndarray, "time state"]:
    return trace.drop(columns="year").to_numpy()


@jaxtyped(typechecker=beartype)
def drawn(
    parameters: pe.ParameterSet, z: Float[np.ndarray, "score draw"]
) -> tuple[Float[jnp.ndarray, "draw"], Float[jnp.ndarray, "draw"]]:
    values = parameters.structure.draw(parameters.inputs(), jnp.asarray(z))
    return values["cost"], values["risk"]


@pytest.fixture(scope="module")
def parameters():
    return pe.ParameterSet({"cost": pe.Gamma(mean=900.0, se=80.0), "risk": pe.Beta(3, 17)})


@pytest.fixture(scope="module")
def model():
    def outcomes(p):
        return (0.0, p["cost"], 2 * p["cost"]), (1.0, 1 - p["risk"], 0.5)

    return pe.FunctionModel(outcomes, strategies=STRATEGIES)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_sample_is_draw_by_strategy_in_64_bits(model, parameters, precision):
    costs, effects = totals(pe.run_psa(model, parameters, n_draws=7, seed=1, precision=precision))
    assert costs.shape == effects.shape == (7, 3)


def test_evaluating_a_table_of_draws_gives_a_row_for_each(model):
    costs, _ = totals(pe.evaluate(model, {"cost": [10.0, 20.0], "risk": 0.5}))
    assert costs.tolist() == [[0, 10, 20], [0, 20, 40]]


@pytest.mark.parametrize(("dtype", "kind"), [(np.float64, Float64), (np.float32, Float32)])
def test_scores_are_name_by_draw_in_the_precision_asked_for(dtype, kind):
    z = scores(np.arange(5, dtype=np.uint32), ("a", "b", "c"), dtype)
    assert isinstance(z, kind[jnp.ndarray, "3 5"])


def test_parameters_are_vectors_of_draws(parameters):
    cost, _ = drawn(parameters, np.zeros((2, 4)))
    assert cost.shape == (4,)


def test_a_trace_is_time_point_by_state():
    timeline = pe.Timeline(cycles_per_year=2, n_cycles=5)
    trace = pe.CohortModel(
        ("well", "ill", "dead"), ("only",), timeline, "well", lambda p: {("well", "ill"): 0.1}, lambda p: {}
    )
    assert occupancy(pe.cohort_trace(trace, {}, "only")).shape == (6, 3)


def test_a_wrong_shape_would_be_noticed(parameters):
    with pytest.raises(TypeCheckError):
        drawn(parameters, np.zeros(4))
