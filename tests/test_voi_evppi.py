"""`evppi` and `evppi_singles`: one door for models and samples, the method that suits, and clear refusals."""

from functools import cache

import numpy as np
import pytest
from voi_problems import P1, P3, P4, P12, P14

from psa_engine.distributions import Empirical, Normal
from psa_engine.errors import InputError
from psa_engine.model import FunctionModel
from psa_engine.parameters import ParameterSet
from psa_engine.reference.evppi import nested_evppi
from psa_engine.voi import Problem, evppi, evppi_singles


def of_p4(of, **options):
    return evppi(P4.model, P4.parameters, of=of, **{"wtp": 1e4, **options})


@cache
def sample():
    return P4.sample(8000, seed=2)


def test_single_parameters_follow_curves_and_groups_take_the_surrogate():
    assert of_p4("x6").method == "curves"
    assert of_p4(["x5", "x14"]).method == "surrogate"
    assert evppi(P12.model, P12.parameters, of="p3", wtp=1e3).method == "curves"
    assert evppi(P12.model, P12.parameters, of="response", wtp=1e3).method == "surrogate"


@pytest.mark.parametrize("method", ["surrogate", "nested", "mlmc", "mlmc_randomised", "bracket"])
def test_every_method_agrees_with_the_known_answer(method):
    found = of_p4(["x5", "x14"], method=method, rtol=0.01, seed=4)
    assert abs(found.value - 247.912) < 4 * found.standard_error + (found.bias_bound or 0.0)
    assert found.model_runs > 0
    assert found.seconds > 0


def test_one_wtp_gives_numbers_and_a_list_arrays():
    assert isinstance(of_p4("x6").value, float)
    assert isinstance(of_p4("x6").standard_error, float)
    several = of_p4("x6", wtp=[5e3, 1e4])
    assert several.value.shape == several.standard_error.shape == several.wtp.shape == (2,)
    assert several.value[1] == pytest.approx(611.8023, rel=2e-3)


def test_the_record_names_what_was_asked_for():
    assert of_p4("correlated").of == ("correlated",)
    assert of_p4(["x6", "x5"]).of == ("x6", "x5")


def test_a_group_is_its_members():
    assert of_p4("correlated").value == of_p4(["x5", "x7", "x14", "x16"]).value


def test_all_single_parameters_come_in_one_call_from_shared_runs():
    found = evppi_singles(P4.model, P4.parameters, wtp=1e4)
    assert [one.of for one in found] == [(f"x{k}",) for k in range(1, 20)]
    assert len({one.model_runs for one in found}) == 1
    for one in found:
        allowed = 4 * one.standard_error + one.bias_bound + 1e-6 * one.value
        assert abs(one.value - P4.evppi[one.of]) <= allowed


def test_single_parameters_by_another_method():
    found = evppi_singles(P4.model, P4.parameters, names=["x6", "x1"], wtp=1e4, method="surrogate")
    assert [one.method for one in found] == ["surrogate", "surrogate"]
    assert abs(found[0].value - 611.8023) < 4 * found[0].standard_error


def test_rows_kept_jointly_are_learnt_together():
    rows = np.random.default_rng(3).normal(size=(40, 2))
    parameters = ParameterSet({"posterior": Empirical(names=("a", "b"), rows=rows), "x": Normal(0.3, 1)})
    model = FunctionModel(lambda p: ((0.0, 0.0), (0.0, p["a"] + p["b"] + p["x"])), ("old", "new"))
    joint, x = evppi_singles(model, parameters, wtp=1.0, rtol=0.02)
    mean = rows.sum(1) + 0.3
    assert joint.of == ("posterior",)
    assert abs(joint.value - (np.maximum(mean, 0).mean() - max(mean.mean(), 0))) < 4 * joint.standard_error
    assert x.method == "curves"


def test_a_constant_is_worth_exactly_nothing_by_every_method():
    held = P4.parameters.replace({"x5": 0.7, "x14": 0.8})
    for method in ("auto", "surrogate", "nested", "mlmc", "mlmc_randomised"):
        found = evppi(P4.model, held, of=["x5", "x14"], wtp=1e4, method=method)
        assert (found.value, found.standard_error) == (0.0, 0.0)


def test_what_is_dominated_is_worth_nothing():
    assert evppi(P14.model, P14.parameters, of="t1", wtp=100).value == 0
    assert evppi(P14.model, P14.parameters, of=["t1", "t3"], wtp=100).value == pytest.approx(0, abs=1e-3)


