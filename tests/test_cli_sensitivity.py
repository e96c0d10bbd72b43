"""`psa-engine tornado`, `gradient`, `price` and `sweep`: what they write, print and refuse."""

import json
import re

import numpy as np
import pytest
from cohorts import cohort
from command_line import psa_engine
from packs import write_packs

import psa_engine as pe
from psa_engine.sensitivity.sweep import Setting, sweep


def json_of(*words):
    done = psa_engine(*words, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_tornado_is_that_of_the_pair_and_ranges_asked_for():
    found = json_of("tornado", "two_state", "--strategy", "new", "--range", "cost_treatment=1000:2000")[
        "tornado"
    ]
    assert (found["strategy"], found["comparator"]) == ("new", "standard care")
    bar = next(b for b in found["bars"] if b["parameter"] == "cost_treatment")
    middle = (bar["incremental_costs_low"] + bar["incremental_costs_high"]) / 2
    assert (bar["low"], bar["high"]) == (1000, 2000) and middle == pytest.approx(
        found["base"]["incremental_costs"]
    )


def test_a_tornado_prints_its_bars_and_grid(tmp_path):
    words = ("--two-way", "hazard_ratio,cost_alive", "--grid", 5, "--out", tmp_path)
    done = psa_engine("tornado", "two_state", *words)
    assert done.code == 0 and "INMB at 25,000" in done.out and "█" in done.out
    assert "hazard_ratio x cost_alive, 25 points" in done.out
    assert len((tmp_path / "tables" / "two_way.csv").read_text().splitlines()) == 26


def test_a_gradient_is_written_and_printed(tmp_path):
    done = psa_engine("gradient", "two_state", "--strategy", "new", "--out", tmp_path)
    rows = json.loads((tmp_path / "results.json").read_text())["gradient"]
    slope = next(r for r in rows if r["parameter"] == "cost_treatment")["gradient_25000"]
    years = pe.base_case(
        pe.load_analysis("two_state").model, pe.load_analysis("two_state").parameters
    ).outcome("life_years")
    assert slope == pytest.approx(-years["new"].iloc[0]) and "INMB of new v standard care" in done.out


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    return write_packs(tmp_path_factory.mktemp("packs"))


def priced(packs, *words):
    return json_of("price", packs, "--allow-model-file", "--draws", 200, "--wtp", 20_000, *words)


def test_a_price_is_of_the_product_that_is_a_gap_and_prices_asked_for(packs):
    found = priced(packs, "--prices", "0:300:4")
    (curve,), (threshold,) = found["price_curves"], found["threshold_prices"]
    assert (curve["product"], curve["strategy"], threshold["run_at"]) == ("pill", "new", 150)
    assert [p["price"] for p in curve["points"]] == [0, 100, 200, 300]


def test_a_map_holds_the_curve_where_nothing_is_discounted(packs, tmp_path):
    words = ("--prices", "0:300:4", "--against", "aspirin", "--discount-grid", "0:1:3", "--out", tmp_path)
    found = priced(packs, *words)
    (map_,), (curve,) = found["price_maps"], found["price_curves"]
    assert map_["discounted"] == ["aspirin"] and map_["inmb"][0] == pytest.approx(
        [p["inmb"] for p in curve["points"]]
    )
    assert map_["inmb"][2][1] < map_["inmb"][1][1] < map_["inmb"][0][1]
    assert len((tmp_path / "tables" / "price_maps.csv").read_text().splitlines()) == 13


def test_prices_by_a_parameter_are_those_of_runs_with_it_held_there(packs):
    by = priced(packs, "--by", "mortality_rate=0.03:0.06:2")["price_by"]
    held = priced(packs, "--set", "mortality_rate=0.06")["threshold_prices"]
    assert [b["value"] for b in by] == [0.03, 0.06]
    assert by[1]["thresholds"][0]["price"] == pytest.approx(held[0]["price"], rel=1e-12)


def test_prices_are_printed(packs):
    words = ("price", packs, "--allow-model-file", "--draws", 50, "--product", "aspirin", "--against", "all")
    done = psa_engine(*words)
    assert done.code == 0 and "Highest net price" in done.out and "aspirin (pack)" in done.out
    assert "by discount on pill" in " ".join(done.out.split())


SWEPT = ("sweep", "two_state", "--draws", 64, "--seed", 3, "--wtp", 20_000)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    import pandas as pd

    file = tmp_path_factory.mktemp("sweep") / "deep" / "s.parquet"
    words = (
        "--over",
        "cost_treatment=0:1500:4",
        "--over",
        "hazard_ratio=0.7,0.9",
        "--scenario",
        "undiscounted",
    )
    done = psa_engine(*SWEPT, *words, "--subgroup", "all", "--out", file)
    assert done.code == 0 and "32 points of 64 draws each" in done.out
    return pd.read_parquet(file)


def test_a_sweep_has_a_row_a_point_and_strategy(swept):
    assert len(swept) == 4 * 2 * 2 * 2 * 2
    assert list(swept.columns[:5]) == ["scenario", "subgroup", "cost_treatment", "hazard_ratio", "strategy"]


def test_a_point_of_a_sweep_is_a_run_there(swept, tmp_path):
    words = ("--draws", 64, "--seed", 3, "--wtp", 20_000, "--scenario", "undiscounted", "--out", tmp_path)
    set_ = ("--set", "cost_treatment=500", "--set", "hazard_ratio=0.9")
    results = json_of("run", "two_state", *words, *set_)
    chosen = {"scenario": "undiscounted", "subgroup": "all", "cost_treatment": 500, "hazard_ratio": 0.9}
    rows = swept[np.logical_and.reduce([swept[k] == v for k, v in chosen.items()])]
    assert rows["costs"].tolist() == pytest.approx([r["costs"] for r in results["mean_outcomes"]], rel=1e-12)
    assert rows["evpi_20000"].iloc[0] == pytest.approx(results["decision"][0]["evpi"])


def test_points_share_their_draws(swept):
    """Dearer treatment adds its price times the same life years at every step, to the last digits."""
    costs = swept[
        (swept["scenario"] == "base case")
        & (swept["subgroup"] == "all")
        & (swept["hazard_ratio"] == 0.7)
        & (swept["strategy"] == "new")
    ]["costs"]
    steps = np.diff(costs)
    assert steps == pytest.approx(steps[0], rel=1e-9)


def test_a_sweep_compiles_once_for_all_its_points(tmp_path):
    from psa_engine.engine.compiled import evaluated

    before = evaluated.cache_info().misses
    psa_engine(*SWEPT, "--over", "hazard_ratio=0.6:0.9:7", "--out", tmp_path / "s.parquet")
    assert evaluated.cache_info().misses <= before + 1


def test_an_impossible_point_is_named():
    def leaves(p):
        return {("well", "dead"): p["risk"], ("well", "ill"): 0.3}

    model = cohort(leaves, lambda p: {"effects.qalys": {"well": 1.0}}, strategies=("a", "b"))
    setting = Setting({"scenario": "worst"}, model, pe.ParameterSet({"risk": 0.1}), pe.RunPlan(n_draws=2))
    with pytest.raises(pe.ModelError, match=r"At scenario = worst, risk = 0\.8, draw 0"):
        list(sweep([setting], [{"risk": 0.2}, {"risk": 0.8}], [20_000]))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("tornado", "two_state", "--range", "hazard_ration=1:2"),
            "no parameter 'hazard_ration'.*hazard_ratio",
        ),
        (("tornado", "two_state", "--range", "hazard_ratio=2:1"), "no range"),
        (("tornado", "two_state", "--range", "hazard_ratio=-1:1"), "cannot be -1"),
        (("tornado", "two_state", "--two-way", "hazard_ratio"), "two parameters"),
        (("tornado", "two_state", "--two-way", "hazard_ratio,cost_treatment"), "fixed and has no interval"),
        (("tornado", "two_state", "--two-way", "hazard_ratio,cost_alive", "--grid", "1"), "empty"),
        (("tornado", "two_state", "--strategy", "newest"), "no strategy 'newest'"),
        (("tornado", "two_state", "--scenario", "all"), "one scenario"),
        (("price", "two_state"), "gap in the evidence"),
        (("price", "two_state", "--product", "aspirin"), "no product 'aspirin'"),
        (("price", "two_state", "--product", "aspirin", "--prices", "0:1"), "no product|no grid"),
        (("sweep", "two_state", "--out", "s.parquet"), "one point is a run"),
        (("sweep", "two_state", "--over", "hazard_ratio=", "--out", "s.parquet"), "name=values"),
        (("sweep", "two_state", "--over", "hazard_ratio=0.5:0.9:0", "--out", "s.parquet"), "no grid"),
        (("sweep", "two_state", "--over", "hazard_ratio=a,b", "--out", "s.parquet"), "'a' is not a number"),
        (("sweep", "two_state", "--scenario", "worst", "--out", "s.parquet"), "no scenario 'worst'"),
        (
            ("sweep", "two_state", "--over", "hazard_ratio=1,2", "--out", "/proc/no/s.parquet"),
            "cannot be written",
        ),
        (("tornado", "two_state", "--discounts", "none.csv"), "no file of discounts"),
    ],
)
def test_bad_input_is_one_clear_message(words, said):
    done = psa_engine(*words)
    assert done.code == 2 and done.err.startswith("psa-engine: ") and done.err.count("\n") == 1
    assert re.search(said, done.err), done.err
