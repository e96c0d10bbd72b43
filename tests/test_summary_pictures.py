"""What a result holds for its pictures: clouds, traces, densities, packs at other prices, the grid of WTP."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
from assertions import assert_within_mc_error

import psa_engine as pe
from psa_engine.cohort.model import Tunnel
from psa_engine.config import load_analysis
from psa_engine.engine import cohort_trace, named_edges
from psa_engine.summary.cohort import structure_rows, trace_rows
from psa_engine.summary.densities import density_rows
from psa_engine.summary.plane import SHOWN, plane_rows
from psa_engine.summary.product_prices import product_price_rows
from psa_engine.summary.run import acceptability_rows


def sample_of(n, **more):
    z = np.random.default_rng(5).standard_normal((n, 2))
    costs = np.c_[np.full(n, 100.0), 900 + 300 * z[:, 0]]
    effects = np.c_[np.full(n, 2.0), 2.5 + 0.1 * (0.8 * z[:, 0] + 0.6 * z[:, 1])]
    return pe.PsaSample(("old", "new"), costs, effects, comparator="old", **more)


def test_the_ellipse_holds_95_percent_of_normal_draws():
    sample = sample_of(20_000)
    (row,) = plane_rows(sample)
    corners = np.c_[row["ellipse"]["effects"], row["ellipse"]["costs"]] - [
        row["mean_effects"],
        row["mean_costs"],
    ]
    covariance = np.cov(sample.effect_values[:, 1] - 2.0, sample.cost_values[:, 1] - 100)
    distance = np.einsum("ij,jk,ik->i", corners, np.linalg.inv(covariance), corners)
    assert distance == pytest.approx(scipy.stats.chi2(2).ppf(0.95), rel=1e-3)


def test_the_plane_lists_the_first_draws_against_the_comparator():
    sample = sample_of(SHOWN + 9)
    (row,) = plane_rows(sample)
    assert (row["strategy"], row["comparator"], len(row["costs"])) == ("new", "old", SHOWN)
    assert row["costs"][7] == pytest.approx(sample.cost_values[7, 1] - 100, rel=1e-5)
    assert row["effects"][7] == pytest.approx(sample.effect_values[7, 1] - 2, rel=1e-5)


def test_a_single_draw_has_no_ellipse():
    assert plane_rows(sample_of(1))[0]["ellipse"] == {"effects": [], "costs": []}


def test_traces_are_those_of_the_model_at_some_of_its_time_points():
    analysis = load_analysis("sick_sicker")
    values = analysis.parameters.means()
    row = next(r for r in trace_rows(analysis.model, values) if r["strategy"] == "strategy B")
    whole = cohort_trace(analysis.model, values, "strategy B").set_index("year")
    assert row["year"][0] == 0 and row["year"][-1] == whole.index[-1]
    assert row["shares"]["sicker"] == pytest.approx(whole.loc[row["year"], "sicker"].tolist(), rel=1e-5)


def test_the_structure_names_states_edges_and_death():
    analysis = load_analysis("sick_sicker")
    rows = structure_rows(analysis.model, analysis.parameters.means())
    assert (
        rows["states"] == ["healthy", "sick", "sicker", "dead"]
        and {"from": "sick", "to": "healthy"} in rows["edges"]
    )
    assert {"from": "dead", "to": "sick"} not in rows["edges"]


def test_the_edges_of_a_tunnel_are_those_of_its_name():
    timeline = pe.Timeline(cycles_per_year=1, n_cycles=5)
    model = pe.CohortModel(
        ("well", Tunnel("ill", 3, then="well"), "gone"),
        ("a", "b"),
        timeline,
        "well",
        lambda p: {("well", "ill"): 0.2, ("ill", "gone"): p["x"]},
        lambda p: {"costs.all": {"ill": 1.0}, "effects.qalys": {"well": 1.0}},
    )
    assert set(named_edges(model, {"x": 0.1})) == {("well", "ill"), ("ill", "gone")}


@pytest.mark.parametrize(
    ("given", "truth"),
    [
        (pe.Beta(events=30, n=100), scipy.stats.beta(30, 70)),
        (pe.Gamma(mean=1500, se=400), scipy.stats.gamma((1500 / 400) ** 2, scale=400**2 / 1500)),
    ],
)
def test_the_density_shown_is_that_of_the_distribution(given, truth):
    parameters = pe.ParameterSet({"x": given, "held": 3.0})
    draws = truth.rvs(4000, random_state=3)
    sample = sample_of(4000, parameter_values={"x": draws})
    (row,) = density_rows(parameters, sample)
    x, density = np.array(row["evidence"]["x"]), np.array(row["evidence"]["density"])
    inner = slice(2, -2)
    assert density[inner] == pytest.approx(truth.pdf(x[inner]), rel=0.02)
    assert (row["low"], row["high"]) == pytest.approx(truth.interval(0.95), rel=1e-6)


def test_the_histogram_is_that_of_the_draws():
    draws = np.random.default_rng(8).gamma(4.0, 2.0, 5000)
    (row,) = density_rows(
        pe.ParameterSet({"x": pe.Gamma(mean=8, se=4)}), sample_of(5000, parameter_values={"x": draws})
    )
    edges, density = np.array(row["draws"]["edges"]), np.array(row["draws"]["density"])
    share = density * np.diff(edges)
    truth = np.diff(scipy.stats.gamma(4, scale=2).cdf(edges))
    assert_within_mc_error(share, truth, np.sqrt(truth * (1 - truth) / 5000))


def test_mean_costs_at_another_price_are_those_of_packs_at_that_price():
    rng = np.random.default_rng(2)
    packs, free, price = rng.gamma(9, 2, 300), rng.gamma(50, 10, 300), rng.gamma(100, 0.4, 300)
    costs = np.c_[free, free + packs * price]
    sample = pe.PsaSample(
        ("old", "new"),
        costs,
        np.ones((300, 2)),
        {"list_price[cream]": price},
        {"packs.cream": {"new": packs}},
    )
    analysis = SimpleNamespace(
        products={"cream": SimpleNamespace(label="Cream", pack="tube")},
        parameters=SimpleNamespace(means=lambda: {"discount[cream]": 0.0}),
    )
    (row,) = product_price_rows(analysis, sample)
    at_12 = costs[:, 1].mean() - row["drug_cost"]["new"] + 12 * row["packs"]["new"]
    assert at_12 == pytest.approx((free + 12 * packs).mean(), rel=1e-12)
    assert row["price"] == pytest.approx(price.mean()) and "old" not in row["packs"]


@pytest.mark.parametrize("wtp", [[25_000.0, 35_000.0], [12_345.6], [0.0], [1e6, 2e6]])
def test_the_grid_of_willingness_to_pay_passes_through_the_thresholds(wtp):
    grid = [row["wtp"] for row in acceptability_rows(sample_of(50), wtp)]
    assert set(wtp) <= set(grid) and grid[0] == 0 and grid[-1] >= 2 * max(wtp) and len(grid) <= 85


def test_net_benefit_along_the_grid_is_that_of_the_means():
    sample = sample_of(50)
    row = next(r for r in acceptability_rows(sample, [20_000.0]) if r["wtp"] == 20_000)
    assert row["nmb"]["new"] == pytest.approx(
        (20_000 * sample.effect_values - sample.cost_values)[:, 1].mean()
    )
