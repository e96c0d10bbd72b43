"""Means, CEAC and EVPI of draws that are never in one place, against those of the whole sample."""

import numpy as np
import pytest

from psa_engine.decision import ceac, evpi, mean_outcomes
from psa_engine.decision.reduced import Reduced, decisions, means, merged, reduced
from psa_engine.sample import PsaSample

WTP = np.array([0.0, 900.0, 20_000.0])


def part(n, seed, level=0.0):
    """Draws of three strategies, the last two of them equal in a third of draws."""
    rng = np.random.default_rng(seed)
    costs = rng.normal([1e6, 2e6, 2e6], 1e5, (n, 3))
    effects = rng.normal([8, 9, 9.5], 2.0, (n, 3)) + level
    costs[::3, 2], effects[::3, 2] = costs[::3, 1], effects[::3, 1]
    return costs, effects


PARTS = [part(n, seed=n, level=n / 50) for n in (7, 1, 60, 32)]
WHOLE = PsaSample(("a", "b", "c"), *(np.concatenate(x) for x in zip(*PARTS, strict=True)))


def reduced_parts():
    return [reduced(PsaSample(WHOLE.strategies, *one), WTP) for one in PARTS]


@pytest.fixture(scope="module")
def total():
    return merged(reduced_parts())


def test_means_and_their_errors_are_those_of_the_whole_sample(total):
    table, (mean, error) = mean_outcomes(WHOLE), means(total)
    for i, kind in enumerate(("costs", "effects")):
        assert mean[i] == pytest.approx(table[kind, "mean"].to_numpy(), rel=1e-13)
        assert error[i] == pytest.approx(table[kind, "standard_error"].to_numpy(), rel=1e-12)


def test_products_are_the_covariance_of_costs_and_effects(total):
    both = np.hstack([WHOLE.cost_values, WHOLE.effect_values])
    assert total.products / (len(both) - 1) == pytest.approx(np.cov(both.T), rel=1e-11, abs=1e-9)


def test_the_acceptability_curve_is_that_of_the_whole_sample_ties_included(total):
    assert decisions(total, WTP)["probability"] == pytest.approx(ceac(WHOLE, WTP).to_numpy(), rel=1e-14)


def test_evpi_and_its_error_are_those_of_the_whole_sample(total):
    found, whole = decisions(total, WTP), evpi(WHOLE, WTP)
    assert found["evpi"] == pytest.approx(whole.value, rel=1e-12)
    assert found["evpi_standard_error"] == pytest.approx(whole.standard_error, rel=1e-12)
    assert [WHOLE.strategies[i] for i in found["best"]] == list(whole.diagnostics["optimal_strategy"])


def test_merging_in_two_steps_gives_the_same_numbers(total):
    a, b, c, d = reduced_parts()
    for one, other in zip(merged([merged([a, b]), merged([c, d])]), total, strict=True):
        assert np.asarray(one) == pytest.approx(np.asarray(other), rel=1e-12)


def test_a_mean_far_from_zero_costs_no_digits():
    """The variance of 1, 2, 3, 4 is 5/3, whatever is added to all of them."""
    far = [PsaSample(("x",), np.array([[1e12 + k]]), np.ones((1, 1))) for k in (1.0, 2.0, 3.0, 4.0)]
    total = merged(reduced(one, WTP) for one in far)
    assert means(total)[1][0, 0] ** 2 * 4 == pytest.approx(5 / 3, rel=1e-12)


def test_one_draw_has_no_error():
    alone = reduced(PsaSample(("x",), np.ones((1, 1)), np.ones((1, 1))), WTP)
    assert isinstance(alone, Reduced) and np.isnan(means(alone)[1]).all()
    assert np.isnan(decisions(alone, WTP)["evpi_standard_error"]).all()
