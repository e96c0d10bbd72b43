"""The PSA sample record: shapes, names, totals of components."""

import numpy as np
import pytest

from psa_engine.errors import InputError
from psa_engine.sample import PsaSample

COSTS = np.array([[100.0, 250.0], [120.0, 260.0], [90.0, 300.0]])
EFFECTS = np.array([[1.0, 1.5], [1.1, 1.4], [0.9, 1.8]])


def small_sample(**changes):
    fields = {
        "strategies": ("usual care", "new drug"),
        "cost_values": COSTS,
        "effect_values": EFFECTS,
        "parameter_values": {"hazard_ratio": np.array([0.7, 0.8, 0.6])},
        "outcomes": {
            "costs.drug.a": {"new drug": np.array([100.0, 90.0, 120.0])},
            "costs.drug.b": {"new drug": np.array([50.0, 50.0, 60.0])},
            "costs.visits": {"usual care": COSTS[:, 0], "new drug": np.array([100.0, 120.0, 120.0])},
            "undiscounted.costs.visits": {"usual care": COSTS[:, 0] * 1.5},
            "undiscounted.life_years": {"usual care": np.array([9.0, 9.5, 10.0])},
        },
        "comparator": "usual care",
    }
    return PsaSample(**(fields | changes))


def test_tables_are_draw_by_strategy_with_named_axes():
    sample = small_sample()
    assert sample.n_draws == 3
    assert sample.costs.loc[2, "new drug"] == 300 and sample.effects.loc[1, "usual care"] == 1.1
    assert sample.costs.index.name == sample.parameters.index.name == "draw"
    assert list(sample.parameters["hazard_ratio"]) == [0.7, 0.8, 0.6]


def test_a_strategy_missing_from_a_component_has_none_of_it():
    drug = small_sample().outcome("costs.drug.a")
    assert list(drug["usual care"]) == [0, 0, 0]
    assert list(drug["new drug"]) == [100, 90, 120]


def test_a_leading_part_of_a_name_sums_what_is_below_it():
    sample = small_sample()
    assert list(sample.outcome("costs.drug")["new drug"]) == [150, 140, 180]
    assert list(sample.outcome("undiscounted.costs")["usual care"]) == [150, 180, 135]


def test_the_totals_are_outcomes_too_and_components_add_up_to_them():
    sample = small_sample()
    added = sample.outcome("costs.drug") + sample.outcome("costs.visits")
    np.testing.assert_array_equal(added, sample.outcome("costs"))


@pytest.mark.parametrize("name", ["costs.dug", "undiscounted", "costs.drug.", "life_years"])
def test_an_unknown_outcome_is_refused_by_name(name):
    with pytest.raises(InputError, match=f"no outcome '{name}'"):
        small_sample().outcome(name)


def test_arrays_are_held_as_read_only_float64_and_the_given_ones_stay_writable():
    given = np.array([[1, 2], [3, 4], [5, 6]])
    sample = small_sample(cost_values=given)
    given[0, 0] = 7
    assert sample.cost_values.dtype == np.float64 and sample.cost_values[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        sample.cost_values[0, 0] = 0


def test_changing_a_table_does_not_change_the_sample():
    sample = small_sample()
    table = sample.costs
    table.iloc[0, 0] = -1.0
    assert sample.cost_values[0, 0] == 100


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strategies": ("a", "a")}, "'a' appears more than once"),
        ({"comparator": "usual car"}, "comparator 'usual car' is not a strategy.*Did you mean 'usual care'"),
        ({"effect_values": EFFECTS[:2]}, r"shape of the effects is \(2, 2\), where \(3, 2\)"),
        ({"parameter_values": {"x": np.ones(2)}}, "shape of parameter 'x' is"),
        ({"cost_values": np.where(COSTS == 260, np.nan, COSTS)}, "costs are missing .* 1 of 3 .* draw 1"),
        ({"effect_values": np.where(EFFECTS == 1.8, np.inf, EFFECTS)}, "effects are missing .* draw 2"),
        ({"outcomes": {"flares": {"old drug": np.ones(3)}}}, "'flares' is given for 'old drug'"),
        ({"outcomes": {"flares": {"new drug": [1, np.nan, 2]}}}, "'flares' of 'new drug' are missing"),
        ({"outcomes": {"flares": {"new drug": np.ones(4)}}}, "outcome 'flares' of 'new drug' is"),
    ],
)
def test_a_sample_that_does_not_hang_together_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        small_sample(**changes)


def test_huge_values_of_both_signs_are_not_taken_for_infinite():
    costs = np.array([[1.5e308, 1.5e308], [1.5e308, 1.5e308], [-1.5e308, -1.5e308]])
    assert small_sample(cost_values=costs).n_draws == 3


def test_its_repr_says_what_it_is_without_printing_draws():
    assert repr(small_sample()) == (
        "PsaSample(3 draws, 2 strategies (usual care, new drug), 1 parameters, 5 outcomes)"
    )
