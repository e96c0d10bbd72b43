"""Samples made elsewhere: what is accepted, what is put right, what is refused."""

import warnings

import numpy as np
import pandas as pd
import pytest

from psa_engine.errors import InputError
from psa_engine.sample import PsaSample
from psa_engine.sample.alignment import joint_r_squared

COSTS = pd.DataFrame({"old": [10.0, 12.0, 11.0], "new": [30.0, 35.0, 31.0]})
EFFECTS = pd.DataFrame({"old": [1.0, 1.1, 1.2], "new": [1.5, 1.6, 1.4]})


def test_effects_in_another_order_are_matched_by_name():
    sample = PsaSample.from_tables(COSTS, EFFECTS[["new", "old"]], comparator="old")
    assert sample.strategies == ("old", "new") and sample.comparator == "old"
    np.testing.assert_array_equal(sample.effect_values, EFFECTS)


def test_plain_arrays_and_whole_numbers_are_accepted_and_named():
    costs, parameters = np.array([[1, 2, 3], [4, 5, 6]]), np.arange(4).reshape(2, 2)
    sample = PsaSample.from_tables(costs, np.ones((2, 3)), parameters)
    assert sample.strategies == ("strategy_1", "strategy_2", "strategy_3")
    assert list(sample.parameter_values) == ["parameter_1", "parameter_2"]
    np.testing.assert_array_equal(sample.parameter_values["parameter_2"], [1.0, 3.0])


def test_strategy_names_can_be_given_for_arrays():
    sample = PsaSample.from_tables(COSTS.to_numpy(), EFFECTS.to_numpy(), strategies=["a", "b"])
    assert sample.strategies == ("a", "b")


def test_dicts_of_columns_and_nullable_integers_are_accepted():
    costs = COSTS.astype("Int64")
    sample = PsaSample.from_tables(costs, {"new": [1, 2, 3], "old": [4, 5, 6]}, {"age": [60, 61, 62]})
    np.testing.assert_array_equal(sample.effect_values[:, 1], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(sample.cost_values, COSTS)


@pytest.mark.parametrize(
    ("costs", "effects", "message"),
    [
        (COSTS, EFFECTS[:2], "costs have 3 rows and the effects 2"),
        (COSTS, EFFECTS.rename(columns={"new": "newer"}), "'new' is in only one of costs and effects"),
        (COSTS, EFFECTS.assign(third=1.0), "costs have 2 strategies but the effects 3"),
        (COSTS[["old"]], EFFECTS[["old"]], "one strategy only"),
        (COSTS.assign(new=[1.0, np.nan, 3.0]), EFFECTS, "'new' of the costs is missing .* 1 of 3 .* row 2"),
        (COSTS, EFFECTS.assign(old=[1.0, 2.0, np.inf]), "'old' of the effects is missing .* row 3"),
        (COSTS.astype(object).replace(35.0, "1,234"), EFFECTS, "'new' of the costs holds '1,234' in row 2"),
        (COSTS.assign(new=pd.to_datetime("2026-01-01")), EFFECTS, "holds '2026-01-01.*not a number"),
        (COSTS.set_axis(["old", "old"], axis=1), EFFECTS, "'old' appears twice in the costs"),
        (COSTS.reset_index(names=""), EFFECTS, "Column 1 of the costs has no name.*row.names = FALSE"),
        (COSTS, EFFECTS.set_axis([2, 1, 0]), "different row labels"),
        (COSTS["old"], EFFECTS, "costs are one column"),
        (COSTS[:0], EFFECTS[:0], "costs is empty"),
        (np.ones(3), EFFECTS, "costs have 1 axes"),
        ({"old": [1, 2], "new": [1, 2, 3]}, EFFECTS, "costs differ in length"),
    ],
)
def test_a_table_that_cannot_be_a_sample_is_refused_by_name(costs, effects, message):
    with pytest.raises(InputError, match=message):
        PsaSample.from_tables(costs, effects)


def test_parameters_of_another_length_or_comparator_unknown_are_refused():
    with pytest.raises(InputError, match="costs have 3 rows and the parameters 2"):
        PsaSample.from_tables(COSTS, EFFECTS, pd.DataFrame({"age": [60, 61]}))
    with pytest.raises(InputError, match=r"comparator 'nwe' is not a strategy.*'new'"):
        PsaSample.from_tables(COSTS, EFFECTS, comparator="nwe")


def test_strategy_names_that_contradict_the_tables_are_refused():
    with pytest.raises(InputError, match="are not the 2 columns of the costs"):
        PsaSample.from_tables(COSTS, EFFECTS, strategies=["new", "old"])


def linear_tables(rng, n=600):
    x = rng.normal(size=(n, 3))
    costs = np.column_stack([np.full(n, 50.0), 100 + 5 * x[:, 0] + rng.normal(size=n)])
    return costs, np.column_stack([np.ones(n), 2 + x[:, 1]]), x


def test_parameters_in_another_row_order_are_warned_about():
    rng = np.random.default_rng(4)
    costs, effects, x = linear_tables(rng)
    with pytest.warns(UserWarning, match="explain nothing"):
        PsaSample.from_tables(costs, effects, rng.permutation(x))


def test_parameters_in_the_right_row_order_are_not_warned_about():
    costs, effects, x = linear_tables(np.random.default_rng(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PsaSample.from_tables(costs, effects, x)


def test_pure_interactions_and_constant_parameters_are_not_warned_about():
    x = np.random.default_rng(5).normal(size=(4000, 21))
    x[:, 20] = 1.0
    benefit = (x[:, 0:20:2] * x[:, 1:20:2]).sum(axis=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PsaSample.from_tables(np.zeros((4000, 2)), np.column_stack([0 * benefit, benefit]), x)


def test_too_few_rows_to_tell_or_nothing_to_explain_is_not_warned_about():
    rng = np.random.default_rng(6)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PsaSample.from_tables(rng.normal(size=(40, 2)), rng.normal(size=(40, 2)), rng.normal(size=(40, 1)))
        PsaSample.from_tables(np.zeros((400, 2)), np.ones((400, 2)), rng.normal(size=(400, 1)))


def test_the_joint_r_squared_is_that_of_least_squares_and_copes_with_repeated_columns():
    rng = np.random.default_rng(7)
    x = rng.normal(size=(500, 2))
    y = x[:, :1] + x[:, 1:] ** 2 + rng.normal(size=(500, 1))
    basis = np.column_stack([np.ones(500), x, x**2, x[:, 0] * x[:, 1]])
    residual = y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0]
    found, rank = joint_r_squared(np.column_stack([x, 3 * x[:, 0], np.ones(500)]), y)
    assert found[0] == pytest.approx(1 - residual.var() / y.var(), rel=1e-9) and rank == 5
