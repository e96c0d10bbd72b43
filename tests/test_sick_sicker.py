"""The Sick-Sicker model against its published answers (Alarid-Escudero 2023, Med Decis Making 43(1):3-20)."""

from dataclasses import replace

import numpy as np
import pytest
from assertions import assert_within_mc_error
from voi_problems import P13_EVPPI, P13_WTP

import psa_engine as pe
from psa_engine import reference

RATES = {"r_HD": 0.002, "r_HS1": 0.15, "r_S1H": 0.5, "r_S1S2": 0.105, "hr_S1": 3, "hr_S2": 10, "hr_trtB": 0.6}
COSTS = {"c_H": 2000, "c_S1": 4000, "c_S2": 15_000, "c_trtA": 12_000, "c_trtB": 13_000}
UTILITIES = {"u_H": 1, "u_S1": 0.75, "u_S2": 0.5, "u_trtA": 0.95}
VALUES = {name: float(value) for name, value in (RATES | COSTS | UTILITIES).items()}

# Costs to 6 and QALYs to 10 decimals; standard of care, A, B, AB.
PUBLISHED = {
    "darthtools_simpson": (
        [151579.865957, 284804.513371, 259100.410617, 378875.198394],
        [20.7113314643, 21.4986628084, 22.1844651408, 23.1368441350],
    ),
    "half_cycle": (
        [152262.290718, 285676.923020, 259991.515270, 379955.447347],
        [21.0381509231, 21.8288364097, 22.5111981428, 23.4668455895],
    ),
    "none": (
        [153541.412931, 287185.640776, 261490.974372, 381676.095741],
        [21.5544866105, 22.3455444559, 23.0326078071, 23.9889689258],
    ),
}


@pytest.fixture(scope="module")
def analysis():
    return pe.load_analysis("sick_sicker")


@pytest.fixture(scope="module")
def deterministic(analysis):
    """Cycle correction -> the one draw of the tutorial's base case."""
    timeline = analysis.model.timeline
    models = {c: replace(analysis.model, timeline=replace(timeline, cycle_correction=c)) for c in PUBLISHED}
    return {correction: pe.evaluate(model, VALUES) for correction, model in models.items()}


@pytest.mark.parametrize("correction", PUBLISHED)
def test_costs_are_the_published_ones_to_every_digit(deterministic, correction):
    assert deterministic[correction].cost_values[0] == pytest.approx(
        PUBLISHED[correction][0], rel=0, abs=5.1e-7
    )


@pytest.mark.parametrize("correction", PUBLISHED)
def test_qalys_are_the_published_ones_to_every_digit(deterministic, correction):
    assert deterministic[correction].effect_values[0] == pytest.approx(
        PUBLISHED[correction][1], rel=0, abs=5.1e-11
    )


@pytest.mark.parametrize(
    ("cycle", "shares"),
    [
        (1, [0.858988280741, 0.139013717926, 0, 0.00199800133267]),
        (2, [0.792231299110, 0.189449484706, 0.0137733700637, 0.00454584611996]),
        (75, [0.115723450556, 0.0341785363064, 0.317061535511, 0.533036477626]),
    ],
)
def test_the_trace_is_the_published_one(analysis, cycle, shares):
    trace = pe.cohort_trace(analysis.model, VALUES, "standard of care").drop(columns="year")
    assert trace.loc[cycle].tolist() == pytest.approx(shares, rel=5e-12)


def test_the_published_icers_lie_on_the_frontier(deterministic):
    table = pe.icers(deterministic["darthtools_simpson"]).set_index("strategy")
    assert table.loc[["strategy B", "strategy AB"], "icer"].tolist() == pytest.approx(
        [72987.63607, 125763.78575], rel=0, abs=5.1e-6
    )


def test_treatment_a_is_dominated_as_published(deterministic):
    table = pe.icers(deterministic["darthtools_simpson"]).set_index("strategy")
    assert table.loc["strategy A", "status"] == "dominated"


# The probabilistic analysis: expectations by randomised quasi-Monte Carlo, at 100,000 a QALY.


@pytest.fixture(scope="module")
def sample(analysis):
    return pe.run_psa(analysis.model, analysis.parameters, n_draws=40_000, seed=1, keep="totals")


@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        ("standard of care", 1903824),
        ("strategy A", 1853242),
        ("strategy B", 1938038),
        ("strategy AB", 1917987),
    ],
)
def test_expected_net_benefit_is_the_known_one(sample, strategy, expected):
    benefit = pe.net_monetary_benefit(sample, 100_000)[:, sample.strategies.index(strategy)]
    assert_within_mc_error(benefit.mean(), expected, benefit.std(ddof=1) / np.sqrt(len(benefit)))


def test_evpi_is_the_known_one(sample):
    estimate = pe.evpi(sample, wtp=100_000)
    assert_within_mc_error(estimate.value, 2803.5, np.hypot(estimate.standard_error, 1.5))


@pytest.mark.slow
def test_the_worth_of_the_transitions_by_the_reference_needs_no_inner_loop(analysis):
    # Net benefit is linear in the rewards, which are independent of the transitions: given these, its mean is
    # that at mean rewards.
    rng, means, losses = np.random.default_rng(11), analysis.parameters.means(), []
    held = {name: value for name, value in means.items() if name not in analysis.groups["transitions"]}
    for _ in range(20):
        z = rng.standard_normal((len(analysis.parameters.structure.scores), 25_000))
        values = {
            **reference.draws(analysis.parameters, z),
            **{n: np.full(25_000, v) for n, v in held.items()},
        }
        outcomes = reference.evaluate(analysis.model, values)
        costs, effects = (
            reference.totals(outcomes, analysis.model.structure.strategies.names, kind)
            for kind in ("costs", "effects")
        )
        benefit = P13_WTP * effects - costs
        losses.append(benefit.max(1) - benefit[:, 2])  # treatment B is the best on average
    loss = np.concatenate(losses)
    error = np.hypot(loss.std() / np.sqrt(len(loss)), 0.11)
    assert_within_mc_error(loss.mean(), P13_EVPPI[("transitions",)], error)
