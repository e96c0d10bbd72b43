"""Each strategy against one comparator: direction, quadrants, standard errors; and mean outcomes."""

import numpy as np
import pytest

from psa_engine.decision import mean_outcomes, pairwise_icers
from psa_engine.errors import InputError
from psa_engine.sample import PsaSample


def sample_of(comparator=None, **points):
    costs, effects = np.array(list(points.values()), dtype=float).T
    return PsaSample(tuple(points), costs[None], effects[None], comparator=comparator)


def test_the_direction_of_a_comparison_is_written_out():
    table = pairwise_icers(sample_of(old=(1000, 4), new=(3000, 4.5)), wtp=20_000)
    assert list(table["comparison"]) == ["new v old"]
    row = table.iloc[0]
    assert (row["incremental_costs"], row["incremental_effects"], row["icer"]) == (2000, 0.5, 4000)
    assert row["inmb_20000"] == 20_000 * 0.5 - 2000


def test_reversing_the_comparison_changes_signs_and_keeps_the_icer():
    table = pairwise_icers(sample_of(old=(1000, 4), new=(3000, 4.5)), comparator="new", wtp=20_000)
    row = table.iloc[0]
    assert row["comparison"] == "old v new" and row["quadrant"].startswith("south-west")
    assert (row["incremental_costs"], row["icer"], row["inmb_20000"]) == (-2000, 4000, -8000)


@pytest.mark.parametrize(
    ("new", "quadrant", "icer"),
    [
        ((3000, 4.5), "north-east", 4000),
        ((500, 4.5), "south-east: dominates", np.nan),
        ((3000, 3.5), "north-west: dominated", np.nan),
        ((500, 3.5), "south-west", 1000),
        ((1000, 4.5), "east: dominates", np.nan),
        ((1000, 3.5), "west: dominated", np.nan),
        ((3000, 4), "north: dominated", np.inf),
        ((500, 4), "south: dominates", -np.inf),
        ((1000, 4), "origin", np.nan),
    ],
)
def test_every_quadrant_and_tie_has_its_name_and_icer(new, quadrant, icer):
    row = pairwise_icers(sample_of(old=(1000, 4), new=new)).iloc[0]
    assert row["quadrant"].startswith(quadrant)
    np.testing.assert_equal(row["icer"], icer)


def test_the_comparator_is_the_given_one_else_the_samples_else_the_first():
    points = {"a": (1, 1), "b": (2, 2), "c": (3, 3)}
    assert set(pairwise_icers(sample_of(**points))["comparator"]) == {"a"}
    assert set(pairwise_icers(sample_of("b", **points))["comparator"]) == {"b"}
    assert list(pairwise_icers(sample_of("b", **points), "c")["comparison"]) == ["a v c", "b v c"]
    with pytest.raises(InputError, match="'d' is not a strategy"):
        pairwise_icers(sample_of(**points), "d")


def test_standard_errors_use_paired_draws():
    rng = np.random.default_rng(8)
    shared = rng.normal(0, 5000, size=(400, 1))
    extra = rng.normal(0, 30, size=400)
    costs = shared + np.column_stack([np.full(400, 1000.0), 3000 + extra])
    row = pairwise_icers(PsaSample(("old", "new"), costs, np.ones((400, 2)) * [4, 4.5])).iloc[0]
    assert row["incremental_costs_standard_error"] == pytest.approx(extra.std(ddof=1) / 20)
    assert row["inmb_25000_standard_error"] == pytest.approx(extra.std(ddof=1) / 20)
    assert row["icer_standard_error"] == pytest.approx(extra.std(ddof=1) / 20 / 0.5)


def test_mean_outcomes_of_a_known_sample():
    costs = np.column_stack([np.arange(201.0), 5 * np.arange(201.0)])
    table = mean_outcomes(PsaSample(("old", "new"), costs, np.ones((201, 2))))
    # The variance of 0..200 is (n^2 - 1) / 12 with divisor n, n (n + 1) / 12 with n - 1: 201 x 202 / 12.
    error = np.sqrt(201 * 202 / 12 / 201)
    np.testing.assert_allclose(table["costs"].loc["new"], [500, 5 * error, 25, 975])
    np.testing.assert_allclose(table["effects"].loc["old"], [1, 0, 1, 1])


def test_mean_outcomes_of_components_fill_structural_zeros():
    drug = {"costs.drug": {"new": np.array([10.0, 30.0])}}
    sample = PsaSample(("old", "new"), np.ones((2, 2)), np.ones((2, 2)), outcomes=drug)
    table = mean_outcomes(sample, components=True)
    assert list(table["costs.drug"]["mean"]) == [0, 20]
    assert table["costs.drug"].loc["new", "standard_error"] == pytest.approx(10)
    assert "costs.drug" not in mean_outcomes(sample).columns.get_level_values(0)


def test_one_draw_has_means_and_no_standard_errors():
    table = mean_outcomes(sample_of(old=(1000, 4), new=(3000, 4.5)))
    assert table["costs"].loc["new", "mean"] == 3000 and np.isnan(table["costs"].loc["new", "standard_error"])
