"""Sensitivity in the results of a run: complete, documented, and consistent with the other numbers."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cohorts import cohort
from command_line import psa_engine as psa

import psa_engine as pe
from psa_engine.summary.run import scenario_row
from psa_engine.summary.sensitivity import (
    gap_prices,
    price_points,
    sensitivity_of_run,
    severity_rows,
    threshold_rows,
)

DOCUMENT = Path(__file__).parents[1] / "docs" / "results.md"


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The two-state model under its scenarios."""
    folder = tmp_path_factory.mktemp("sensitivity")
    done = psa("run", "two_state", "--draws", 300, "--scenario", "all", "--out", folder)
    return SimpleNamespace(
        **vars(done), folder=folder, results=json.loads((folder / "results.json").read_text())
    )


@pytest.fixture(scope="module")
def flagship():
    """The flagship's description with a sample made by hand: who takes the cream lives better and costs its price."""
    analysis = pe.load_analysis("ruxolitinib_ad_systemic_naive")
    random, n = np.random.default_rng(5), 200
    tubes = random.gamma(20, 1, n)
    costs = random.normal(40_000, 2_000, (n, 6)) + np.array([500, 0, 0, 0, 0, 0]) * tubes[:, None]
    effects = random.normal([14.6, 14.1, 14.1, 14.2, 14.0, 13.7], 0.1, (n, 6))
    packs = {"packs.ruxolitinib_cream": {"ruxolitinib_cream": tubes}}
    sample = pe.PsaSample(tuple(analysis.strategies), costs, effects, {}, packs, "ciclosporin")
    return SimpleNamespace(analysis=analysis, sample=sample)


