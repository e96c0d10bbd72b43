"""From a configuration to an analysis that runs."""

import subprocess
import sys
from typing import get_args

import pytest

from psa_engine.config import UNITS, config_names, find_config, load_analysis
from psa_engine.errors import InputError


@pytest.fixture(scope="module")
def analysis():
    return load_analysis("two_state")


def test_the_settings_become_the_plan(analysis):
    assert (analysis.plan.n_draws, analysis.plan.seed, analysis.plan.sampler) == (10_000, 1, "random")
    assert analysis.settings.comparator == "standard care" and analysis.settings.wtp == [25_000, 35_000]


def test_the_horizon_becomes_cycles(analysis):
    assert analysis.timeline.n_cycles == 40
    assert analysis.with_subgroup("older").timeline.n_cycles == 25


def test_the_example_runs_and_its_scenario_costs_less(analysis):
    from psa_engine.engine import run_psa

    base, half = (
        run_psa(a.model, a.parameters, n_draws=200, seed=3)
        for a in (analysis, analysis.with_scenario("half_price"))
    )
    difference = base.costs["new"] - half.costs["new"]
    treatment = base.outcome("costs.treatment")["new"]
    assert (difference - treatment / 2).abs().max() < 1e-6 * treatment.max()


def test_every_parameter_has_its_evidence(analysis):
    ledger = {entry.name: entry for entry in analysis.ledger}
    assert list(ledger) == ["mortality_rate", "hazard_ratio", "cost_alive", "utility_alive", "cost_treatment"]
    assert ledger["cost_treatment"].value == "1500" and ledger["cost_treatment"].unit == "GBP per year"
    assert ledger["mortality_rate"].value.startswith("0.05 (0.0371")


def test_the_ledger_says_what_a_scenario_set(analysis):
    entry = next(e for e in analysis.with_scenario("half_price").ledger if e.name == "cost_treatment")
    assert entry.value == "750" and entry.note.startswith("Value set by the scenario half_price;")


def test_an_override_is_recorded_and_checked(analysis):
    changed = analysis.with_overrides({"utility_alive": 0.6})
    assert changed.applied == ("utility_alive=0.6",) and changed.ledger[3].value == "0.6"
    with pytest.raises(InputError, match=r"override\.set\.utility_alive: .*between -1 and 1"):
        analysis.with_overrides({"utility_alive": 6})


def test_an_override_of_an_unknown_name_is_refused(analysis):
    with pytest.raises(InputError, match=r"no parameter 'utility_alife'.*'utility_alive'"):
        analysis.with_overrides({"utility_alife": 0.6})


def test_settings_can_be_replaced(analysis):
    assert analysis.with_settings(n_draws=50, wtp=(1000, 2000)).plan.n_draws == 50
    with pytest.raises(InputError, match=r"n_draws.*at least 1"):
        analysis.with_settings(n_draws=0)


@pytest.mark.parametrize("method", ["with_scenario", "with_subgroup"])
def test_an_unknown_scenario_or_subgroup_is_refused(analysis, method):
    with pytest.raises(InputError, match=r"There is no (scenario|subgroup) 'haf_price'"):
        getattr(analysis, method)("haf_price")


def test_the_hash_changes_with_the_numbers_and_not_with_unused_scenarios(analysis, tmp_path):
    text = analysis.text.replace("weaker_effect", "much_weaker_effect")
    (tmp_path / "a.yaml").write_text(text)
    (tmp_path / "b.yaml").write_text(text.replace("value: 1500", "value: 1501"))
    assert load_analysis(tmp_path / "a.yaml").config_hash == analysis.config_hash
    assert load_analysis(tmp_path / "b.yaml").config_hash != analysis.config_hash


def test_the_hash_changes_with_a_table_beside_the_file(analysis, tmp_path):
    (tmp_path / "a.yaml").write_text(analysis.text + "population: {life_table: deaths.csv}\n")
    hashes = []
    for death in ("0.01", "0.02"):
        (tmp_path / "deaths.csv").write_text(f"age,male,female\n60,{death},0.01\n61,0.02,0.015\n")
        hashes.append(load_analysis(tmp_path / "a.yaml").config_hash)
    assert hashes[0] != hashes[1]


def test_a_missing_table_is_named_with_its_place(analysis, tmp_path):
    (tmp_path / "a.yaml").write_text(analysis.text + "population: {life_table: nowhere.csv}\n")
    with pytest.raises(InputError, match=r"population\.life_table: .*nowhere\.csv"):
        load_analysis(tmp_path / "a.yaml")