def test_a_pure_interaction_is_seen():
    assert evppi(P3.model, P3.parameters, of=["t1", "t2"], wtp=1000).value == pytest.approx(
        318.3099, rel=1e-3
    )


def test_the_same_seed_gives_the_same_bits():
    assert of_p4(["x5", "x14"], seed=9).value == of_p4(["x5", "x14"], seed=9).value
    assert of_p4("x6", seed=9).value != of_p4("x6", seed=10).value


def test_a_problem_is_as_good_as_its_model_and_parameters():
    assert evppi(Problem(P4.model, P4.parameters), of="x6", wtp=1e4).value == of_p4("x6").value


def test_the_plain_reference_agrees():
    def evaluate(values):
        costs, effects = P1.model.outcomes(values)
        columns = [np.broadcast_to(np.asarray(x, float), np.shape(values["t1"])) for x in (*costs, *effects)]
        return np.column_stack(columns[:2]), np.column_stack(columns[2:])

    value, error = nested_evppi(evaluate, P1.parameters, ["t1"], 1000.0, n_outer=2000, n_inner=400)
    engine = evppi(P1.model, P1.parameters, of="t1", wtp=1000.0)
    assert abs(value - engine.value) < 4 * error


# From a sample.


def test_a_sample_goes_to_regression():
    found = evppi(sample(), of="x6", wtp=1e4)
    assert "regression" in found.method
    assert abs(found.value - 611.8023) < 4 * found.standard_error


def test_groups_of_a_sample_are_told_by_parameters():
    found = evppi(sample(), P4.parameters, of="correlated", wtp=1e4)
    assert found.of == ("correlated",)
    assert found.value == evppi(sample(), of=["x5", "x7", "x14", "x16"], wtp=1e4).value


def test_single_parameters_of_a_sample():
    found = evppi_singles(sample(), names=["x6", "x1"], wtp=[1e4])
    assert [one.of for one in found] == [("x6",), ("x1",)]
    assert found[0].value[0] > 500


# Refusals.


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "x66"}, "no parameter or group 'x66'. Did you mean 'x6'?"),
        ({"of": ["corelated"]}, "Did you mean 'correlated'?"),
        ({"of": []}, "`of` is empty"),
        ({"wtp": 0}, "above 0, got [0.0]"),
        ({"wtp": [1e4, -1]}, "not negative"),
        ({"wtp": "ten"}, "not a number"),
        ({"method": "curvs"}, "no EVPPI method 'curvs' for a model. Did you mean 'curves'?"),
        ({"method": "curves", "of": ["x5", "x6"]}, "Several scores"),
        ({"rtol": 0}, "rtol must be between 0 and 1"),
        ({"max_run": 10**6}, "no option 'max_run'. Did you mean 'max_runs'?"),
        ({"max_runs": 100}, "max_runs must be at least"),
    ],
)
def test_bad_input_gives_one_clear_message(options, message):
    with pytest.raises(InputError) as caught:
        of_p4(**{"of": "x6", **options})
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"of": "x66"}, "no parameter 'x66'"),
        ({"method": "nested"}, "runs the model again, and only a sample was given"),
        ({"method": "splin"}, "no EVPPI method 'splin' for a sample. Did you mean 'spline'?"),
    ],
)
def test_bad_input_with_a_sample_gives_one_clear_message(options, message):
    with pytest.raises(InputError) as caught:
        evppi(sample(), **{"of": "x6", "wtp": 1e4, **options})
    assert message in str(caught.value)


def test_a_model_without_parameters_and_something_else_are_refused():
    with pytest.raises(InputError, match="A model needs its parameters"):
        evppi(P4.model, of="x6", wtp=1e4)
    with pytest.raises(InputError, match="needs a model or a PSA sample, and was given dict"):
        evppi({}, of="x6", wtp=1e4)


def test_functions_are_not_hidden_by_the_files_of_their_name():
    import importlib

    importlib.import_module("psa_engine.voi.evppi")
    from psa_engine import voi

    assert callable(voi.evppi)
    assert callable(voi.evsi)
    assert voi.sobol_indices.__name__ == "sobol_indices"
    with pytest.raises(AttributeError, match="no attribute 'evpppi'"):
        voi.evpppi  # noqa: B018