def rows(folder, name):
    with (folder / "tables" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_key_of_the_results_is_documented(ran):
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [key for key in ran.results if f"`{key}`" not in text] == []


def test_the_tornado_starts_from_the_base_case(ran):
    base = {row["strategy"]: row for row in ran.results["base_case"]}
    costs = base["standard care"]["costs"] - base["new"]["costs"]
    assert ran.results["tornado"]["base"]["incremental_costs"] == pytest.approx(costs, rel=1e-12)


def test_the_tornado_has_every_uncertain_parameter_and_the_named_ranges(ran):
    bars = {bar["parameter"]: bar["range"] for bar in ran.results["tornado"]["bars"]}
    assert bars.pop("price of treatment") == "named range"
    assert set(bars) == {"mortality_rate", "hazard_ratio", "cost_alive", "utility_alive"}


def test_the_tables_hold_what_the_json_holds(ran):
    impact = [float(row["impact"]) for row in rows(ran.folder, "budget_impact")]
    assert impact == [year["impact"] for year in ran.results["budget_impact"]["years"]]
    assert len(rows(ran.folder, "tornado")) == len(ran.results["tornado"]["bars"])


def test_convergence_ends_at_the_results_of_the_run(ran):
    last = ran.results["convergence"]["rows"][-1]
    decision = ran.results["decision"][-1]["strategies"][0]
    assert last["n_draws"] == 300 and last["wtp"] == ran.results["decision"][-1]["wtp"]
    assert last["probability"] == pytest.approx(decision["probability_cost_effective"])


def test_scenarios_say_what_changes_from_the_base_case(ran):
    base, undiscounted = ran.results["scenarios"][:2]
    assert base["change_inmb_25000"] == 0
    assert undiscounted["change_inmb_25000"] == pytest.approx(undiscounted["inmb_25000"] - base["inmb_25000"])
    assert "change" in ran.out


def test_without_tables_of_the_population_there_is_no_severity(ran):
    assert ran.results["severity"] is None and "Severity" not in ran.out


def test_severity_is_that_of_the_mean_qalys_under_standard_care(flagship):
    severity = severity_rows(flagship.analysis, flagship.sample, [25_000])
    lost = severity["general_population_qalys"] - flagship.sample.effects["ciclosporin"].mean()
    assert severity["standard_care"] == "ciclosporin"
    assert severity["absolute_shortfall"] == pytest.approx(lost)
    assert sum(severity["probability_of_weight"].values()) == pytest.approx(1)


def test_a_weight_multiplies_the_qalys_gained(flagship):
    plain, _, severe = severity_rows(flagship.analysis, flagship.sample, [25_000])["decisions"]
    gain = (flagship.sample.effects["ruxolitinib_cream"] - flagship.sample.effects["ciclosporin"]).mean()
    assert severe["inmb"] - plain["inmb"] == pytest.approx(0.7 * 25_000 * gain)
    assert plain["weighted_icer"] / severe["weighted_icer"] == pytest.approx(1.7)


def test_a_short_horizon_has_no_severity(flagship):
    short = flagship.analysis.with_scenario("horizon_5_years")
    assert severity_rows(short, flagship.sample, [25_000]) is None


def test_the_price_curve_crosses_zero_at_the_threshold_price(flagship):
    thresholds = threshold_rows(flagship.analysis, flagship.sample, [25_000], *["ruxolitinib_cream"] * 2)
    curve = price_points(flagship.analysis, flagship.sample, [25_000], thresholds)
    price = thresholds[0]["price"]
    below = [p["inmb"] for p in curve["points"] if p["price"] < price]
    above = [p["inmb"] for p in curve["points"] if p["price"] > price]
    assert min(below) > 0 > max(above) and price < max(p["price"] for p in curve["points"])


def test_a_price_at_which_nothing_is_gained_is_null_in_words_and_json(flagship):
    """Another strategy takes twice the tubes and is better wherever the cream beats the others."""
    cream, analysis = "ruxolitinib_cream", flagship.analysis
    tubes = flagship.sample.outcomes[f"packs.{cream}"][cream]
    costs, effects = flagship.sample.cost_values.copy(), flagship.sample.effect_values.copy()
    costs[:, 1] += 500 * 2 * tubes
    effects[:, 1] += 9
    outcomes = {f"packs.{cream}": {cream: tubes, flagship.sample.strategies[1]: 2 * tubes}}
    sample = pe.PsaSample(flagship.sample.strategies, costs, effects, {}, outcomes, "ciclosporin")
    rows = threshold_rows(analysis, sample, [25_000], cream, cream)
    assert json.loads(json.dumps(rows, allow_nan=False))[0]["price"] is None


def test_the_price_of_a_scenario_is_that_of_the_first_strategys_own_product(flagship, monkeypatch):
    first = {"strategy": "ruxolitinib_cream", "wtp": 25_000.0}
    found = [
        {**first, "product": "another", "price": 1.0},
        {**first, "product": "ruxolitinib_cream", "price": 2.0},
        {**first, "product": "a third", "price": 3.0},
    ]
    monkeypatch.setattr("psa_engine.summary.run.gap_prices", lambda *given: (found, []))
    row = scenario_row("base case", "", flagship.analysis, flagship.sample, [25_000.0])
    assert (row["threshold_product"], row["threshold_price_25000"]) == ("ruxolitinib_cream", 2)


def test_a_price_that_is_not_arithmetic_leaves_the_run_standing(flagship):
    """A drug cost that is not packs times price, as with a fee a pack, gives no prices and a note."""
    packs = flagship.sample.outcomes["packs.ruxolitinib_cream"]
    fees = {"costs.drug.ruxolitinib_cream": {s: 510 * v for s, v in packs.items()}}
    sample = replace(flagship.sample, outcomes={**flagship.sample.outcomes, **fees})
    rows, notes = gap_prices(flagship.analysis, sample, [25_000])
    assert rows == [] and "needs another run" in notes[0]


def test_a_tornado_with_an_impossible_end_leaves_the_run_standing():
    def leaves(p):
        return {("well", "dead"): p["risk"], ("well", "ill"): 0.3}

    model = cohort(leaves, lambda p: {"effects.qalys": {"well": 1.0}}, strategies=("a", "b"))
    analysis = pe.load_analysis("two_state")
    given = {
        k: getattr(analysis, k) for k in ("ranges", "plan", "ledger", "timeline", "config", "confidential")
    }
    given |= {"model": model, "products": {}, "strategies": {}, "ranges": {}}
    stood = SimpleNamespace(**given, parameters=pe.ParameterSet({"risk": pe.Normal(0.5, 0.2)}))
    found = sensitivity_of_run(stood, pe.evaluate(model, {"risk": 0.5}), [25_000])
    assert found["tornado"] is None and "At risk = 0.89" in found["sensitivity_notes"][0]
