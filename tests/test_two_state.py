"""The two-state model against its geometric series: p alive after a cycle, so p^k after k of them."""

from dataclasses import replace

import numpy as np
import pytest

import psa_engine as pe

N = 40
VALUES = {
    "mortality_rate": 0.05,
    "hazard_ratio": 0.6,
    "cost_alive": 2000.0,
    "cost_treatment": 1500.0,
    "utility_alive": 0.75,
}
SURVIVAL = {"standard care": np.exp(-0.05), "new": np.exp(-0.03)}


@pytest.fixture(scope="module")
def analysis():
    return pe.load_analysis("two_state")


def run(analysis, **time):
    model = analysis.model
    return pe.evaluate(replace(model, timeline=replace(model.timeline, **time)), VALUES)


def series(q, n):
    """1 + q + ... + q^n."""
    return (1 - q ** (n + 1)) / (1 - q)


def person_years(q, correction):
    """The sum of q^k over the 41 points under each convention; its pieces are geometric series too."""
    ends = 1 + q**N
    odd, even = q * series(q * q, N // 2 - 1), series(q * q, N // 2) - ends
    return {
        "none": series(q, N),
        "start_of_cycle": series(q, N - 1),
        "end_of_cycle": q * series(q, N - 1),
        "half_cycle": series(q, N) - ends / 2,
        "simpson": (ends + 4 * odd + 2 * even) / 3,
        "darthtools_simpson": (ends + 2 * odd + 4 * even) / 3,
    }[correction]


@pytest.mark.parametrize("strategy", SURVIVAL)
def test_the_share_alive_is_a_power(analysis, strategy):
    trace = pe.cohort_trace(analysis.model, VALUES, strategy)
    assert trace["alive"].to_numpy() == pytest.approx(SURVIVAL[strategy] ** np.arange(N + 1), rel=1e-13)


@pytest.mark.parametrize("strategy", SURVIVAL)
@pytest.mark.parametrize(
    "correction", ["none", "start_of_cycle", "end_of_cycle", "half_cycle", "simpson", "darthtools_simpson"]
)
def test_costs_and_qalys_are_the_series_at_their_own_discount_rate(analysis, correction, strategy):
    sample = run(analysis, cycle_correction=correction, discount_rate_costs=0.06, discount_rate_effects=0.015)
    price = 2000 + (1500 if strategy == "new" else 0)
    costs = price * person_years(SURVIVAL[strategy] / 1.06, correction)
    qalys = 0.75 * person_years(SURVIVAL[strategy] / 1.015, correction)
    assert sample.costs[strategy].item() == pytest.approx(costs, rel=1e-12)
    assert sample.effects[strategy].item() == pytest.approx(qalys, rel=1e-12)


@pytest.mark.parametrize("strategy", SURVIVAL)
def test_undiscounted_twins_are_the_series_itself(analysis, strategy):
    sample = run(analysis, discount_rate_costs=0.06, discount_rate_effects=0.015)
    years = person_years(SURVIVAL[strategy], "half_cycle")
    assert sample.outcome("undiscounted.life_years")[strategy].item() == pytest.approx(years, rel=1e-12)
    assert sample.outcome("undiscounted.costs.care")[strategy].item() == pytest.approx(
        2000 * years, rel=1e-12
    )


def test_continuous_discounting_is_a_hazard_more(analysis):
    sample = run(analysis, discounting="exponential", discount_rate_effects=0.02)
    years = person_years(np.exp(-0.05 - 0.02), "half_cycle")
    assert sample.outcome("life_years")["standard care"].item() == pytest.approx(years, rel=1e-12)


def test_every_draw_is_its_own_series(analysis):
    sample = pe.run_psa(analysis.model, analysis.parameters, n_draws=300, seed=2)
    p = sample.parameters
    q = np.exp(-p["mortality_rate"] * p["hazard_ratio"]) / 1.035
    qalys = p["utility_alive"] * person_years(q, "half_cycle")
    assert sample.effects["new"].to_numpy() == pytest.approx(qalys.to_numpy(), rel=1e-11)
