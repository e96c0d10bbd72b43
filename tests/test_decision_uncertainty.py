"""Net benefit, CEAC, CEAF, expected loss and EVPI: closed forms, laws and slow twins."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import ndtr

from psa_engine.decision import (
    ceac,
    ceaf,
    evpi,
    expected_loss,
    net_health_benefit,
    net_monetary_benefit,
    wtp_grid,
)
from psa_engine.errors import InputError
from psa_engine.sample import PsaSample


def sample_of(costs, effects):
    return PsaSample(tuple("abcdefghij"[: costs.shape[1]]), costs, effects)


def benefits_of(*benefits):
    """A sample whose net benefit at WTP 1 is the given draws, one array a strategy."""
    effects = np.column_stack(np.broadcast_arrays(*benefits)).astype(float)
    return sample_of(np.zeros_like(effects), effects)


def random_sample(seed=1, n=3_000, n_strategies=3):
    rng = np.random.default_rng(seed)
    return sample_of(rng.gamma(4, 2_000, (n, n_strategies)), rng.normal(8, 1, (n, n_strategies)))


def test_net_benefit_values_effects_and_subtracts_costs():
    sample = sample_of(np.array([[1000.0, 6000.0]]), np.array([[2.0, 2.5]]))
    np.testing.assert_array_equal(net_monetary_benefit(sample, 20_000), [[39_000, 44_000]])
    np.testing.assert_array_equal(net_health_benefit(sample, 20_000), [[1.95, 2.2]])


@pytest.mark.parametrize("wtp", [-1, np.nan, np.inf, [1, 2], "many", []])
def test_a_wtp_that_is_not_one_number_is_refused(wtp):
    with pytest.raises(InputError, match=r"WTP"):
        net_monetary_benefit(random_sample(), wtp)


def test_net_health_benefit_needs_a_wtp_above_zero():
    with pytest.raises(InputError, match="above 0"):
        net_health_benefit(random_sample(), 0)


def test_the_grid_of_wtp_includes_both_ends():
    np.testing.assert_array_equal(wtp_grid(), np.arange(0, 50_001, 1_000))
    np.testing.assert_allclose(wtp_grid(0.3, 0.1), [0, 0.1, 0.2, 0.3])
    with pytest.raises(InputError, match="0 < step <= high"):
        wtp_grid(100, 200)


def test_the_ceac_of_a_normal_increment_is_the_normal_distribution_function():
    n = 40_000
    rng = np.random.default_rng(2)
    effects = np.column_stack([np.zeros(n), rng.normal(0.1, 0.2, n)])
    costs = np.column_stack([np.zeros(n), rng.normal(2_500, 1_000, n)])
    wtp = np.array([0, 10_000, 25_000, 40_000.0])
    truth = ndtr((0.1 * wtp - 2_500) / np.hypot(0.2 * wtp, 1_000))
    found = ceac(sample_of(costs, effects), wtp)["b"]
    assert (abs(found - truth) < 4 * np.sqrt(truth * (1 - truth) / n)).all()


def test_exact_ties_are_split_equally_and_never_at_random():
    sample = benefits_of([5, 5, 0, 1], [5, 4, 0, 2], [5, 5, 0, 3], [1, 1, 0, 0])
    first = ceac(sample, 1)
    np.testing.assert_allclose(first.loc[1], [(1 / 3 + 1 / 2 + 1 / 4) / 4, (1 / 3 + 1 / 4) / 4,
                                              (1 / 3 + 1 / 2 + 1 / 4 + 1) / 4, 1 / 16])  # fmt: skip
    assert ceac(sample, 1).equals(first)


@given(hnp.arrays(float, (7, 4), elements=st.integers(-3, 3)), st.sampled_from([0.0, 0.5, 2.0]))
@settings(max_examples=60, deadline=None)
def test_ceac_probabilities_sum_to_one(effects, wtp):
    costs = np.roll(effects, 1, axis=0)
    np.testing.assert_allclose(ceac(sample_of(costs, effects), [wtp, 1.0]).sum(axis=1), 1.0, rtol=1e-15)


def test_the_curves_of_many_blocks_are_those_of_the_whole_array():
    sample, wtp = random_sample(seed=3, n=50_001), [0.0, 1_500.0, 9_000.0]
    benefit = np.array(wtp)[:, None, None] * sample.effect_values - sample.cost_values
    best = benefit.max(axis=2, keepdims=True)
    np.testing.assert_allclose(ceac(sample, wtp), (benefit == best).mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(expected_loss(sample, wtp), (best - benefit).mean(axis=1), rtol=1e-11)
    estimate, chosen = evpi(sample, wtp), benefit.mean(axis=1).argmax(axis=1)
    loss = np.array([(best[i, :, 0] - benefit[i, :, chosen[i]]) for i in range(3)])
    np.testing.assert_allclose(estimate.value, loss.mean(axis=1), rtol=1e-11)
    np.testing.assert_allclose(
        estimate.standard_error, loss.std(axis=1, ddof=1) / np.sqrt(50_001), rtol=1e-11
    )


def test_the_optimal_strategy_of_the_ceaf_is_not_the_most_probably_best_one():
    # New loses 1 in nine draws of ten and gains 20 in the tenth: mean 1.1, best with probability .1.
    sample = benefits_of(np.zeros(10), np.where(np.arange(10) == 3, 20, -1))
    row = ceaf(sample, 1).iloc[0]
    assert row["strategy"] == "b" and row["probability"] == 0.1
    assert row["mean_nmb"] == pytest.approx(1.1)
    assert ceac(sample, 1).idxmax(axis=1).iloc[0] == "a"


def test_the_ceaf_is_the_ceac_of_the_strategy_of_highest_mean():
    sample = random_sample(seed=4)
    curve, frontier = ceac(sample), ceaf(sample)
    for wtp, row in frontier.iterrows():
        assert row["probability"] == curve.loc[wtp, row["strategy"]]
        assert row["mean_nmb"] == pytest.approx(net_monetary_benefit(sample, wtp).mean(axis=0).max())


def test_equal_means_go_to_the_first_strategy():
    assert ceaf(benefits_of([0, 2], [2, 0]), [1.0])["strategy"].tolist() == ["a"]


# Value-of-information problems with known answers: draws of the net benefits, EVPI.
KNOWN = {
    "two normals": (lambda g, n: (np.zeros(n), g.normal(size=n) + g.normal(size=n)), 0.5641896),
    "ten normals": (lambda g, n: g.normal(size=(10, n)), 1.538753),
    "beta": (lambda g, n: (np.zeros(n), 20_000 * g.beta(4, 16, n) - 4_500), 497.0088),
    "gamma": (lambda g, n: (np.zeros(n), 1_000 * g.gamma(9, 1 / 3, n) - 3_200), 311.8471),
    "dominated": (lambda g, n: (np.zeros(n), 100 + g.uniform(-60, 60, n) + g.normal(0, 200, n)), 40.61196),
}


@pytest.mark.parametrize("name", KNOWN)
def test_evpi_is_within_its_error_of_the_known_answer(name):
    draw, truth = KNOWN[name]
    estimate = evpi(benefits_of(*draw(np.random.default_rng(12), 100_000)), 1)
    assert abs(estimate.value - truth) < 4 * estimate.standard_error + estimate.bias_bound


def test_evpi_is_the_least_expected_loss():
    sample, wtp = random_sample(seed=5), wtp_grid(20_000, 500)
    np.testing.assert_allclose(evpi(sample, wtp).value, expected_loss(sample, wtp).min(axis=1), rtol=1e-12)


def test_evpi_of_one_wtp_is_a_float_and_of_a_list_an_array():
    sample = random_sample(seed=6)
    one, many = evpi(sample, 9_000), evpi(sample, [2_000, 9_000])
    assert isinstance(one.value, float) and isinstance(one.standard_error, float) and one.wtp == 9_000
    assert many.value.shape == many.standard_error.shape == (2,) and many.value[1] == one.value
    assert evpi(sample).wtp.tolist() == [25_000, 35_000]


def test_a_strategy_that_is_always_best_has_no_value_of_information():
    sample = benefits_of([0.1, 0.2, 0.3], [0.4, 0.5, 0.6])
    assert evpi(sample, 1).value == 0 and evpi(sample, 1).standard_error == 0
    assert expected_loss(sample, 1)["b"].iloc[0] == 0


def test_the_standard_error_is_the_spread_of_estimates_and_the_bias_is_within_its_bound():
    # The mean of the highest of three standard normals is 3 / (2 sqrt(pi)); the strategies tie in truth.
    rng, truth, n_samples = np.random.default_rng(13), 1.5 / np.sqrt(np.pi), 600
    found = [evpi(benefits_of(*rng.normal(size=(3, 100))), 1) for _ in range(n_samples)]
    values = np.array([estimate.value for estimate in found])
    error = values.std(ddof=1) / np.sqrt(n_samples)
    bound = np.mean([estimate.bias_bound for estimate in found])
    assert truth - bound - 4 * error < values.mean() < truth - 4 * error


def test_the_standard_error_is_the_spread_of_estimates_where_one_strategy_leads():
    rng, n_samples = np.random.default_rng(14), 600
    found = [evpi(benefits_of(np.zeros(200), rng.normal(1, 1, 200)), 1) for _ in range(n_samples)]
    spread = np.std([estimate.value for estimate in found], ddof=1)
    stated = np.sqrt(np.mean([estimate.standard_error**2 for estimate in found]))
    assert abs(stated / spread - 1) < 0.15
    assert all(estimate.bias_bound == 0 for estimate in found)


def test_adding_a_constant_to_every_strategy_changes_no_decision():
    rng = np.random.default_rng(7)
    costs, effects = rng.integers(0, 4_000, (500, 3)) * 1.0, rng.integers(0, 64, (500, 3)) / 8
    one, moved, wtp = sample_of(costs, effects), sample_of(costs + 512, effects - 16), [0, 512, 1024]
    assert ceac(moved, wtp).equals(ceac(one, wtp))
    assert expected_loss(moved, wtp).equals(expected_loss(one, wtp))
    np.testing.assert_allclose(evpi(moved, wtp).value, evpi(one, wtp).value, rtol=1e-12)


def test_the_order_of_strategies_changes_nothing():
    sample, wtp = random_sample(seed=9, n=400), [500.0, 2_000.0, 8_000.0]
    curve, losses, value = ceac(sample, wtp), expected_loss(sample, wtp), evpi(sample, wtp).value
    for order in permutations(range(3)):
        names = tuple(sample.strategies[i] for i in order)
        other = PsaSample(names, sample.cost_values[:, order], sample.effect_values[:, order])
        assert ceac(other, wtp)[list("abc")].equals(curve)
        assert expected_loss(other, wtp)[list("abc")].equals(losses)
        np.testing.assert_array_equal(evpi(other, wtp).value, value)
        assert ceaf(other, wtp).equals(ceaf(sample, wtp))


def test_costs_and_wtp_in_another_currency_scale_the_value_of_information():
    sample = random_sample(seed=10)
    other = sample_of(sample.cost_values * 4, sample.effect_values)
    assert evpi(other, 8_000).value == pytest.approx(4 * evpi(sample, 2_000).value, rel=1e-12)


def test_one_draw_has_a_decision_and_no_standard_error():
    sample = benefits_of([1.0], [3.0])
    assert ceaf(sample, 1)["strategy"].tolist() == ["b"]
    assert evpi(sample, 1).value == 0 and np.isnan(evpi(sample, 1).standard_error)