def test_prices_of_products_are_parameters(analysis, tmp_path):
    product = "products:\n  pill: {pack: 30, list_price: {gamma: {mean: 90, se: 4}}, status: gap, note: x}\n"
    (tmp_path / "a.yaml").write_text(analysis.text + product.replace("pack: 30", "pack: 30 tablets"))
    loaded = load_analysis(tmp_path / "a.yaml").with_overrides({"discount[pill]": 0.25})
    price, discount = loaded.ledger[-2:]
    assert (price.name, price.unit, price.status) == ("list_price[pill]", "GBP per pack", "gap")
    assert (discount.value, discount.unit, discount.status) == ("0.25", "proportion", "assumption")


def test_sick_sicker_is_in_dollars_and_groups_its_parameters():
    analysis = load_analysis("sick_sicker")
    assert analysis.currency == "USD" and len(analysis.ledger) == 16
    assert analysis.groups["utilities"] == ["u_H", "u_S1", "u_S2", "u_trtA"]


def test_sick_sicker_at_the_tutorials_values_gives_the_tutorials_results():
    """Alarid-Escudero et al. 2023, deterministic results with darthtools' cycle weights."""
    from psa_engine.engine import run_psa

    rates = {
        "r_HD": 0.002,
        "r_HS1": 0.15,
        "r_S1H": 0.5,
        "r_S1S2": 0.105,
        "hr_S1": 3,
        "hr_S2": 10,
        "hr_trtB": 0.6,
    }
    costs = {"c_H": 2000, "c_S1": 4000, "c_S2": 15_000, "c_trtA": 12_000, "c_trtB": 13_000}
    utilities = {"u_H": 1, "u_S1": 0.75, "u_S2": 0.5, "u_trtA": 0.95}
    fixed = load_analysis("sick_sicker").with_overrides(rates | costs | utilities)
    sample = run_psa(fixed.model, fixed.parameters, n_draws=1)
    published = [151579.865957, 284804.513371, 259100.410617, 378875.198394]
    assert sample.costs.to_numpy()[0] == pytest.approx(published, rel=1e-9)
    qalys = [20.7113314643, 21.4986628084, 22.1844651408, 23.1368441350]
    assert sample.effects.to_numpy()[0] == pytest.approx(qalys, rel=1e-9)


def test_shipped_configurations_are_found_by_name_and_files_by_path(tmp_path):
    assert {"two_state", "sick_sicker"} <= set(config_names())
    (tmp_path / "mine.yml").write_text("name: mine\n")
    assert find_config(tmp_path / "mine.yml") == tmp_path / "mine.yml"


def test_configurations_inside_an_installed_package_are_found(tmp_path, monkeypatch):
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "shipped.yaml").write_text("name: shipped\n")
    monkeypatch.setattr("psa_engine.config.finding._PACKAGE", tmp_path)
    assert find_config("shipped") == tmp_path / "configs" / "shipped.yaml"


@pytest.mark.parametrize("name", ["two_stat", "nowhere/two_state.yaml", ".", "../two_state"])
def test_a_configuration_that_does_not_exist_is_refused(name):
    with pytest.raises(InputError, match="configuration"):
        find_config(name)


@pytest.mark.parametrize("name", config_names())
def test_shipped_configurations_are_valid_without_jax(name):
    code = f"""
import sys
from psa_engine.config import check_config
check_config({name!r})
assert not {{"jax", "pandas", "scipy.stats"}} & set(sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_choices_of_the_schema_are_those_of_the_engine():
    from psa_engine.config import fields
    from psa_engine.engine.devices import Precision
    from psa_engine.engine.plan import OnInvalid
    from psa_engine.parameters import Sampler

    assert get_args(fields.Sampler) == get_args(Sampler)
    assert get_args(fields.Precision) == get_args(Precision)
    assert get_args(fields.OnInvalid) == get_args(OnInvalid)


@pytest.mark.parametrize(
    ("unit", "inside", "outside"),
    [
        ("probability", [0, 0.3, 1], [-0.01, 1.01]),
        ("utility", [-0.594, 0, 1], [1.001, -1.2]),
        ("hazard ratio", [0.001, 7], [0, -1]),
        ("log odds ratio", [-3, 4], [float("nan"), float("inf")]),
        ("GBP per pack", [0, 1264.89], [-0.01]),
        ("rate per year", [0, 12], [-0.1]),
        ("disutility", [0, 0.3], [-0.07]),
        ("switch", [0, 1], [2]),
    ],
)
def test_units_hold_their_range(unit, inside, outside):
    assert all(UNITS[unit].holds(x) for x in inside) and not any(UNITS[unit].holds(x) for x in outside)
